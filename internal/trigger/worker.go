package trigger

import (
	"context"
	"sync"
	"time"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/trigger/policy"
)

// worker handles one partition from its assignment until it is given back.
type worker struct {
	t         *Trigger
	partition int32
	lane      *lane

	ctx  context.Context // ends the delivery that is under way
	kill context.CancelFunc
	stop context.Context // ends the worker after the delivery that is under way
	halt context.CancelFunc
	done chan struct{}
	wake chan struct{} // holds a token when something changed

	mu       sync.Mutex
	p        policy.Partition
	q        queue
	node     int32 // the leader, -1: none is known
	epoch    int32 // of the leader
	asking   int   // number of the question to the log that is open: nothing is fetched; 0: none
	asked    int   // number of the last one
	another  bool  // the topic is another one than that of which p knows
	doubt    bool  // the leader changed or was away: is the log what it was?
	fetching bool  // a fetch is open
	need     int   // bytes of a batch that did not fit into a fetch
}

// newWorker makes the worker of a partition; the trigger's mu is held.
func (t *Trigger) newWorker(partition int32) *worker {
	w := &worker{t: t, partition: partition, node: -1, epoch: -1, done: make(chan struct{}), wake: make(chan struct{}, 1)}
	w.p.Retries = t.cfg.Retry
	w.ctx, w.kill = context.WithCancel(t.work)
	w.stop, w.halt = context.WithCancel(w.ctx)
	w.ask()
	w.lane = t.leastUsedLane()
	w.lane.partitions++
	return w
}

// apply tells the policy what happened and others what follows.
func (w *worker) apply(e policy.Event) {
	w.mu.Lock()
	o := w.applyLocked(e)
	w.mu.Unlock()
	w.t.tell(w, o.Notes, Notice{})
	w.wakeUp()
}

// applyLocked leaves it to the caller to tell and to wake up; mu is held.
func (w *worker) applyLocked(e policy.Event) policy.Outcome {
	o := w.p.Apply(time.Now(), e)
	if o.Drop {
		w.t.read.give(w.q.clear())
	}
	return o
}

func (w *worker) wakeUp() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// firstQuestion is where the partition begins.
const firstQuestion = 1

// ask has the partition not be fetched until the log has answered, and returns
// the number of the question. An older one that is open is void; mu is held, or
// nobody else knows the worker.
func (w *worker) ask() int {
	w.asked++
	w.asking = w.asked
	return w.asking
}

// answer takes note of the answer to a question, if that is not void.
func (w *worker) answer(question int, e policy.Event) {
	w.mu.Lock()
	var o policy.Outcome
	if w.asking == question {
		w.asking = 0
		if e != nil {
			o = w.applyLocked(e)
		}
		if _, ok := e.(policy.Recreated); ok {
			w.another = false
		}
	}
	w.mu.Unlock()
	w.t.tell(w, o.Notes, Notice{})
	w.wakeUp()
}

func (w *worker) marks() []policy.Mark {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.p.Marks()
}

// end has the worker end after the delivery that is under way.
func (w *worker) end() {
	w.apply(policy.StopRequested{})
	w.halt()
}

// leave takes note that the partition is another member's.
func (w *worker) leave(lost bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if lost {
		w.applyLocked(policy.Lost{})
	} else {
		w.applyLocked(policy.Revoked{})
	}
	w.t.read.give(w.q.clear())
}

// run delivers what is fetched. It begins when the worker before it has ended.
func (w *worker) run(before <-chan struct{}) {
	defer close(w.done)
	defer w.kill()
	if before != nil {
		<-before
	}
	for w.await() {
		if !w.lane.enter(w.stop) {
			return
		}
		w.handle()
		w.lane.leave()
	}
}

// await returns true when there is something to deliver, false when the worker
// is to end.
func (w *worker) await() bool {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for w.stop.Err() == nil {
		at, ok := w.ready(time.Now())
		if ok && at.IsZero() {
			return true
		}
		var due <-chan time.Time
		if ok {
			timer.Reset(time.Until(at))
			due = timer.C
		}
		select {
		case <-w.wake:
		case <-due:
		case <-w.stop.Done():
		}
	}
	return false
}

// ready reports whether there is something to deliver, and if not yet, when: at
// is zero for now.
func (w *worker) ready(now time.Time) (at time.Time, ok bool) {
	w.mu.Lock()
	notes := w.drain()
	at, ok = w.readyLocked(now)
	w.mu.Unlock()
	w.t.tell(w, notes, Notice{})
	return at, ok
}

// drain has the partition go on behind records that nobody delivers, such as the
// markers of transactions; mu is held.
func (w *worker) drain() []policy.Note {
	if len(w.q.items) > 0 || w.p.State() != policy.Waiting || w.p.Next() == w.p.Read().Offset {
		return nil
	}
	return w.applyLocked(policy.Drained{}).Notes
}

func (w *worker) readyLocked(now time.Time) (at time.Time, ok bool) {
	from, ok := w.p.MayDeliver()
	switch {
	case !ok || len(w.q.items) == 0:
		return time.Time{}, false
	case now.Before(from):
		return from, true
	}
	_, more := w.p.MayFetch()
	more = more && w.q.bytes < w.t.enough()
	if b, again := w.p.Batch(); again {
		return time.Time{}, !more || w.q.last() >= b.Last // the same batch as before
	}
	if !more || w.q.records >= w.t.cfg.MaxMsgNum {
		return time.Time{}, true
	}
	if due := w.q.items[0].came.Add(w.t.cfg.MaxWait); now.Before(due) {
		return due, true
	}
	return time.Time{}, true
}

// handle makes an event and has it handled.
func (w *worker) handle() {
	cost := int64(eventCost * event.MaxBytes)
	if !w.t.delivery.await(w.stop, cost) {
		return
	}
	defer func() { w.t.delivery.give(cost) }()
	shop := w.t.shop()
	defer w.t.giveShop(shop)
	m, ok := w.make(shop)
	if !ok {
		return
	}
	// Until it was made nobody knew how large it is.
	exact := min(cost, int64(eventCost*shop.event.Size()))
	w.t.delivery.give(cost - exact)
	cost = exact
	w.deliver(shop.event, m)
}

// make makes an event of what there is by now. It reports false if there is
// nothing to deliver.
func (w *worker) make(shop *workshop) (made, bool) {
	w.mu.Lock()
	at, ok := w.readyLocked(time.Now())
	if !ok || !at.IsZero() || w.stop.Err() != nil {
		w.mu.Unlock()
		return made{}, false
	}
	src := source{items: w.q.items, head: w.q.head, dropped: w.q.dropped, from: w.p.NextPlace(), until: -1}
	if b, again := w.p.Batch(); again {
		src.until = b.Last
	}
	w.mu.Unlock()

	m, err := w.build(shop, src)

	w.mu.Lock()
	if w.q.dropped != src.dropped { // the log changed meanwhile
		w.mu.Unlock()
		w.t.read.give(m.taken)
		return made{}, false
	}
	var notes []policy.Note
	switch {
	case err != nil:
		notes = w.applyLocked(policy.Refused{From: src.from.Offset, Err: err}).Notes
	case m.tooLarge != nil:
		w.mu.Unlock()
		w.oversize(m)
		return made{}, false
	case m.Records == 0: // nothing of it is to be delivered
		w.t.read.give(w.q.handled(m.Next.Offset, opened{}))
		notes = append(w.applyLocked(policy.Passed{From: src.from.Offset, Next: m.Next}).Notes, w.drain()...)
	default:
		w.applyLocked(policy.Deliver{Batch: m.Batch})
		ok = w.p.State() == policy.Delivering
	}
	w.mu.Unlock()
	w.t.tell(w, notes, Notice{})
	return m, ok && m.Records > 0 && err == nil
}
