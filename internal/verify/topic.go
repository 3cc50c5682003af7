package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/core/brokers"
	"ckafka-etl/internal/topicmeta"
)

// topic is a side in a cluster.
type topic struct {
	cfg     *Topic
	client  *kgo.Client // for questions; reading has clients of its own
	n       int32
	id      [16]byte
	ranges  map[int32]span
	compact bool
	format  brokers.Format // the message.format.version that the brokers tell, if they do
}

// openTopic finds out what there is to compare.
func openTopic(ctx context.Context, cfg *Topic) (*topic, error) {
	client, err := kgo.NewClient(append(slices.Clone(cfg.Client), kgo.RequestRetries(5))...)
	if err != nil {
		return nil, err
	}
	t := &topic{cfg: cfg, client: client, ranges: make(map[int32]span)}
	if err := t.look(ctx); err != nil {
		client.Close()
		return nil, err
	}
	return t, nil
}

func (t *topic) close() { t.client.Close() }

func (t *topic) partitions() int32     { return t.n }
func (t *topic) spans() map[int32]span { return t.ranges }
func (t *topic) compacted() bool       { return t.compact }
func (t *topic) starts(ctx context.Context) (map[int32]int64, error) {
	return t.offsets(ctx, topicmeta.Start)
}

func (t *topic) look(ctx context.Context) error {
	meta, err := topicmeta.Describe(ctx, t.client, t.cfg.Name)
	if err != nil {
		return err
	}
	t.n, t.id = int32(len(meta.Partitions)), meta.TopicID
	for p := range t.cfg.From {
		if p < 0 || p >= t.n {
			return fmt.Errorf("there is no partition %d, only %d", p, t.n)
		}
	}
	starts, err := t.starts(ctx)
	if err != nil {
		return err
	}
	ends, err := t.offsets(ctx, topicmeta.End)
	if err != nil {
		return err
	}
	froms, untils := starts, ends
	if !t.cfg.Since.IsZero() {
		if froms, err = t.offsets(ctx, t.cfg.Since.UnixMilli()); err != nil {
			return err
		}
	}
	if !t.cfg.Until.IsZero() {
		if untils, err = t.offsets(ctx, t.cfg.Until.UnixMilli()); err != nil {
			return err
		}
	}
	for p := range t.n {
		s := span{froms[p], min(untils[p], ends[p])}
		if o, ok := t.cfg.From[p]; ok {
			s.from = max(o, starts[p])
		}
		// A time that no record has reached is after the end.
		if froms[p] < 0 {
			s.from = ends[p]
		}
		if untils[p] < 0 {
			s.end = ends[p]
		}
		s.end = max(s.from, s.end)
		t.ranges[p] = s
	}
	t.settings(ctx)
	return nil
}

// offsets returns the offset in each partition that query asks for: see
// topicmeta.Offsets.
func (t *topic) offsets(ctx context.Context, query int64) (map[int32]int64, error) {
	return topicmeta.Offsets(ctx, t.client, t.cfg.Name, topicmeta.Partitions(int(t.n)), query)
}

// patience is how long nothing may come before a partition is asked whether
// there is anything left in it.
const patience = time.Second

func (t *topic) read(ctx context.Context, spans map[int32]span, take func(*kgo.Record)) error {
	left := make(map[int32]span, len(spans)) // from: what comes next
	places := make(map[int32]kgo.Offset, len(spans))
	for p, s := range spans {
		if s.from < s.end {
			left[p], places[p] = s, kgo.NewOffset().At(s.from)
		}
	}
	if len(left) == 0 {
		return nil
	}
	client, err := kgo.NewClient(append(slices.Clone(t.cfg.Client),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t.cfg.Name: places}),
		// What expires while it is read is passed over.
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(),               // a partition may end with one
		kgo.FetchMaxBytes(1<<20),               // they may be ten times as much when they are unpacked
		kgo.FetchMaxWait(500*time.Millisecond), // for partitions at their end, while others wait to be asked for
		kgo.FetchMaxPartitionBytes(256<<10),
		kgo.MaxConcurrentFetches(2),
	)...)
	if err != nil {
		return err
	}
	defer client.Close()
	for len(left) > 0 {
		limited, cancel := context.WithTimeout(ctx, patience)
		fetches := client.PollFetches(limited)
		cancel()
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		for _, e := range fetches.Errors() {
			if !errors.Is(e.Err, context.DeadlineExceeded) {
				return fmt.Errorf("partition %d: %w", e.Partition, e.Err)
			}
		}
		some := false
		fetches.EachRecord(func(r *kgo.Record) {
			some = true
			s, reading := left[r.Partition]
			if !reading || r.Offset < s.from {
				return
			}
			if s.holds(r.Offset) && !r.Attrs.IsControl() {
				take(r)
			}
			if s.from = r.Offset + 1; s.from < s.end {
				left[r.Partition] = s
				return
			}
			delete(left, r.Partition)
			client.PauseFetchPartitions(map[string][]int32{t.cfg.Name: {r.Partition}})
		})
		if !some {
			if err := t.dropEmpty(ctx, left); err != nil {
				return err
			}
		}
	}
	return nil
}

// dropEmpty drops the spans in which nothing is left: a compacted topic may end
// with offsets that have no record.
func (t *topic) dropEmpty(ctx context.Context, left map[int32]span) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	meta, err := topicmeta.Describe(ctx, t.client, t.cfg.Name)
	if err != nil {
		return err
	}
	for _, p := range meta.Partitions {
		s, reading := left[p.Partition]
		if !reading || p.ErrorCode != 0 {
			continue
		}
		empty, err := t.isEmpty(ctx, p.Partition, p.Leader, s)
		if err != nil {
			return fmt.Errorf("partition %d: %w", p.Partition, err)
		}
		if empty {
			delete(left, p.Partition)
		}
	}
	return nil
}

// isEmpty asks a partition's leader whether there is any record in a span.
func (t *topic) isEmpty(ctx context.Context, partition, leader int32, s span) (bool, error) {
	for s.from < s.end {
		req := kmsg.NewPtrFetchRequest()
		req.MaxWaitMillis, req.MinBytes, req.MaxBytes, req.IsolationLevel = 100, 1, 1<<20, 1 // committed records only
		req.SessionEpoch = -1
		rt := kmsg.NewFetchRequestTopic()
		rt.Topic, rt.TopicID = t.cfg.Name, t.id
		rp := kmsg.NewFetchRequestTopicPartition()
		rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = partition, s.from, 1<<20
		rt.Partitions = append(rt.Partitions, rp)
		req.Topics = append(req.Topics, rt)
		raw, err := t.client.Broker(int(leader)).RetriableRequest(ctx, req)
		if err != nil {
			return false, err
		}
		resp := raw.(*kmsg.FetchResponse)
		if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
			return false, err
		}
		if len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
			return false, errors.New("the broker answered for another partition")
		}
		got := &resp.Topics[0].Partitions[0]
		if got.ErrorCode != 0 {
			// A leader that has moved, or an offset that has expired: reading
			// goes on by itself, or says what is wrong.
			return false, nil
		}
		batches := len(got.RecordBatches)
		read, next := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{
			Offset: s.from, Topic: t.cfg.Name, Partition: partition, IsolationLevel: kgo.ReadCommitted(),
		}, got, kgo.DefaultDecompressor(), nil)
		switch {
		case slices.ContainsFunc(read.Records, func(r *kgo.Record) bool { return s.holds(r.Offset) }):
			return false, nil
		case next > s.from:
			s.from = next
		case got.HighWatermark < s.end:
			return false, fmt.Errorf("it ends at offset %d, and ended at %d when the comparison began: the brokers have lost records", got.HighWatermark, s.end)
		case batches == 0:
			return true, nil
		default:
			return false, nil
		}
	}
	return true, nil
}
