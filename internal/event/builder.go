package event

import "fmt"

// Builder collects records into one event after another, as the trigger does:
// an event is closed when it holds the largest number of records or when the
// next record would make it too large. It is not safe for concurrent use.
type Builder struct {
	maxRecords, maxBytes int

	buf []byte // the event so far, without its tail
	n   int
}

// NewBuilder returns a Builder for events of at most maxRecords records, from 1
// to MaxRecords, and MaxBytes bytes.
func NewBuilder(maxRecords int) (*Builder, error) {
	if maxRecords < 1 || maxRecords > MaxRecords {
		return nil, fmt.Errorf("records in an event: got %d, want 1 to %d", maxRecords, MaxRecords)
	}
	return &Builder{maxRecords: maxRecords, maxBytes: MaxBytes}, nil
}

// TooLargeError says that a record does not fit into any event.
type TooLargeError struct {
	Topic     string
	Partition int32
	Offset    int64
	Size      int // bytes of an event that holds only this record
	Max       int
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("record %s-%d-%d makes an event of %d bytes by itself: an event is at most %d bytes",
		e.Topic, e.Partition, e.Offset, e.Size, e.Max)
}

// Add puts r into the event and keeps nothing of r. If it reports false the
// event has no room for r: take the event, Reset, and add r again. A
// *TooLargeError says that r fits into no event; the event is as it was, and
// other records can still be added.
func (b *Builder) Add(r *Record) (bool, error) {
	if b.Full() {
		return false, nil
	}
	before := len(b.buf)
	if b.n == 0 {
		b.buf = append(b.buf[:0], head...)
	} else {
		b.buf = append(b.buf, ',')
	}
	start := len(b.buf)
	b.buf = appendRecord(b.buf, r)
	if len(b.buf)+len(tail) <= b.maxBytes {
		b.n++
		return true, nil
	}
	alone := len(head) + len(b.buf) - start + len(tail)
	b.buf = b.buf[:before]
	if alone > b.maxBytes {
		return false, &TooLargeError{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Size: alone, Max: b.maxBytes}
	}
	return false, nil
}

// Full reports whether the event holds as many records as it may.
func (b *Builder) Full() bool { return b.n == b.maxRecords }

// Len returns the number of records in the event.
func (b *Builder) Len() int { return b.n }

// Size returns the size in bytes that Event would have.
func (b *Builder) Size() int {
	if b.n == 0 {
		return len(head) + len(tail)
	}
	return len(b.buf) + len(tail)
}

// Event returns the event. It is valid until the next call of Add or Reset.
func (b *Builder) Event() []byte {
	if b.n == 0 {
		return []byte(head + tail)
	}
	// The tail stands behind what Add sees, in memory that is kept.
	whole := append(b.buf, tail...)
	b.buf = whole[:len(b.buf)]
	return whole
}

// Reset begins the next event in the same memory.
func (b *Builder) Reset() {
	b.buf, b.n = b.buf[:0], 0
}
