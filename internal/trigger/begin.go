package trigger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"ckafka-etl/internal/topicmeta"
	"ckafka-etl/internal/trigger/policy"
)

// begin finds out where partitions that were assigned begin, and tells their
// workers.
//
// A partition without a commit may have been there when the group began, or not.
// In the first case it begins at the position, in the second at its start: with
// the position "latest" everything would be missed that was written before the
// group heard of it. Which it is has to be known by a member that joins a moment
// after another one, and by one that comes back after a year. So each commit says
// how many partitions the topic had when the group began: partitions are only
// ever added, at the end. The first member of all, which finds no commit, counts
// them; who finds a commit goes by that. Two first members at the same time count
// the same.
//
// A commit also says which topic it is of. One of another topic of the same name
// says nothing about this one: all of it came later than the group.
func (t *Trigger) begin(workers []*worker) {
	if t.lacks(workers) {
		for _, w := range workers {
			t.tasks.Go(func() { t.begin([]*worker{w}) })
		}
		return
	}
	ctx := t.life
	var found []policy.Assigned
	var topic *topicView
	err := t.retry(ctx, "where the partitions begin", func(ctx context.Context) (err error) {
		if len(workers) == 1 && workers[0].givenBack() {
			return nil
		}
		found, topic, err = t.beginnings(ctx, workers)
		if errors.Is(err, errOffsets) && len(workers) > 1 {
			found = nil
			return nil // a partition without a leader must not hold up the others
		}
		return err
	})
	if err != nil || found == nil && len(workers) == 1 {
		return
	}
	if half := len(workers) / 2; found == nil {
		t.tasks.Go(func() { t.begin(workers[:half]) })
		t.tasks.Go(func() { t.begin(workers[half:]) })
		return
	}
	fresh := false
	for i, w := range workers {
		w.apply(found[i])
		fresh = fresh || found[i].Commit.Offset < 0
	}
	if fresh {
		// The position is the group's from now on: what is written while nobody
		// reads is not passed over.
		t.commit(ctx, workers)
	}
	for _, w := range workers {
		if w.stop.Err() == nil {
			w.mu.Lock()
			next := w.p.Next()
			w.mu.Unlock()
			t.cfg.Report(Notice{Kind: Assigned, Partition: w.partition, Offset: next})
		}
	}
	t.open(topic, workers)
}

// lacks reports whether the topic is known not to have some of the partitions of
// several workers: it was made anew with fewer. They must not hold up the others.
func (t *Trigger) lacks(workers []*worker) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(workers) > 1 && t.topic != nil &&
		slices.ContainsFunc(workers, func(w *worker) bool { return int(w.partition) >= t.topic.partitions })
}

// givenBack reports whether the partition is another member's by now.
func (w *worker) givenBack() bool { return w.stop.Err() != nil }

// open has workers be fetched that know where they begin, in a topic as it was.
func (t *Trigger) open(topic *topicView, workers []*worker) {
	t.mu.Lock()
	another := t.topic.times != topic.times
	t.mu.Unlock()
	if another { // in the meantime
		questions := make([]int, len(workers))
		for i, w := range workers {
			w.mu.Lock()
			w.another, questions[i] = true, w.ask()
			w.mu.Unlock()
		}
		t.recreated(workers, questions)
		return
	}
	for _, w := range workers {
		w.answer(firstQuestion, nil)
	}
	t.startReaders()
}

func (t *Trigger) beginnings(ctx context.Context, workers []*worker) ([]policy.Assigned, *topicView, error) {
	topic, err := t.topicWith(ctx, workers)
	if err != nil {
		return nil, nil, err
	}
	commits, err := t.commits(ctx, topic.partitions)
	if err != nil {
		return nil, nil, fmt.Errorf("group %s: %w", t.cfg.Group, err)
	}
	began := t.learnBegan(topic, commits)
	var all, without []int32
	places := make(map[int32]policy.Place)
	for _, w := range workers {
		all = append(all, w.partition)
		if c, ok := commits[w.partition]; ok {
			places[w.partition] = c.Place
		} else if int(w.partition) < began {
			without = append(without, w.partition)
		}
	}
	starts, err := t.offsets(ctx, all, topicmeta.Start)
	if err != nil {
		return nil, nil, err
	}
	ends, err := t.offsets(ctx, all, topicmeta.End)
	if err != nil {
		return nil, nil, err
	}
	positions, err := t.offsets(ctx, without, t.cfg.Position.query())
	if err != nil {
		return nil, nil, err
	}
	epochEnds, err := t.epochEnds(ctx, places)
	if err != nil {
		return nil, nil, err
	}
	found := make([]policy.Assigned, len(workers))
	for i, w := range workers {
		p := w.partition
		found[i] = policy.Assigned{
			Commit: policy.Nowhere, EpochEnd: policy.Nowhere, Start: starts[p], End: ends[p],
			Later: int(p) >= began, Position: positions[p],
		}
		if c, ok := commits[p]; ok {
			found[i].Commit, found[i].Another = c.Place, topic.isAnother(c)
			if end, ok := epochEnds[p]; ok {
				found[i].EpochEnd = end
				found[i].Another = found[i].Another || topic.isStrange(end)
			}
			found[i].Marks = c.marks()
		}
	}
	return found, topic, t.probe(ctx, workers, found)
}

// probe finds out which of the partitions do not hold any more what was handled.
func (t *Trigger) probe(ctx context.Context, workers []*worker, found []policy.Assigned) error {
	errs := make([]error, len(workers))
	var probes sync.WaitGroup
	for i := range found {
		a := &found[i]
		if a.Another || len(a.Marks) == 0 || a.EpochEnd.Offset >= 0 && a.EpochEnd.Offset < a.Commit.Offset {
			continue
		}
		probes.Go(func() {
			marks := slices.Clone(a.Marks)
			slices.Reverse(marks)
			place, err := t.whereItDiffers(ctx, workers[i].partition, marks, -1)
			if place.Offset >= 0 {
				a.EpochEnd = place
			}
			errs[i] = err
		})
	}
	probes.Wait()
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("%w: %w", errOffsets, err)
	}
	return nil
}

// isAnother reports whether a commit is of another topic of the same name.
func (v *topicView) isAnother(c commit) bool {
	return c.ours && c.Topic != "" && v.name() != "" && c.Topic != v.name()
}

// isStrange reports whether a log that never heard of an epoch is another one.
// Where topics have identities these say so.
func (v *topicView) isStrange(epochEnd policy.Place) bool {
	return epochEnd.Offset < 0 && v.name() == ""
}

// learnBegan finds out how many partitions the topic had when the group began.
func (t *Trigger) learnBegan(topic *topicView, commits map[int32]commit) int {
	began := topic.partitions // nobody has begun
	if len(commits) > 0 {
		// Commits of others, or of another topic: what has no commit came later.
		began = 0
		for _, c := range commits {
			if c.ours && !topic.isAnother(c) {
				began = max(began, c.Partitions)
			}
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.remark = remark{Topic: topic.name(), Partitions: began}
	return began
}

// outOfRange asks the log where it begins and ends, for a worker whose offset is
// not in it.
func (t *Trigger) outOfRange(w *worker, question int, at policy.Place) {
	e := policy.OutOfRange{From: at.Offset, EpochEnd: policy.Nowhere}
	partition := []int32{w.partition}
	err := t.retry(w.stop, fmt.Sprintf("where partition %d begins and ends", w.partition), func(ctx context.Context) error {
		starts, err := t.offsets(ctx, partition, topicmeta.Start)
		if err != nil {
			return err
		}
		ends, err := t.offsets(ctx, partition, topicmeta.End)
		if err != nil {
			return err
		}
		e.Start, e.End = starts[w.partition], ends[w.partition]
		epochEnds, err := t.epochEnds(ctx, map[int32]policy.Place{w.partition: at})
		if end, ok := epochEnds[w.partition]; ok && end.Offset >= 0 {
			e.EpochEnd = end
		} else if err == nil && e.From > e.End {
			e.EpochEnd, err = t.whereItDiffers(ctx, w.partition, w.marks(), e.End)
		}
		return err
	})
	if err == nil {
		w.answer(question, e)
		t.startReaders()
	}
}

// check asks the log whether it still is what was read of it, after the leader
// changed or was away. If nobody answers, the question stays.
func (t *Trigger) check(w *worker, question int, at policy.Place, epoch int32) {
	e := policy.Checked{From: at.Offset, EpochEnd: policy.Nowhere}
	end, ok := policy.Nowhere, false
	ctx, cancel := context.WithTimeout(w.stop, requestTimeout)
	defer cancel()
	var err error
	if at.Epoch >= 0 && at.Epoch != epoch {
		var ends map[int32]policy.Place
		ends, err = t.epochEnds(ctx, map[int32]policy.Place{w.partition: at})
		end, ok = ends[w.partition]
	}
	t.mu.Lock()
	strange := ok && t.topic.isStrange(end)
	t.mu.Unlock()
	switch {
	case strange:
		t.recreated([]*worker{w}, []int{question})
		return
	case ok && end.Offset >= 0 && end.Offset < at.Offset:
		e.EpochEnd = end
	case err == nil:
		e.EpochEnd, err = t.whereItDiffers(ctx, w.partition, w.marks(), -1)
	}
	if err != nil {
		w.mu.Lock()
		w.doubt = true
		w.mu.Unlock()
		w.answer(question, policy.FetchFailed{From: at.Offset, Kind: faultOf(err), Err: err})
		t.refresh()
	} else {
		w.answer(question, e)
	}
	t.startReaders()
}

// recreated tells workers that the topic was made anew. A partition without a
// leader, or that the new topic does not have, must not hold up the others.
func (t *Trigger) recreated(workers []*worker, questions []int) {
	if len(workers) == 1 || t.lacks(workers) {
		for i, w := range workers {
			t.tasks.Go(func() { t.recreatedOne(w, questions[i]) })
		}
		return
	}
	all := make([]int32, len(workers))
	for i, w := range workers {
		all[i] = w.partition
	}
	var starts map[int32]int64
	err := t.retry(t.life, whereAnew, func(ctx context.Context) (err error) {
		starts, err = t.offsets(ctx, all, topicmeta.Start)
		if errors.Is(err, errOffsets) {
			return nil
		}
		return err
	})
	if err != nil {
		return
	}
	if half := len(workers) / 2; starts == nil {
		t.tasks.Go(func() { t.recreated(workers[:half], questions[:half]) })
		t.tasks.Go(func() { t.recreated(workers[half:], questions[half:]) })
		return
	}
	for i, w := range workers {
		w.answer(questions[i], policy.Recreated{Start: starts[w.partition]})
	}
	t.startReaders()
}

// recreatedOne tells one worker, as soon as the new topic has its partition.
func (t *Trigger) recreatedOne(w *worker, question int) {
	var starts map[int32]int64
	err := t.retry(w.stop, whereAnew, func(ctx context.Context) (err error) {
		starts, err = t.offsets(ctx, []int32{w.partition}, topicmeta.Start)
		return err
	})
	if err == nil {
		w.answer(question, policy.Recreated{Start: starts[w.partition]})
		t.startReaders()
	}
}

const whereAnew = "where the new topic begins"

// watchEnds asks from time to time where those partitions end that are not
// fetched at the time, so that their lag is known.
func (t *Trigger) watchEnds(ctx context.Context) {
	tick := time.NewTicker(endsEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		var idle []*worker
		var partitions []int32
		for _, w := range t.all() {
			w.mu.Lock()
			if w.p.Known() && !w.fetching {
				idle, partitions = append(idle, w), append(partitions, w.partition)
			}
			w.mu.Unlock()
		}
		if len(idle) == 0 {
			continue
		}
		asked, cancel := context.WithTimeout(ctx, endsEvery)
		ends, _ := topicmeta.Offsets(asked, t.client, t.cfg.Topic, partitions, topicmeta.End)
		cancel()
		for _, w := range idle {
			if end, ok := ends[w.partition]; ok {
				w.mu.Lock()
				w.applyLocked(policy.EndOfLog{End: end})
				w.mu.Unlock()
			}
		}
	}
}

const endsEvery = 3 * time.Second
