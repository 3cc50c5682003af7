package verify

import (
	"context"
	"strconv"

	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/kafkaclient"
)

// memorySide is a topic in memory.
type memorySide struct {
	records [][]*kgo.Record // by partition, in order
	ranges  map[int32]span
	begins  map[int32]int64
	compact bool
	reads   int
}

// newSide makes a side that is compared as a whole.
func newSide(partitions int, records ...*kgo.Record) *memorySide {
	s := &memorySide{records: make([][]*kgo.Record, partitions), ranges: map[int32]span{}, begins: map[int32]int64{}}
	for _, r := range records {
		s.records[r.Partition] = append(s.records[r.Partition], r)
	}
	for p, list := range s.records {
		if len(list) > 0 {
			s.ranges[int32(p)] = span{0, list[len(list)-1].Offset + 1}
		}
	}
	return s
}

// write appends a record to a partition, as a broker does.
func (s *memorySide) write(partition int32, r kgo.Record) {
	r.Partition, r.Offset = partition, s.ranges[partition].end
	s.records[partition] = append(s.records[partition], &r)
	s.ranges[partition] = span{0, r.Offset + 1}
}

func (s *memorySide) partitions() int32     { return int32(len(s.records)) }
func (s *memorySide) spans() map[int32]span { return s.ranges }
func (s *memorySide) compacted() bool       { return s.compact }
func (s *memorySide) starts(context.Context) (map[int32]int64, error) {
	return s.begins, nil
}

func (s *memorySide) read(_ context.Context, spans map[int32]span, take func(*kgo.Record)) error {
	s.reads++
	for p, list := range s.records {
		for _, r := range list {
			if sp, ok := spans[int32(p)]; ok && sp.holds(r.Offset) {
				take(r)
			}
		}
	}
	return nil
}

// copyOf is what the function makes of a source record.
func copyOf(r *kgo.Record) kgo.Record {
	return kgo.Record{Key: r.Key, Value: r.Value, Headers: from("source", int64(r.Partition), r.Offset)}
}

func from(topic string, partition, offset int64) []kgo.RecordHeader {
	return []kgo.RecordHeader{
		{Key: kafkaclient.HeaderSourceTopic, Value: []byte(topic)},
		{Key: kafkaclient.HeaderSourcePartition, Value: []byte(strconv.FormatInt(partition, 10))},
		{Key: kafkaclient.HeaderSourceOffset, Value: []byte(strconv.FormatInt(offset, 10))},
	}
}
