package modelserver

import (
	"fmt"
	"hash/fnv"
	"time"
)

// How is the way in which a request goes wrong.
type How uint8

// The ways. For those that say "answer" the server has done its work.
const (
	Fine           How = iota
	Replies            // Reply, whatever was asked for
	NoConnection       // refused
	Reset              // the connection is reset instead of an answer
	BreaksInBody       // the connection breaks while the body is written
	Stalls             // no answer, ever
	CutAnswer          // the answer ends in the middle, and the connection with it
	ShortAnswer        // the answer lacks every second item
	LongAnswer         // the answer has every item twice
	ShuffledAnswer     // the answer's items are in another order
	ForeignAnswer      // every item has another id than was sent
	RefusesItems       // Items
)

// Fault is what goes wrong with a request. The zero value is nothing.
type Fault struct {
	How How
	// Reply is the answer to the whole request.
	Reply Reply
	// Worked says that the server did its work before Reply, Reset or Stalls.
	Worked bool
	Items  Items
	// Host is the one address that is ill; "": all are.
	Host string
	// Spares is an index that nothing goes wrong with: a request that is for it
	// alone, or a document of it, is served.
	Spares string
	// Proof is what the refusal of a whole request says of a record.
	Proof Proof
}

// String names a fault, for tests that have one of each.
func (f Fault) String() string {
	switch f.How {
	case Replies:
		if f.Reply.Name == "" {
			return fmt.Sprintf("%d %.60q", f.Reply.Status, f.Reply.Body)
		}
		return fmt.Sprintf("%d %s", f.Reply.Status, f.Reply.Name)
	case RefusesItems:
		r := &f.Items.Refusal
		return fmt.Sprintf("item %d %s %.24q keeps %s", r.Status, r.Type, r.Reason, [...]string{"nothing", "it", "what seems to be it"}[f.Items.Keeps])
	default:
		return [...]string{
			"fine", "replies", "no connection", "reset", "breaks in the body", "stalls", "cut answer", "short answer",
			"long answer", "shuffled answer", "foreign answer", "items",
		}[f.How]
	}
}

// Items are documents that are refused one by one.
type Items struct {
	Refusal Refusal
	// Of says how many parts documents are divided into by their ids; those in
	// part 0 are refused. 0 or 1: all are.
	Of int
	// Keeps is what becomes of them all the same.
	Keeps Keeps
}

// hits reports whether a document is among them.
func (i *Items) hits(id string) bool {
	if i.Of <= 1 {
		return true
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(id))
	return h.Sum32()%uint32(i.Of) == 0
}

// Phase is a fault and how long it lasts: until it has met so many requests, or
// for so long from the first one that it meets. 0: without that bound.
type Phase struct {
	Fault    Fault
	Requests int
	For      time.Duration
}

// plan is what goes wrong, one phase after another.
type plan struct {
	phases  []Phase
	repeats bool
	at, met int
	began   time.Time
}

// Plan has the server go through phases, and then be well again.
func (s *Server) Plan(phases ...Phase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = plan{phases: phases}
}

// PlanAgain has the server go through phases again and again.
func (s *Server) PlanAgain(phases ...Phase) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.plan = plan{phases: phases, repeats: true}
}

// next is what goes wrong with the request that comes now. A fault that does not
// hit it does not wear off by it either.
func (p *plan) next(now time.Time, hits func(*Fault) bool) Fault {
	for p.at < len(p.phases) {
		ph := &p.phases[p.at]
		if p.met == 0 {
			p.began = now
		}
		if (ph.Requests == 0 || p.met < ph.Requests) && (ph.For == 0 || now.Sub(p.began) < ph.For) {
			if !hits(&ph.Fault) {
				return Fault{}
			}
			p.met++
			return ph.Fault
		}
		p.met = 0
		if p.at++; p.at == len(p.phases) && p.repeats {
			p.at = 0
		}
	}
	return Fault{}
}
