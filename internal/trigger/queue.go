package trigger

import (
	"time"

	"ckafka-etl/internal/trigger/batch"
)

// queue holds what was fetched of a partition and is not handled yet. It is
// guarded by its worker's mu; what it holds does not change, so that an event
// can be made of it without.
type queue struct {
	items   []item
	head    opened // of the first item, if events were made of its beginning
	records int
	bytes   int64
	dropped int       // how many times everything was dropped
	first   time.Time // when the first record was written that was dropped; zero once there are others
}

// item is a batch and when it came.
type item struct {
	batch.Batch
	came time.Time
}

// opened is a batch of which a part was handled.
type opened struct {
	read   int          // records that were handled
	reader batch.Reader // at the first that was not; valid if ok
	ok     bool
	bytes  int64 // what it takes beside the batch
}

// push adds batches and returns what they take.
func (q *queue) push(batches []batch.Batch, now time.Time) (bytes int64) {
	if len(batches) > 0 {
		q.first = time.Time{}
	}
	for _, b := range batches {
		q.items = append(q.items, item{b, now})
		q.records += b.Records
		bytes += int64(b.Size())
	}
	q.bytes += bytes
	return bytes
}

// last returns the last offset that it covers, -1 if it is empty.
func (q *queue) last() int64 {
	if len(q.items) == 0 {
		return -1
	}
	return q.items[len(q.items)-1].Last
}

// handled removes what lies before an offset and returns what it took. rest is
// how far the batch that holds the offset was read.
func (q *queue) handled(next int64, rest opened) (bytes int64) {
	n := 0
	for ; n < len(q.items) && q.items[n].Last < next; n++ {
		q.records -= q.items[n].Records
		bytes += int64(q.items[n].Size())
		q.items[n] = item{} // let go of its memory
	}
	q.items = q.items[n:]
	q.bytes -= bytes
	if n == 0 && !rest.ok && rest.read == 0 {
		return bytes
	}
	if n > 0 || !rest.ok || !q.head.ok { // else it is the same memory
		bytes += q.head.bytes
	}
	q.bytes += rest.bytes - q.head.bytes
	q.records += q.head.read - rest.read
	q.head = rest
	return bytes
}

// clear removes everything and returns what it took.
func (q *queue) clear() (bytes int64) {
	bytes = q.bytes
	*q = queue{dropped: q.dropped + 1, first: q.oldest()}
	return bytes
}

// oldest returns when the first record was written that is not handled. It is
// known as well while a partition that waits, or is stopped, holds nothing.
func (q *queue) oldest() time.Time {
	if len(q.items) == 0 {
		return q.first
	}
	if r := q.head.reader; q.head.ok {
		var rec batch.Record
		if ok, err := r.Next(&rec); ok && err == nil && rec.Time > 0 {
			return time.UnixMilli(rec.Time)
		}
	}
	return q.items[0].Time()
}
