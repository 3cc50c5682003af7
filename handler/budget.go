package handler

import (
	"context"
	"time"
)

const (
	// noLimit is what an invocation may take if the platform has said nothing.
	noLimit = time.Minute
	// longPast is how far in the past a deadline has to lie to be no deadline:
	// a request without one reaches us as 1970.
	longPast = time.Hour
)

// budget is the time that an invocation has. The sinks end first, then the
// dead letters, so that there is always time to give the answer: the platform
// kills a function that is late in the middle of whatever it does.
type budget struct {
	sinks, letters context.Context //nolint:containedctx // it lives as long as the invocation
}

// newBudget divides the time until the deadline that ctx carries or limit
// allows, whichever is earlier.
func newBudget(ctx context.Context, now time.Time, limit time.Duration) (budget, context.CancelFunc) {
	left := noLimit
	deadline, ok := ctx.Deadline()
	switch {
	case ok && now.Sub(deadline) < longPast:
		left = deadline.Sub(now)
		if limit > 0 {
			left = min(left, limit)
		}
	case limit > 0:
		left = limit
	}
	answer := min(max(left/20, 100*time.Millisecond), time.Second)
	letters := min(max(left/10, 200*time.Millisecond), 5*time.Second)

	// The platform's context may be over already for want of a deadline.
	ctx = context.WithoutCancel(ctx)
	all, cancelAll := context.WithDeadline(ctx, time.Now().Add(left-answer))
	sinks, cancelSinks := context.WithDeadline(all, time.Now().Add(left-answer-letters))
	return budget{sinks: sinks, letters: all}, func() { cancelSinks(); cancelAll() }
}
