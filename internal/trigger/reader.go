package trigger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/core/backoff"
	"ckafka-etl/internal/trigger/batch"
	"ckafka-etl/internal/trigger/policy"
)

// reader fetches from one broker. It has one request open at a time, for those
// partitions that have room.
type reader struct {
	t    *Trigger
	node int32
	wake chan struct{} // holds a token when a partition may want more

	after  int32 // the partition that was served last: its successors come first
	failed int   // requests in a row
	since  time.Time
}

// fetchWait is how long a broker waits for records. A partition that wants more
// meanwhile waits with it.
const fetchWait = 250 * time.Millisecond

// wanted is a partition that is asked for.
type wanted struct {
	w     *worker
	from  policy.Place
	epoch int32 // of the leader
}

// fetch is a request and what it is for.
type fetch struct {
	req   *kmsg.FetchRequest
	parts map[int32]wanted
	times int // the topic was made anew, when it was made
	bytes int64
}

// run fetches until ctx ends.
func (r *reader) run(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for ctx.Err() == nil {
		f, at := r.plan(time.Now()) //nolint:contextcheck // a worker lives longer than any call
		if f == nil {
			var due <-chan time.Time
			if !at.IsZero() {
				timer.Reset(time.Until(at))
				due = timer.C
			}
			select {
			case <-r.wake:
			case <-due:
			case <-ctx.Done():
			}
			continue
		}
		answer, err := r.t.client.Broker(int(r.node)).Request(ctx, f.req)
		resp, ok := answer.(*kmsg.FetchResponse)
		if err == nil && !ok {
			err = fmt.Errorf("got a %T", answer)
		}
		r.t.read.give(f.bytes)
		if err != nil {
			r.fail(ctx, f, err)
			continue
		}
		r.failed = 0
		r.take(f, resp)
	}
}

// plan makes a request for the partitions that have room. Without any it returns
// when there may be one.
func (r *reader) plan(now time.Time) (*fetch, time.Time) {
	t := r.t
	t.mu.Lock()
	view, workers, readers := t.topic, t.list, len(t.readers)
	t.mu.Unlock()
	if view == nil {
		return nil, time.Time{}
	}
	// Others may have come behind the one that was served last.
	first := 0
	for first < len(workers) && workers[first].partition <= r.after {
		first++
	}
	var soonest time.Time
	var chosen []*worker
	hungry := false
	for i := range workers {
		w := workers[(first+i)%len(workers)]
		at, ok, empty := w.wants(r.node, now)
		if !ok {
			continue
		}
		if now.Before(at) {
			if soonest.IsZero() || at.Before(soonest) {
				soonest = at
			}
			continue
		}
		chosen = append(chosen, w)
		hungry = hungry || empty
	}
	if len(chosen) == 0 {
		return nil, soonest
	}
	bytes := t.read.takeUpTo(min(t.largestFetch, t.read.limit/int64(2*max(1, readers))), leastFetch)
	if bytes == 0 {
		if hungry && t.evict(now) {
			bytes = t.read.takeUpTo(t.largestFetch, leastFetch)
		}
		if bytes == 0 {
			return nil, soonest
		}
	}
	return r.request(view, chosen, bytes), time.Time{}
}

// leastFetch is the least that is worth a request.
const leastFetch = 64 << 10

func (r *reader) request(view *topicView, workers []*worker, bytes int64) *fetch {
	t := r.t
	f := &fetch{req: kmsg.NewPtrFetchRequest(), parts: make(map[int32]wanted, len(workers)), times: view.times, bytes: bytes}
	f.req.ReplicaID, f.req.SessionEpoch = -1, -1
	f.req.MaxWaitMillis, f.req.MinBytes, f.req.MaxBytes = int32(fetchWait.Milliseconds()), 1, int32(bytes)
	f.req.IsolationLevel = 1 // records of transactions that are open or were aborted are not read
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = t.cfg.Topic, view.id
	rt.Partitions = make([]kmsg.FetchRequestTopicPartition, 0, len(workers))
	for _, w := range workers {
		rp := kmsg.NewFetchRequestTopicPartition()
		w.mu.Lock()
		at, epoch := w.p.Read(), w.epoch
		w.fetching = true
		rp.Partition, rp.FetchOffset, rp.CurrentLeaderEpoch = w.partition, at.Offset, epoch
		rp.PartitionMaxBytes = int32(max(min(bytes, t.chunk()), int64(w.need)))
		w.mu.Unlock()
		rt.Partitions = append(rt.Partitions, rp)
		f.parts[w.partition] = wanted{w, at, epoch}
	}
	f.req.Topics = append(f.req.Topics, rt)
	return f
}

// wants reports whether the partition, if the broker leads it, is to be fetched,
// from when on, and whether it has nothing at all.
func (w *worker) wants(node int32, now time.Time) (at time.Time, ok, empty bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.node != node || w.asking != 0 {
		return time.Time{}, false, false
	}
	at, ok = w.p.MayFetch()
	if !ok || w.q.bytes >= w.t.enough() {
		return time.Time{}, false, false
	}
	if w.doubt && !now.Before(at) {
		w.settleDoubt()
		return time.Time{}, false, false
	}
	return at, true, len(w.q.items) == 0
}

// settleDoubt asks whether the log still is what was read of it. What was read
// ahead is read again: it cannot be compared. And so a delivery has to end before;
// mu is held.
func (w *worker) settleDoubt() {
	if w.p.State() == policy.Delivering {
		return
	}
	w.applyLocked(policy.Evicted{})
	w.doubt = false
	question, at, epoch := w.ask(), w.p.Read(), w.epoch
	w.t.tasks.Go(func() { w.t.check(w, question, at, epoch) })
}

// evict gives up what was fetched of partitions that wait for their next
// delivery anyway, for those that have nothing. It reports whether that freed
// anything.
func (t *Trigger) evict(now time.Time) (any bool) {
	for _, w := range t.all() {
		w.mu.Lock()
		due, again := w.p.MayDeliver()
		if _, retrying := w.p.Batch(); again && retrying && len(w.q.items) > 0 && due.Sub(now) > time.Second {
			w.applyLocked(policy.Evicted{})
			any = true
		}
		w.mu.Unlock()
	}
	return any
}

// fail waits after a request that the broker did not answer.
func (r *reader) fail(ctx context.Context, f *fetch, err error) {
	for _, p := range f.parts {
		p.w.mu.Lock()
		p.w.fetching, p.w.doubt = false, true
		p.w.mu.Unlock()
	}
	if ctx.Err() != nil {
		return
	}
	if r.failed++; r.failed == 1 {
		r.since = time.Now()
	}
	r.t.refresh()
	if time.Since(r.since) >= patienceWithBroker {
		r.t.once(Trouble, fmt.Sprintf("broker %d", r.node), fmt.Errorf("broker %d does not answer: %w", r.node, err))
	}
	timer := time.NewTimer(backoff.Jitter(r.failed, 200*time.Millisecond, 5*time.Second))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// patienceWithBroker is how long a broker may be away before that is told: it
// may be restarted, or its partitions move.
const patienceWithBroker = 5 * time.Second

// take hands out what came.
func (r *reader) take(f *fetch, resp *kmsg.FetchResponse) {
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		for _, p := range f.parts {
			if p.fetched() {
				r.takeError(p, err)
			}
		}
		return
	}
	r.t.mu.Lock()
	stale := r.t.topic.times != f.times // it may be another log's
	r.t.mu.Unlock()
	all := 0
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			all += len(resp.Topics[i].Partitions[j].RecordBatches)
		}
	}
	for i := range resp.Topics {
		for j := range resp.Topics[i].Partitions {
			rp := &resp.Topics[i].Partitions[j]
			p, ok := f.parts[rp.Partition]
			if !ok {
				continue
			}
			if len(rp.RecordBatches) > 0 {
				r.after = rp.Partition
			}
			if p.fetched() && !stale {
				r.takePartition(p, rp, all)
			}
		}
	}
	for _, p := range f.parts { // those included that the broker forgot
		p.fetched()
	}
}

// fetched takes note that a fetch has ended. It reports whether the partition's
// leader is still the same and nothing else is asked: what comes from one that
// was replaced may not be in the log any more.
func (p wanted) fetched() bool {
	p.w.mu.Lock()
	defer p.w.mu.Unlock()
	p.w.fetching = false
	return p.current()
}

func (p wanted) current() bool { return p.w.epoch == p.epoch && p.w.asking == 0 }

// takePartition takes a partition of a response that holds so many bytes in all.
func (r *reader) takePartition(p wanted, rp *kmsg.FetchResponseTopicPartition, all int) {
	err := kerr.ErrorForCode(rp.ErrorCode)
	if err == kerr.OffsetOutOfRange { //nolint:errorlint // it is that very one
		p.w.mu.Lock()
		defer p.w.mu.Unlock()
		if p.current() {
			question := p.w.ask()
			r.t.tasks.Go(func() { r.t.outOfRange(p.w, question, p.from) })
		}
		return
	}
	if err != nil {
		r.takeError(p, err)
		return
	}
	split, err := batch.Take(rp, p.from.Offset, r.t.largest)
	end := rp.LastStableOffset
	if end < 0 {
		end = rp.HighWatermark
	}
	e := policy.Fetched{From: p.from.Offset, Next: policy.Place{Offset: split.Next, Epoch: split.Epoch}, Start: rp.LogStartOffset, End: end}
	for i := range split.Batches {
		e.Records += split.Batches[i].Records
	}
	w := p.w
	var notes []policy.Note
	w.mu.Lock()
	if !p.current() {
		w.mu.Unlock()
		return
	}
	w.need = split.Need
	if err == nil || split.Next > p.from.Offset {
		o := w.applyLocked(e)
		notes = o.Notes
		if o.Keep {
			if batch.Size(split.Batches) < all-all/4 { // else it keeps little that is others'
				batch.Own(split.Batches)
			}
			r.t.read.take(w.q.push(split.Batches, time.Now()))
		}
	}
	if err != nil {
		if errors.Is(err, batch.ErrTooLarge) {
			err = fmt.Errorf("%w of %d bytes, a quarter of memory-budget", err, r.t.largest)
		}
		notes = append(notes, w.applyLocked(policy.FetchFailed{From: split.Next, Kind: policy.Corrupt, Err: err}).Notes...)
	}
	w.mu.Unlock()
	r.t.tell(w, notes, Notice{})
	if err != nil || split.Next > p.from.Offset {
		w.wakeUp()
	}
}

// takeError takes note of what the broker says is wrong with a partition.
func (r *reader) takeError(p wanted, err error) {
	kind := faultOf(err)
	p.w.mu.Lock()
	p.w.doubt = p.w.doubt || kind == policy.Moved || kind == policy.Gone || kind == policy.Storage
	p.w.mu.Unlock()
	p.w.apply(policy.FetchFailed{From: p.from.Offset, Kind: kind, Err: err})
	r.t.refresh()
}

// startReaders starts the readers that are missing and wakes the others up.
func (t *Trigger) startReaders() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.topic == nil || t.life.Err() != nil {
		return
	}
	for _, w := range t.workers {
		if l, ok := t.topic.leaders[w.partition]; ok && t.readers[l.node] == nil {
			r := &reader{t: t, node: l.node, wake: make(chan struct{}, 1), after: -1}
			t.readers[l.node] = r
			t.tasks.Go(func() { r.run(t.life) })
		}
	}
	for _, r := range t.readers {
		r.wakeUp()
	}
}

// wakeReaders has all readers look for partitions that want more.
func (t *Trigger) wakeReaders() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.readers {
		r.wakeUp()
	}
}

func (r *reader) wakeUp() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}
