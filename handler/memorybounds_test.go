package handler

import (
	"io"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/record"
)

// What was settled at one place says nothing of another, but arrivals stay.
func TestMemoryAfterAChangeOfTarget(t *testing.T) {
	var m memory
	sinks := func(names ...string) (list []Sink) {
		for _, n := range names {
			list = append(list, &fakeSink{name: n})
		}
		return list
	}
	m.retarget(sinks("a", "b"))
	recs := batchOf(time.Unix(1000, 0), 1, 2)
	s := &settlement{recs: recs, memory: &m, results: [][]record.Result{
		{{Outcome: stored}, {Trace: record.AnswerLost}}, {{}, {Outcome: dead}},
	}}
	s.remember()
	m.retarget(sinks("c", "a", "d"))
	s = &settlement{recs: batchOf(time.Unix(2000, 0), 1, 2), memory: &m, pipeline: &Pipeline{Sinks: sinks("c", "a", "d")}}
	s.recall()
	assert.Equal(t, [][]record.Result{{{}, {}}, {{Outcome: stored}, {Trace: record.AnswerLost}}, {{}, {}}}, s.results)
	assert.Equal(t, time.Unix(1000, 0), s.recs[1].Batch.Arrival)
	assert.Equal(t, 1, s.groups[0].known.failures)

	m.retarget(sinks("b"))
	s = &settlement{recs: recs, memory: &m, pipeline: &Pipeline{Sinks: sinks("b")}}
	s.recall()
	assert.Equal(t, resultsOf(open, open), s.results, "b was given up between")
}

// A batch that nobody asks for is forgotten after 15 minutes, and only then.
func TestMemoryOfWhatNobodyAsksFor(t *testing.T) {
	var m memory
	recs := batchOf(time.Unix(0, 0), 1)
	now := time.Unix(1000, 0)
	m.sweep(now)
	deliver(&m, recs, resultsOf(open))
	for range 5 { // asked for again and again
		now = now.Add(14 * time.Minute)
		m.sweep(now)
		require.Len(t, m.failed, 1)
		deliver(&m, recs, resultsOf(open))
	}
	now = now.Add(15 * time.Minute) // a long invocation
	m.touch(deliver(&m, recs, resultsOf(open)).groups, now)
	m.sweep(now.Add(-time.Hour))
	m.sweep(now.Add(15*time.Minute - 1))
	require.Len(t, m.failed, 1, "a clock that is set back is no reason to forget")
	m.sweep(now.Add(15 * time.Minute))
	require.Empty(t, m.failed)
}

// Every partition that fails has its batch, however many there are; of events
// without coordinates, which no offset passes, the last ones are kept.
func TestHowManyBatchesAreRemembered(t *testing.T) {
	var m memory
	const partitions = 200
	for n := range partitions {
		m.sweep(time.Unix(int64(n), 0))
		recs := batchOf(time.Unix(0, 0), 1, 2)
		recs[0].Partition, recs[1].Partition = int32(n), int32(n)
		deliver(&m, recs, resultsOf(stored, open))
		odd := batchOf(time.Unix(0, 0), record.Unknown)
		odd[0].Batch.Event = uint64(n + 1)
		deliver(&m, odd, resultsOf(open))
	}
	assert.Len(t, m.failed, partitions+maxEvents)
	for n := range partitions {
		assert.Equal(t, n >= partitions-maxEvents, m.failed[source{event: uint64(n + 1)}] != nil, "event %d", n)
	}
}

// An event by hand with more records than the trigger sends is remembered as
// well, but its buffer is not kept.
func TestMemoryOfALargeEvent(t *testing.T) {
	var m memory
	recs := batchOf(time.Unix(0, 0), fromTo(1, 20_000)...)
	results := [][]record.Result{all(record.Result{Outcome: stored}, len(recs))}
	results[0][19_999].Outcome = open
	deliver(&m, recs, results)
	assert.Nil(t, m.hashes)
	assert.Equal(t, 19_999, deliver(&m, recs, nil).recalled)
}

// Ten partitions of 10,000 records took 65 to 128 MB when each record had a
// place in a map of its own. Now thirty take 1 byte a record and sink and 4 of
// hash, and as much again with every further delivery: nothing.
func TestMemoryOfThirtyPartitions(t *testing.T) {
	const partitions, records, sinks = 30, 10_000, 2
	r := newRig(Pipeline{Sinks: []Sink{forgetful{"a"}, forgetful{"b"}}})
	r.Log = io.Discard
	payloads := make([][]byte, partitions)
	for p := range payloads {
		payloads[p] = eventOf(int32(p), fromTo(1000, 1000+records-1)...)
	}
	invoke := func(payload []byte) {
		_, err := r.Invoke(t.Context(), payload)
		require.Error(t, err)
	}
	// After a small event the space for the records of large ones is given back.
	small := func() { invoke(eventOf(partitions, 1)) }
	invoke(eventOf(partitions, fromTo(1000, 1000+records-1)...))
	small()
	before := heap()
	for range 3 {
		for _, payload := range payloads {
			invoke(payload)
		}
		small()
		const slack = 100 << 10 // thirty headers, and rounding: 40,960 bytes for 40,000
		assert.LessOrEqual(t, heap()-before, partitions*records*(sinks+4)+slack)
	}
	assert.Len(t, r.memory.failed, partitions+1)
	runtime.KeepAlive(payloads)
}

func heap() int {
	var stats runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return int(stats.HeapAlloc)
}
