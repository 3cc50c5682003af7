// Package esclient writes documents to Elasticsearch: it encodes records into
// bulk bodies, posts them, reads the answers and settles each record.
//
// It speaks to Elasticsearch 6.8 to 9.x, OSS and commercial, and to OpenSearch.
// It never asks for the server's version: what differs is learnt from answers.
package esclient

import (
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"time"

	"ckafka-etl/config"
	"ckafka-etl/record"
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
	// Logger gets each request at debug level, and warnings. nil: nothing is logged.
	Logger *slog.Logger
}

// Client is an Elasticsearch sink. It is made once and kept while the
// configuration stays the same. one Write, of records or of letters, runs at a time; within one,
// requests run side by side.
type Client struct {
	cfg    Config
	pool   *pool
	idle   func() // closes kept connections
	worker *transform.Worker
	stamp  string // the field that the function itself adds

	bufs     bufferPool
	requests requestPool

	mu       sync.Mutex // one Write at a time; guards all below
	lastUsed time.Time

	// What was learnt of the server.
	typed      bool              // action lines carry _type: 6.x demands it, 8.x refuses it
	limit      int               // the largest bulk body in bytes; a 413 lowers it
	gzipTaken  bool              // it has understood a compressed body
	plain      bool              // bodies are not compressed any more
	plainCause *record.Cause     // why, until a body was taken that was not
	quietUntil time.Time         // Retry-After: nothing is sent before
	taken      map[string]sample // what indices have taken last
	said       said
}

// New makes a client. It contacts nobody.
func New(cfg Config) (*Client, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if len(cfg.Addresses) == 0 {
		return nil, errors.New("ES_Address: no address")
	}
	base, idle := cfg.Transport, func() {}
	if base == nil {
		t := newTransport(&cfg.Elasticsearch)
		base, idle = t, t.CloseIdleConnections
	}
	return &Client{
		cfg: cfg, pool: newPool(&cfg.Elasticsearch, base), idle: idle,
		worker: cfg.Program.NewWorker(), stamp: cfg.Program.StampField(),
		limit: cfg.BulkBytes, taken: make(map[string]sample),
	}, nil
}

// Name returns the sink's name in the account.
func (c *Client) Name() string { return "elasticsearch" }

// Close closes kept connections. The client must not be used afterwards.
func (c *Client) Close() { c.idle() }

// dropStale prepares the client for a call: connections that a freeze may have
// outlived are closed.
func (c *Client) dropStale() {
	// The wall clock: the monotonic one stands still while a machine is frozen.
	now := time.Now().Round(0)
	if now.Sub(c.lastUsed) > maxIdle {
		c.idle()
	}
}

// trim gives back what one call has made grow.
func (c *Client) trim() {
	c.worker.Trim()
	c.bufs.trim()
	c.lastUsed = time.Now().Round(0)
}

// Target says where the client writes: its addresses and the index prefix.
func (c *Client) Target() string { return c.Name() + " " + c.cfg.Keyword + " " + c.pool.names() }
