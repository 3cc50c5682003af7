package standin

import (
	"net/http"
	"slices"
)

// Request is what was seen of a request and what became of it.
type Request struct {
	// Number counts all requests from 1, Bulk only the bulk requests (0: it
	// is none).
	Number, Bulk int
	Method       string
	Path         string
	Query        string
	// Header is without credentials (Authorization, Cookie).
	Header http.Header
	// WireBytes is the body's length as it came, Bytes inflated.
	WireBytes, Bytes int64
	// Items is the number of actions of a bulk request, if it could be read.
	Items int
	// Applied is how many of them changed the documents, however it was
	// answered.
	Applied int
	// Status is the answer's; 0 if there was none, or not yet.
	Status int
	// Body is the inflated body, with KeepBodies. It must not be changed.
	Body []byte
}

// Requests returns all requests in the order in which they came.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]Request, len(s.requests))
	for i, r := range s.requests {
		out[i] = *r
	}
	return out
}

// BulkRequests returns only the bulk requests.
func (s *Server) BulkRequests() []Request {
	return slices.DeleteFunc(s.Requests(), func(r Request) bool { return r.Bulk == 0 })
}

// MaxInFlight returns the most bulk requests that were in work at one time.
func (s *Server) MaxInFlight() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.most
}

// begin notes a request. Its record is changed only through note.
func (s *Server) begin(r *http.Request, bulk bool) *Request {
	rec := &Request{Method: r.Method, Path: r.URL.Path, Query: r.URL.RawQuery, Header: r.Header.Clone()}
	for _, secret := range []string{"Authorization", "Proxy-Authorization", "Cookie"} {
		rec.Header.Del(secret)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, rec)
	rec.Number = len(s.requests)
	if bulk {
		s.bulks++
		rec.Bulk = s.bulks
		s.inFlight++
		s.most = max(s.most, s.inFlight)
	}
	return rec
}

func (s *Server) end(rec *Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if rec.Bulk > 0 {
		s.inFlight--
	}
}

func (s *Server) note(change func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}
