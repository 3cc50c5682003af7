// Package modelserver is Elasticsearch's bulk interface as a model: in memory,
// small enough to be seen through, and as hostile as real servers and what
// stands before them have been seen to be. Tests alone use it.
//
// It differs from a stand-in in three things. A write that was answered with a
// server error may be durable, or lost, or visible until the shard recovers and
// lost then. What goes wrong, and for how long, is planned beforehand, so that a
// run is a function of its plan. And the model keeps account of what it has given
// a client to conclude: which record was refused for itself, and which record
// could be concluded to have been.
package modelserver

import (
	"fmt"
	"sync"
	"time"
)

// maxRequests is how many requests a model serves in all: a client that never
// gives up must not keep virtual time busy for ever.
const maxRequests = 60_000

// Types says what a server thinks of _type in an action line.
type Types uint8

// What servers think of _type: 7.x takes both, 6.x demands it, 8.x refuses it.
const (
	TypesOptional Types = iota
	TypesRequired
	TypesForbidden
)

// Traits are what a server is, as against what befalls it for a while. The zero
// value is a 7.x server that takes everything, at once.
type Traits struct {
	// Latency is what each request takes, at least; which of two requests comes
	// first is decided by their contents then, not by the scheduler. 0: none.
	Latency time.Duration
	Types   Types
	// RefusesGzip is how the server answers a compressed body; nil: it reads it.
	RefusesGzip *Reply
	// MaxBody is the largest body in bytes, as it comes over the wire; 0: any.
	// TooLarge is how a larger one is answered.
	MaxBody  int
	TooLarge Fault
	// Bans are what a firewall lets no body pass with.
	Bans []Ban
	// Refuse says why a document is refused for itself, for ever; nil: it is not.
	Refuse func(index string, source []byte) *Refusal
	// Key names the record that a document was made of, for MayBeDead.
	// nil: no account is kept.
	Key func(source []byte) string
	// FailureStore keeps what Refuse refuses, and answers 201 for it.
	FailureStore Burial
	// RewritesIDs says that an ingest pipeline sets _id from the document.
	RewritesIDs bool
	// Ordinary is an index that has neither pipeline nor failure store.
	Ordinary string
	// IgnoresFilter leaves answers whole, whatever filter_path says.
	IgnoresFilter bool
	// Form is how answers are written, unless a Reply says otherwise.
	Form Form
	// Secret is a text that no body may hold. "": there is none.
	Secret string
	// KeepBodies keeps all that is sent, for Bodies.
	KeepBodies bool
	// Credentials are the user and the password that each request has to carry.
	Credentials [2]string
}

// Burial says what ids the failure store gives.
type Burial uint8

// There may be no failure store; it may give ids of its own, or keep them.
const (
	NoFailureStore Burial = iota
	NewIDs
	KeptIDs
)

// Ban is a text that a firewall lets no body pass with, and what it answers.
type Ban struct {
	Mark  string
	Reply Reply
}

// Server is a model of Elasticsearch. It is safe for concurrent use.
type Server struct {
	traits Traits

	mu         sync.Mutex
	indices    map[string]map[string]*document
	plan       plan
	records    map[string]*history
	taken      map[string]int // the last request in which an index took something
	requests   int
	bodies     []byte
	violations []string
	attempts   map[string]int
	worst      int // the largest body
}

// New returns a server that holds nothing.
func New(traits Traits) *Server {
	return &Server{
		traits: traits, indices: make(map[string]map[string]*document),
		records: make(map[string]*history), taken: make(map[string]int), attempts: make(map[string]int),
	}
}

// Requests is how many requests have come to the server or were stopped on the
// way to it.
func (s *Server) Requests() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.requests
}

// Bodies is all that was ever sent, in the order in which it came, if the traits
// say that it is kept.
func (s *Server) Bodies() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bodies
}

// LargestBody is the size of the largest body that came, in bytes.
func (s *Server) LargestBody() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.worst
}

// Attempts is how often somebody has tried to write a document to an index,
// whatever became of it.
func (s *Server) Attempts(index string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.attempts[index]
}

// Violations are what no client may do: bodies that no server would read,
// requests when there should be none, answers that nobody closes.
func (s *Server) Violations() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.violations
}

// violate notes what a client may not do, the first few times. The caller holds mu.
func (s *Server) violate(format string, args ...any) {
	const most = 20
	if len(s.violations) < most {
		s.violations = append(s.violations, fmt.Sprintf(format, args...))
	}
}
