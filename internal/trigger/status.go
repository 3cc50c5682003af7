package trigger

import (
	"errors"
	"fmt"
	"time"

	"ckafka-etl/internal/trigger/policy"
)

// PartitionStatus is how far a partition is.
type PartitionStatus struct {
	Partition int32
	State     string // waiting, delivering, retrying or stopped
	Reason    string // why it is stopped
	Committed int64  // the next offset to handle after a restart
	Settled   int64  // the next offset to handle
	End       int64  // where the readable part of the log ends, as last heard
	Queued    int    // records read ahead
	Delivery  int    // number of the delivery that is under way, 0: none
	Retries   int    // deliveries of the batch in hand that failed
	Gaps      int64  // records that were deleted before they were read
	// Oldest is when the oldest record was written that is not handled, as far as
	// it was read once; zero if that is not known, or if there is none.
	Oldest time.Time
	Err    error // why it is stopped
}

// Lag is how many offsets are not handled yet. It is 0 when everything that can
// be read was handled: offsets of transactions' markers count as handled, and
// those of open transactions cannot be read yet.
func (s PartitionStatus) Lag() int64 { return max(0, s.End-s.Settled) }

// Status returns how far each assigned partition is. It asks no broker: where
// partitions end is as of the last fetch, or for those that are not fetched at
// the time as of a few seconds ago.
func (t *Trigger) Status() []PartitionStatus {
	var list []PartitionStatus
	for _, w := range t.all() {
		if s, ok := w.status(); ok {
			list = append(list, s)
		}
	}
	return list
}

func (w *worker) status() (PartitionStatus, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := PartitionStatus{
		Partition: w.partition, State: w.p.State().String(),
		Committed: w.p.Committed(), Settled: w.p.Next(), End: w.p.End(),
		Queued: w.q.records, Retries: w.p.Failed(), Gaps: w.p.Gaps(), Oldest: w.q.oldest(), Err: w.p.Reason(),
	}
	if w.p.State() == policy.Delivering {
		s.Delivery = s.Retries + 1
	}
	if s.Err != nil {
		s.Reason = s.Err.Error()
	}
	return s, w.p.Known()
}

// Gaps returns how many records were deleted before they were read, those of
// partitions included that are another member's by now.
func (t *Trigger) Gaps() int64 { return t.gaps.Load() }

// Memory is how much of the memory budget is taken.
type Memory struct {
	Budget   int64 // bytes, as set
	Read     int64 // for what was fetched and is not handled
	Delivery int64 // for events
}

// Memory returns how much of the memory budget is taken.
func (t *Trigger) Memory() Memory {
	return Memory{Budget: t.cfg.MemoryBudget, Read: t.read.inUse(), Delivery: t.delivery.inUse()}
}

// Ready returns nil if the trigger is a member of the group, maybe one that
// waits for partitions, and not all partitions that it has are stopped. Else the
// error says what is missing.
func (t *Trigger) Ready() error {
	t.mu.Lock()
	member, closing, workers := t.member, t.closing, t.list
	t.mu.Unlock()
	switch {
	case closing:
		return errors.New("it is ending: the batches in flight are finished")
	case !member:
		return fmt.Errorf("group %s has not assigned it partitions: it waits for the brokers or for a rebalance", t.cfg.Group)
	}
	var reason error
	for _, w := range workers {
		w.mu.Lock()
		err := w.p.Reason()
		w.mu.Unlock()
		if err == nil {
			return nil
		}
		if reason == nil {
			reason = fmt.Errorf("all of its %d partitions are stopped; partition %d: %w", len(workers), w.partition, err)
		}
	}
	return reason
}
