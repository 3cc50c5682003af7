package benchmark

import (
	"context"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// proxy stands in front of Elasticsearch and does what failing servers do.
type proxy struct {
	addr   string
	pass   *httputil.ReverseProxy
	reject atomic.Bool
	// sent is told when a bulk request has gone to the server as a whole.
	sent chan struct{}

	mu     sync.Mutex
	server *http.Server // nil while connections are refused
}

func newProxy(ctx context.Context, target string) (*proxy, error) {
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}
	p := &proxy{addr: "127.0.0.1:0", sent: make(chan struct{}, 1)}
	p.pass = &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(u) },
		Transport: &http.Transport{MaxIdleConnsPerHost: 16, DisableCompression: true},
		ErrorLog:  log.New(io.Discard, "", 0),
		// A client is to see what a server that fails shows: a dead connection.
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
	return p, p.heal(ctx)
}

// heal lets everything pass again.
func (p *proxy) heal(ctx context.Context) error {
	p.reject.Store(false)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		return nil
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", p.addr)
	if err != nil {
		return err
	}
	p.addr = listener.Addr().String()
	p.server = &http.Server{Handler: p, ErrorLog: p.pass.ErrorLog, ReadHeaderTimeout: time.Minute}
	go func(s *http.Server) { _ = s.Serve(listener) }(p.server)
	return nil
}

// refuse ends all connections and takes no new ones.
func (p *proxy) refuse() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.server != nil {
		_ = p.server.Close()
		p.server = nil
	}
}

// rejection is what Elasticsearch 7.17 answers when it has too much to do.
const rejection = `{"error":{"root_cause":[{"type":"es_rejected_execution_exception","reason":"rejected execution of coordinating operation"}],` +
	`"type":"es_rejected_execution_exception","reason":"rejected execution of coordinating operation"},"status":429}`

// ServeHTTP implements http.Handler.
func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/_bulk") {
		if p.reject.Load() {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json; charset=UTF-8")
			w.WriteHeader(http.StatusTooManyRequests)
			_, _ = io.WriteString(w, rejection)
			return
		}
		r.Body = &watchedBody{r.Body, p.sent}
	}
	p.pass.ServeHTTP(w, r)
}

type watchedBody struct {
	io.ReadCloser
	ended chan<- struct{}
}

func (b *watchedBody) Read(buf []byte) (int, error) {
	n, err := b.ReadCloser.Read(buf)
	if err == io.EOF {
		select {
		case b.ended <- struct{}{}:
		default:
		}
	}
	return n, err
}

// awaitBulk returns when the next bulk request is with the server.
func (p *proxy) awaitBulk(ctx context.Context) error {
	select {
	case <-p.sent: // an old one
	default:
	}
	select {
	case <-p.sent:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
