//go:build e2e

package trigger

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// One of three members is killed under load. The others stood still for 13
// seconds, until the group had given them its partitions; now theirs go on.
func TestMemberIsKilled(t *testing.T) {
	const partitions = 12
	b := newLogBench(t, partitions, nil)
	var members []*etlctl
	for range 3 {
		e := b.trigger(t, "--position", "earliest", "--instances", "1")
		members = append(members, e)
		e.await(t, "a share", atLeast(1, "assigned"))
	}
	for _, e := range members {
		e.await(t, "a third", func(lines []line) bool { return len(held(lines)) == partitions/3 })
	}
	load, stop := context.WithCancel(t.Context())
	produced := b.keepProducing(load, t, partitions)
	for _, e := range members {
		e.await(t, "batches", atLeast(50, "batch"))
	}

	began := time.Now()
	e := members[0]
	survivors := members[1:]
	stays := map[int32]bool{}
	for _, s := range survivors {
		for p := range held(s.all()) {
			stays[p] = true
		}
	}
	observe(t, 5*time.Second)
	killed := time.Now()
	e.kill()
	for _, s := range survivors {
		s.await(t, "half of what it had", func(lines []line) bool { return len(held(lines)) == partitions/2 })
	}
	took := time.Since(killed)
	observe(t, time.Second)
	stop()
	n := produced()
	b.awaitDocuments(t, survivors[0], n)
	for number, times := range b.numbers() {
		require.Equal(t, 1, times, "record %d", number)
	}
	var before, after time.Duration
	for _, s := range survivors {
		before = max(before, longestGap(s.all(), stays, began, killed))
		after = max(after, longestGap(s.all(), stays, killed, killed.Add(took)))
		assert.Zero(t, count(s.all(), "lost"))
	}
	t.Logf("%d records; the group knew after %v; longest time without a delivery: %v before, %v after", n, took.Round(time.Millisecond),
		before.Round(time.Millisecond), after.Round(time.Millisecond))
	// What this machine takes anyway is no pause.
	assert.Less(t, after, time.Second+before)
	for _, s := range survivors {
		require.NoError(t, s.interrupt(t))
	}
}

// held are the partitions that a member has.
func held(lines []line) map[int32]bool {
	have := map[int32]bool{}
	for _, l := range lines {
		switch l.Event {
		case "assigned":
			have[l.Partition] = true
		case "revoked", "lost":
			delete(have, l.Partition)
		}
	}
	return have
}

// longestGap is the longest time between two deliveries of one of the partitions.
func longestGap(lines []line, of map[int32]bool, from, to time.Time) (longest time.Duration) {
	last := map[int32]time.Time{}
	for _, l := range lines {
		if l.Event != "batch" || !of[l.Partition] || l.at.Before(from) || l.at.After(to) {
			continue
		}
		if before, ok := last[l.Partition]; ok {
			longest = max(longest, l.at.Sub(before))
		}
		last[l.Partition] = l.at
	}
	for _, at := range last {
		longest = max(longest, to.Sub(at))
	}
	return longest
}

// observe lets time pass in which something is watched.
func observe(t *testing.T, d time.Duration) {
	t.Helper()
	over := time.NewTimer(d)
	defer over.Stop()
	select {
	case <-over.C:
	case <-t.Context().Done():
	}
}

// keepProducing writes to all partitions until ctx ends. Produced then returns
// how many records it has written.
func (b *logBench) keepProducing(ctx context.Context, t *testing.T, partitions int32) (produced func() int) {
	t.Helper()
	n := 0
	var failed error
	var mu sync.Mutex
	var running sync.WaitGroup
	running.Go(func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			for p := range partitions {
				b.producer.Produce(context.WithoutCancel(ctx), &kgo.Record{Topic: topic, Partition: p, Value: []byte(plain(n))}, func(_ *kgo.Record, err error) {
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						failed = err
					}
				})
				n++
			}
		}
	})
	return func() int {
		running.Wait()
		require.NoError(t, b.producer.Flush(context.WithoutCancel(ctx)))
		mu.Lock()
		defer mu.Unlock()
		require.NoError(t, failed)
		return n
	}
}
