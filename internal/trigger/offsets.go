package trigger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What stands for a time in a request for offsets, as the protocol has it.
const (
	queryEnd   = -1
	queryStart = -2
)

// committedOnly is the isolation level: records of transactions that are open
// or were aborted are not read.
const committedOnly = 1

// partitionsOf returns how many partitions a topic has. It fails if it has none.
func partitionsOf(ctx context.Context, client *kgo.Client, topic string) (int32, error) {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = new(topic)
	req.Topics = append(req.Topics, t)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return 0, err
	}
	if len(resp.Topics) != 1 {
		return 0, fmt.Errorf("the cluster described %d topics, 1 was asked for", len(resp.Topics))
	}
	if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); err != nil {
		return 0, err
	}
	return int32(len(resp.Topics[0].Partitions)), nil
}

// checkTopic asks the cluster for the topic, so that what is wrong with the
// address, the login or the name is said at once.
func checkTopic(ctx context.Context, opts []kgo.Opt, topic string) error {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return err
	}
	defer client.Close()
	if _, err = partitionsOf(ctx, client, topic); err != nil {
		return fmt.Errorf("topic %s: %w", topic, err)
	}
	return nil
}

// listOffsets returns the offset in each partition that query asks for. A time
// that no record has reached is the end.
func listOffsets(ctx context.Context, client *kgo.Client, topic string, partitions []int32, query int64) (map[int32]int64, error) {
	found, err := awaitOffsets(ctx, client, topic, partitions, query)
	if err != nil {
		return nil, err
	}
	var behind []int32
	for p, offset := range found {
		if offset < 0 {
			behind = append(behind, p)
		}
	}
	if len(behind) == 0 {
		return found, nil
	}
	ends, err := awaitOffsets(ctx, client, topic, behind, queryEnd)
	maps.Copy(found, ends)
	return found, err
}

// awaitOffsets asks again while a broker says that it will know soon: a topic
// was just made, or a partition moves to another broker.
func awaitOffsets(ctx context.Context, client *kgo.Client, topic string, partitions []int32, query int64) (map[int32]int64, error) {
	const longest = 15 * time.Second
	return backoff.Retry(ctx, func() (map[int32]int64, error) {
		found, err := askOffsets(ctx, client, topic, partitions, query)
		if err != nil && !kerr.IsRetriable(err) {
			return nil, backoff.Permanent(err)
		}
		return found, err
	}, backoff.WithMaxElapsedTime(longest), backoff.WithBackOff(&backoff.ExponentialBackOff{
		InitialInterval: 50 * time.Millisecond, MaxInterval: time.Second, Multiplier: 2, RandomizationFactor: 0.5,
	}))
}

func askOffsets(ctx context.Context, client *kgo.Client, topic string, partitions []int32, query int64) (map[int32]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID, req.IsolationLevel = -1, committedOnly
	t := kmsg.NewListOffsetsRequestTopic()
	t.Topic = topic
	for _, p := range partitions {
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp = p, query
		t.Partitions = append(t.Partitions, rp)
	}
	req.Topics = append(req.Topics, t)

	found := make(map[int32]int64, len(partitions))
	var errs []error
	for _, shard := range client.RequestSharded(ctx, req) { // each leader knows its own
		if shard.Err != nil {
			errs = append(errs, shard.Err)
			continue
		}
		for _, t := range shard.Resp.(*kmsg.ListOffsetsResponse).Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					errs = append(errs, fmt.Errorf("partition %d: %w", p.Partition, err))
					continue
				}
				found[p.Partition] = p.Offset
			}
		}
	}
	if len(errs) == 0 && len(found) != len(partitions) {
		errs = append(errs, fmt.Errorf("the brokers told %d of %d offsets", len(found), len(partitions)))
	}
	return found, errors.Join(errs...)
}
