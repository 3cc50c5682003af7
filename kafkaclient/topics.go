package kafkaclient

import (
	"context"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/core/brokers"
)

// noLeader stands for the leader of a partition that has none.
const noLeader = -1

// topic is what the brokers say of a topic.
type topic struct {
	id      [16]byte // zero: the brokers have told none
	leaders []int32  // broker by partition
	err     error    // why there is no such topic for us
	asked   time.Time
}

// leader returns the broker that leads a partition, or noLeader.
func (t *topic) leader(partition int32) int32 {
	if t == nil || int(partition) >= len(t.leaders) {
		return noLeader
	}
	return t.leaders[partition]
}

func (t *topic) incarnation() incarnation {
	if t == nil {
		return incarnation{}
	}
	return incarnation{t.id, len(t.leaders)}
}

// describe asks for topics. It never makes one: brokers to which that cannot be
// said are asked for all topics.
func describe(ctx context.Context, k *kgo.Client, a brokers.Abilities, names []string) (map[string]*topic, error) {
	req := kmsg.NewPtrMetadataRequest()
	req.AllowAutoTopicCreation = false
	for _, name := range names {
		if !a.QuietQuestions() {
			break
		}
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &name
		req.Topics = append(req.Topics, t)
	}
	res, err := bounded(ctx, func() (*kmsg.MetadataResponse, error) { return req.RequestWith(ctx, k) })
	if err != nil {
		return nil, err
	}
	topics := make(map[string]*topic, len(names))
	for i := range res.Topics {
		rt := &res.Topics[i]
		if rt.Topic == nil || !slices.Contains(names, *rt.Topic) {
			continue
		}
		t := &topic{id: rt.TopicID, err: kerr.ErrorForCode(rt.ErrorCode), leaders: make([]int32, len(rt.Partitions)), asked: time.Now()}
		for p := range t.leaders {
			t.leaders[p] = noLeader
		}
		for _, p := range rt.Partitions {
			if p.Partition >= 0 && int(p.Partition) < len(t.leaders) && p.ErrorCode != kerr.LeaderNotAvailable.Code {
				t.leaders[p.Partition] = p.Leader
			}
		}
		if t.err == nil && len(t.leaders) == 0 {
			t.err = kerr.LeaderNotAvailable
		}
		topics[*rt.Topic] = t
	}
	for _, name := range names {
		if topics[name] == nil {
			topics[name] = &topic{err: kerr.UnknownTopicOrPartition}
		}
	}
	return topics, nil
}

// bounded returns when ctx ends, which kgo's requests do not while a connection
// is being made. Then the connections are to be closed: that ends f.
func bounded[T any](ctx context.Context, f func() (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	done := make(chan result, 1)
	go func() {
		value, err := f()
		done <- result{value, err}
	}()
	select {
	case r := <-done:
		return r.value, r.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}

// learn returns what is known of a topic, after asking if that is nothing, or
// old.
func (c *Client) learn(ctx context.Context, name string) (*topic, error) {
	if t := c.topics[name]; t != nil && t.err == nil && time.Since(t.asked) < topicAge {
		return t, nil
	}
	k, err := c.connection()
	if err != nil {
		return nil, err
	}
	found, err := describe(ctx, k, c.abilities, []string{name})
	if err != nil {
		return nil, err
	}
	t := found[name]
	c.topics[name] = t
	return t, t.err
}
