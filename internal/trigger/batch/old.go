package batch

import (
	"encoding/binary"
	"errors"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// takeOld takes messages of the formats 0 and 1, which Kafka wrote before 0.11
// and CKafka 0.10.2 still does. They are made into one batch of format 2, not
// compressed. src is the rest of the response from the first of them on.
func (s *Split) takeOld(p *kmsg.FetchResponseTopicPartition, src []byte, limit int) error {
	rest := *p
	rest.RecordBatches = src
	d := &bounded{limit: limit}
	opts := kgo.ProcessFetchPartitionOpts{Offset: s.Next, Partition: p.Partition, IsolationLevel: kgo.ReadCommitted()}
	parsed, next := kgo.ProcessFetchPartition(opts, &rest, d, nil)
	if len(parsed.Records) > 0 {
		s.Batches = append(s.Batches, encode(parsed.Records))
	}
	begin := s.Next
	if next > s.Next {
		s.Next, s.Epoch = next, -1
	}
	switch {
	case parsed.Err != nil && d.exceeded:
		return ErrTooLarge
	case parsed.Err != nil:
		return &CorruptError{s.Next, parsed.Err.Error()}
	case s.Next == begin && len(s.Batches) == 0 && len(src) >= atEpoch:
		s.Need = atEpoch + int(binary.BigEndian.Uint32(src[atLength:]))
	}
	return nil
}

// bounded is a kgo.Decompressor with a limit.
type bounded struct {
	limit    int
	exceeded bool
}

// Decompress implements kgo.Decompressor.
func (b *bounded) Decompress(src []byte, c kgo.CompressionCodecType) ([]byte, error) {
	opened, err := decompress(codec(c), nil, src, b.limit)
	b.exceeded = b.exceeded || errors.Is(err, ErrTooLarge)
	return opened, err
}

// encode makes a batch of records.
func encode(recs []*kgo.Record) Batch {
	first, last := recs[0], recs[len(recs)-1]
	b := Batch{
		First: first.Offset, Last: last.Offset, Epoch: last.LeaderEpoch, Records: len(recs),
		baseTime: first.Timestamp.UnixMilli(), maxTime: last.Timestamp.UnixMilli(),
	}
	var rec []byte
	for _, r := range recs {
		rec = append(rec[:0], 0)
		rec = binary.AppendVarint(rec, r.Timestamp.UnixMilli()-b.baseTime)
		rec = binary.AppendVarint(rec, r.Offset-b.First)
		rec = appendBytes(rec, r.Key)
		rec = appendBytes(rec, r.Value)
		rec = binary.AppendVarint(rec, int64(len(r.Headers)))
		for _, h := range r.Headers {
			rec = appendBytes(rec, []byte(h.Key))
			rec = appendBytes(rec, h.Value)
		}
		b.data = binary.AppendVarint(b.data, int64(len(rec)))
		b.data = append(b.data, rec...)
	}
	return b
}

func appendBytes(dst, s []byte) []byte {
	if s == nil {
		return binary.AppendVarint(dst, -1)
	}
	return append(binary.AppendVarint(dst, int64(len(s))), s...)
}
