package redrive

import (
	"context"
	"errors"
	"fmt"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// What stands for a time in a request for offsets, and committed records only.
const (
	queryEnd      = -1
	queryStart    = -2
	committedOnly = 1
)

// bounds returns where the partitions of a topic begin and end.
func bounds(ctx context.Context, client *kgo.Client, topic string) (begins, ends map[int32]int64, err error) {
	req := kmsg.NewPtrMetadataRequest()
	rt := kmsg.NewMetadataRequestTopic()
	rt.Topic = &topic
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, nil, err
	}
	if len(resp.Topics) != 1 {
		return nil, nil, kerr.UnknownTopicOrPartition
	}
	if err := kerr.ErrorForCode(resp.Topics[0].ErrorCode); err != nil {
		return nil, nil, err
	}
	n := len(resp.Topics[0].Partitions)
	if begins, err = offsets(ctx, client, topic, n, queryStart); err != nil {
		return nil, nil, err
	}
	ends, err = offsets(ctx, client, topic, n, queryEnd)
	return begins, ends, err
}

func offsets(ctx context.Context, client *kgo.Client, topic string, partitions int, query int64) (map[int32]int64, error) {
	req := kmsg.NewPtrListOffsetsRequest()
	req.ReplicaID, req.IsolationLevel = -1, committedOnly
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = topic
	for p := range partitions {
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp = int32(p), query
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	found := make(map[int32]int64, partitions)
	for _, shard := range client.RequestSharded(ctx, req) { // each leader knows its own
		if shard.Err != nil {
			return nil, shard.Err
		}
		answer, _ := shard.Resp.(*kmsg.ListOffsetsResponse)
		for _, t := range answer.Topics {
			for _, p := range t.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return nil, err
				}
				found[p.Partition] = p.Offset
			}
		}
	}
	if len(found) != partitions {
		return nil, kerr.LeaderNotAvailable
	}
	return found, nil
}

// committed returns the group's windows of the partitions, as they begin where
// nothing was committed.
func (t *Topic) committed(ctx context.Context, client *kgo.Client, begins map[int32]int64) (map[int32]window, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.RequireStable = t.group, true
	rt := kmsg.NewOffsetFetchRequestTopic()
	rt.Topic = t.name
	rg := kmsg.NewOffsetFetchRequestGroup()
	rg.Group = t.group
	gt := kmsg.NewOffsetFetchRequestGroupTopic()
	gt.Topic = t.name
	windows := make(map[int32]window, len(begins))
	for p, begin := range begins {
		rt.Partitions, gt.Partitions = append(rt.Partitions, p), append(gt.Partitions, p)
		windows[p] = window{next: begin}
	}
	req.Topics, rg.Topics = append(req.Topics, rt), append(rg.Topics, gt)
	req.Groups = append(req.Groups, rg)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return nil, t.groupError(err)
	}
	type answer struct {
		partition int32
		offset    int64
		metadata  *string
		code      int16
	}
	var answers []answer
	code := resp.ErrorCode
	for _, t := range resp.Topics { // before version 8
		for _, p := range t.Partitions {
			answers = append(answers, answer{p.Partition, p.Offset, p.Metadata, p.ErrorCode})
		}
	}
	for _, g := range resp.Groups {
		code = max(code, g.ErrorCode)
		for _, t := range g.Topics {
			for _, p := range t.Partitions {
				answers = append(answers, answer{p.Partition, p.Offset, p.Metadata, p.ErrorCode})
			}
		}
	}
	if err := kerr.ErrorForCode(code); err != nil && !errors.Is(err, kerr.GroupIDNotFound) { // it has committed nothing yet
		return nil, t.groupError(err)
	}
	for _, a := range answers {
		if err := kerr.ErrorForCode(a.code); err != nil {
			return nil, t.groupError(err)
		}
		if a.offset < 0 {
			continue // never committed
		}
		var metadata string
		if a.metadata != nil {
			metadata = *a.metadata
		}
		w, err := readWindow(a.offset, metadata)
		if err != nil {
			return nil, fmt.Errorf("group %s, partition %d: the committed offset's metadata is not readable: give another --group", t.group, a.partition)
		}
		windows[a.partition] = w
	}
	return windows, nil
}

// commit commits the windows of partitions.
func (t *Topic) commit(ctx context.Context, parts map[int32]*part) error {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group, req.Generation = t.group, -1 // as no member
	rt := kmsg.NewOffsetCommitRequestTopic()
	rt.Topic = t.name
	for n, p := range parts {
		rp := kmsg.NewOffsetCommitRequestTopicPartition()
		rp.Partition, rp.Offset = n, p.commit()
		metadata := p.metadata()
		rp.Metadata = &metadata
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, t.client)
	if err != nil {
		return t.groupError(err)
	}
	for _, rt := range resp.Topics {
		for _, p := range rt.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return t.groupError(err)
			}
		}
	}
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
