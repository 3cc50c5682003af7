package trigger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/trigger/policy"
)

const (
	commitEvery = time.Second
	// commitTimeout bounds one commit. It has to end long before a rebalance
	// does.
	commitTimeout = 10 * time.Second
	// commitPatience is how long commits may be refused because the group is
	// about to change. They are repeated until it has.
	commitPatience = 15 * time.Second
)

// committer commits what the workers have handled: everything at once. The
// request is made here and not by kgo, which does not commit while the group
// changes, nor for a topic that was made anew.
type committer struct {
	turn    chan struct{} // holds a token while a commit is under way
	refused time.Time     // since when commits are refused; guarded by turn
}

// commitAlways commits from time to time until ctx ends.
func (t *Trigger) commitAlways(ctx context.Context) {
	tick := time.NewTicker(commitEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			t.commit(ctx, t.all())
		case <-ctx.Done():
			return
		}
	}
}

// place is what is to be committed of a partition.
type place struct {
	w     *worker
	at    policy.Place
	marks []policy.Mark
}

// commit commits what is handled of partitions and not committed yet. What fails
// is tried again with the next commit.
func (t *Trigger) commit(ctx context.Context, workers []*worker) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	select {
	case t.committer.turn <- struct{}{}:
		defer func() { <-t.committer.turn }()
	case <-ctx.Done():
		return
	}
	now := time.Now()
	places := make(map[int32]place)
	for _, w := range workers {
		w.mu.Lock()
		if at, ok := w.p.Commit(now); ok && !w.another {
			places[w.partition] = place{w, at, w.p.Marks()}
		}
		w.mu.Unlock()
	}
	if len(places) == 0 {
		return
	}
	resp, err := t.requestCommit(ctx, places)
	if err == nil {
		err = t.takeCommit(places, resp)
	}
	t.tellCommit(err)
}

func (t *Trigger) requestCommit(ctx context.Context, places map[int32]place) (*kmsg.OffsetCommitResponse, error) {
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group = t.cfg.Group
	if req.MemberID, req.Generation = t.client.GroupMetadata(); req.MemberID == "" {
		return nil, kerr.UnknownMemberID // it would pass for a commit without a group
	}
	t.mu.Lock()
	remark := t.remark
	t.mu.Unlock()
	rt := kmsg.NewOffsetCommitRequestTopic()
	rt.Topic = t.cfg.Topic
	for _, p := range places {
		rp := kmsg.NewOffsetCommitRequestTopicPartition()
		rp.Partition, rp.Offset, rp.LeaderEpoch = p.w.partition, p.at.Offset, p.at.Epoch
		rp.Metadata = new(remark.with(p.marks))
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	return req.RequestWith(ctx, t.client)
}

// takeCommit takes note of what was committed.
func (t *Trigger) takeCommit(places map[int32]place, resp *kmsg.OffsetCommitResponse) error {
	done := 0
	var failed error
	for _, topic := range resp.Topics {
		for _, rp := range topic.Partitions {
			p, ok := places[rp.Partition]
			if !ok {
				continue
			}
			err := kerr.ErrorForCode(rp.ErrorCode)
			p.w.mu.Lock()
			if err == nil {
				p.w.applyLocked(policy.Committed{At: p.at})
				done++
			} else {
				p.w.applyLocked(policy.CommitFailed{})
			}
			p.w.mu.Unlock()
			if err != nil && failed == nil {
				failed = err
			}
		}
	}
	if done > 0 {
		t.cfg.Report(Notice{Kind: Committed, Partition: -1, Records: done})
	}
	return failed
}

// tellCommit reports a commit that failed. That it is refused while the group
// changes is usual: it is told only if that lasts.
func (t *Trigger) tellCommit(err error) {
	if err != nil {
		t.cfg.Report(Notice{Kind: CommitFailed, Partition: -1, Err: err})
	}
	changing := errors.Is(err, kerr.RebalanceInProgress) || errors.Is(err, kerr.IllegalGeneration) || errors.Is(err, kerr.UnknownMemberID)
	c := &t.committer
	switch {
	case !changing:
		c.refused = time.Time{}
	case c.refused.IsZero():
		c.refused = time.Now()
		return
	case time.Since(c.refused) < commitPatience:
		return
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		t.once(Uncertain, "", fmt.Errorf("group %s: %w", t.cfg.Group, err))
	}
}
