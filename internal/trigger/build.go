package trigger

import (
	"errors"
	"fmt"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/trigger/batch"
	"ckafka-etl/internal/trigger/policy"
)

// workshop is what an event is made with. There are no more of them than events
// at a time.
type workshop struct {
	event   *event.Builder
	scratch []byte // for a batch that is decompressed
	usual   int    // how large those were
}

// source is what an event is made of.
type source struct {
	items   []item
	head    opened
	dropped int          // of the queue, when this was taken
	from    policy.Place // of the first record
	until   int64        // the last one that belongs to it, -1: any
}

// made is an event, and how it ended.
type made struct {
	policy.Batch
	rest  opened // how far the batch was read in which it ended
	taken int64  // what that took of the memory
	// from and dropped are those of the source.
	from    int64
	dropped int
	// tooLarge is the first record if it fits into no event: nothing was made.
	tooLarge *batch.Record
	err      error
	behind   policy.Place // tooLarge
}

// builder makes one event.
type builder struct {
	*workshop
	made
	w    *worker
	src  source
	rec  batch.Record
	last batch.Record // that is in the event
	ev   event.Record
}

// build makes an event of what the source holds: until it is full, or nothing is
// left. An error says that its first record cannot be read.
func (w *worker) build(shop *workshop, src source) (made, error) {
	shop.event.Reset()
	b := &builder{workshop: shop, w: w, src: src, ev: event.Record{Topic: w.t.cfg.Topic, Partition: w.partition}}
	b.First, b.Last = -1, -1
	b.from, b.dropped = src.from.Offset, src.dropped
	b.Next = src.from
	for i := range src.items {
		closed, err := b.add(i)
		if b.Records > 0 { // before the memory is used for the next batch
			b.Sum = b.last.Sum()
		}
		if b.Records == 0 && err != nil {
			return made{}, err
		}
		if closed || err != nil { // what cannot be read is met again as the first
			return b.made, nil //nolint:nilerr // see above
		}
	}
	return b.made, nil
}

// add adds the records of a batch. It reports whether the event is closed.
func (b *builder) add(i int) (closed bool, err error) {
	item := &b.src.items[i]
	at := opened{}
	if i == 0 && b.src.head.ok {
		at = b.src.head
	} else if at.reader, err = b.open(item); err != nil {
		return false, err
	}
	for {
		before := at
		ok, err := at.reader.Next(&b.rec)
		switch {
		case err != nil:
			return false, err
		case !ok:
			b.Next = policy.Place{Offset: max(item.Last+1, b.from), Epoch: item.Epoch}
			return false, nil
		}
		at.read++
		if b.rec.Offset < b.from {
			continue
		}
		if b.src.until >= 0 && b.rec.Offset > b.src.until || !b.put(item) {
			b.keep(i, before)
			return true, nil
		}
		if b.event.Full() {
			b.keep(i, at)
			return true, nil
		}
	}
}

func (b *builder) open(item *item) (batch.Reader, error) {
	if b.scratch == nil && item.Compressed() {
		b.scratch = make([]byte, 0, b.usual)
	}
	data, err := item.Open(b.scratch, b.w.t.largest)
	if errors.Is(err, batch.ErrTooLarge) {
		return batch.Reader{}, fmt.Errorf("%w of %d bytes, a quarter of memory-budget (offset %d)", err, b.w.t.largest, item.First)
	}
	if err != nil {
		return batch.Reader{}, err
	}
	if item.Compressed() {
		b.scratch = data
		b.usual = min(len(data)+len(data)/8, event.MaxBytes) // with room for the next
	}
	return batch.NewReader(&item.Batch, data), nil
}

// put adds a record. It reports false if there is no room for it.
func (b *builder) put(item *item) bool {
	b.ev.Offset, b.ev.Key, b.ev.Body = b.rec.Offset, b.rec.Key, b.rec.Value
	room, err := b.event.Add(&b.ev)
	behind := policy.Place{Offset: b.rec.Offset + 1, Epoch: item.Epoch}
	switch {
	case err != nil && b.Records == 0:
		rec := b.rec
		b.tooLarge, b.err, b.behind = &rec, err, behind
		return false
	case err != nil || !room: // what stands before it goes first
		return false
	}
	if b.Records == 0 {
		b.First = b.rec.Offset
	}
	b.Last, b.Next, b.last = b.rec.Offset, behind, b.rec
	b.Records++
	return true
}

// keep remembers where the event ended in a batch, so that the next one need not
// read it from its beginning. If the batch was decompressed, that takes memory.
func (b *builder) keep(i int, at opened) {
	item := &b.src.items[i]
	if b.tooLarge != nil || b.Next.Offset > item.Last {
		return // nothing was handled, or the whole batch
	}
	b.rest = opened{read: at.read}
	switch {
	case i == 0 && b.src.head.ok || !item.Compressed():
		b.rest = at
		b.rest.ok = true
	case b.w.t.read.tryTake(int64(cap(b.scratch))):
		b.taken = int64(cap(b.scratch))
		b.rest = opened{read: at.read, reader: at.reader, ok: true, bytes: b.taken}
		b.scratch = nil
	}
}
