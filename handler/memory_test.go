package handler

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/record"
)

// target is a sink of which only the name of its place matters here.
type target string

func (t target) Name() string   { return string(t) }
func (t target) Target() string { return string(t) }
func (t target) Write(context.Context, record.Delivery) ([]record.Result, record.Stats) {
	return nil, record.Stats{}
}

func batchOf(n int, offset int64, at time.Time) []record.Record {
	b := &record.Batch{Arrival: at}
	recs := make([]record.Record, n)
	for i := range recs {
		recs[i] = record.Record{Topic: "t", Offset: offset + int64(i), Body: []byte("body"), Batch: b, Pos: i}
	}
	return recs
}

func resultsOf(outcomes ...record.Outcome) [][]record.Result {
	list := make([]record.Result, len(outcomes))
	for i, o := range outcomes {
		list[i].Outcome = o
	}
	return [][]record.Result{list}
}

func TestMemoryKnowsRecordsHoweverTheyAreCut(t *testing.T) {
	var m memory
	m.retarget([]Sink{target("a")})
	then := time.Unix(1000, 0)
	m.remember(batchOf(3, 10, then), resultsOf(record.Stored, record.Unsettled, record.Dead))

	again := batchOf(5, 8, time.Unix(2000, 0)) // offsets 8 to 12
	for i, want := range []struct {
		known   bool
		outcome record.Outcome
	}{{}, {}, {true, record.Stored}, {true, record.Unsettled}, {true, record.Dead}} {
		got, ok := m.recall(&again[i])
		require.Equal(t, want.known, ok, "offset %d", again[i].Offset)
		if ok {
			require.Equal(t, want.outcome, got.outcomes[0])
			require.Equal(t, then, got.batch.Arrival, "the first arrival counts")
		}
	}
	other := batchOf(1, 10, then)
	other[0].Body = []byte("another body")
	_, ok := m.recall(&other[0])
	require.False(t, ok, "a topic that was made anew has other records at the same offsets")

	m.forget(again)
	require.Empty(t, m.records)
	require.Empty(t, m.batches)
}

// A record without coordinates is known by its event and place.
func TestMemoryWithoutCoordinates(t *testing.T) {
	var m memory
	recs := batchOf(2, 0, time.Unix(0, 0))
	for i := range recs {
		recs[i].Partition, recs[i].Batch.Event = record.Unknown, 7
	}
	m.remember(recs, resultsOf(record.Stored, record.Unsettled))
	first, ok := m.recall(&recs[0])
	require.True(t, ok)
	require.Equal(t, record.Stored, first.outcomes[0])
	second, ok := m.recall(&recs[1])
	require.True(t, ok)
	require.Equal(t, record.Unsettled, second.outcomes[0])
	recs[0].Batch.Event = 8
	_, ok = m.recall(&recs[0])
	require.False(t, ok)
}

// What was settled at one place says nothing of another, but the arrival stays.
func TestMemoryAfterAChangeOfTarget(t *testing.T) {
	var m memory
	m.retarget([]Sink{target("a"), target("b")})
	recs := batchOf(1, 0, time.Unix(1000, 0))
	stored := []record.Result{{Outcome: record.Stored}}
	m.remember(recs, [][]record.Result{stored, {{Outcome: record.Unsettled}}})
	m.retarget([]Sink{target("c"), target("a")})
	got, ok := m.recall(&recs[0])
	require.True(t, ok)
	require.Equal(t, []record.Outcome{record.Unsettled, record.Stored}, got.outcomes)
	require.Equal(t, time.Unix(1000, 0), got.batch.Arrival)
}

// The memory is bounded, forgets the oldest batches first, and counts a batch
// once however often it fails.
func TestMemoryIsBounded(t *testing.T) {
	var m memory
	kept := batchOf(10, 0, time.Unix(0, 0))
	for n := range 3 * maxBatches {
		m.remember(batchOf(10, int64(1000*(n+1)), time.Unix(int64(n), 0)), resultsOf(make([]record.Outcome, 10)...))
		m.remember(kept, resultsOf(make([]record.Outcome, 10)...))
	}
	require.Len(t, m.batches, maxBatches)
	require.Len(t, m.records, 10*maxBatches)
	_, ok := m.recall(&kept[0])
	require.True(t, ok, "a batch that fails again and again is not the oldest")
	old := batchOf(1, 1000, time.Unix(0, 0))
	_, ok = m.recall(&old[0])
	require.False(t, ok)
	m.remember(batchOf(maxRemembered, 1_000_000, time.Unix(9, 0)), resultsOf(make([]record.Outcome, maxRemembered)...))
	require.LessOrEqual(t, len(m.records), maxRemembered)
}
