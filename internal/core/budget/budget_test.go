package budget_test

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/core/budget"
)

// until returns when a context ends, from now.
func until(t *testing.T, ctx context.Context) time.Duration { //nolint:revive // t comes first
	t.Helper()
	end, ok := ctx.Deadline()
	require.True(t, ok)
	return time.Until(end)
}

func TestDivide(t *testing.T) {
	t.Parallel()
	const none = time.Duration(math.MinInt64)
	for _, c := range []struct {
		name            string
		deadline, limit time.Duration // from now
		sinks, letters  time.Duration
	}{
		{"a deadline", 10 * time.Second, 0, 8500 * time.Millisecond, 9500 * time.Millisecond},
		{"a deadline and a longer limit", 10 * time.Second, time.Minute, 8500 * time.Millisecond, 9500 * time.Millisecond},
		{"a deadline and a shorter limit", time.Hour, 4 * time.Second, 3400 * time.Millisecond, 3800 * time.Millisecond},
		{"a deadline that has just passed", -time.Millisecond, time.Minute, -301 * time.Millisecond, -101 * time.Millisecond},
		{"no deadline reaches us as 1970", -50 * 365 * 24 * time.Hour, 15 * time.Minute, 894 * time.Second, 899 * time.Second},
		{"only a limit", none, 3 * time.Second, 2550 * time.Millisecond, 2850 * time.Millisecond},
		{"the shortest limit", none, time.Second, 700 * time.Millisecond, 900 * time.Millisecond},
		{"nothing at all", none, 0, 54 * time.Second, 59 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if c.deadline != none {
					var cancel context.CancelFunc
					ctx, cancel = context.WithDeadline(ctx, time.Now().Add(c.deadline))
					defer cancel()
				}
				p, cancel := budget.Divide(ctx, c.limit)
				defer cancel()
				assert.Equal(t, c.sinks, until(t, p.Sinks))
				assert.Equal(t, c.letters, until(t, p.Letters))
				assert.Equal(t, c.sinks > 0, p.Sinks.Err() == nil, "it is not over with the platform's context")
			})
		})
	}
}

func TestCancelEndsThePhases(t *testing.T) {
	t.Parallel()
	p, cancel := budget.Divide(t.Context(), time.Minute)
	cancel()
	assert.ErrorIs(t, p.Sinks.Err(), context.Canceled)
	assert.ErrorIs(t, p.Letters.Err(), context.Canceled)
}

func TestRoomAndShare(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		defer cancel()
		assert.True(t, budget.Room(ctx, 6*time.Second-1))
		assert.False(t, budget.Room(ctx, 6*time.Second))
		assert.Equal(t, 2*time.Second, budget.Share(ctx, 3))
		assert.Equal(t, 6*time.Second, budget.Share(ctx, 0))
		assert.Equal(t, 500*time.Millisecond, budget.Share(ctx, 100), "less is worth nothing")

		budget.Wait(ctx, 5700*time.Millisecond)
		assert.Equal(t, 300*time.Millisecond, budget.Left(ctx))
		assert.Equal(t, 300*time.Millisecond, budget.Share(ctx, 2), "all there is")
		started := time.Now()
		budget.Wait(ctx, time.Hour)
		assert.Equal(t, 300*time.Millisecond, time.Since(started), "no wait outlasts the context")
		assert.Zero(t, budget.Left(ctx))
		assert.False(t, budget.Room(ctx, 0))
		assert.Zero(t, budget.Share(ctx, 2))
	})
}

func TestWithoutADeadline(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	assert.True(t, budget.Room(ctx, 1000*time.Hour))
	assert.Greater(t, budget.Share(ctx, 16), 1000*time.Hour)
	cancel()
	assert.False(t, budget.Room(ctx, 0))
}
