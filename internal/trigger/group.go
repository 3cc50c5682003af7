package trigger

import (
	"context"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// assigned starts workers for partitions. They wait to be told where to begin.
func (t *Trigger) assigned(partitions []int32) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, p := range partitions {
		w, err := t.newWorker(p)
		if err != nil { // the settings were checked
			t.end(err)
			return
		}
		if t.closing {
			w.halt()
		}
		t.workers[p] = w
		t.share()
		// An earlier life may have left it paused.
		t.client.ResumeFetchPartitions(t.only(p))
		go w.run(t.ending[p])
		delete(t.ending, p)
	}
}

// adjust tells the workers where they begin, and the client where to read. A
// partition without a commit begins at the position.
func (t *Trigger) adjust(ctx context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	mine := offsets[t.cfg.Topic]
	var fresh []int32
	for p, o := range mine {
		if o.EpochOffset().Offset < 0 {
			fresh = append(fresh, p)
		}
	}
	if len(fresh) > 0 {
		begin, err := listOffsets(ctx, t.client, t.cfg.Topic, fresh, t.cfg.Position.query())
		if err != nil {
			return nil, fmt.Errorf("offsets of %s at %s: %w", t.cfg.Topic, t.cfg.Position, err)
		}
		for p, at := range begin {
			mine[p] = kgo.NewOffset().At(at)
		}
	}
	for p, o := range mine {
		if w := t.worker(p); w != nil {
			s := start{offset: o.EpochOffset().Offset}
			for _, f := range fresh {
				s.fresh = s.fresh || f == p
			}
			select {
			case w.begin <- s:
			default: // it was told before
			}
		}
	}
	return offsets, nil
}

// revoked ends the workers of partitions that another member will get, after
// the batches that they have in flight.
func (t *Trigger) revoked(partitions []int32) {
	workers := t.take(partitions)
	for _, w := range workers {
		w.halt()
	}
	for _, w := range workers {
		<-w.done // no longer than the function's time limit and a commit
		if w.isKnown() && w.failed() == nil {
			t.cfg.Report(Notice{Kind: Revoked, Partition: w.partition, Offset: w.status().Committed})
		}
	}
	t.wakePoll()
}

// lost ends the workers of partitions that another member may have already.
// What they have in flight ends by itself and is not committed.
func (t *Trigger) lost(partitions []int32) {
	for _, w := range t.take(partitions) {
		w.mu.Lock()
		w.lost = true
		w.mu.Unlock()
		w.halt()
		t.mu.Lock()
		t.ending[w.partition] = w.done
		t.mu.Unlock()
		if w.isKnown() {
			t.cfg.Report(Notice{Kind: Lost, Partition: w.partition, Offset: w.status().Committed})
		}
	}
	t.wakePoll()
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
	t.share()
	return workers
}

// finish ends all workers and returns why those stopped that stopped by
// themselves.
func (t *Trigger) finish() []error {
	t.mu.Lock()
	t.closing = true
	t.mu.Unlock()
	workers := t.all()
	for _, w := range workers {
		w.halt()
	}
	grace := time.NewTimer(t.cfg.Grace)
	defer grace.Stop()
	var errs []error
	for _, w := range workers {
		select {
		case <-w.done:
		case <-grace.C:
			for _, w := range workers {
				w.kill()
			}
			<-w.done
		}
		if err := w.failed(); err != nil {
			errs = append(errs, fmt.Errorf("partition %d: %w", w.partition, err))
		}
	}
	return errs
}

func (w *worker) isKnown() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.known
}
