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
	Uncertain Kind = "uncertain" // a commit failed: Err; it is tried again
	Trouble   Kind = "trouble"   // reading, or the group, meets an error: Err; it is tried again
	Committed Kind = "committed" // Records partitions were committed

	// CommitFailed: a commit, in whole or in part, did not succeed: Err. It comes
	// with each of them, those included that are refused because the group
	// changes; Uncertain comes once for each cause.
	CommitFailed Kind = "commit_failed"

	// Gap: the Records offsets from Offset to LastOffset were deleted before they
	// were read.
	Gap Kind = "gap"
	// Rewound: the log lost its tail or is another one of the same name. Offset
	// comes next, which was to be LastOffset.
	Rewound Kind = "rewound"
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
