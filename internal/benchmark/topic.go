package benchmark

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// createTopic creates a topic with the cluster's own number of copies.
func createTopic(ctx context.Context, brokers []string, name string, partitions int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	topic := kmsg.NewCreateTopicsRequestTopic()
	topic.Topic, topic.NumPartitions, topic.ReplicationFactor = name, int32(partitions), -1
	req := kmsg.NewPtrCreateTopicsRequest()
	req.Topics = append(req.Topics, topic)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("creating topic %s: %w", name, err)
	}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("creating topic %s: %w", name, err)
		}
	}
	return nil
}

func deleteTopic(ctx context.Context, brokers []string, name string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return err
	}
	defer client.Close()
	topic := kmsg.NewDeleteTopicsRequestTopic()
	topic.Topic = &name
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.Topics, req.TopicNames = append(req.Topics, topic), []string{name}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, t := range resp.Topics {
		err = errors.Join(err, kerr.ErrorForCode(t.ErrorCode))
	}
	return err
}

// deleteGroups deletes consumer groups, those that there are.
func deleteGroups(ctx context.Context, brokers, names []string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(brokers...))
	if err != nil {
		return err
	}
	defer client.Close()
	req := kmsg.NewPtrDeleteGroupsRequest()
	req.Groups = names
	var errs []error
	for _, shard := range client.RequestSharded(ctx, req) {
		if shard.Err != nil {
			errs = append(errs, shard.Err)
			continue
		}
		for _, g := range shard.Resp.(*kmsg.DeleteGroupsResponse).Groups {
			if err := kerr.ErrorForCode(g.ErrorCode); !errors.Is(err, kerr.GroupIDNotFound) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(errs...)
}

// produce writes body i into partition i modulo their number, in order.
func produce(ctx context.Context, brokers []string, topic string, partitions int, bodies [][]byte) error {
	client, err := kgo.NewClient(
		kgo.SeedBrokers(brokers...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.UnknownTopicRetries(-1), // brokers hear of a new topic a moment later
		kgo.ProducerBatchCompression(kgo.Lz4Compression()),
	)
	if err != nil {
		return err
	}
	defer client.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for i, body := range bodies {
		want := int64(i / partitions)
		client.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(i % partitions), Value: body}, func(r *kgo.Record, err error) {
			if err == nil && r.Offset != want {
				err = fmt.Errorf("a record is at offset %d, not %d", r.Offset, want)
			}
			if err != nil {
				cancel(fmt.Errorf("writing to topic %s: %w", topic, err))
			}
		})
	}
	if err := client.Flush(ctx); err != nil {
		return context.Cause(ctx)
	}
	return context.Cause(ctx)
}
