package record

import "strconv"

// Outcome is what became of a record. The zero value is Unsettled: a record
// that nobody has spoken about has to be delivered again.
type Outcome uint8

// The outcomes. Every record of a batch ends as exactly one of them, except
// Refused, which only a sink says and which the handler turns into Dead or,
// if no dead letter could be written, into Unsettled.
const (
	Unsettled Outcome = iota // not written, or not known to be: deliver again
	Stored                   // written by this delivery
	Duplicate                // written by an earlier delivery
	Filtered                 // dropped on purpose by a cleaning step
	Refused                  // will never be accepted as it is: needs a dead letter
	Dead                     // kept as a dead letter
	outcomes
)

var outcomeNames = [outcomes]string{"unsettled", "stored", "duplicate", "filtered", "refused", "dead"}

// String returns the outcome's name as it stands in the account.
func (o Outcome) String() string {
	if o < outcomes {
		return outcomeNames[o]
	}
	return "outcome(" + strconv.Itoa(int(o)) + ")"
}

// Settled reports whether the record needs no further delivery.
func (o Outcome) Settled() bool {
	switch o {
	case Stored, Duplicate, Filtered, Dead:
		return true
	case Unsettled, Refused:
		return false
	default:
		return false
	}
}

// Result is what a sink says of one record.
type Result struct {
	Outcome Outcome
	// Cause is set for Refused, Dead and Unsettled, and nil otherwise.
	// Results may share one Cause. A Dead record of an earlier delivery has none.
	Cause *Cause
	// Trace is what the next delivery of an Unsettled record has to know.
	Trace Trace
}

// Trace is what is left of earlier tries to write a record to one sink. It
// takes five bits.
type Trace uint8

const (
	// AnswerLost says that a write was sent and that nothing told what became
	// of it: the record may be there.
	AnswerLost Trace = 1 << iota
	// WriteFailed says that the server answered a write with an error of its
	// own (5xx): that the record seems to be there proves nothing.
	WriteFailed
	// RefusedAmongOthers says that the record was refused for an unknown reason
	// while its index took others.
	RefusedAmongOthers
	// FoundAtFault says that the record was Refused, on evidence, and that only
	// its dead letter could not be written.
	FoundAtFault
	// FailedAmongOthers says that the server failed on the record (500) while the
	// record's index took others.
	FailedAmongOthers
)

// Delivery is what a sink is to write.
type Delivery struct {
	Records []Record
	// Traces holds one trace a record; nil: no record was tried before.
	Traces []Trace
	// Failures counts the deliveries of this batch to this instance that have
	// failed in a row.
	Failures int
}

// Trace returns what is left of earlier tries of record i.
func (d *Delivery) Trace(i int) Trace {
	if d.Traces == nil {
		return 0
	}
	return d.Traces[i]
}

// Cause says why a record was not stored.
type Cause struct {
	// Type names the kind of failure: the server's error type where it gave
	// one ("mapper_parsing_exception"), else one of ours ("record_malformed").
	Type string
	// Status is the HTTP status, or 0 where there was none.
	Status int
	// Reason is the server's explanation in full. It may quote the document:
	// it belongs in a dead letter, never in a log or an error.
	Reason string
	// Safe is an explanation without document contents, fit for logs. It may
	// be empty.
	Safe string
	// Hint tells the operator what to look at, usually a variable's name.
	Hint string
	// Index and ID are where the record was to go, if that is known.
	Index, ID string
	// Raw reports that the record's body was to go there as it came, and that
	// no field of it is to be removed: a dead letter may keep the body itself,
	// which can then be sent once more.
	Raw bool
	// Permanent reports that delivering again cannot help until somebody
	// changes something: wrong credentials, a missing topic.
	Permanent bool
}

// Text returns the cause as one short line without document contents.
func (c *Cause) Text() string {
	if c == nil {
		return "unknown cause"
	}
	s := c.Type
	if c.Status != 0 {
		s += " (HTTP " + strconv.Itoa(c.Status) + ")"
	}
	if c.Safe != "" {
		s += ": " + c.Safe
	}
	if c.Hint != "" {
		s += "; " + c.Hint
	}
	return s
}

// DeadLetter is a refused record on its way to a dead-letter place.
type DeadLetter struct {
	Record *Record
	Cause  *Cause
	// Sink is the name of the sink that refused it.
	Sink string
	// Again says that an earlier delivery has tried to write it and failed: that
	// it seems to be there proves nothing.
	Again bool
}

// Stats is what a sink did for one call.
type Stats struct {
	Requests int   // requests sent, retries included
	Retries  int   // those of them that repeated something
	Bytes    int64 // request bodies, before compression
	// Replaced counts bytes that were no valid UTF-8 and became U+FFFD.
	Replaced int
	// OutsideWindow counts records whose event time lay outside
	// ES_Index_TimeWindow.
	OutsideWindow int
	// UnreadTime counts records with a field of ES_Index_TimeField that is there
	// and was not understood as a time.
	UnreadTime int
	// UnreadID counts records that have the field of ES_Id_Field, of which no id
	// could be made: their ids were generated.
	UnreadID int
	// Overwritten counts documents that took the place of another with the same id.
	Overwritten int
}

// Add adds other to s.
func (s *Stats) Add(other Stats) {
	s.Requests += other.Requests
	s.Retries += other.Retries
	s.Bytes += other.Bytes
	s.Replaced += other.Replaced
	s.OutsideWindow += other.OutsideWindow
	s.UnreadTime += other.UnreadTime
	s.UnreadID += other.UnreadID
	s.Overwritten += other.Overwritten
}
