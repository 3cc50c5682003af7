package redrive

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// settle commits what is done, and now and then deletes what need not be kept.
func (t *Topic) settle(ctx context.Context, done []bool) (kept int, err error) {
	finished := 0
	for i, b := range t.batch {
		t.parts[b.partition].pass(b.offset, done[i])
		if done[i] {
			finished++
		}
	}
	if finished == 0 && time.Since(t.committedAt) < t.recommitAfter {
		return 0, nil
	}
	if err := t.commit(ctx); err != nil {
		return finished, err
	}
	if time.Since(t.deletedAt) >= t.deleteAfter {
		t.deleteDone(ctx)
	}
	return 0, nil
}

// finish deletes what is done and still there.
func (t *Topic) finish(ctx context.Context) { t.deleteDone(ctx) }

// notes say what else came of it.
func (t *Topic) notes() (notes []string) {
	say := func(format string, args ...any) { notes = append(notes, fmt.Sprintf(format, args...)) }
	if t.deleted > 0 {
		say("%d offsets were deleted from %s: each partition begins with its first letter that stays", t.deleted, t.name)
	}
	if t.undeleted != "" {
		say("letters that are done are still in %s: %s. Only the committed offsets of group %s keep them from being sent again, "+
			"and brokers forget those after a day or a week without a run (offsets.retention.minutes)", t.name, t.undeleted, t.group)
	}
	if slices.Sort(t.foreign); len(t.foreign) > 0 {
		say("letters before the group's first offset in %s of %s were passed over by another program: they were neither sent nor deleted",
			partitionList(t.foreign), t.name)
	}
	if slices.Sort(t.full); len(t.full) > 0 {
		say("%s of %s not read to the end: too many letters stay between ones that are done to keep account of them all. "+
			"Redrive with fewer filters, or use another --group for the rest: it begins anew, with the letters that are done, too",
			partitionList(t.full), t.name)
	}
	return notes
}
