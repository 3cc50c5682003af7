package handler

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
	"ckafka-etl/record"
)

// deliver settles records as far as memory knows them, and then as results say,
// if there are any. It returns what was recalled.
func deliver(m *memory, recs []record.Record, results [][]record.Result) *settlement {
	s := &settlement{pipeline: &Pipeline{}, recs: recs, memory: m}
	for k := range max(len(results), len(m.targets)) {
		s.pipeline.Sinks = append(s.pipeline.Sinks, &fakeSink{name: strconv.Itoa(k)})
	}
	m.retarget(s.pipeline.Sinks)
	s.recall()
	if results != nil {
		recalled := s.results
		if s.results = results; s.account().Unsettled > 0 {
			s.remember()
		} else {
			m.settle(s.groups)
		}
		s.results = recalled
	}
	m.done()
	return s
}

// batchOf makes records of one partition that arrive at the same time.
func batchOf(at time.Time, offsets ...int64) []record.Record {
	b := &record.Batch{Arrival: at}
	recs := make([]record.Record, len(offsets))
	for i, o := range offsets {
		recs[i] = record.Record{Topic: "t", Offset: o, Body: []byte("body"), Batch: b, Pos: i}
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

const (
	open   = record.Unsettled
	stored = record.Stored
	twice  = record.Duplicate
	gone   = record.Filtered
	dead   = record.Dead
)

// A batch that failed comes again, but not always as it was cut before: each of
// its records is known, and what is new is new.
func TestRecallHoweverTheBatchIsCut(t *testing.T) {
	then, now := time.Unix(1000, 0), time.Unix(1060, 0)
	for name, offsets := range map[string][]int64{
		"every offset":               fromTo(10, 14),
		"offsets are missing":        {10, 12, 13, 17, 40},
		"more are missing than kept": {10, 1000, 5000, 5001, 1 << 40},
	} {
		for _, c := range []struct {
			name     string
			from, to int // of offsets; to beyond its end: new records
			want     []record.Outcome
		}{
			{"the same", 0, 5, []record.Outcome{stored, open, dead, twice, gone}},
			{"shorter", 0, 3, []record.Outcome{stored, open, dead}},
			{"longer", 0, 7, []record.Outcome{stored, open, dead, twice, gone, open, open}},
			{"begun later", 2, 5, []record.Outcome{dead, twice, gone}},
			{"begun later and longer", 3, 6, []record.Outcome{twice, gone, open}},
			{"from the middle", 1, 4, []record.Outcome{open, dead, twice}},
			{"one record", 3, 4, []record.Outcome{twice}},
			{"the last record and more", 4, 7, []record.Outcome{gone, open, open}},
		} {
			t.Run(name+"/"+c.name, func(t *testing.T) {
				var m memory
				deliver(&m, batchOf(then, offsets...), resultsOf(stored, open, dead, twice, gone))
				longer := append(offsets[:5:5], offsets[4]+1, offsets[4]+9)
				s := deliver(&m, batchOf(now, longer[c.from:c.to]...), nil)
				known := 0
				for i, want := range c.want {
					assert.Equal(t, want, s.results[0][i].Outcome, "offset %d", s.recs[i].Offset)
					arrival := then
					if c.from+i >= 5 {
						arrival = now
					} else if want.Settled() {
						known++
					}
					assert.Equal(t, arrival, s.recs[i].Batch.Arrival, "offset %d", s.recs[i].Offset)
				}
				assert.Equal(t, known, s.recalled)
			})
		}
	}
}

// Traces come back with what is unsettled.
func TestRecallTraces(t *testing.T) {
	var m memory
	traces := []record.Trace{0, record.AnswerLost, record.WriteFailed | record.RefusedAmongOthers, 15}
	results := make([]record.Result, len(traces))
	for i := range results {
		results[i].Trace = traces[i]
	}
	recs := batchOf(time.Unix(0, 0), fromTo(1, 4)...)
	deliver(&m, recs, [][]record.Result{results, all(record.Result{Outcome: stored}, 4)})
	s := deliver(&m, recs, nil)
	assert.Equal(t, results, s.results[0])
	assert.Equal(t, all(record.Result{Outcome: stored}, 4), s.results[1])
	assert.Zero(t, s.recalled, "no record is settled everywhere")
}

// A topic that was made anew has other records at the same offsets, and an
// operator who sets the offsets back wants it all written again: nothing of the
// old batch holds then. What the offsets have moved past is of no more use.
func TestForgetting(t *testing.T) {
	then := time.Unix(1000, 0)
	others := batchOf(then, fromTo(10, 12)...)
	for i := range others {
		others[i].Body = []byte("another body")
	}
	for name, next := range map[string][]record.Record{
		"gone back":              batchOf(then, fromTo(9, 14)...),
		"gone back a long way":   batchOf(then, fromTo(0, 3)...),
		"moved past":             batchOf(then, fromTo(13, 20)...),
		"other bodies":           others,
		"other bodies, longer":   append(others[:3:3], batchOf(then, 13, 14)...),
		"another, which is past": batchOf(then, 1<<60),
	} {
		t.Run(name, func(t *testing.T) {
			var m memory
			deliver(&m, batchOf(then, fromTo(10, 12)...), resultsOf(stored, stored, open))
			s := deliver(&m, next, nil)
			for _, r := range s.results[0] {
				assert.Equal(t, open, r.Outcome)
			}
			assert.Zero(t, s.recalled)
			assert.Empty(t, m.failed)
		})
	}
}

// One record of a batch has another body (it was corrupt in the event before,
// say): only that one is new.
func TestOneRecordIsAnother(t *testing.T) {
	var m memory
	deliver(&m, batchOf(time.Unix(0, 0), fromTo(10, 14)...), resultsOf(stored, stored, stored, stored, open))
	again := batchOf(time.Unix(0, 0), fromTo(10, 14)...)
	again[2].Body = []byte("another body")
	s := deliver(&m, again, nil)
	assert.Equal(t, resultsOf(stored, stored, open, stored, open), s.results)

	// It is the last one of a shorter batch: it takes the old one's place.
	deliver(&m, again[:3], resultsOf(stored, open, dead))
	s = deliver(&m, again, nil)
	assert.Equal(t, resultsOf(stored, open, dead, stored, open), s.results)
}

// A hash of 32 bits may be that of two records of a batch. Each keeps its own
// outcome, as far as its offset tells; where nothing tells it is written again.
func TestEqualHashes(t *testing.T) {
	b := &failedBatch{first: 10, last: 14, ascending: true, hashes: []uint32{7, 7, 7, 7, 7}}
	for place := range 5 {
		assert.Equal(t, place, b.find(int64(10+place), 7, 0), "the batch may begin anywhere")
		assert.Equal(t, place, b.find(int64(10+place), 7, place))
	}
	assert.Equal(t, -1, b.find(12, 8, 2), "another record")
	assert.Equal(t, -1, b.find(15, 7, 5), "behind the batch")
	assert.Equal(t, -1, b.find(11, 7, 2), "its place is taken")

	b = &failedBatch{first: 10, last: 99, ascending: true, hashes: []uint32{1, 7, 7, 2}}
	assert.Equal(t, -1, b.find(50, 7, 0), "one of two")
	assert.Equal(t, 1, b.find(50, 7, 1), "the one behind the record before")
	assert.Equal(t, 3, b.find(99, 2, 0))

	// An event by hand that holds the same record twice.
	var m memory
	same := batchOf(time.Unix(0, 0), 10, 10, 11)
	deliver(&m, same, resultsOf(stored, open, stored))
	assert.Equal(t, resultsOf(stored, open, stored), deliver(&m, same, nil).results)
	assert.Equal(t, resultsOf(open, stored), deliver(&m, same[1:], nil).results, "which of the two it is cannot be known")
	assert.Equal(t, resultsOf(stored), deliver(&m, same[2:], nil).results)
}

// Of a batch that comes again cut shorter, what is behind stays known, whether
// the shorter one fails or succeeds.
func TestTheRestOfAShorterBatch(t *testing.T) {
	then, now := time.Unix(1000, 0), time.Unix(1001, 0)
	for name, offsets := range map[string][]int64{"every offset": fromTo(10, 14), "offsets are missing": {10, 12, 13, 17, 40}} {
		t.Run(name, func(t *testing.T) {
			var m memory
			deliver(&m, batchOf(then, offsets...), resultsOf(open, stored, stored, open, stored))
			deliver(&m, batchOf(now, offsets[:2]...), resultsOf(dead, open))
			s := deliver(&m, batchOf(now, offsets...), nil)
			assert.Equal(t, resultsOf(dead, open, stored, open, stored), s.results)

			deliver(&m, batchOf(now, offsets[:2]...), resultsOf(stored, stored))
			s = deliver(&m, batchOf(now, offsets[2:]...), nil)
			assert.Equal(t, resultsOf(stored, open, stored), s.results)
			assert.Equal(t, then, s.recs[1].Batch.Arrival)
			assert.Zero(t, s.groups[0].known.failures, "there was a success between")

			deliver(&m, batchOf(now, offsets[2:]...), resultsOf(stored, stored, stored))
			assert.Empty(t, m.failed)
		})
	}
}

// A batch that grows with each delivery has records of several arrivals. Four
// are kept apart; later records share the last one, and no record ever changes
// the one it was written with.
func TestArrivalsOfAGrowingBatch(t *testing.T) {
	var m memory
	var seen []time.Time
	for n := range 7 {
		recs := batchOf(time.Unix(int64(n), 0), fromTo(10, int64(10+n))...)
		s := deliver(&m, recs, resultsOf(make([]record.Outcome, n+1)...))
		for i, before := range seen {
			require.Equal(t, before, s.recs[i].Batch.Arrival)
		}
		seen = append(seen, s.recs[n].Batch.Arrival)
	}
	for n, want := range []int64{0, 1, 2, 3, 3, 3, 3} {
		assert.Equal(t, time.Unix(want, 0), seen[n])
	}
	deliver(&m, batchOf(time.Unix(9, 0), 15, 16), resultsOf(open, open))
	s := deliver(&m, batchOf(time.Unix(10, 0), 15, 16, 17), nil)
	assert.Equal(t, time.Unix(3, 0), s.recs[0].Batch.Arrival)
	assert.Equal(t, time.Unix(10, 0), s.recs[2].Batch.Arrival, "arrivals that no record has any more take no place")
}

// Records without coordinates are known by their event and their place in it,
// and an event that mixes sources has each of its records known.
func TestMemoryOfOddEvents(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "testdata", "events", "variant-*.json"))
	require.NoError(t, err)
	require.Greater(t, len(files), 10)
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			payload, err := os.ReadFile(file)
			require.NoError(t, err)
			var d event.Decoder
			read := func(payload []byte, at int64) []record.Record {
				recs, err := d.Decode(payload, time.Unix(at, 0), nil)
				require.NoError(t, err)
				return recs
			}
			recs := read(payload, 1000)
			results := all(record.Result{Outcome: stored}, len(recs))
			if len(recs) > 0 {
				results[len(recs)-1].Outcome = open
			}
			var m memory
			deliver(&m, recs, [][]record.Result{results})
			s := deliver(&m, read(payload, 2000), nil)
			assert.Equal(t, [][]record.Result{results}, s.results)
			for i := range s.recs {
				assert.Equal(t, time.Unix(1000, 0), s.recs[i].Batch.Arrival)
			}
			other := bytes.Replace(payload, []byte(`\"n\":1`), []byte(`\"n\":3`), 1)
			if bytes.Equal(other, payload) {
				return
			}
			s = deliver(&m, read(other, 3000), nil)
			assert.Less(t, s.recalled, max(len(recs)-1, 1), "another record, or another event")
		})
	}
}
