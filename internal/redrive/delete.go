package redrive

import (
	"context"
	"errors"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// deleteAfter is how often letters are deleted while a run goes on: brokers
	// with replicas may take half a second for it.
	deleteAfter = 10 * time.Second
	// deleteTime is how long deleting may take.
	deleteTime = 10 * time.Second
)

// deleteDone deletes the letters before the first one that stays, in each
// partition. They are committed already: what cannot be deleted is passed over
// by that, and a broker that crashes may bring back what it has just deleted.
func (t *Topic) deleteDone(ctx context.Context) {
	t.deletedAt = time.Now()
	wanted := t.deletable()
	if len(wanted) == 0 || t.keep || t.undeletable {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, deleteTime)
	defer cancel()
	t.undeleted = ""
	if able, err := t.brokersDelete(ctx); err != nil {
		t.undeleted = t.explain(err).Error()
		return
	} else if !able {
		t.refused("the brokers are older than Kafka 0.11 and cannot delete records")
		return
	}
	err := persist(ctx, func() error { return t.deleteOnce(ctx, t.deletable()) })
	switch {
	case err == nil:
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		t.refused("the user of kafka_user has no right to delete from it (operation Delete on the topic)")
	case errors.Is(err, kerr.PolicyViolation):
		t.refused("the brokers delete nothing from a topic with cleanup.policy=compact")
	case errors.Is(err, kerr.UnsupportedVersion), errors.Is(err, kerr.InvalidRequest):
		t.refused("the brokers do not delete records when they are asked to")
	default:
		t.undeleted = t.explain(err).Error()
	}
}

// refused notes that nothing can be deleted in this run.
func (t *Topic) refused(why string) { t.undeleted, t.undeletable = why, true }

// deletable are the offsets up to which partitions may be emptied.
func (t *Topic) deletable() map[int32]int64 {
	wanted := make(map[int32]int64)
	for n, p := range t.parts {
		if to := p.commit(); p.begin < to && p.base <= p.begin {
			wanted[n] = to
		}
	}
	return wanted
}

// brokersDelete asks whether the brokers know the request.
func (t *Topic) brokersDelete(ctx context.Context) (bool, error) {
	resp, err := kmsg.NewPtrApiVersionsRequest().RequestWith(ctx, t.asker)
	if err != nil {
		return false, err
	}
	for _, k := range resp.ApiKeys {
		if k.ApiKey == int16(kmsg.DeleteRecords) {
			return true, nil
		}
	}
	return false, nil
}

// deleteOnce asks once, each leader for its partitions, and takes note of what
// was deleted. The error is the worst: one that lasts before one that does not.
func (t *Topic) deleteOnce(ctx context.Context, wanted map[int32]int64) (worst error) {
	req := kmsg.NewPtrDeleteRecordsRequest()
	req.TimeoutMillis = int32(deleteTime.Milliseconds())
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic = t.name
	for n, to := range wanted {
		rp := kmsg.NewDeleteRecordsRequestTopicPartition()
		rp.Partition, rp.Offset = n, to
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	note := func(err error) {
		if worst == nil || kerr.IsRetriable(worst) {
			worst = err
		}
	}
	for _, shard := range t.asker.RequestSharded(ctx, req) {
		if shard.Err != nil {
			note(shard.Err)
			continue
		}
		answer, _ := shard.Resp.(*kmsg.DeleteRecordsResponse)
		for _, rt := range answer.Topics {
			for _, a := range rt.Partitions {
				if err := kerr.ErrorForCode(a.ErrorCode); err != nil {
					note(err)
					continue
				}
				p := t.parts[a.Partition]
				t.deleted += wanted[a.Partition] - p.begin
				p.begin = wanted[a.Partition]
			}
		}
	}
	return worst
}
