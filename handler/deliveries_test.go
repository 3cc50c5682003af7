package handler

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/internal/event"
	"ckafka-etl/record"
)

// partitionModel says what the handler has to remember of a partition, by
// offset and in plain maps.
type partitionModel struct {
	log     []event.Record // what the partition holds
	records map[int64]*recordModel
	first   int64 // what lies before it is passed
	asked   time.Time
}

type recordModel struct {
	results []record.Result // one a sink
	arrival time.Time
}

// expect forgets what a delivery makes old.
func (p *partitionModel) expect(recs []event.Record, now time.Time) {
	last := int64(-1)
	for o := range p.records {
		last = max(last, o)
	}
	if recs[0].Offset < p.first || recs[0].Offset > last || now.Sub(p.asked) >= maxIdle {
		p.records = nil
	}
}

// learn takes in how a delivery ended.
func (p *partitionModel) learn(recs []event.Record, results map[int64]*recordModel, failed bool, now time.Time) {
	from, to := recs[0].Offset, recs[len(recs)-1].Offset
	kept := make(map[int64]*recordModel)
	for o, r := range p.records {
		if o > to {
			kept[o] = r
		}
	}
	p.records, p.first, p.asked = kept, to+1, now
	if failed {
		p.first = from
		maps.Copy(p.records, results)
	}
}

// world is a handler with sinks that answer as was drawn, beside the model.
type world struct {
	*rig
	clock      time.Time
	sinks      []*fakeSink
	partitions []*partitionModel
	answers    []map[key]record.Result // one a sink
}

type key struct {
	partition int32
	offset    int64
}

func drawLog(t *rapid.T, partition int32) *partitionModel {
	p := &partitionModel{}
	gaps := rapid.SampledFrom([][]int64{{1}, {1, 1, 1, 2}, {1, 3, 1000}}).Draw(t, "gaps")
	offset := rapid.Int64Range(0, 1000).Draw(t, "offset")
	for range rapid.IntRange(5, 30).Draw(t, "records") {
		body := rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "body") // the same again and again
		p.log = append(p.log, event.Record{Topic: "t", Partition: partition, Offset: offset, Body: []byte(body)})
		offset += rapid.SampledFrom(gaps).Draw(t, "gap")
	}
	return p
}

func newWorld(t *rapid.T) *world {
	w := &world{clock: time.Unix(1_000_000, 0)}
	var sinks []Sink
	for k := range rapid.IntRange(1, 3).Draw(t, "sinks") {
		f := &fakeSink{name: string(rune('a' + k))}
		f.write = func(_ context.Context, d record.Delivery) (results []record.Result) {
			for i := range d.Records {
				results = append(results, w.answers[k][key{d.Records[i].Partition, d.Records[i].Offset}])
			}
			return results
		}
		w.sinks, sinks = append(w.sinks, f), append(sinks, f)
	}
	w.rig = newRig(Pipeline{Sinks: sinks, Letters: lettersFunc(takeLetters)})
	w.Now = func() time.Time { return w.clock }
	for n := range rapid.IntRange(1, 3).Draw(t, "partitions") {
		w.partitions = append(w.partitions, drawLog(t, int32(n)))
	}
	return w
}

// drawAnswers draws what each sink would say of each record.
func (w *world) drawAnswers(t *rapid.T, recs []event.Record) {
	outcomes := []record.Outcome{
		record.Unsettled, record.Stored, record.Stored, record.Duplicate, record.Filtered, record.Refused, record.Dead,
	}
	well := rapid.IntRange(0, 3).Draw(t, "all well") == 0
	w.answers = make([]map[key]record.Result, len(w.sinks))
	for k := range w.sinks {
		w.answers[k] = make(map[key]record.Result)
		for _, r := range recs {
			a := record.Result{Outcome: record.Stored}
			if !well {
				a.Outcome = rapid.SampledFrom(outcomes).Draw(t, "outcome")
			}
			if !a.Outcome.Settled() || a.Outcome == record.Dead {
				a.Cause = &record.Cause{Type: "why"}
			}
			if a.Outcome == record.Unsettled {
				a.Trace = record.Trace(rapid.IntRange(0, 7).Draw(t, "trace"))
			}
			w.answers[k][key{r.Partition, r.Offset}] = a
		}
	}
}

// deliver sends an event of some partitions' records, in their order but mixed,
// and checks what came of it against the model.
func (w *world) deliver(t *rapid.T, parts map[int32][]event.Record) {
	var mixed []event.Record
	rest := make(map[int32][]event.Record)
	for n, recs := range parts {
		rest[n] = recs
		w.partitions[n].expect(recs, w.clock)
	}
	for len(rest) > 0 {
		n := rapid.SampledFrom(slices.Sorted(maps.Keys(rest))).Draw(t, "whose is next")
		mixed = append(mixed, rest[n][0])
		if rest[n] = rest[n][1:]; len(rest[n]) == 0 {
			delete(rest, n)
		}
	}
	w.drawAnswers(t, mixed)
	for _, f := range w.sinks {
		f.got, f.arrivals = nil, nil
	}
	out, err := w.Invoke(context.Background(), event.Append(nil, mixed))

	learned := make(map[int32]map[int64]*recordModel)
	failed := false
	for _, r := range mixed {
		want := w.requireWritten(t, r)
		if learned[r.Partition] == nil {
			learned[r.Partition] = make(map[int64]*recordModel)
		}
		learned[r.Partition][r.Offset] = want
		for _, result := range want.results {
			failed = failed || !result.Outcome.Settled()
		}
	}
	require.Equal(t, failed, err != nil, "%s", out)
	if err == nil {
		var a counts
		require.NoError(t, json.Unmarshal(out, &a))
		require.Equal(t, len(mixed), a.Stored+a.Duplicate+a.Filtered+a.Dead)
	}
	for n, recs := range parts {
		w.partitions[n].learn(recs, learned[n], failed, w.clock)
	}
}

// requireWritten checks that each sink got a record if and only if it is not
// settled there, with what earlier tries have left and the arrival that it had
// before. It returns what is to be remembered.
func (w *world) requireWritten(t *rapid.T, r event.Record) *recordModel {
	known := w.partitions[r.Partition].records[r.Offset]
	next := &recordModel{}
	for k, f := range w.sinks {
		var before record.Result
		if known != nil {
			before = known.results[k]
		}
		at := -1
		for i := 0; len(f.got) > 0 && i < len(f.got[0].Records); i++ {
			if g := f.got[0].Records[i]; g.Partition == r.Partition && g.Offset == r.Offset {
				require.Equal(t, -1, at, "written twice")
				at = i
			}
		}
		if before.Outcome.Settled() {
			require.Equal(t, -1, at, "%d/%d was settled and is written again", r.Partition, r.Offset)
			next.results = append(next.results, before)
			continue
		}
		require.GreaterOrEqual(t, at, 0, "%d/%d is not settled and is not written", r.Partition, r.Offset)
		require.Equal(t, before.Trace, f.got[0].Trace(at))
		if known != nil {
			require.Equal(t, known.arrival, f.arrivals[0][at])
		}
		next.arrival = f.arrivals[0][at]
		answer := w.answers[k][key{r.Partition, r.Offset}]
		if answer.Outcome == record.Refused {
			answer = record.Result{Outcome: record.Dead}
		}
		next.results = append(next.results, record.Result{Outcome: answer.Outcome, Trace: answer.Trace})
	}
	if known != nil {
		next.arrival = known.arrival
	}
	return next
}

// requireBounded checks what the handler keeps.
func (w *world) requireBounded(t *rapid.T) {
	remembered, bytes := 0, 0
	for _, p := range w.partitions {
		remembered += len(p.records)
	}
	for _, b := range w.memory.failed {
		bytes += 4*cap(b.hashes) + cap(b.states)
		require.LessOrEqual(t, cap(b.arrivals), maxArrivals)
	}
	require.LessOrEqual(t, len(w.memory.failed), len(w.partitions))
	require.LessOrEqual(t, bytes, remembered*(len(w.sinks)+4))
}

// Whatever is delivered again, however it is cut, mixed with other partitions
// and answered: no record that is settled is written again while its batch is
// remembered, none that is not settled is ever taken for settled, each keeps
// its arrival, and what is remembered is bounded.
func TestAnyDeliveries(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := newWorld(t)
		next := make([]int, len(w.partitions))
		for range rapid.IntRange(1, 12).Draw(t, "deliveries") {
			parts := make(map[int32][]event.Record)
			for n, p := range w.partitions {
				if rapid.IntRange(0, 3).Draw(t, "left out") == 0 {
					continue
				}
				// Mostly the same beginning again, as a trigger does.
				if rapid.IntRange(0, 3).Draw(t, "elsewhere") == 0 {
					next[n] = rapid.IntRange(0, len(p.log)-1).Draw(t, "from")
				}
				to := rapid.IntRange(next[n]+1, len(p.log)).Draw(t, "to")
				parts[int32(n)] = p.log[next[n]:to]
			}
			if len(parts) > 0 {
				w.deliver(t, parts)
			}
			w.requireBounded(t)
			w.clock = w.clock.Add(time.Duration(rapid.SampledFrom([]int{0, 1, 5, 16}).Draw(t, "minutes")) * time.Minute)
		}
	})
}
