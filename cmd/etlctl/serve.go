package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"ckafka-etl/config"
	"ckafka-etl/internal/metrics"
	"ckafka-etl/internal/trigger"
)

// Paths that --http serves.
const (
	metricsPath = "/metrics"
	livePath    = "/health/live"
	readyPath   = "/health/ready"
)

// checkService checks the flags that are for services.
func (f *triggerFlags) checkService() (err error) {
	switch {
	case f.logFormat != "" && f.logFormat != formatText && f.logFormat != formatJSON:
		return usagef("--log-format: got %q, want %s or %s", f.logFormat, formatText, formatJSON)
	case f.logFormat != "" && f.json:
		return usagef("--log-format: cannot be together with --json, which writes to stdout")
	case f.http == "":
		return nil
	}
	if f.http, err = httpAddress(f.http); err != nil {
		return usagef("--http: %w", err)
	}
	return nil
}

// newMetrics returns what counts for --http, nil without it.
func newMetrics(flags *triggerFlags, cfg *config.Config) *metrics.Metrics {
	if flags.http == "" {
		return nil
	}
	var sinks []string
	if cfg.ES != nil {
		sinks = append(sinks, "elasticsearch")
	}
	if cfg.Kafka != nil && cfg.Kafka.Topic != "" {
		sinks = append(sinks, "kafka")
	}
	return metrics.New(flags.source.topic, sinks)
}

// functionOutput returns where the function's lines go.
func functionOutput(sys *system, flags *triggerFlags, log *serviceLog, m *metrics.Metrics) (stdout, stderr io.Writer) {
	stdout, stderr = io.Discard, io.Discard
	switch {
	case log != nil:
		stdout, stderr = log, log
	case flags.function.verbose:
		stdout, stderr = sys.stderr, sys.stderr
	}
	if m != nil {
		stdout = io.MultiWriter(m, stdout)
	}
	return stdout, stderr
}

// serve begins to serve --http. It ends with what it returns.
func (f *triggerFlags) serve(ctx context.Context, m *metrics.Metrics, t *trigger.Trigger, pools functionPools, view *triggerView) (func(), error) {
	m.Watch(f.source.topic, t, pools)
	s, err := serveHTTP(ctx, f.http, m, t)
	if err != nil {
		return nil, usagef("--http: %w", err)
	}
	view.serving(s.address)
	return func() { s.close(ctx) }, nil
}

// httpAddress reads --http: a port alone, or without a host, is one of this
// machine. Other machines can reach it only if an address is given.
func httpAddress(text string) (string, error) {
	text = strings.TrimSpace(text)
	if !strings.Contains(text, ":") {
		text = ":" + text
	}
	host, port, err := net.SplitHostPort(text)
	if n, numErr := strconv.ParseUint(port, 10, 16); err != nil || numErr != nil || port != strconv.FormatUint(n, 10) {
		return "", fmt.Errorf("got %q, want a port such as 9090, or ADDRESS:PORT; 0.0.0.0:9090 is every address of this machine", strings.TrimPrefix(text, ":"))
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// httpService is what --http serves.
type httpService struct {
	address string // that it listens on
	server  *http.Server
	done    chan struct{}
}

// serveHTTP listens and answers until the service is closed.
func serveHTTP(ctx context.Context, address string, m *metrics.Metrics, t *trigger.Trigger) (*httpService, error) {
	network := "tcp"
	if a, err := netip.ParseAddrPort(address); err == nil && a.Addr().Is4() {
		network = "tcp4" // else 0.0.0.0 is every address of IPv6, too
	}
	listener, err := new(net.ListenConfig).Listen(ctx, network, address)
	if err != nil {
		return nil, err
	}
	s := &httpService{
		address: listener.Addr().String(),
		server: &http.Server{
			Handler: handlerOf(m, t), ReadTimeout: 10 * time.Second, WriteTimeout: 20 * time.Second,
			IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 16 << 10,
		},
		done: make(chan struct{}),
	}
	go func() {
		defer close(s.done)
		_ = s.server.Serve(listener) // it returns when it is closed
	}()
	return s, nil
}

// close ends it after the answers that are under way, but soon.
func (s *httpService) close(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if err := s.server.Shutdown(ctx); err != nil {
		_ = s.server.Close()
	}
	<-s.done
}

func handlerOf(m *metrics.Metrics, t interface {
	Status() []trigger.PartitionStatus
	Ready() error
},
) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+metricsPath, promhttp.HandlerFor(m.Registry, promhttp.HandlerOpts{
		Registry: m.Registry, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	}))
	mux.HandleFunc("GET "+livePath, func(w http.ResponseWriter, _ *http.Request) {
		t.Status() // which would not return if something in the trigger hangs
		answer(w, nil)
	})
	mux.HandleFunc("GET "+readyPath, func(w http.ResponseWriter, _ *http.Request) { answer(w, t.Ready()) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		plain(w, http.StatusOK, metricsPath+"\n"+livePath+"\n"+readyPath)
	})
	return mux
}

// answer says in a line whether all is well, and what is not.
func answer(w http.ResponseWriter, err error) {
	if err == nil {
		plain(w, http.StatusOK, "ok")
		return
	}
	plain(w, http.StatusServiceUnavailable, strings.ReplaceAll(err.Error(), "\n", "; "))
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	printf(w, "%s\n", text)
}
