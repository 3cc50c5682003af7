package trigger

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/topicmeta"
	"ckafka-etl/internal/trigger/batch"
	"ckafka-etl/internal/trigger/policy"
)

// found is what the log has at an offset.
type found struct {
	sum    uint32
	ok     bool // there is a record
	beyond bool // the log has no such offset
}

// recordAt asks a partition's leader for the record at an offset.
func (t *Trigger) recordAt(ctx context.Context, topic *topicView, partition int32, offset int64) (found, error) {
	l, ok := topic.leaders[partition]
	if !ok {
		return found{}, kerr.LeaderNotAvailable
	}
	req := kmsg.NewPtrFetchRequest()
	req.ReplicaID, req.SessionEpoch, req.IsolationLevel = -1, -1, 1
	req.MaxWaitMillis, req.MinBytes, req.MaxBytes = 100, 1, 1 // a broker sends one batch in any case
	rt := kmsg.NewFetchRequestTopic()
	rt.Topic, rt.TopicID = t.cfg.Topic, topic.id
	rp := kmsg.NewFetchRequestTopicPartition()
	rp.Partition, rp.FetchOffset, rp.PartitionMaxBytes = partition, offset, 1
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	answer, err := t.client.Broker(int(l.node)).Request(ctx, req)
	if err != nil {
		return found{}, err
	}
	resp, ok := answer.(*kmsg.FetchResponse)
	if !ok || len(resp.Topics) != 1 || len(resp.Topics[0].Partitions) != 1 {
		return found{}, fmt.Errorf("a fetch of one record was answered with %T: %w", answer, kerr.UnknownServerError)
	}
	p := &resp.Topics[0].Partitions[0]
	err = kerr.ErrorForCode(p.ErrorCode)
	switch {
	case errors.Is(err, kerr.OffsetOutOfRange):
		return found{beyond: true}, nil
	case err != nil:
		return found{}, err
	}
	return lookUp(p, offset, t.largest), nil
}

// lookUp finds a record in a response. One that cannot be read is as good as
// none.
func lookUp(p *kmsg.FetchResponseTopicPartition, offset int64, limit int) found {
	split, _ := batch.Take(p, offset, limit)
	if len(split.Batches) == 0 {
		return found{}
	}
	b := &split.Batches[0]
	opened, err := b.Open(nil, limit)
	if err != nil {
		return found{}
	}
	var rec batch.Record
	for r := batch.NewReader(b, opened); ; {
		ok, err := r.Next(&rec)
		if err != nil || !ok || rec.Offset > offset {
			return found{}
		}
		if rec.Offset == offset {
			return found{sum: rec.Sum(), ok: true}
		}
	}
}

// differs finds out whether the log still holds what was handled. marks are the
// last one first. If it does not, it returns the place up to which it does, as
// far as the marks tell. Records that retention or compaction removed say
// nothing. end is where the log ends, -1 if that is not known.
func (t *Trigger) differs(ctx context.Context, topic *topicView, partition int32, marks []policy.Mark, end int64) (policy.Place, error) {
	other := false
	for _, m := range marks {
		f := found{beyond: true}
		if end < 0 || m.Offset < end {
			var err error
			if f, err = t.recordAt(ctx, topic, partition, m.Offset); err != nil {
				return policy.Nowhere, err
			}
		}
		switch {
		case f.ok && f.sum == m.Sum && !other:
			return policy.Nowhere, nil
		case f.ok && f.sum == m.Sum:
			return policy.Place{Offset: m.Offset + 1, Epoch: -1}, nil
		case f.ok, f.beyond && end >= 0 && m.Offset >= end:
			other = true
		case !other:
			return policy.Nowhere, nil
		}
	}
	if !other {
		return policy.Nowhere, nil
	}
	starts, err := t.offsets(ctx, []int32{partition}, topicmeta.Start)
	return policy.Place{Offset: starts[partition], Epoch: -1}, err
}

// probing is how many partitions of a broker are looked into at a time.
const probing = 8

// slots bound what is asked of each broker at a time. The zero value is ready to
// use.
type slots struct {
	mu    sync.Mutex
	nodes map[int32]chan struct{}
}

// enter waits for a slot of a broker and returns what gives it back.
func (s *slots) enter(ctx context.Context, node int32) (leave func(), err error) {
	s.mu.Lock()
	if s.nodes == nil {
		s.nodes = make(map[int32]chan struct{})
	}
	c, ok := s.nodes[node]
	if !ok {
		c = make(chan struct{}, probing)
		s.nodes[node] = c
	}
	s.mu.Unlock()
	select {
	case c <- struct{}{}:
		return func() { <-c }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// whereItDiffers is differs with a bound on how many of them run at a time, and
// on the time.
func (t *Trigger) whereItDiffers(ctx context.Context, partition int32, marks []policy.Mark, end int64) (policy.Place, error) {
	if len(marks) == 0 {
		return policy.Nowhere, nil
	}
	t.mu.Lock()
	topic := t.topic
	t.mu.Unlock()
	leave, err := t.slots.enter(ctx, topic.leaders[partition].node)
	if err != nil {
		return policy.Nowhere, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	return t.differs(ctx, topic, partition, marks, end)
}
