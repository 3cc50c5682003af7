package trigger

import (
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Bounds of what is read ahead, in bytes of keys and values, for each
// partition. An event has at most 6 MB.
const (
	mostAhead  = 8 << 20
	leastAhead = 1 << 20
	allAhead   = 128 << 20 // all partitions together, while none has less than leastAhead

	recordOverhead = 200 // what a record takes beside its key and value
)

// queue holds the records of a partition that were read and are in no event
// yet.
type queue struct {
	ready chan struct{} // holds a token when records came

	mu    sync.Mutex
	recs  []*kgo.Record
	bytes int
}

func newQueue() *queue { return &queue{ready: make(chan struct{}, 1)} }

func sizeOf(r *kgo.Record) int { return len(r.Key) + len(r.Value) + recordOverhead }

func (q *queue) push(recs []*kgo.Record) {
	q.mu.Lock()
	q.recs = append(q.recs, recs...)
	for _, r := range recs {
		q.bytes += sizeOf(r)
	}
	q.mu.Unlock()
	select {
	case q.ready <- struct{}{}:
	default:
	}
}

// first returns the first record, or nil.
func (q *queue) first() *kgo.Record {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.recs) == 0 {
		return nil
	}
	return q.recs[0]
}

// drop removes the first record and returns the size of the rest.
func (q *queue) drop() (bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.bytes -= sizeOf(q.recs[0])
	q.recs[0] = nil // it holds memory that others share
	q.recs = q.recs[1:]
	return q.bytes
}

// clear removes all records.
func (q *queue) clear() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.recs, q.bytes = nil, 0
}

func (q *queue) size() (records, bytes int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.recs), q.bytes
}
