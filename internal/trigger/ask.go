package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/topicmeta"
	"ckafka-etl/internal/trigger/policy"
)

// listOffsets returns the offset in each partition that query asks for. A time
// that no record has reached is the end.
func listOffsets(ctx context.Context, client *kgo.Client, topic string, partitions []int32, query int64) (map[int32]int64, error) {
	found, err := topicmeta.Offsets(ctx, client, topic, partitions, query)
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
	ends, err := topicmeta.Offsets(ctx, client, topic, behind, topicmeta.End)
	maps.Copy(found, ends)
	return found, err
}

var errOffsets = errors.New("the leaders do not tell their offsets")

func (t *Trigger) offsets(ctx context.Context, partitions []int32, query int64) (map[int32]int64, error) {
	if len(partitions) == 0 {
		return nil, nil
	}
	found, err := listOffsets(ctx, t.client, t.cfg.Topic, partitions, query)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errOffsets, err)
	}
	return found, nil
}

// epochEnds returns where the epochs of places end in the log: Nowhere if the log
// has never heard of the epoch, none if the broker does not tell.
func (t *Trigger) epochEnds(ctx context.Context, places map[int32]policy.Place) (map[int32]policy.Place, error) {
	req := kmsg.NewPtrOffsetForLeaderEpochRequest()
	req.ReplicaID = -1
	rt := kmsg.NewOffsetForLeaderEpochRequestTopic()
	rt.Topic = t.cfg.Topic
	for _, p := range slices.Sorted(maps.Keys(places)) {
		if places[p].Epoch < 0 {
			continue
		}
		rp := kmsg.NewOffsetForLeaderEpochRequestTopicPartition()
		rp.Partition, rp.CurrentLeaderEpoch, rp.LeaderEpoch = p, -1, places[p].Epoch
		rt.Partitions = append(rt.Partitions, rp)
	}
	ends := make(map[int32]policy.Place)
	if len(rt.Partitions) == 0 {
		return ends, nil
	}
	req.Topics = append(req.Topics, rt)
	for _, shard := range t.client.RequestSharded(ctx, req) {
		if isNetwork(shard.Err) {
			return nil, shard.Err
		}
		answer, ok := shard.Resp.(*kmsg.OffsetForLeaderEpochResponse)
		if shard.Err != nil || !ok {
			continue // such as a broker that does not know the question
		}
		for _, topic := range answer.Topics {
			for _, p := range topic.Partitions {
				if p.ErrorCode == 0 {
					ends[p.Partition] = policy.Place{Offset: p.EndOffset, Epoch: p.LeaderEpoch}
				}
			}
		}
	}
	return ends, nil
}

// isNetwork reports whether an error says nothing of what was asked for.
func isNetwork(err error) bool {
	_, network := errors.AsType[net.Error](err)
	return network || errors.Is(err, io.EOF) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// remark is what a commit says beside the offset.
type remark struct {
	// Topic is the identity of the topic that the offset is of, "" where brokers
	// have none: before 2.8.
	Topic string `json:"topic_id,omitempty"`
	// Partitions is how many partitions the topic had when the group began, 0 if
	// the group is older than the topic.
	Partitions int `json:"partitions"`
	// Marks are offsets of records that were handled, each with a checksum.
	Marks [][2]int64 `json:"marks,omitempty"`
}

// with adds some of a partition's marks, which are the last one first, and
// returns it as text: no more than 250 bytes.
func (r remark) with(marks []policy.Mark) string {
	r.Marks = nil
	for i := 0; i < len(marks); i = 2*i + 1 {
		r.Marks = append(r.Marks, [2]int64{marks[i].Offset, int64(marks[i].Sum)})
	}
	text, err := json.Marshal(r)
	if err != nil { // it holds numbers and text: it cannot happen
		return ""
	}
	return string(text)
}

// marks returns the marks by offset.
func (r remark) marks() []policy.Mark {
	var marks []policy.Mark
	for _, m := range slices.Backward(r.Marks) {
		marks = append(marks, policy.Mark{Offset: m[0], Sum: uint32(m[1])})
	}
	return marks
}

// commit is what a group has committed of a partition.
type commit struct {
	policy.Place
	remark
	ours bool // the remark is a trigger's
}

// commits returns what the group has committed of a topic's first n partitions.
func (t *Trigger) commits(ctx context.Context, n int) (map[int32]commit, error) {
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group, req.RequireStable = t.cfg.Group, true
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = t.cfg.Group
	gt := kmsg.NewOffsetFetchRequestGroupTopic()
	gt.Topic, gt.Partitions = t.cfg.Topic, topicmeta.Partitions(n)
	g.Topics = append(g.Topics, gt)
	req.Groups = append(req.Groups, g)
	resp, err := req.RequestWith(ctx, t.client)
	if err != nil {
		return nil, err
	}
	if err := kerr.ErrorForCode(resp.ErrorCode); err != nil {
		return nil, err
	}
	found := make(map[int32]commit)
	for _, g := range resp.Groups {
		if err := kerr.ErrorForCode(g.ErrorCode); err != nil {
			return nil, err
		}
		for _, topic := range g.Topics {
			for _, p := range topic.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return nil, fmt.Errorf("partition %d: %w", p.Partition, err)
				}
				if p.Offset >= 0 {
					found[p.Partition] = newCommit(p.Offset, p.LeaderEpoch, p.Metadata)
				}
			}
		}
	}
	return found, nil
}

func newCommit(offset int64, epoch int32, metadata *string) commit {
	c := commit{Place: policy.Place{Offset: offset, Epoch: epoch}}
	// Others write what they like there: kgo a name, Java nothing.
	if metadata != nil && json.Unmarshal([]byte(*metadata), &c.remark) == nil {
		c.ours = true
	} else {
		c.remark = remark{}
	}
	return c
}

// retry calls f until it succeeds or ctx ends, and tells what is in the way.
func (t *Trigger) retry(ctx context.Context, what string, f func(ctx context.Context) error) error {
	const first, longest = 100 * time.Millisecond, 5 * time.Second
	for wait := first; ; wait = min(2*wait, longest) {
		asked, cancel := context.WithTimeout(ctx, requestTimeout)
		err := f(asked)
		cancel()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		if isFatal(err) {
			t.fail(fmt.Errorf("%s: %w", what, err))
			return err
		}
		if wait > time.Second { // it is more than a leader that moved
			t.once(Trouble, what, fmt.Errorf("%s: %w", what, err))
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}

// requestTimeout bounds a request that is repeated if it fails.
const requestTimeout = 15 * time.Second

// isFatal reports whether an error of the group stays until somebody changes
// something.
func isFatal(err error) bool {
	for _, e := range []error{
		kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed, kerr.SaslAuthenticationFailed,
		kerr.InconsistentGroupProtocol, kerr.InvalidGroupID, kerr.InvalidSessionTimeout, kerr.ClusterAuthorizationFailed,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
