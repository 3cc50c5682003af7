package trigger

import (
	"time"

	"ckafka-etl/internal/platform"
)

// Kind says what a Notice tells.
type Kind string

// The kinds.
const (
	Assigned  Kind = "assigned"  // Partition is read from Offset on
	Revoked   Kind = "revoked"   // Partition was given back in good order, committed up to Offset
	Lost      Kind = "lost"      // Partition was taken away, committed up to Offset
	Batch     Kind = "batch"     // a batch was handled: Reply
	Retry     Kind = "retry"     // a delivery failed: Err; the batch comes again after Wait
	Dropped   Kind = "dropped"   // a record fits into no event and was left out: Err
	Stopped   Kind = "stopped"   // Partition is read no further than Offset: Err
	Uncertain Kind = "uncertain" // a commit failed: Err; it is tried again with the next batch
	Trouble   Kind = "trouble"   // reading meets an error: Err; it is tried again
)

// Notice is something that happened. Which fields are set depends on Kind.
type Notice struct {
	Kind      Kind
	Partition int32 // -1: none in particular
	// Offset is the batch's first one, or as Kind says.
	Offset int64
	// LastOffset, Records and Bytes describe a batch.
	LastOffset     int64
	Records, Bytes int
	// Delivery is the number of the delivery, from 1.
	Delivery int
	Reply    platform.Reply
	Wait     time.Duration
	Err      error
}

// PartitionStatus is how far a partition is.
type PartitionStatus struct {
	Partition int32
	Committed int64 // the next offset to handle after a restart
	Settled   int64 // the next offset to handle
	End       int64 // the offset of the next record that will be written
	Queued    int   // records read ahead
	Delivery  int   // number of the delivery that is under way, 0: none
	Err       error // why it is stopped
}

// Lag is how many offsets are not handled yet.
func (s PartitionStatus) Lag() int64 { return max(0, s.End-s.Settled) }
