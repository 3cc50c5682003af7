// Package esclient writes documents to Elasticsearch: it encodes records into
// bulk bodies, posts them, reads the answers and settles each record.
//
// It speaks to Elasticsearch 6.8 to 8.x, OSS and commercial, and to OpenSearch.
// It never asks for the server's version: what differs is learnt from answers.
package esclient

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/elastic/go-elasticsearch/v7/estransport"

	"ckafka-etl/config"
	"ckafka-etl/transform"
)

// maxIdle is how long a kept connection is trusted. A frozen instance does not
// see its peer go away, and behind some network devices nobody tells it at all:
// a new connection costs less than waiting for an answer that cannot come.
const maxIdle = 10 * time.Second

// Config is what a client is made of.
type Config struct {
	config.Elasticsearch
	// Program makes the documents. Required.
	Program *transform.Program
	// Transport replaces the network, for tests. nil: HTTP as configured.
	Transport http.RoundTripper
	// Logger hears of each request at debug level. nil: nobody does.
	Logger *slog.Logger
	// Wait waits between tries, for tests. nil: a timer.
	Wait func(done <-chan struct{}, d time.Duration)
}

// Client is an Elasticsearch sink. It is made once and kept while the
// configuration stays the same. one Write, of records or of letters, runs at a time; within one,
// requests run side by side.
type Client struct {
	cfg    Config
	es     *estransport.Client
	idle   func() // closes kept connections
	worker *transform.Worker

	bufs, answers bufferPool
	requests      requestPool

	mu       sync.Mutex // one Write at a time
	lastUsed time.Time

	// typed is whether action lines carry _type: 6.x demands it, 8.x refuses it.
	typed atomic.Bool
	// limit is the largest bulk body in bytes; a 413 lowers it.
	limit atomic.Int64
}

// New makes a client. It contacts nobody.
func New(cfg Config) (*Client, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Wait == nil {
		cfg.Wait = wait
	}
	base, idle := cfg.Transport, func() {}
	if base == nil {
		t := newTransport(&cfg.Elasticsearch)
		base, idle = t, t.CloseIdleConnections
	}
	urls := make([]*url.URL, 0, len(cfg.Addresses))
	for _, a := range cfg.Addresses {
		u := *a.URL
		if a.User != "" {
			u.User = url.UserPassword(a.User, a.Password.Reveal())
		}
		urls = append(urls, &u)
	}
	es, err := estransport.New(estransport.Config{
		URLs:              urls,
		Username:          cfg.User,
		Password:          cfg.Password.Reveal(),
		Header:            apiKeyHeader(cfg.APIKey),
		DisableRetry:      true, // retries have a budget, which only we know
		DisableMetaHeader: true,
		Transport:         &guard{base: base},
	})
	if err != nil {
		return nil, fmt.Errorf("ES_Address: %w", err)
	}
	c := &Client{cfg: cfg, es: es, idle: idle, worker: cfg.Program.NewWorker()}
	c.limit.Store(int64(cfg.BulkBytes))
	return c, nil
}

// apiKeyHeader is the header of an API key, nil without one. estransport writes
// the scheme in capitals, which some proxies do not know.
func apiKeyHeader(key config.Secret) http.Header {
	if key.IsZero() {
		return nil
	}
	return http.Header{"Authorization": {"ApiKey " + key.Reveal()}}
}

// Name returns the sink's name in the account.
func (c *Client) Name() string { return "elasticsearch" }

// Close closes kept connections. The client must not be used afterwards.
func (c *Client) Close() { c.idle() }

// wake prepares the client for a call: connections that a freeze may have
// outlived are closed.
func (c *Client) wake() {
	// The wall clock: the monotonic one stands still while a machine is frozen.
	now := time.Now().Round(0)
	if now.Sub(c.lastUsed) > maxIdle {
		c.idle()
	}
}

// rest gives back what one call has made grow.
func (c *Client) rest() {
	c.worker.Trim()
	c.bufs.trim()
	c.answers.trim()
	c.lastUsed = time.Now().Round(0)
}

func wait(done <-chan struct{}, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-done:
	case <-t.C:
	}
}

// Target says where the client writes: its addresses and the index prefix.
func (c *Client) Target() string {
	parts := []string{c.Name(), c.cfg.Keyword}
	for _, a := range c.cfg.Addresses {
		parts = append(parts, a.URL.String())
	}
	return strings.Join(parts, " ")
}
