package standin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
)

// A Listener serves a Server on a port of the loopback interface. Several may
// serve the same documents.
type Listener struct {
	url    string
	server *http.Server
	cancel context.CancelFunc
	close  func() error

	mu     sync.Mutex
	closed bool
	calls  sync.WaitGroup
}

// Start serves on a free port of 127.0.0.1, HTTP/1.1 without TLS.
func (s *Server) Start() (*Listener, error) { return s.listen(nil) }

// StartTLS is Start with TLS and a certificate.
func (s *Server) StartTLS(cert tls.Certificate) (*Listener, error) { return s.listen(&cert) }

func (s *Server) listen(cert *tls.Certificate) (*Listener, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("stand-in cannot listen on the loopback interface: %w", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	l := &Listener{url: "http://" + ln.Addr().String(), cancel: cancel}
	l.server = &http.Server{ //nolint:gosec // No limits of time: scripts make answers late on purpose, and only tests and tools call.
		ErrorLog:    log.New(io.Discard, "", 0), // handshakes that fail are the client's to report
		BaseContext: func(net.Listener) context.Context { return ctx },
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if l.enter() {
				defer l.calls.Done()
				s.ServeHTTP(w, r)
			}
		}),
	}
	if cert != nil {
		l.url = "https://" + ln.Addr().String()
		// Real servers speak HTTP/1.1 only.
		ln = tls.NewListener(ln, &tls.Config{Certificates: []tls.Certificate{*cert}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}})
	}
	served := make(chan error, 1)
	go func() { served <- l.server.Serve(ln) }()
	l.close = sync.OnceValue(func() error {
		l.leave()
		err := l.server.Close()
		if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
			err = errors.Join(err, ended)
		}
		l.calls.Wait()
		return err
	})
	return l, nil
}

func (l *Listener) enter() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.closed {
		l.calls.Add(1)
	}
	return !l.closed
}

func (l *Listener) leave() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	l.cancel()
}

// URL is the address without a slash at the end, and without the server's
// prefix: http://127.0.0.1:34567.
func (l *Listener) URL() string { return l.url }

// Close ends the listener and all connections at once, waits of scripts too.
// It returns when no request is in work any more. The documents stay. Closing
// again does nothing.
func (l *Listener) Close() error { return l.close() }
