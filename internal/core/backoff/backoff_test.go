package backoff_test

import (
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"ckafka-etl/internal/core/backoff"
)

func TestDoubling(t *testing.T) {
	t.Parallel()
	const s = time.Second
	for failed, want := range []time.Duration{0, s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 60 * s, 60 * s} {
		assert.Equal(t, want, backoff.Doubling(failed, s, time.Minute), "after %d", failed)
	}
	assert.Equal(t, time.Minute, backoff.Doubling(math.MaxInt, s, time.Minute))
	assert.Equal(t, 500*time.Millisecond, backoff.Doubling(1, s, 500*time.Millisecond), "most is the most, from the first on")
	assert.Zero(t, backoff.Doubling(9, s, 0))
	assert.Zero(t, backoff.Doubling(-1, s, time.Minute))
}

// Full jitter: anything from none up to the bound, and all over it.
func TestJitter(t *testing.T) {
	t.Parallel()
	const first, most = 50 * time.Millisecond, time.Second
	for failed, bound := range []time.Duration{0, first, 2 * first, 4 * first, 8 * first, 16 * first, most, most} {
		low, high := 0, 0
		for range 400 {
			d := backoff.Jitter(failed, first, most)
			assert.GreaterOrEqual(t, d, time.Duration(0))
			assert.LessOrEqual(t, d, bound)
			if d < bound/4 {
				low++
			}
			if d > bound*3/4 {
				high++
			}
		}
		if bound > 0 {
			assert.InDelta(t, 100, low, 60, "after %d", failed)
			assert.InDelta(t, 100, high, 60, "after %d", failed)
		}
	}
}
