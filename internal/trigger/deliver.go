package trigger

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/trigger/policy"
)

// lane is one Function, which takes one event at a time.
type lane struct {
	fn         Function
	turn       chan struct{} // holds a token while an event is made and handled
	partitions int           // that use it; guarded by the trigger's mu
}

func (l *lane) enter(ctx context.Context) bool {
	select {
	case l.turn <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

func (l *lane) leave() { <-l.turn }

// deliver has an event handled once and takes note of what came of it.
func (w *worker) deliver(e *event.Builder, m made) {
	n := Notice{
		Kind: Batch, Partition: w.partition, Offset: m.First, LastOffset: m.Last,
		Records: m.Records, Bytes: e.Size(),
	}
	w.mu.Lock()
	n.Delivery = w.p.Failed() + 1
	w.mu.Unlock()
	n.Reply, n.Err = w.invoke(e.Event())
	if n.Err == nil {
		w.t.cfg.Report(n)
		w.delivered(m)
		return
	}
	w.t.read.give(m.taken)
	if w.ctx.Err() != nil {
		w.apply(policy.GivenUp{})
		return
	}
	w.mu.Lock()
	o := w.applyLocked(policy.DeliveryFailed{Err: n.Err})
	w.mu.Unlock()
	w.t.tell(w, o.Notes, n)
}

func (w *worker) invoke(payload []byte) (platform.Reply, error) {
	reply, err := w.lane.fn.Invoke(w.ctx, payload)
	if err == nil && reply.Error != nil {
		err = reply.Error
	}
	return reply, err
}

// delivered takes note that an event was handled.
func (w *worker) delivered(m made) {
	w.mu.Lock()
	o := w.applyLocked(policy.Delivered{})
	if w.q.dropped != m.dropped { // by now, or meanwhile
		w.t.read.give(m.taken)
	} else {
		w.t.read.give(w.q.handled(m.Next.Offset, m.rest))
	}
	notes := append(o.Notes, w.drain()...)
	w.mu.Unlock()
	w.t.tell(w, notes, Notice{})
}

// maxProduced is the largest record that can be produced. CKafka takes messages
// of up to 12 MB.
const maxProduced = 13 << 20

// oversize deals with a record that fits into no event.
func (w *worker) oversize(m made) {
	n := Notice{
		Kind: Dropped, Partition: w.partition, Offset: m.tooLarge.Offset, LastOffset: m.tooLarge.Offset,
		Records: 1, Bytes: len(m.tooLarge.Value), Err: m.err,
	}
	err := m.err
	switch w.t.cfg.Oversize {
	case OversizeSkip:
		err = nil
	case OversizeDead:
		if err = w.bury(m); err != nil {
			err = fmt.Errorf("%w, and it could not be produced to %s: %w", m.err, w.t.cfg.OversizeTopic, err)
		}
	case OversizeStop:
	}
	if err != nil && w.ctx.Err() != nil {
		return
	}
	w.mu.Lock()
	if w.q.dropped != m.dropped { // the log changed: the record is another log's
		w.mu.Unlock()
		return
	}
	var o policy.Outcome
	if err != nil {
		o = w.applyLocked(policy.Refused{From: m.from, Err: err})
	} else if o = w.applyLocked(policy.Passed{From: m.from, Next: m.behind}); !o.Drop {
		w.t.read.give(w.q.handled(m.behind.Offset, opened{}))
	}
	w.mu.Unlock()
	if err == nil {
		w.t.cfg.Report(n)
	}
	w.t.tell(w, o.Notes, Notice{})
}

// bury produces the record, with where it is from, to the topic for such.
func (w *worker) bury(m made) error {
	r := m.tooLarge
	return w.t.client.ProduceSync(w.ctx, &kgo.Record{
		Topic: w.t.cfg.OversizeTopic, Key: r.Key, Value: r.Value,
		Headers: append(slices.Clone(r.Headers()),
			kgo.RecordHeader{Key: "source.topic", Value: []byte(w.t.cfg.Topic)},
			kgo.RecordHeader{Key: "source.partition", Value: strconv.AppendInt(nil, int64(w.partition), 10)},
			kgo.RecordHeader{Key: "source.offset", Value: strconv.AppendInt(nil, r.Offset, 10)},
		),
	}).FirstErr()
}
