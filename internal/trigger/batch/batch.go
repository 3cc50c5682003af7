// Package batch reads the record batches of a fetch response. They are taken
// apart as late as can be: a batch stays as the broker sent it, compressed,
// until an event is made of its records.
package batch

import (
	"errors"
	"fmt"
	"time"
)

// Batch is a record batch with records that are to be delivered.
type Batch struct {
	// First and Last are the offsets that it covers. Some of them may have no
	// record, the first and the last included: a compacted log has gaps.
	First, Last int64
	Epoch       int32 // of the leader that wrote it
	Records     int

	attributes        int16
	baseTime, maxTime int64 // ms since 1970
	data              []byte
}

// overhead is what a Batch takes beside its data.
const overhead = 80

// Size returns how many bytes the batch takes in memory.
func (b *Batch) Size() int { return len(b.data) + overhead }

// Compressed reports whether Open takes memory.
func (b *Batch) Compressed() bool { return codec(b.attributes&codecMask) != codecNone }

// Time is the time stamp of the first record, or of one before it that a
// compacted log has lost; zero if the log has no time stamps.
func (b *Batch) Time() time.Time {
	ms := b.baseTime
	if b.attributes&logAppendTime != 0 {
		ms = b.maxTime
	}
	if ms <= 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms)
}

// Attributes of a batch.
const (
	codecMask     = 0x07
	logAppendTime = 0x08
	transactional = 0x10
	control       = 0x20
)

// Size returns how many bytes batches take in memory.
func Size(batches []Batch) (bytes int) {
	for i := range batches {
		bytes += batches[i].Size()
	}
	return bytes
}

// Own copies what the batches hold into memory of their own, so that they do
// not keep the whole response.
func Own(batches []Batch) {
	n := 0
	for i := range batches {
		n += len(batches[i].data)
	}
	buf := make([]byte, 0, n)
	for i := range batches {
		start := len(buf)
		buf = append(buf, batches[i].data...)
		batches[i].data = buf[start:len(buf):len(buf)]
	}
}

// ErrTooLarge says that a batch decompresses to more than the limit.
var ErrTooLarge = errors.New("the record batch decompresses to more than the limit")

// CorruptError says that a batch is not what its producer sent.
type CorruptError struct {
	Offset int64 // where the batch begins
	Reason string
}

func (e *CorruptError) Error() string {
	return fmt.Sprintf("the record batch at offset %d is damaged: %s", e.Offset, e.Reason)
}
