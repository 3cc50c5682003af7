package policy

import "time"

// Event is something that happened to a partition.
type Event interface{ event() }

// Assigned tells where a partition that was assigned can begin.
type Assigned struct {
	// Commit is what the group has committed, Nowhere without.
	Commit Place
	// Another says that the commit is for another topic of the same name.
	Another bool
	// EpochEnd is where the epoch of the commit ends in the log, or where the log
	// is not that of the marks any more; Nowhere if that is not known. It is
	// before the commit in a log that lost its tail.
	EpochEnd Place
	Marks    []Mark // that came with the commit, by offset
	// Start and End are those of the log.
	Start, End int64
	// Later says that the partition, or the topic, was not there when the group
	// began. If it was, Position is where it begins without a commit.
	Later    bool
	Position int64
}

// Fetched tells that a fetch from From came back, with or without records. Next
// is behind everything that came.
type Fetched struct {
	From       int64
	Next       Place
	Records    int
	Start, End int64 // of the log, -1 if the broker does not say
}

// OutOfRange tells that the log has no offset From. Start, End and EpochEnd are
// what it says when it is asked; EpochEnd is as in Assigned.
type OutOfRange struct {
	From       int64
	Start, End int64
	EpochEnd   Place
}

// Checked tells where the epoch of From ends in the log, as Assigned does, after
// the leader changed or was away.
type Checked struct {
	From     int64
	EpochEnd Place
}

// Recreated tells that the topic was deleted and made anew. Start is where its
// log begins.
type Recreated struct{ Start int64 }

// FetchFailed tells that fetching from From failed.
type FetchFailed struct {
	From int64
	Kind Fault
	Err  error
}

// EndOfLog tells where the readable part of the log ends by now.
type EndOfLog struct{ End int64 }

// Drained tells that no record is left of what was fetched.
type Drained struct{}

// Evicted tells that what was fetched was given up, so that there is memory for
// others. It is fetched again.
type Evicted struct{}

// Deliver tells that a batch is delivered.
type Deliver struct{ Batch }

// Delivered tells that it was handled.
type Delivered struct{}

// DeliveryFailed tells that it was not.
type DeliveryFailed struct{ Err error }

// GivenUp tells that its delivery was broken off because the partition, or
// everything, is to end.
type GivenUp struct{}

// Passed tells that the record at From will never be delivered and is done with.
type Passed struct {
	From int64
	Next Place
}

// Refused tells that the record at From can neither be delivered nor passed
// over.
type Refused struct {
	From int64
	Err  error
}

// Committed tells that a place was committed.
type Committed struct{ At Place }

// CommitFailed tells that a place was not committed.
type CommitFailed struct{}

// Revoked tells that the partition is another member's now.
type Revoked struct{}

// Lost tells that the partition is another member's and that nothing of it may
// be committed any more.
type Lost struct{}

// StopRequested tells that everything is to end.
type StopRequested struct{}

func (Assigned) event()       {}
func (Fetched) event()        {}
func (OutOfRange) event()     {}
func (Checked) event()        {}
func (Recreated) event()      {}
func (FetchFailed) event()    {}
func (EndOfLog) event()       {}
func (Drained) event()        {}
func (Evicted) event()        {}
func (Deliver) event()        {}
func (Delivered) event()      {}
func (DeliveryFailed) event() {}
func (GivenUp) event()        {}
func (Passed) event()         {}
func (Refused) event()        {}
func (Committed) event()      {}
func (CommitFailed) event()   {}
func (Revoked) event()        {}
func (Lost) event()           {}
func (StopRequested) event()  {}

// Kind says what a Note tells.
type Kind uint8

// The kinds.
const (
	Gap     Kind = iota + 1 // From to To-1 were deleted before they were read
	Rewound                 // the next offset goes back from From to To
	Retry                   // a delivery failed: Err; the next is after Wait
	Stop                    // the partition stopped before From: Err
	Trouble                 // fetching from From fails: Err
)

// Note is something that somebody should know.
type Note struct {
	Kind     Kind
	From, To int64
	Wait     time.Duration
	Err      error
}

// Outcome is what follows from an event.
type Outcome struct {
	Notes []Note
	// Keep says that the records that were fetched are to be kept.
	Keep bool
	// Drop says that all that was fetched before is to be dropped: it is
	// fetched again, or the log has it no more.
	Drop bool
}

func (o *Outcome) note(n Note) { o.Notes = append(o.Notes, n) }
