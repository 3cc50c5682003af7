// Package topicmeta asks a cluster what there is of a topic: its partitions, and
// where they begin and end.
package topicmeta

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/core/brokers"
)

// What stands for a time in a question for offsets, as the protocol has it.
const (
	End   = -1 // behind the last record that is committed
	Start = -2
)

// committedOnly is the isolation level: records of transactions that are open
// or were aborted are not read.
const committedOnly = 1

// Describe returns what the brokers say of a topic. A topic that is not there
// for this user is a *kerr.Error. It never makes one.
func Describe(ctx context.Context, client *kgo.Client, topic string) (*kmsg.MetadataResponseTopic, error) {
	req := kmsg.NewPtrMetadataRequest()
	can, err := brokers.Ask(ctx, client)
	if err != nil {
		return nil, err
	}
	if can.QuietQuestions() {
		t := kmsg.NewMetadataRequestTopic()
		t.Topic = &topic
		req.Topics = append(req.Topics, t)
	} // else it is a question for all topics
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, err
	}
	for i := range resp.Topics {
		if t := &resp.Topics[i]; t.Topic != nil && *t.Topic == topic {
			if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
				return nil, err
			}
			return t, nil
		}
	}
	return nil, kerr.UnknownTopicOrPartition
}

// Partitions returns the numbers of n partitions.
func Partitions(n int) []int32 {
	numbers := make([]int32, n)
	for p := range numbers {
		numbers[p] = int32(p)
	}
	return numbers
}

// Offsets returns the offset in each of the partitions that query asks for: of
// the first record at or after a time in ms since 1970 (-1 where there is none
// yet), or Start or End. While a broker says that it will know soon, because a
// topic was just made or a partition moves, it is asked again for up to 15 s.
func Offsets(ctx context.Context, client *kgo.Client, topic string, partitions []int32, query int64) (map[int32]int64, error) {
	const longest = 15 * time.Second
	return backoff.Retry(ctx, func() (map[int32]int64, error) {
		found, err := ask(ctx, client, topic, partitions, query)
		if err != nil && !kerr.IsRetriable(err) {
			return nil, backoff.Permanent(err)
		}
		return found, err
	}, backoff.WithMaxElapsedTime(longest), backoff.WithBackOff(&backoff.ExponentialBackOff{
		InitialInterval: 50 * time.Millisecond, MaxInterval: time.Second, Multiplier: 2, RandomizationFactor: 0.5,
	}))
}

func ask(ctx context.Context, client *kgo.Client, topic string, partitions []int32, query int64) (map[int32]int64, error) {
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
		answer, _ := shard.Resp.(*kmsg.ListOffsetsResponse)
		for _, t := range answer.Topics {
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
		errs = append(errs, fmt.Errorf("the brokers told %d of %d offsets: %w", len(found), len(partitions), kerr.LeaderNotAvailable))
	}
	return found, errors.Join(errs...)
}
