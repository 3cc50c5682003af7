package batch

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"slices"

	"github.com/twmb/franz-go/pkg/kmsg"
)

// Split is what a fetch response holds of a partition.
type Split struct {
	Batches []Batch // those with records to deliver; they refer to the response
	// Next is the offset behind the last batch that was complete, whether or
	// not anything of it is to be delivered, and Epoch that of the last one.
	// Without any Next is what was asked for and Epoch is -1.
	Next  int64
	Epoch int32
	// Need is how many bytes the batch has of which the response holds only a
	// part, if it holds nothing else.
	Need int
}

// Layout of a batch: firstOffset, length, and from there on leaderEpoch, magic,
// crc, attributes, lastOffsetDelta, baseTimestamp, maxTimestamp, producerID,
// producerEpoch, baseSequence and the number of records.
const (
	atLength     = 8
	atEpoch      = 12
	atMagic      = 16
	atCRC        = 17
	atAttributes = 21
	atLastDelta  = 23
	atBaseTime   = 27
	atMaxTime    = 35
	atProducer   = 43
	atCount      = 57
	atRecords    = 61
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Take splits the batches of a fetch response that was asked for from. Control
// batches, batches of aborted transactions and what lies before from are left
// out. An error is a *CorruptError, or ErrTooLarge for a batch of the old
// formats; the Split holds what comes before.
func Take(p *kmsg.FetchResponseTopicPartition, from int64, limit int) (Split, error) {
	s := Split{Next: from, Epoch: -1}
	aborted := newAborted(p.AbortedTransactions)
	for src := p.RecordBatches; len(src) > atMagic; {
		size := int64(atEpoch) + int64(int32(binary.BigEndian.Uint32(src[atLength:])))
		if magic := src[atMagic]; magic < 2 {
			return s, s.takeOld(p, src, limit)
		}
		offset := int64(binary.BigEndian.Uint64(src))
		if size < atRecords {
			return s, &CorruptError{offset, fmt.Sprintf("it says that it has %d bytes", size)}
		}
		if int64(len(src)) < size {
			if len(s.Batches) == 0 && s.Next == from {
				s.Need = int(size)
			}
			return s, nil
		}
		if err := s.take(src[:size], offset, aborted); err != nil {
			return s, err
		}
		src = src[size:]
	}
	return s, nil
}

// take takes a batch of format 2.
func (s *Split) take(src []byte, offset int64, aborted aborted) error {
	be := binary.BigEndian
	if magic := src[atMagic]; magic != 2 {
		return &CorruptError{offset, fmt.Sprintf("its format is %d", magic)}
	}
	if want, got := be.Uint32(src[atCRC:]), crc32.Checksum(src[atAttributes:], castagnoli); want != got {
		return &CorruptError{offset, fmt.Sprintf("its checksum is %08x, its bytes make %08x", want, got)}
	}
	b := Batch{
		First:      offset,
		Last:       offset + int64(int32(be.Uint32(src[atLastDelta:]))),
		Epoch:      int32(be.Uint32(src[atEpoch:])),
		Records:    int(int32(be.Uint32(src[atCount:]))),
		attributes: int16(be.Uint16(src[atAttributes:])),
		baseTime:   int64(be.Uint64(src[atBaseTime:])),
		maxTime:    int64(be.Uint64(src[atMaxTime:])),
		data:       src[atRecords:len(src):len(src)],
	}
	if b.Last < b.First || b.Records < 0 {
		return &CorruptError{offset, fmt.Sprintf("it says that it has %d records up to offset %d", b.Records, b.Last)}
	}
	producer := int64(be.Uint64(src[atProducer:]))
	switch {
	case b.Last < s.Next: // the response begins with the batch that holds the offset
		return nil
	case b.attributes&control != 0:
		aborted.marker(&b, producer)
	case b.attributes&transactional != 0 && aborted.holds(producer, b.First):
	case b.Records > 0:
		s.Batches = append(s.Batches, b)
	}
	s.Next, s.Epoch = b.Last+1, b.Epoch
	return nil
}

// aborted holds where the aborted transactions of a response begin, by producer.
type aborted map[int64][]int64

func newAborted(list []kmsg.FetchResponseTopicPartitionAbortedTransaction) aborted {
	if len(list) == 0 {
		return nil
	}
	a := make(aborted)
	for _, t := range list {
		a[t.ProducerID] = append(a[t.ProducerID], t.FirstOffset)
	}
	for _, firsts := range a {
		slices.Sort(firsts)
	}
	return a
}

// holds reports whether the producer's transaction at the offset was aborted.
func (a aborted) holds(producer, offset int64) bool {
	firsts := a[producer]
	return len(firsts) > 0 && firsts[0] <= offset
}

// marker takes note of a control batch: an abort ends a transaction.
func (a aborted) marker(b *Batch, producer int64) {
	if !a.holds(producer, b.First) {
		return
	}
	var rec Record
	r := NewReader(b, b.data)
	if ok, err := r.Next(&rec); err != nil || !ok || len(rec.Key) < 4 {
		return
	}
	const abort = 0
	if binary.BigEndian.Uint16(rec.Key[2:]) == abort {
		a[producer] = a[producer][1:]
	}
}
