// Package standin is an HTTP server that answers the part of Elasticsearch's
// API that this project uses, as strictly as real servers do, and keeps the
// documents. It can be told to misbehave (Script), and asked what happened.
//
// What it answers was recorded on Elasticsearch 6.8.23, 7.10.2, 7.17.28 and
// 8.17.0 and on OpenSearch 2.19.1: testdata/real holds over 560 cases, and a
// test compares all of them. Status codes, exception types, the shape of the
// answers and most reasons are the same. It is stricter than the real ones in
// this: documents with comments, a byte order mark, or bytes that are no valid
// UTF-8 but slip through the real servers' parser (overlong forms, surrogates,
// code points above U+10FFFF) are refused, since a client of ours that sends
// them has a bug.
//
// What it does not have: the update action and parameters like routing or
// version (answered 400 with a reason that says so), aliases, data streams,
// templates, date math in index names, YAML, closing of indices, dense vectors
// (8.17 maps 128 and more floats as one). Documents can be found as soon as
// they are stored. An index has one shard.
package standin

import (
	"strings"
	"sync"
	"time"
)

// Server is the stand-in: an http.Handler with its documents. It is safe for
// concurrent use; bulk requests are applied one after another.
type Server struct {
	version     Version
	prefix      string
	credentials *Credentials
	maxContent  int64
	maxFields   int
	autoCreate  bool
	pipelines   []string
	keepBodies  bool
	now         func() time.Time
	routes      []route

	mu       sync.Mutex
	indices  map[string]*index
	offered  map[[2]string]int // how often a bulk request brought an index and id
	lastID   int
	reader   *jsonReader // used under mu
	script   Script
	requests []*Request
	bulks    int
	inFlight int
	most     int
}

// New makes a server without documents: Elasticsearch 7.17.28, no
// authentication, requests up to 100 MiB, indices made by the first document,
// at most 1,000 fields an index, no pipelines.
func New(options ...Option) *Server {
	s := &Server{
		maxContent: 100 << 20,
		maxFields:  1000,
		autoCreate: true,
		now:        time.Now,
		indices:    map[string]*index{},
		offered:    map[[2]string]int{},
	}
	for _, o := range options {
		o(s)
	}
	s.reader = newJSONReader(s.version)
	s.routes = routes(s.version)
	return s
}

// An Option changes a server that New makes.
type Option func(*Server)

// Credentials are what a request has to bring: a user with a password, or an
// API key in its encoded form (base64 of id:key), or either of both.
type Credentials struct {
	User, Password string
	APIKey         string
}

// WithVersion chooses whose answers the server gives.
func WithVersion(v Version) Option { return func(s *Server) { s.version = v } }

// WithCredentials refuses requests without the credentials: 401, with a body
// in the words of Elasticsearch's security (not recorded: the servers at hand
// have none).
func WithCredentials(c Credentials) Option { return func(s *Server) { s.credentials = &c } }

// WithPrefix serves everything below a path, as behind a proxy: "/es". Other
// paths are 404.
func WithPrefix(path string) Option {
	return func(s *Server) { s.prefix = strings.TrimRight("/"+strings.Trim(path, "/"), "/") }
}

// MaxContentLength is the most bytes that a request may have, inflated:
// http.max_content_length, 100 MiB by default.
func MaxContentLength(bytes int64) Option { return func(s *Server) { s.maxContent = bytes } }

// AutoCreate says whether an index is made when a document for it comes:
// action.auto_create_index, true by default.
func AutoCreate(on bool) Option { return func(s *Server) { s.autoCreate = on } }

// MaxFields is index.mapping.total_fields.limit of new indices, 1,000 by default.
func MaxFields(n int) Option { return func(s *Server) { s.maxFields = n } }

// Pipelines names the ingest pipelines that exist. They change nothing.
func Pipelines(names ...string) Option { return func(s *Server) { s.pipelines = names } }

// KeepBodies keeps the body of each request, inflated, for Requests.
func KeepBodies() Option { return func(s *Server) { s.keepBodies = true } }

// Clock gives the time for took; time.Now by default.
func Clock(now func() time.Time) Option { return func(s *Server) { s.now = now } }
