// Package backoff says how long to wait before something is tried again.
package backoff

import (
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Jitter returns how long to wait after so many failed tries: a random time
// below a bound that is first after the first failure, doubles with each and
// grows up to most (full jitter). So those that failed together do not come
// back together.
func Jitter(failed int, first, most time.Duration) time.Duration {
	// The library's times spread over the middle of their range: with the
	// factor 1 from none to twice as long.
	return after(failed, first/2, most/2, 1)
}

// Doubling returns first after the first failure, twice as much after each
// further one, and at most most.
func Doubling(failed int, first, most time.Duration) time.Duration {
	return after(failed, first, most, 0)
}

func after(failed int, first, most time.Duration, factor float64) time.Duration {
	if failed <= 0 {
		return 0
	}
	b := backoff.ExponentialBackOff{
		InitialInterval: min(first, most), MaxInterval: most, Multiplier: 2, RandomizationFactor: factor,
	}
	const enough = 62 // doublings reach the longest time there is
	for range min(failed-1, enough) {
		b.NextBackOff()
	}
	return b.NextBackOff()
}
