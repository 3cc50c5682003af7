package handler

import (
	"context"
	"log/slog"
	"time"

	"ckafka-etl/internal/core/backoff"
	"ckafka-etl/internal/core/budget"
	"ckafka-etl/record"
)

// firstPace is what is added to the second failure in a row of a source.
const firstPace = time.Second

// The trigger delivers a batch again as soon as it has failed, and lets it go
// after some number of tries. An invocation that fails at once would use them
// all up in minutes: so a source that fails again and again is answered later
// and later.

// waitAfter returns how long an invocation that fails is to wait, if so many
// before it failed.
func (h *Handler) waitAfter(phases budget.Phases, failures int) time.Duration {
	return min(backoff.Doubling(failures, firstPace, h.pace), budget.Left(phases.Letters))
}

// wait waits, and notes that the sources are not forgotten meanwhile.
func (h *Handler) wait(phases budget.Phases, groups []group, d time.Duration) {
	if d > 0 {
		budget.Wait(phases.Letters, d)
	}
	h.memory.touch(groups, h.Now())
}

// refuse ends an invocation that writes nothing. It returns err. What can be
// known of no source is counted as one.
func (h *Handler) refuse(ctx context.Context, phases budget.Phases, log *slog.Logger, msg string, recs []record.Record, err error) error {
	groups := groupsOf(recs)
	if len(groups) == 0 {
		groups = []group{{}}
	}
	h.memory.open(groups)
	failures := 0
	for i := range groups {
		g := &groups[i]
		h.memory.fail(g)
		failures = max(failures, g.known.failures-1)
	}
	wait := h.waitAfter(phases, failures)
	attrs := append([]slog.Attr{slog.String("cause", clip(err.Error()))}, pacedAttrs(wait)...)
	log.LogAttrs(ctx, slog.LevelError, msg, attrs...)
	h.wait(phases, groups, wait)
	return err
}
