package redrive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/topicmeta"
)

// bounds returns where the partitions of a topic begin and end.
func bounds(ctx context.Context, client *kgo.Client, topic string) (begins, ends map[int32]int64, err error) {
	meta, err := topicmeta.Describe(ctx, client, topic)
	if err != nil {
		return nil, nil, err
	}
	all := topicmeta.Partitions(len(meta.Partitions))
	if begins, err = topicmeta.Offsets(ctx, client, topic, all, topicmeta.Start); err != nil {
		return nil, nil, err
	}
	ends, err = topicmeta.Offsets(ctx, client, topic, all, topicmeta.End)
	return begins, ends, err
}

// committed returns what the group has committed of the partitions.
func (t *Topic) committed(ctx context.Context, begins map[int32]int64) (map[int32]commitment, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.RequireStable = t.group, true
	rt := kmsg.NewOffsetFetchRequestTopic()
	rt.Topic = t.name
	rg := kmsg.NewOffsetFetchRequestGroup()
	rg.Group = t.group
	gt := kmsg.NewOffsetFetchRequestGroupTopic()
	gt.Topic = t.name
	for p := range begins {
		rt.Partitions, gt.Partitions = append(rt.Partitions, p), append(gt.Partitions, p)
	}
	req.Topics, rg.Topics = append(req.Topics, rt), append(rg.Topics, gt)
	req.Groups = append(req.Groups, rg)
	var answers []answer
	err := persist(ctx, func() (err error) {
		resp, err := req.RequestWith(ctx, t.asker)
		if err == nil {
			answers, err = offsetAnswers(resp)
		}
		return err
	})
	if err != nil {
		return nil, t.groupError(err)
	}
	found := make(map[int32]commitment, len(begins))
	for _, a := range answers {
		if a.offset < 0 {
			continue // never committed, or forgotten
		}
		c, err := readCommitment(a.offset, a.metadata)
		if err != nil {
			return nil, fmt.Errorf("group %s, partition %d: the committed offset's metadata is not readable: give another --group", t.group, a.partition)
		}
		found[a.partition] = c
	}
	return found, nil
}

// answer is what was committed for a partition.
type answer struct {
	partition int32
	offset    int64 // less than 0: nothing
	metadata  string
}

func offsetAnswers(resp *kmsg.OffsetFetchResponse) (answers []answer, err error) {
	take := func(partition int32, offset int64, metadata *string, code int16) {
		a := answer{partition: partition, offset: offset}
		if metadata != nil {
			a.metadata = *metadata
		}
		answers = append(answers, a)
		if err == nil {
			err = kerr.ErrorForCode(code)
		}
	}
	code := resp.ErrorCode
	for _, t := range resp.Topics { // before version 8
		for _, p := range t.Partitions {
			take(p.Partition, p.Offset, p.Metadata, p.ErrorCode)
		}
	}
	for _, g := range resp.Groups {
		code = cmp.Or(code, g.ErrorCode)
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				take(p.Partition, p.Offset, p.Metadata, p.ErrorCode)
			}
		}
	}
	if whole := kerr.ErrorForCode(code); errors.Is(whole, kerr.GroupIDNotFound) {
		return nil, nil // it has committed nothing yet
	} else if whole != nil {
		err = whole
	}
	return answers, err
}

// persist calls f again as long as that may help: a cluster's first group has
// to wait until there is a place for its offsets.
func persist(ctx context.Context, f func() error) error {
	for try := 0; ; try++ {
		err := f()
		if !kerr.IsRetriable(err) || ctx.Err() != nil {
			return err
		}
		pause(ctx, min(try, 4))
		if ctx.Err() != nil {
			return err
		}
	}
}

// commit commits all partitions, those too of which nothing has changed: what
// is not committed again expires, on brokers before 2.1 even while others of the
// group are.
func (t *Topic) commit(ctx context.Context) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = t.group, -1 // as no member
	rt := kmsg.NewOffsetCommitRequestTopic()
	rt.Topic = t.name
	for n, p := range t.parts {
		rp := kmsg.NewOffsetCommitRequestTopicPartition()
		rp.Partition, rp.Offset = n, p.commit()
		metadata := p.metadata()
		rp.Metadata = &metadata
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	err := persist(ctx, func() error {
		resp, err := req.RequestWith(ctx, t.asker)
		if err != nil {
			return err
		}
		for _, rt := range resp.Topics {
			for _, p := range rt.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return t.groupError(err)
	}
	t.committedAt = time.Now()
	return nil
}

// groupError says what to look at if the group's offsets cannot be read or
// committed.
func (t *Topic) groupError(err error) error {
	switch {
	case errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, kerr.UnknownMemberID), errors.Is(err, kerr.RebalanceInProgress), errors.Is(err, kerr.IllegalGeneration):
		return fmt.Errorf("group %s has members: end them, or give another --group", t.group)
	case errors.Is(err, kerr.GroupAuthorizationFailed):
		return fmt.Errorf("group %s: the user of kafka_user may not read and commit its offsets: grant Read on the group, or give another --group", t.group)
	case errors.Is(err, kerr.OffsetMetadataTooLarge):
		return fmt.Errorf("group %s: the brokers take too little metadata with an offset (offset.metadata.max.bytes) to keep account of letters that stay: redrive without filters", t.group)
	}
	return fmt.Errorf("group %s: %w", t.group, t.explain(err))
}
