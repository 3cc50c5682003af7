// Package budget divides the time that an invocation has. The platform kills a
// function that is late in the middle of whatever it does, so every try, pause
// and wait has to fit what is left.
package budget

import (
	"context"
	"math"
	"time"
)

const (
	// noLimit is what an invocation may take if the platform has said nothing.
	noLimit = time.Minute
	// longPast is how far in the past a deadline has to lie to be no deadline:
	// a request without one reaches us as 1970.
	longPast = time.Hour
	// leastShare is the least time that a share is worth having: an answer over
	// a busy network may take as long.
	leastShare = 500 * time.Millisecond
)

// Phases are the parts of an invocation, as contexts that end one after the
// other: the sinks first, then the dead letters. What is left then is for the
// answer.
type Phases struct {
	Sinks, Letters context.Context //nolint:containedctx // they live as long as the invocation
}

// Divide divides the time until the deadline that ctx carries or limit allows,
// whichever is earlier; 0 is no limit. The function that it returns has to be
// called at the end. The phases do not end with ctx: for want of a deadline the
// platform's context may be over from the start.
func Divide(ctx context.Context, limit time.Duration) (Phases, context.CancelFunc) {
	left := available(ctx, limit)
	answer := min(max(left/20, 100*time.Millisecond), time.Second)
	letters := min(max(left/10, 200*time.Millisecond), 5*time.Second)

	ctx = context.WithoutCancel(ctx)
	end := time.Now().Add(left - answer)
	all, cancelAll := context.WithDeadline(ctx, end)
	sinks, cancelSinks := context.WithDeadline(all, end.Add(-letters))
	return Phases{Sinks: sinks, Letters: all}, func() { cancelSinks(); cancelAll() }
}

// available returns how long the invocation may take.
func available(ctx context.Context, limit time.Duration) time.Duration {
	deadline, ok := ctx.Deadline()
	switch left := time.Until(deadline); {
	case ok && left > -longPast && limit > 0:
		return min(left, limit)
	case ok && left > -longPast:
		return left
	case limit > 0:
		return limit
	}
	return noLimit
}

// Left returns the time until ctx ends: 0 if it has ended, for ever if it has no
// deadline.
func Left(ctx context.Context) time.Duration {
	if ctx.Err() != nil {
		return 0
	}
	end, ok := ctx.Deadline()
	if !ok {
		return math.MaxInt64
	}
	return max(0, time.Until(end))
}

// Room reports whether more than d is left.
func Room(ctx context.Context, d time.Duration) bool { return Left(ctx) > d }

// Share returns what one of several parts may take of the time that is left, so
// that there is time for the others: at least half a second, unless less is
// left.
func Share(ctx context.Context, parts int) time.Duration {
	left := Left(ctx)
	return max(left/time.Duration(max(parts, 1)), min(left, leastShare))
}

// Wait waits for d, or until ctx ends.
func Wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
}
