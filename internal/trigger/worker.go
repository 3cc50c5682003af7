package trigger

import (
	"context"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/internal/event"
)

// start is where a worker begins.
type start struct {
	offset int64
	fresh  bool // the group has committed nothing yet
}

// worker handles one partition from its assignment until it is given back.
type worker struct {
	t         *Trigger
	partition int32
	lane      *lane
	queue     *queue
	builder   *event.Builder
	begin     chan start

	ctx  context.Context // ends the delivery that is under way
	kill context.CancelFunc
	stop context.Context // ends the worker after the delivery that is under way
	halt context.CancelFunc
	done chan struct{}

	next  kgo.EpochOffset // behind the batch that is being made
	batch span

	mu        sync.Mutex
	paused    bool // its partition is not fetched
	lost      bool // nothing may be committed any more
	known     bool // it is known where the partition starts
	settled   kgo.EpochOffset
	committed int64
	delivery  int
	err       error // why it stopped by itself
}

// span describes the records of a batch.
type span struct{ first, last int64 }

// run handles the partition. It starts when the worker before it has ended.
func (w *worker) run(before <-chan struct{}) {
	defer close(w.done)
	defer w.kill()
	if before != nil {
		<-before
	}
	select {
	case s := <-w.begin:
		w.next = kgo.EpochOffset{Epoch: -1, Offset: s.offset}
		w.mu.Lock()
		w.known, w.settled, w.committed = true, w.next, s.offset
		if s.fresh {
			w.committed = -1
		}
		w.mu.Unlock()
		// The position is the group's from now on: what is written while nobody
		// reads is not passed over.
		w.commit()
		w.t.cfg.Report(Notice{Kind: Assigned, Partition: w.partition, Offset: s.offset})
	case <-w.stop.Done():
		return
	}
	for w.step() {
	}
	w.commit()
}

// step handles one batch. It reports whether there may be another.
func (w *worker) step() bool {
	if !w.collect() {
		return false
	}
	if w.builder.Len() > 0 && !w.deliver() {
		return false
	}
	w.settle(w.next)
	w.commit()
	return true
}

// collect makes the next event: it is closed when it is full, or when its first
// record has waited long enough. It reports false when the worker is to end.
func (w *worker) collect() bool {
	w.builder.Reset()
	timer := time.NewTimer(w.t.cfg.MaxWait)
	defer timer.Stop()
	for began := false; w.stop.Err() == nil; {
		r := w.queue.first()
		switch {
		case r != nil && r.Offset < w.next.Offset:
			w.drop() // it was handled already
		case r != nil:
			closed, err := w.add(r)
			if err != nil {
				w.fail(err)
				return false
			}
			if closed {
				return true
			}
			if !began {
				began = true
				timer.Reset(w.t.cfg.MaxWait)
			}
		case began && w.t.cfg.MaxWait == 0:
			return true
		case !w.wait(began, timer.C):
			return w.stop.Err() == nil
		}
	}
	return false
}

// wait returns true when records came. It returns false when a batch that began
// has waited long enough, or when the worker is to end.
func (w *worker) wait(began bool, due <-chan time.Time) bool {
	if !began {
		due = nil
	}
	select {
	case <-w.queue.ready:
		return true
	case <-due:
		return false
	case <-w.stop.Done():
		return false
	}
}

// add puts the first record of the queue into the event. It reports whether the
// event is closed.
func (w *worker) add(r *kgo.Record) (closed bool, err error) {
	room, err := w.builder.Add(&event.Record{
		Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Key: r.Key, Body: r.Value,
	})
	behind := kgo.EpochOffset{Epoch: r.LeaderEpoch, Offset: r.Offset + 1}
	switch {
	case err != nil && w.builder.Len() > 0:
		return true, nil // what stands before it goes first
	case err != nil:
		if err := w.oversize(r, err); err != nil {
			return false, err
		}
		w.settle(behind) // for good, even if the worker is to end now
	case !room:
		return true, nil
	default:
		if w.builder.Len() == 1 {
			w.batch.first = r.Offset
		}
		w.batch.last = r.Offset
	}
	w.next = behind
	w.drop()
	return w.builder.Full(), nil
}

// drop removes the first record of the queue, and has the partition fetched
// again when there is room.
func (w *worker) drop() {
	if w.queue.drop() < int(w.t.room.Load())/2 {
		w.resume()
		w.t.wakePoll()
	}
}

func (w *worker) pause() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !w.paused {
		w.paused = true
		w.t.client.PauseFetchPartitions(w.t.only(w.partition))
	}
}

func (w *worker) resume() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.paused {
		w.paused = false
		w.t.client.ResumeFetchPartitions(w.t.only(w.partition))
	}
}

// settle notes that everything before next is handled.
func (w *worker) settle(next kgo.EpochOffset) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.settled = next
}

// fail stops the partition: it is assigned but not read.
func (w *worker) fail(err error) {
	w.mu.Lock()
	w.err = err
	offset := w.settled.Offset
	w.mu.Unlock()
	w.pause()
	w.queue.clear()
	w.t.cfg.Report(Notice{Kind: Stopped, Partition: w.partition, Offset: offset, Err: err})
	w.t.partitionStopped()
}

// failed returns why the partition stopped by itself, or nil.
func (w *worker) failed() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.err
}

// hungry reports whether the partition wants more to be read.
func (w *worker) hungry() bool {
	if w.failed() != nil {
		return false
	}
	_, bytes := w.queue.size()
	return bytes < int(w.t.room.Load())/2
}

func (w *worker) status() PartitionStatus {
	records, _ := w.queue.size()
	w.mu.Lock()
	defer w.mu.Unlock()
	return PartitionStatus{
		Partition: w.partition, Committed: w.committed, Settled: w.settled.Offset,
		Queued: records, Delivery: w.delivery, Err: w.err,
	}
}
