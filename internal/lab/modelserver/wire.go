package modelserver

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
)

// Wire carries HTTP between a client's own http.Transport and the server, over
// pipes in memory: what only a real connection has, packets and kept
// connections, in virtual time.
type Wire struct {
	t      *Transport
	server *http.Server
	conns  chan net.Conn
	done   chan struct{}
	close  sync.Once
}

// Wire returns a server's end of new connections. Close it in the end.
func (t *Transport) Wire() *Wire {
	w := &Wire{t: t, conns: make(chan net.Conn), done: make(chan struct{})}
	w.server = &http.Server{Handler: w} //nolint:gosec // no timeouts: its clients are the tests'
	go func() { _ = w.server.Serve(w) }()
	return w
}

// Dial makes a connection to the server, for http.Transport.DialContext.
func (w *Wire) Dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case w.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-w.done:
		return nil, net.ErrClosed
	}
}

// Accept, Close and Addr make a Wire the listener of its server.
func (w *Wire) Accept() (net.Conn, error) {
	select {
	case c := <-w.conns:
		return c, nil
	case <-w.done:
		return nil, net.ErrClosed
	}
}

// Close closes all connections.
func (w *Wire) Close() error {
	var err error
	w.close.Do(func() {
		close(w.done)
		err = w.server.Close()
	})
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Addr is where the server would be.
func (*Wire) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9200} }

// ServeHTTP has the model answer, and sends the head of its answer before it
// reads the body of it.
func (w *Wire) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	req := r.Clone(r.Context())
	req.URL.Scheme, req.URL.Host, req.RequestURI = "http", r.Host, ""
	res, err := w.t.RoundTrip(req)
	if err != nil {
		panic(http.ErrAbortHandler) // the connection breaks
	}
	defer func() { _ = res.Body.Close() }()
	for name, values := range res.Header {
		rw.Header()[name] = values
	}
	rw.WriteHeader(res.StatusCode)
	flush := http.NewResponseController(rw)
	_ = flush.Flush()
	buf := make([]byte, 4096)
	for {
		n, err := res.Body.Read(buf)
		if n > 0 {
			if _, werr := rw.Write(buf[:n]); werr != nil {
				return
			}
			_ = flush.Flush()
		}
		switch {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			panic(http.ErrAbortHandler)
		}
	}
}
