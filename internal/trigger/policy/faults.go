package policy

import (
	"time"

	"ckafka-etl/internal/core/backoff"
)

// Fault is what is wrong with fetching.
type Fault uint8

// The faults.
const (
	// Moved: the leader is another one, or there is none, or it does not
	// answer. It is tried again for ever.
	Moved   Fault = iota
	Gone          // the topic or the partition is not there
	Denied        // it may not be read
	Storage       // the broker cannot read its disk
	Corrupt       // what comes is damaged
	Other         // anything else
	faultKinds
)

// patience is how long a fault may last before the partition stops. A topic
// that is gone has to end a run within a minute.
var patience = [faultKinds]time.Duration{
	Gone:    30 * time.Second,
	Denied:  30 * time.Second,
	Storage: 45 * time.Second,
	Corrupt: 10 * time.Second,
	Other:   45 * time.Second,
}

// How long fetching waits after a failure.
const (
	firstFetchWait   = 100 * time.Millisecond
	longestFetchWait = 5 * time.Second
)

// faults are the failures of fetching since it last worked.
type faults struct {
	failures int
	again    time.Time             // when it is tried again
	since    [faultKinds]time.Time // when each came first
}

// add takes note of a failure. It reports whether it is the first of its kind,
// and whether it has lasted too long.
func (f *faults) add(now time.Time, kind Fault) (first, enough bool) {
	f.failures++
	f.again = now.Add(backoff.Doubling(f.failures, firstFetchWait, longestFetchWait))
	first = f.since[kind].IsZero()
	if first {
		f.since[kind] = now
	}
	return first, kind != Moved && now.Sub(f.since[kind]) >= patience[kind]
}
