package trigger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// assigned starts workers for partitions.
func (t *Trigger) assigned(partitions []int32) {
	var workers []*worker
	t.mu.Lock()
	t.member = true
	for _, p := range partitions {
		if t.workers[p] != nil { // it is ours already
			continue
		}
		w := t.newWorker(p)
		t.workers[p] = w
		workers = append(workers, w)
		before := t.ending[p]
		delete(t.ending, p)
		t.tasks.Go(func() { w.run(before) })
	}
	t.arrange()
	closing := t.closing
	t.mu.Unlock()
	switch {
	case closing:
		for _, w := range workers {
			w.end()
		}
	case len(workers) > 0:
		t.tasks.Go(func() { t.begin(workers) })
	}
}

// revoked ends the workers of partitions that another member will get, after
// the batches that they have in flight, and commits what they have handled.
func (t *Trigger) revoked(partitions []int32) {
	workers := t.take(partitions)
	for _, w := range workers {
		w.end()
	}
	for _, w := range workers {
		<-w.done // no longer than the function's time limit
	}
	t.commit(t.life, workers)
	for _, w := range workers {
		w.mu.Lock()
		known, stopped, committed := w.p.Known(), w.p.Reason() != nil, w.p.Committed()
		w.mu.Unlock()
		w.leave(false)
		if known && !stopped {
			t.cfg.Report(Notice{Kind: Revoked, Partition: w.partition, Offset: committed})
		}
	}
}

// lost ends the workers of partitions that another member may have already.
// What they have in flight ends by itself and is not committed.
func (t *Trigger) lost(partitions []int32) {
	t.mu.Lock()
	t.member = false
	t.mu.Unlock()
	for _, w := range t.take(partitions) {
		w.leave(true)
		w.end()
		t.mu.Lock()
		t.ending[w.partition] = w.done
		t.mu.Unlock()
		w.mu.Lock()
		known, committed := w.p.Known(), w.p.Committed()
		w.mu.Unlock()
		if known {
			t.cfg.Report(Notice{Kind: Lost, Partition: w.partition, Offset: committed})
		}
	}
}

// take removes the workers of partitions from those that are assigned.
func (t *Trigger) take(partitions []int32) []*worker {
	t.mu.Lock()
	defer t.mu.Unlock()
	var workers []*worker
	for _, p := range partitions {
		if w := t.workers[p]; w != nil {
			workers = append(workers, w)
			delete(t.workers, p)
			w.lane.partitions--
		}
	}
	t.arrange()
	return workers
}

// arrange makes the list of workers by partition, which does not change once it
// is made, and shares the memory out among them; mu is held.
func (t *Trigger) arrange() {
	t.list = make([]*worker, 0, len(t.workers))
	for _, p := range slices.Sorted(maps.Keys(t.workers)) {
		t.list = append(t.list, t.workers[p])
	}
	share := t.read.limit / int64(max(1, len(t.list)))
	t.share.Store(min(mostAhead, max(leastAhead, share)))
}

// leastUsedLane returns the one with the fewest partitions; mu is held.
func (t *Trigger) leastUsedLane() *lane {
	return slices.MinFunc(t.lanes, func(a, b *lane) int { return a.partitions - b.partitions })
}

// finish ends all workers, commits and leaves the group. It returns why those
// stopped that stopped by themselves.
func (t *Trigger) finish() []error {
	deadline := time.Now().Add(t.cfg.Grace)
	t.mu.Lock()
	t.closing = true
	workers := t.list
	t.mu.Unlock()
	for _, w := range workers {
		w.end()
	}
	grace := time.AfterFunc(t.cfg.Grace, t.kill)
	defer grace.Stop()
	hangs := time.NewTimer(t.cfg.Grace + killTimeout)
	defer hangs.Stop()
	var errs []error
	for _, w := range workers {
		select {
		case <-w.done:
		case <-hangs.C:
			hangs.Reset(0) // for the others as well
		}
		w.mu.Lock()
		err := w.p.Reason()
		w.mu.Unlock()
		if err != nil {
			errs = append(errs, fmt.Errorf("partition %d: %w", w.partition, err))
		}
	}
	ctx, cancel := context.WithDeadline(t.life, atLeast(deadline))
	t.commit(ctx, workers)
	cancel()
	ctx, cancel = context.WithDeadline(t.life, atLeast(deadline))
	_ = t.client.LeaveGroupContext(ctx) // another member has to wait for the session's end then
	cancel()
	return errs
}

// killTimeout is how long a function may take to end when it is killed.
const killTimeout = 2 * time.Second

// atLeast returns the deadline, but no sooner than in a second: what was handled
// is to be committed even if everything else took all the time there was.
func atLeast(deadline time.Time) time.Time {
	if soon := time.Now().Add(time.Second); deadline.Before(soon) {
		return soon
	}
	return deadline
}

// watchGroup reports what the group meets until ctx ends.
func (t *Trigger) watchGroup(ctx context.Context) {
	for ctx.Err() == nil {
		// Nothing is fetched this way: the topic is paused.
		t.client.PollFetches(ctx).EachError(func(_ string, _ int32, err error) {
			group, ok := errors.AsType[*kgo.ErrGroupSession](err)
			switch {
			case !ok || errors.Is(err, context.Canceled): // the topic is looked at in other ways
			case isFatal(err):
				t.fail(fmt.Errorf("group %s: %w", t.cfg.Group, group.Err))
			default:
				t.once(Trouble, "group", fmt.Errorf("group %s: %w", t.cfg.Group, group.Err))
			}
		})
	}
}
