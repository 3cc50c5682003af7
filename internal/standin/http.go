package standin

import (
	"bytes"
	"compress/gzip"
	"compress/zlib"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// A call is a request in work.
type call struct {
	server *Server
	r      *http.Request
	w      http.ResponseWriter
	rec    *Request
	fault  Fault

	segments   []string // of the path, unescaped
	streams    bool     // the endpoint takes application/x-ndjson
	compatible bool     // the answer is of 8.17's versioned type
	query      map[string]string
	body       []byte
	ops        []operation // of a bulk request
	items      []Item
	opsError   *failure
	read       func() *response // reads the body, once
}

// A response is an answer before it is written.
type response struct {
	status int
	header http.Header
	body   []byte
	plain  bool // an error: no filter_path
	none   bool // no answer at all: the connection is closed
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{server: s, r: r, w: w, query: map[string]string{}}
	path, found := strings.CutPrefix(r.URL.EscapedPath(), s.prefix)
	found = found && (path == "" || path[0] == '/')
	for segment := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if segment, err := url.PathUnescape(segment); err == nil && segment != "" {
			c.segments = append(c.segments, segment)
		}
	}
	isBulk := found && len(c.segments) > 0 && c.segments[len(c.segments)-1] == "_bulk" && len(c.segments) <= 3
	c.streams = isBulk
	c.rec = s.begin(r, isBulk)
	defer s.end(c.rec)
	c.read = sync.OnceValue(c.readBody)
	c.decide()
	if c.fault.Break == ResetBeforeRead {
		c.cut(true)
		return
	}
	resp := c.work(found)
	switch {
	case resp == nil:
	case resp.none:
		c.cut(false)
	default:
		c.write(resp)
	}
}

// decide asks the script.
func (c *call) decide() {
	c.server.mu.Lock()
	script := c.server.script
	seen := *c.rec
	c.server.mu.Unlock()
	if script == nil {
		return
	}
	c.fault = script(&Attempt{Request: seen, items: func() []Item {
		if c.read() != nil {
			return nil
		}
		return c.items
	}})
}

// work does what is asked. It returns nil if the connection was reset.
func (c *call) work(found bool) *response {
	early := c.read()
	if c.fault.Pause.At == BeforeWork && !c.fault.Pause.pause(c.r.Context()) {
		return &response{none: true}
	}
	if c.fault.Break == ResetBeforeWork {
		c.cut(true)
		return nil
	}
	var resp *response
	switch {
	case c.fault.Answer != nil:
		resp = &response{status: c.fault.Answer.Status, header: http.Header{}, body: []byte(c.fault.Answer.Body), plain: true}
	case early != nil:
		resp = early
	case !c.server.credentials.allowed(c.r):
		resp = c.unauthorized()
	case !found:
		resp = c.text(404, "nothing is served outside of %s", c.server.prefix)
	default:
		resp = c.dispatch()
	}
	if c.fault.Pause.At == BeforeAnswer && !c.fault.Pause.pause(c.r.Context()) {
		return &response{none: true}
	}
	if c.fault.Break == ResetBeforeAnswer {
		c.cut(true)
		return nil
	}
	return resp
}

// readBody reads and inflates the body and takes a bulk request apart. It
// answers early if that cannot be done. Seen on all: 413 has no body, and it is
// the inflated size that counts; an unknown encoding is taken for none; bytes
// that are no gzip end the connection without an answer; of a gzip that ends
// too early the part that came is used. A body whose connection breaks is not
// used at all.
func (c *call) readBody() *response {
	tooLarge := &response{status: http.StatusRequestEntityTooLarge, header: http.Header{}, plain: true}
	if c.r.ContentLength > c.server.maxContent {
		return tooLarge
	}
	wire := &countingReader{r: c.r.Body}
	var body io.Reader = wire
	var err error
	switch strings.ToLower(c.r.Header.Get("Content-Encoding")) {
	case "gzip", "x-gzip":
		body, err = gzip.NewReader(wire)
	case "deflate", "x-deflate":
		body, err = zlib.NewReader(wire)
	}
	if err == nil {
		c.body, err = io.ReadAll(io.LimitReader(body, c.server.maxContent+1))
	}
	// What is left has to be read, so that the client's going away is noticed.
	_, drained := io.Copy(io.Discard, io.LimitReader(wire, c.server.maxContent))
	if wire.err != nil || drained != nil || err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return &response{none: true}
	}
	if int64(len(c.body)) > c.server.maxContent {
		tooLarge.header.Set("Connection", "close")
		c.server.note(func() { c.rec.WireBytes = wire.n })
		return tooLarge
	}
	if c.streams {
		c.readBulk()
	}
	c.server.note(func() {
		c.rec.WireBytes, c.rec.Bytes, c.rec.Items = wire.n, int64(len(c.body)), len(c.items)
		if c.server.keepBodies {
			c.rec.Body = c.body
		}
	})
	return nil
}

func (c *call) readBulk() {
	var index, typ string
	switch len(c.segments) {
	case 3:
		index, typ = c.segments[0], c.segments[1]
	case 2:
		index = c.segments[0]
	}
	query := c.r.URL.Query()
	c.ops, c.opsError = parseBulk(c.server.version, c.body, index, typ, query.Get("pipeline"), query.Has("pipeline"))
	if c.opsError == nil {
		c.items = c.server.items(c.ops)
	}
}

// A countingReader counts bytes and remembers why it could not read on.
type countingReader struct {
	r   io.Reader
	n   int64
	err error
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	if err != io.EOF {
		c.err = err
	}
	return n, err
}

// failed is the answer to a request that is refused.
func (c *call) failed(f *failure) *response {
	return &response{status: f.status, header: http.Header{}, body: f.body(), plain: true}
}

// text is an answer whose error is a string.
func (c *call) text(status int, format string, args ...any) *response {
	return &response{status: status, header: http.Header{}, body: textBody(status, format, args...), plain: true}
}

// answer is a good one.
func (c *call) answer(status int, body any) *response {
	return &response{status: status, header: http.Header{}, body: encode(body)}
}

// write sends an answer, with what the fault makes of it.
func (c *call) write(resp *response) {
	body := resp.body
	if filter := c.query["filter_path"]; filter != "" && !resp.plain {
		body = parseFilterPath(filter).apply(body)
	}
	if _, pretty := c.query["pretty"]; pretty && len(body) > 0 {
		body = indent(body)
	}
	if c.fault.Edit != nil {
		body = c.fault.Edit(bytes.Clone(body))
	}
	header := c.w.Header()
	if len(body) > 0 {
		header.Set("Content-Type", c.server.version.contentType())
		if c.compatible {
			header.Set("Content-Type", "application/vnd.elasticsearch+json;compatible-with=8")
		}
		if c.server.version.namesProduct() {
			header.Set("X-Elastic-Product", "Elasticsearch")
		}
	}
	maps.Copy(header, resp.header)
	for name, values := range c.fault.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	header.Set("Content-Length", itoa(len(body)))
	c.server.note(func() { c.rec.Status = resp.status })
	c.w.WriteHeader(resp.status)
	if c.r.Method == http.MethodHead {
		return
	}
	if half := len(body) / 2; c.fault.Pause.At == InAnswer || c.fault.Break == ResetInAnswer || c.fault.Break == CutAnswer {
		c.send(body[:half])
		body = body[half:]
		if c.fault.Pause.At == InAnswer && !c.fault.Pause.pause(c.r.Context()) {
			return
		}
	}
	switch c.fault.Break {
	case ResetInAnswer:
		c.cut(true)
	case CutAnswer:
		c.cut(false)
	case CloseAfterAnswer:
		c.send(body)
		c.cut(false)
	default:
		_, _ = c.w.Write(body) // the client may be gone
	}
}

// send writes a part of the answer so that the client gets it now.
func (c *call) send(part []byte) {
	_, _ = c.w.Write(part) // the client may be gone
	_ = http.NewResponseController(c.w).Flush()
}

// cut ends the connection, with a TCP reset or in order.
func (c *call) cut(reset bool) {
	conn, _, err := http.NewResponseController(c.w).Hijack()
	if err != nil {
		c.w.WriteHeader(http.StatusNotImplemented) // no connection that could be cut
		return
	}
	if under, ok := conn.(interface{ NetConn() net.Conn }); ok && reset {
		conn = under.NetConn() // without TLS's good-bye
	}
	// Both fail only if the connection is gone already.
	if tcp, ok := conn.(*net.TCPConn); ok && reset {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}
