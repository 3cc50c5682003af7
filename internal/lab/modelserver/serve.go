package modelserver

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// serve handles one request; stalls says that no answer will come.
func (s *Server) serve(req *http.Request, wire []byte) (res *http.Response, stalls bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests++
	no := s.requests
	if no > maxRequests {
		s.violate("more than %d requests", maxRequests)
		return nil, false, networkError("dial", syscall.ECONNREFUSED)
	}
	s.worst = max(s.worst, len(wire))
	s.check(req)
	body, packed := s.unpack(req, wire)
	if s.traits.KeepBodies {
		s.bodies = append(s.bodies, body...)
	}
	if s.traits.Secret != "" && bytes.Contains(body, []byte(s.traits.Secret)) {
		s.violate("a body holds what should have been removed")
	}
	actions, perr := parseBulk(body)
	if perr != nil {
		s.violate("%v", perr)
	}
	for i := range actions {
		s.attempts[actions[i].index]++
	}
	f := s.plan.next(time.Now(), func(f *Fault) bool { return f.hits(req.URL.Host, actions) })
	x := exchange{s: s, req: req, wire: wire, body: body, actions: actions, fault: &f, no: no}
	if f.How.early() && !f.Worked {
		return x.fail(&f)
	}
	if refusal := x.barred(packed); refusal != nil {
		return x.fail(refusal)
	}
	items := s.work(actions, &f, no)
	if f.How.early() {
		return x.fail(&f)
	}
	return x.answer(items)
}

// check looks for what makes a request no bulk request. The caller holds mu.
func (s *Server) check(req *http.Request) {
	if req.Method != http.MethodPost && req.Method != http.MethodPut || !strings.HasSuffix(req.URL.Path, "/_bulk") {
		s.violate("%s %s is no bulk request", req.Method, req.URL.Path)
	}
	for name := range req.URL.Query() {
		switch name {
		case "filter_path", "timeout", "pipeline":
		default:
			s.violate("a parameter %q", name)
		}
	}
	if kind := req.Header.Get("Content-Type"); kind != "application/x-ndjson" {
		s.violate("Content-Type %q", kind)
	}
	if want := s.traits.Credentials; want[0] != "" {
		if user, password, _ := req.BasicAuth(); user != want[0] || password != want[1] {
			s.violate("the request does not carry the credentials")
		}
	}
}

// unpack returns the body that was meant, and whether it came compressed.
func (s *Server) unpack(req *http.Request, wire []byte) (body []byte, packed bool) {
	switch encoding := req.Header.Get("Content-Encoding"); encoding {
	case "":
		return wire, false
	case "gzip":
		zr, err := gzip.NewReader(bytes.NewReader(wire))
		if err == nil {
			if body, err = io.ReadAll(zr); err == nil {
				return body, true
			}
		}
		s.violate("the body is no gzip: %v", err)
	default:
		s.violate("Content-Encoding %q", encoding)
	}
	return nil, true
}
