package modelserver

import (
	"context"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"sync"
)

// Wire carries HTTP between a client's own http.Transport and the server, over
// pipes in memory: what only a real connection has, packets and kept
// connections, in virtual time.
type Wire struct {
	t        *Transport
	server   *http.Server
	listener *pipeListener
}

// Wire returns a server's end of new connections. Close it in the end.
func (t *Transport) Wire() *Wire {
	w := &Wire{t: t, listener: &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}}
	w.server = &http.Server{Handler: w} //nolint:gosec // no timeouts: its clients are the tests'
	go func() { _ = w.server.Serve(w.listener) }()
	return w
}

// Dial makes a connection to the server, for http.Transport.DialContext.
func (w *Wire) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case w.listener.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-w.listener.done:
		return nil, net.ErrClosed
	}
}

// Close closes all connections.
func (w *Wire) Close() { _ = w.server.Close() }

// pipeListener accepts pipes.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (*pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9200} }

// ServeHTTP has the model answer. A pause stands between the head of an answer
// and its body; without one they come together, as far as buffers hold them.
func (w *Wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	req := r.Clone(r.Context())
	req.URL.Scheme, req.URL.Host, req.RequestURI = "http", r.Host, ""
	res, err := w.t.RoundTrip(req)
	if err != nil {
		panic(http.ErrAbortHandler) // the connection breaks
	}
	defer func() { _ = res.Body.Close() }()
	maps.Copy(rw.Header(), res.Header)
	if res.ContentLength >= 0 {
		rw.Header().Set("Content-Length", strconv.FormatInt(res.ContentLength, 10))
	}
	rw.WriteHeader(res.StatusCode)
	if body, ok := res.Body.(*answerBody); ok && body.pause > 0 {
		_ = http.NewResponseController(rw).Flush()
	}
	if _, err := io.Copy(rw, res.Body); err != nil {
		panic(http.ErrAbortHandler)
	}
}
