// Package policy decides what becomes of a partition that is read: what is
// fetched next, what is delivered, what is committed, and when it ends. It does
// nothing by itself and knows no clock: it is told what happened, and when.
//
// The log's word counts. A record is never left out because its offset was seen
// before: the log may have lost its tail, or be another one of the same name.
package policy

import (
	"time"

	"ckafka-etl/internal/core/backoff"
)

// State is what a partition does.
type State uint8

// The states.
const (
	Waiting    State = iota // for records, or for an instance of the function
	Delivering              // a batch is with the function
	Retrying                // a batch failed and comes again
	Stopped                 // it is read no further
)

var stateNames = [...]string{"waiting", "delivering", "retrying", "stopped"}

func (s State) String() string { return stateNames[s] }

// How long a failed batch waits for its next delivery. 10,000 deliveries take
// almost seven days.
const (
	FirstWait   = 100 * time.Millisecond
	LongestWait = time.Minute
)

// CommitAgain is how often an offset is committed that has not changed. Brokers
// before 2.1 forget a commit after a time even while the group is there.
const CommitAgain = 10 * time.Minute

// Place is a place in the log: an offset and the epoch of the leader that wrote
// what lies before it, -1 if that is not known.
type Place struct {
	Offset int64
	Epoch  int32
}

// Nowhere is the place of what is not known.
var Nowhere = Place{-1, -1}

// before reports whether a place is known and before an offset.
func (p Place) before(offset int64) bool { return p.Offset >= 0 && p.Offset < offset }

// notBefore returns the place, or the start of the log if that is behind it.
func (p Place) notBefore(start int64) Place {
	if p.Offset < start {
		return Place{start, -1}
	}
	return p
}

// Batch is what is delivered at a time.
type Batch struct {
	First, Last int64
	Records     int
	Next        Place  // where it goes on when the batch was handled
	Sum         uint32 // of the last record
}

// Partition is what is known of a partition from its assignment on. The zero
// value is one that was just assigned, with no retries. It is not safe for
// concurrent use.
type Partition struct {
	// Retries is how many times a failed batch is delivered again.
	Retries int

	state State
	known bool // where it begins
	over  bool // it is another member's
	lost  bool // and may not be committed any more
	halt  bool // nothing more is to be delivered

	next, read Place // to be delivered, and to be fetched
	start, end int64 // of the log, as last heard; end is of what can be read
	batch      Batch
	failed     int       // deliveries of batch
	due        time.Time // of its next one
	moved      *move     // the log changed during a delivery
	reason     error     // why reading ended
	faults     faults
	gaps       int64
	marks      []Mark // of what was handled, by offset

	committed   Place
	committedAt time.Time
}

// move is a change of the log: next goes to a place.
type move struct {
	to      Place
	another bool // log: what was handled before says nothing
}

// State returns what the partition does.
func (p *Partition) State() State { return p.state }

// Known reports whether it is known where the partition begins.
func (p *Partition) Known() bool { return p.known }

// Over reports whether the partition is another member's.
func (p *Partition) Over() bool { return p.over }

// Reason returns why the partition stopped, or nil.
func (p *Partition) Reason() error {
	if p.state != Stopped {
		return nil
	}
	return p.reason
}

// Next returns the offset of the next record to deliver.
func (p *Partition) Next() int64 { return p.next.Offset }

// NextPlace returns the place of the next record to deliver.
func (p *Partition) NextPlace() Place { return p.next }

// Read returns where to fetch.
func (p *Partition) Read() Place { return p.read }

// End returns where the readable part of the log ends, as far as it is known.
func (p *Partition) End() int64 { return p.end }

// Gaps returns how many records were deleted before they were read.
func (p *Partition) Gaps() int64 { return p.gaps }

// Failed returns how many deliveries of the batch in hand have failed.
func (p *Partition) Failed() int { return p.failed }

// Batch returns the batch that is delivered or that comes again.
func (p *Partition) Batch() (Batch, bool) {
	return p.batch, p.state == Delivering || p.state == Retrying
}

// Committed returns what is committed: -1 if that is not known.
func (p *Partition) Committed() int64 {
	if !p.known {
		return -1
	}
	return p.committed.Offset
}

// active reports whether the partition is still read and delivered.
func (p *Partition) active() bool { return p.known && !p.over && p.state != Stopped }

// MayFetch reports whether more may be fetched, and from when on.
func (p *Partition) MayFetch() (from time.Time, ok bool) {
	if !p.active() || p.reason != nil || p.moved != nil || p.halt {
		return time.Time{}, false
	}
	if p.state == Retrying && p.read == p.next && p.due.After(p.faults.again) {
		return p.due, true // its records were given up for others' meanwhile
	}
	return p.faults.again, true
}

// MayDeliver reports whether a batch may be delivered, and from when on.
func (p *Partition) MayDeliver() (from time.Time, ok bool) {
	switch {
	case !p.active() || p.halt || p.state == Delivering:
		return time.Time{}, false
	case p.state == Retrying:
		return p.due, true
	default:
		return time.Time{}, true
	}
}

// Commit returns what is to be committed now.
func (p *Partition) Commit(now time.Time) (Place, bool) {
	// While the log is another one than that of the batch in flight, there is
	// nothing that could be said of it.
	if !p.known || p.lost || p.moved != nil {
		return Place{}, false
	}
	return p.next, p.next.Offset != p.committed.Offset || now.Sub(p.committedAt) >= CommitAgain
}

// wait is how long a batch waits after so many failed deliveries.
func wait(failed int) time.Duration { return backoff.Doubling(failed, FirstWait, LongestWait) }
