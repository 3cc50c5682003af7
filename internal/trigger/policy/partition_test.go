package policy_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/trigger/policy"
)

// reading returns a partition that was assigned at 100.
func reading(retries int) *policy.Partition {
	p := &policy.Partition{Retries: retries}
	p.Apply(begin, assigned)
	return p
}

// A deleted topic, or one damaged byte, made 12,000 lines a second for ever. Each
// cause is said once, is tried again with a back-off, and stops the partition in
// the end.
func TestFaultsAreToldOnceAndStopThePartition(t *testing.T) {
	for name, kind := range map[string]policy.Fault{
		"gone": policy.Gone, "denied": policy.Denied, "storage": policy.Storage, "corrupt": policy.Corrupt, "other": policy.Other,
	} {
		t.Run(name, func(t *testing.T) {
			p := reading(0)
			told, tries := 0, 0
			now := begin
			for p.State() != policy.Stopped {
				from, ok := p.MayFetch()
				require.True(t, ok)
				now = maxTime(now, from)
				tries++
				for _, n := range p.Apply(now, policy.FetchFailed{From: 100, Kind: kind, Err: errX}).Notes {
					if n.Kind == policy.Trouble {
						told++
					}
				}
				require.Less(t, now.Sub(begin), time.Minute)
			}
			assert.Equal(t, 1, told)
			assert.Less(t, tries, 20)
			assert.Equal(t, errX, p.Reason())
			_, ok := p.MayFetch()
			assert.False(t, ok)
		})
	}
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// A leader that moves, or a broker that is away, is no reason to stop: it may
// come back after a day.
func TestAwayForADay(t *testing.T) {
	p := reading(0)
	for now := begin; now.Sub(begin) < 24*time.Hour; now = now.Add(5 * time.Second) {
		assert.Empty(t, p.Apply(now, policy.FetchFailed{From: 100, Kind: policy.Moved, Err: errX}).Notes)
	}
	from, ok := p.MayFetch()
	assert.True(t, ok)
	assert.LessOrEqual(t, from.Sub(begin), 24*time.Hour+5*time.Second)
}

// What was fetched before a fault is delivered before the partition stops.
func TestStopsBehindWhatWasFetched(t *testing.T) {
	p := reading(0)
	p.Apply(begin, fetched)
	p.Apply(begin, policy.FetchFailed{From: 120, Kind: policy.Corrupt, Err: errX})
	p.Apply(begin.Add(time.Minute), policy.FetchFailed{From: 120, Kind: policy.Corrupt, Err: errX})
	require.Equal(t, policy.Waiting, p.State())
	p.Apply(begin, policy.Deliver{Batch: policy.Batch{First: 100, Last: 119, Records: 20, Next: at(120)}})
	o := p.Apply(begin, policy.Delivered{})
	assert.Equal(t, policy.Stopped, p.State())
	assert.Equal(t, []policy.Note{{Kind: policy.Stop, From: 120, Err: errX}}, o.Notes)
	assert.Equal(t, int64(120), p.Next())
}

// A fault that goes away leaves nothing behind.
func TestAFaultIsForgottenWhenFetchingWorks(t *testing.T) {
	p := reading(0)
	for now := begin; now.Sub(begin) < time.Hour; now = now.Add(20 * time.Second) {
		p.Apply(now, policy.FetchFailed{From: p.Read().Offset, Kind: policy.Gone, Err: errX})
		p.Apply(now.Add(time.Second), policy.Fetched{From: p.Read().Offset, Next: at(p.Read().Offset + 1), Records: 1, Start: 10, End: 1000})
	}
	assert.Equal(t, policy.Waiting, p.State())
}

// 10,000 deliveries outlast an outage of days: 0.1 s, doubling, up to 60 s.
func TestPace(t *testing.T) {
	p := reading(10_000)
	p.Apply(begin, fetched)
	now := begin
	var waits []time.Duration
	for p.State() != policy.Stopped {
		from, ok := p.MayDeliver()
		require.True(t, ok)
		now = maxTime(now, from)
		p.Apply(now.Add(-time.Millisecond), policy.Deliver{Batch: batch}) // too soon, but for the first
		p.Apply(now, policy.Deliver{Batch: batch})
		require.Equal(t, policy.Delivering, p.State())
		for _, n := range p.Apply(now, policy.DeliveryFailed{Err: errX}).Notes {
			if n.Kind == policy.Retry {
				waits = append(waits, n.Wait)
			}
		}
	}
	require.Len(t, waits, 10_000)
	assert.Equal(t, []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond}, waits[:3])
	assert.Equal(t, time.Minute, waits[12])
	assert.Greater(t, now.Sub(begin), 6*24*time.Hour)
	require.ErrorContains(t, p.Reason(), "records 100 to 109 were delivered 10001 times and are not settled: x")
}

// Brokers before 2.1 forget the commit of a partition that is idle.
func TestIdlePartitionsAreCommittedAgain(t *testing.T) {
	p := reading(0)
	_, due := p.Commit(begin)
	require.True(t, due, "a commit that is found may be about to expire")
	p.Apply(begin, policy.Committed{At: at(100)})
	_, due = p.Commit(begin.Add(policy.CommitAgain - time.Second))
	require.False(t, due)
	where, due := p.Commit(begin.Add(policy.CommitAgain))
	require.True(t, due)
	assert.Equal(t, at(100), where)
	p.Apply(begin, policy.Refused{From: 100, Err: errX})
	_, due = p.Commit(begin.Add(policy.CommitAgain))
	assert.True(t, due, "a partition that is stopped, too")
}

// Nothing is committed of a partition that was lost, nor while the batch in
// flight is another log's.
func TestNotCommitted(t *testing.T) {
	p := reading(0)
	p.Apply(begin, fetched)
	p.Apply(begin, policy.Deliver{Batch: batch})
	p.Apply(begin, policy.Recreated{})
	_, due := p.Commit(begin)
	require.False(t, due)
	p.Apply(begin, policy.Delivered{})
	where, due := p.Commit(begin)
	require.True(t, due)
	assert.Zero(t, where.Offset)
	p.Apply(begin, policy.Lost{})
	_, due = p.Commit(begin)
	assert.False(t, due)
}

// A batch whose records were given up for others' is fetched when it is due, not
// at once: that would be for nothing.
func TestEvictedIsFetchedWhenDue(t *testing.T) {
	p := reading(5)
	p.Apply(begin, fetched)
	p.Apply(begin, policy.Deliver{Batch: batch})
	p.Apply(begin, policy.DeliveryFailed{Err: errX})
	p.Apply(begin, policy.Evicted{})
	from, ok := p.MayFetch()
	require.True(t, ok)
	due, ok := p.MayDeliver()
	require.True(t, ok)
	assert.Equal(t, due, from)
	again, ok := p.Batch()
	require.True(t, ok)
	assert.Equal(t, batch, again)
}

func TestGapsAreCounted(t *testing.T) {
	p := &policy.Partition{}
	p.Apply(begin, policy.Assigned{Commit: at(0), EpochEnd: policy.Nowhere, Start: 500, End: 1000})
	p.Apply(begin, policy.OutOfRange{From: 500, Start: 600, End: 1000, EpochEnd: policy.Nowhere})
	assert.Equal(t, int64(600), p.Gaps())
	assert.Equal(t, int64(600), p.Next())
}
