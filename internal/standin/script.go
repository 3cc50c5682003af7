package standin

import (
	"context"
	"net/http"
	"time"
)

// A Script decides for each request what goes wrong with it. It is called
// before the request's body is read, from several goroutines at once. A script
// changes answers and connections only: whatever it does, the documents are
// those that Request.Applied counts.
type Script func(*Attempt) Fault

// Script replaces the script; nil ends all faults.
func (s *Server) Script(script Script) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.script = script
}

// An Attempt is a request as a script sees it.
type Attempt struct {
	Request

	items func() []Item
}

// Items reads the body and returns its actions; none if it is no bulk request
// or the server would refuse it as a whole.
func (a *Attempt) Items() []Item { return a.items() }

// Sequence is a script that gives the first bulk request the first fault, and
// so on; later ones, and other requests, get none.
func Sequence(faults ...Fault) Script {
	return func(a *Attempt) Fault {
		if a.Bulk >= 1 && a.Bulk <= len(faults) {
			return faults[a.Bulk-1]
		}
		return Fault{}
	}
}

// Fault is what goes wrong with one request; the zero Fault is nothing. Its
// parts can be combined.
type Fault struct {
	// Answer is given instead of doing the work.
	Answer *Answer
	// Header is added to the answer, whichever it is: Retry-After.
	Header http.Header
	// Item refuses single actions of a bulk request; nil leaves one alone.
	Item func(Item) *ItemError
	// Pause waits.
	Pause Pause
	// Break ends the connection.
	Break Break
	// Surplus makes the answer to a bulk request have more items than the
	// request (the last one again), or fewer if it is negative.
	Surplus int
	// Edit changes the answer's body at the end.
	Edit func(body []byte) []byte
}

// An Answer is one that no server thought about: of a proxy, or scripted.
type Answer struct {
	Status int
	Body   string // JSON, unless the fault's Header says otherwise
}

// An ItemError refuses one action.
type ItemError struct {
	Status int
	Type   string
	Reason string
}

func (e *ItemError) failure() *failure {
	return fail(e.Status, e.Type, "%s", e.Reason)
}

// Pause is a wait that ends when the time is over, Until is closed, the client
// goes away, or the server is closed. With both For and Until zero there is
// none. If the client is gone after a pause before the work, the work is not
// done.
type Pause struct {
	At    Stage
	For   time.Duration
	Until <-chan struct{}
}

// A Stage is a moment in the life of a request.
type Stage int

// The stages, all after the body was read.
const (
	BeforeWork   Stage = iota // nothing is applied yet
	BeforeAnswer              // everything is applied, nothing answered
	InAnswer                  // half of the answer is sent
)

// A Break is a way to end the connection.
type Break int

// The breaks. Reset means a TCP reset, without which the client would see an
// orderly end.
const (
	NoBreak           Break = iota
	ResetBeforeRead         // before the body is read: nothing is applied
	ResetBeforeWork         // after it was read: nothing is applied
	ResetBeforeAnswer       // everything is applied, no answer
	ResetInAnswer           // everything is applied, half of the answer is sent
	CutAnswer               // the same with an orderly end
	CloseAfterAnswer        // the answer is complete, the connection is not kept
)

// Refuse answers a request with an error in the server's words: 429
// es_rejected_execution_exception, and so on.
func Refuse(status int, typ, reason string) Fault {
	return Fault{Answer: &Answer{Status: status, Body: string(fail(status, typ, "%s", reason).body())}}
}

// Reject is what 7.17 answers when it has too much to do: 429 for the request.
func Reject() Fault {
	return Refuse(http.StatusTooManyRequests, "es_rejected_execution_exception", "rejected execution of coordinating operation [coordinating_and_primary_bytes=0, replica_bytes=0, all_bytes=0, coordinating_operation_bytes=2252, max_coordinating_and_primary_bytes=1024]")
}

// RejectItems is what 7.17 answers when a shard's queue is full: 429 for those
// actions for which when is true, and 200 for the request.
func RejectItems(when func(Item) bool) Fault {
	return Fault{Item: func(i Item) *ItemError {
		if !when(i) {
			return nil
		}
		return &ItemError{http.StatusTooManyRequests, "es_rejected_execution_exception", "rejected execution of primary operation on EsThreadPoolExecutor[name = standin/write, queue capacity = 1]"}
	}}
}

// pause waits as p says and reports whether the request is still wanted.
func (p Pause) pause(ctx context.Context) bool {
	if p.For <= 0 && p.Until == nil {
		return true
	}
	var timer <-chan time.Time
	if p.For > 0 {
		t := time.NewTimer(p.For)
		defer t.Stop()
		timer = t.C
	}
	select {
	case <-timer:
	case <-p.Until:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}
