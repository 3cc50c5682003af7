package modelserver

import (
	"context"
	"hash/fnv"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Transport is the network between one function instance and a server. Beside
// carrying requests it watches what an instance may not do: send anything when
// there is no invocation or its time is over, more at a time than allowed, or
// before the end of a Retry-After that it was told.
type Transport struct {
	s *Server
	// MostInFlight is how many requests may be on their way at the same time;
	// 0: any number.
	MostInFlight int

	mu       sync.Mutex
	open     bool
	deadline time.Time
	inFlight int
	unclosed int
	until    map[string]time.Time // by address, Retry-After
}

// Transport returns a new instance's network. It carries nothing before Begin.
func (s *Server) Transport() *Transport {
	return &Transport{s: s, until: make(map[string]time.Time)}
}

// Begin says that an invocation begins and when its time is over.
func (t *Transport) Begin(deadline time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open, t.deadline = true, deadline
}

// End says that the invocation has given its answer.
func (t *Transport) End() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open = false
	if t.inFlight > 0 {
		t.violate("%d requests are still on their way when the invocation is over", t.inFlight)
	}
	if t.unclosed > 0 {
		t.violate("%d answers were not closed", t.unclosed)
		t.unclosed = 0
	}
}

func (t *Transport) violate(format string, args ...any) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	t.s.violate(format, args...)
}

// RoundTrip is the network and the server.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	var body []byte
	if req.Body != nil {
		defer func() { _ = req.Body.Close() }()
		var err error
		if body, err = io.ReadAll(req.Body); err != nil {
			return nil, err
		}
	}
	t.sent(req, body)
	defer t.arrived()
	if err := t.s.wait(req.Context(), req.URL.Host, body); err != nil {
		return nil, err
	}
	res, stalls, err := t.s.serve(req, body)
	switch {
	case stalls:
		<-req.Context().Done()
		return nil, req.Context().Err()
	case err != nil:
		return nil, err
	}
	t.answered(req, res)
	return res, nil
}

// sent notes that a request was sent now.
func (t *Transport) sent(req *http.Request, body []byte) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inFlight++
	switch until := t.until[req.URL.Host]; {
	case !t.open:
		t.violate("a request was sent outside of an invocation")
	case !now.Before(t.deadline):
		t.violate("a request was sent %v after the deadline", now.Sub(t.deadline))
	case t.MostInFlight > 0 && t.inFlight > t.MostInFlight:
		t.violate("%d requests were on their way at once, %d are allowed", t.inFlight, t.MostInFlight)
	case now.Before(until):
		t.violate("a request was sent %v before the end of Retry-After", until.Sub(now))
	}
	if req.ContentLength >= 0 && req.ContentLength != int64(len(body)) && req.Body != nil {
		t.violate("Content-Length is %d, the body has %d bytes", req.ContentLength, len(body))
	}
}

func (t *Transport) arrived() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.inFlight--
}

// answered notes what an answer asks for, and that somebody has to close it.
func (t *Transport) answered(req *http.Request, res *http.Response) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if value := res.Header.Get("Retry-After"); value != "" {
		until, err := http.ParseTime(value)
		if seconds, numeric := time.ParseDuration(value + "s"); numeric == nil {
			until, err = time.Now().Add(seconds), nil
		}
		// What is sent at this very moment has not heard of it.
		if err == nil && until.After(t.until[req.URL.Host]) && until.After(time.Now()) {
			t.until[req.URL.Host] = until
		}
	}
	t.unclosed++
	if body, ok := res.Body.(*answerBody); ok {
		body.closed = func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			t.unclosed--
		}
	}
}

// wait is the time that a request takes. Of two that are sent at once, their
// contents say which one comes first: the scheduler has no say.
func (s *Server) wait(ctx context.Context, host string, body []byte) error {
	if s.traits.Latency == 0 {
		return ctx.Err()
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(host))
	_, _ = h.Write(body)
	timer := time.NewTimer(s.traits.Latency + time.Duration(h.Sum32()%1_000)*time.Microsecond)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// networkError is an error as the net package has it.
func networkError(op string, err error) error {
	if op == "dial" {
		err = os.NewSyscallError("connect", err)
	} else {
		err = os.NewSyscallError(op, err)
	}
	return &net.OpError{Op: op, Net: "tcp", Addr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9200}, Err: err}
}
