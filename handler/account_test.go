package handler

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tencentyun/scf-go-lib/functioncontext"

	"ckafka-etl/record"
)

// outcomesOf answers the records of a delivery by their offset.
func outcomesOf(answers map[int64]record.Result) func(context.Context, record.Delivery) []record.Result {
	return func(_ context.Context, d record.Delivery) (results []record.Result) {
		for i := range d.Records {
			results = append(results, answers[d.Records[i].Offset])
		}
		return results
	}
}

// What a server has buried itself (a failure store) is dead without a letter of
// ours. It is said once why a record died: the next delivery knows no more.
func TestDeadInEveryWay(t *testing.T) {
	answers := map[int64]record.Result{
		1: {Outcome: record.Stored},
		2: {Outcome: record.Dead, Cause: &record.Cause{Type: "failure_store", Index: "k-1"}},
		3: {Outcome: record.Refused, Cause: &record.Cause{Type: "mapper_parsing_exception", Status: 400}},
		4: {Outcome: record.Filtered},
		5: {Outcome: record.Duplicate},
		6: unsettled("down"),
	}
	var letters []string
	r := newRig(Pipeline{
		Sinks: []Sink{&fakeSink{name: "a", write: outcomesOf(answers)}},
		Letters: lettersFunc(func(ctx context.Context, l []record.DeadLetter) []record.Result {
			for i := range l {
				letters = append(letters, fmt.Sprintf("%d %s %s", l[i].Record.Offset, l[i].Sink, l[i].Cause.Type))
			}
			return takeLetters(ctx, l)
		}),
	})
	_, err := r.Invoke(t.Context(), eventOf(1, fromTo(1, 6)...))
	require.EqualError(t, err, "1 of 6 records are unsettled, the first is t/1/6: down")
	assert.Equal(t, []string{"3 a mapper_parsing_exception"}, letters)
	lines := r.lines(t)
	require.Len(t, lines, 4)
	assert.Equal(t, "records are unsettled", lines[0]["msg"])
	assert.Equal(t, "failure_store", lines[1]["cause"])
	assert.Equal(t, "k-1", lines[1]["index"])
	assert.Equal(t, "mapper_parsing_exception (HTTP 400)", lines[2]["cause"])

	answers[6] = record.Result{Outcome: record.Stored}
	out, err := r.Invoke(t.Context(), eventOf(1, fromTo(1, 6)...))
	require.NoError(t, err)
	assert.JSONEq(t, `{"records":6,"stored":2,"duplicate":1,"filtered":1,"dead":2,"unsettled":0,"recalled":5}`, string(out))
	lines = r.lines(t)
	require.Len(t, lines, 1, "why they are dead was said")
	assert.Equal(t, "WARN", lines[0]["level"])
	assert.InDelta(t, 2, lines[0]["dead"], 0)
}

// Without a place for dead letters a refused record holds its batch, and the
// error says what to look at.
func TestNoPlaceForDeadLetters(t *testing.T) {
	sink := &fakeSink{name: "a", write: always(record.Result{Outcome: record.Refused, Trace: record.RefusedAmongOthers})}
	r := newRig(Pipeline{Sinks: []Sink{sink}})
	for range 2 {
		_, err := r.Invoke(t.Context(), eventOf(1, 1))
		var failure *UnsettledError
		require.ErrorAs(t, err, &failure)
		require.ErrorContains(t, err, "look at ES_Dead_Letter_Index")
		require.True(t, failure.Permanent())
	}
	require.Equal(t, record.RefusedAmongOthers|record.FoundAtFault, sink.got[1].Trace(0))
}

// With two sinks a record is as well off as it is in the worse one.
func TestAccountOfTwoSinks(t *testing.T) {
	outcomes := []record.Outcome{record.Unsettled, record.Dead, record.Stored, record.Duplicate, record.Filtered} // worst first
	a, b := map[int64]record.Result{}, map[int64]record.Result{}
	var offsets []int64
	want := counts{}
	for i, x := range outcomes {
		for j, y := range outcomes {
			o := int64(len(offsets))
			offsets = append(offsets, o)
			a[o], b[o] = record.Result{Outcome: x}, record.Result{Outcome: y}
			want.add(outcomes[min(i, j)])
		}
	}
	r := newRig(Pipeline{Sinks: []Sink{&fakeSink{name: "a", write: outcomesOf(a)}, &fakeSink{name: "b", write: outcomesOf(b)}}})
	_, err := r.Invoke(t.Context(), eventOf(1, offsets...))
	require.EqualError(t, err, "9 of 25 records are unsettled, the first is t/1/0: unknown cause")
	line := r.last(t)
	for name, n := range map[string]int{
		"records": 25, "stored": want.Stored, "duplicate": want.Duplicate, "filtered": want.Filtered, "dead": want.Dead, "unsettled": 9,
		"a_records": 25, "a_stored": 5, "b_unsettled": 5, "b_dead": 5, "requests": 2, "recalled": 0,
	} {
		assert.InDelta(t, n, line[name], 0, name)
	}
	assert.Equal(t, 25, want.Stored+want.Duplicate+want.Filtered+want.Dead+want.Unsettled)
}

// A cause is told once an invocation with how many it befell, a few causes in
// all, each in bounded length.
func TestCausesAreSampled(t *testing.T) {
	answers := map[int64]record.Result{}
	for o := range int64(100) {
		answers[o] = unsettled(fmt.Sprintf("cause-%d-%s", o%10, strings.Repeat("é", 5000)))
	}
	r := newRig(Pipeline{Sinks: []Sink{&fakeSink{name: "a", write: outcomesOf(answers)}}})
	_, err := r.Invoke(t.Context(), eventOf(1, fromTo(0, 99)...))
	require.Less(t, len(err.Error()), 1200)
	lines := r.lines(t)
	require.Len(t, lines, maxCauses+2)
	for n := range maxCauses {
		assert.InDelta(t, 10, lines[n]["count"], 0)
		assert.Equal(t, fmt.Sprintf("t/1/%d", n), lines[n]["first"])
		assert.True(t, strings.HasSuffix(lines[n]["cause"].(string), "é…"))
	}
	assert.Equal(t, "others", lines[maxCauses]["cause"])
	assert.InDelta(t, 50, lines[maxCauses]["count"], 0)
}

// The level, the warnings and the limit of memory are the pipeline's and the
// platform's.
func TestLevelWarningsAndMemory(t *testing.T) {
	r := newRig(Pipeline{LogLevel: slog.LevelError, Sinks: []Sink{&fakeSink{name: "a"}}})
	before := debug.SetMemoryLimit(-1)
	defer debug.SetMemoryLimit(before)
	ctx := functioncontext.NewContext(t.Context(), &functioncontext.FunctionContext{MemoryLimitInMb: 64})
	_, err := r.Invoke(ctx, eventOf(1, 1))
	require.NoError(t, err)
	assert.Empty(t, r.log.String(), "an account of the level info")
	assert.Equal(t, int64(40<<20), debug.SetMemoryLimit(-1))

	r = newRig(Pipeline{Warnings: []string{"first", "second"}, Sinks: []Sink{&fakeSink{name: "a"}}})
	for range 2 {
		_, err = r.Invoke(t.Context(), []byte(`{"Records":[]}`))
		require.NoError(t, err)
	}
	lines := r.lines(t)
	require.Len(t, lines, 4)
	assert.Equal(t, "first", lines[0]["msg"])
	assert.Equal(t, "second", lines[1]["msg"])
	assert.NotContains(t, lines[3], "topic", "an empty batch has no whereabouts")
}

// Records that overwrote one another were stored, and nobody was told; those of
// which no time could be read were named by the arrival without a word.
func TestOddRecordsAreInTheAccount(t *testing.T) {
	r := newRig(Pipeline{Sinks: []Sink{
		&fakeSink{name: "a", stats: record.Stats{Overwritten: 4, UnreadTime: 3, UnreadID: 2}},
		&fakeSink{name: "b"},
	}})
	out, err := r.Invoke(t.Context(), eventOf(1, fromTo(1, 5)...))
	require.NoError(t, err)
	assert.Contains(t, string(out), `"unsettled":0,"overwritten":4,"unread_time":3,"unread_id":2,"sinks":`)
	line := r.last(t)
	assert.InDelta(t, 4, line["overwritten"], 0)
	assert.InDelta(t, 3, line["unread_time"], 0)
	assert.InDelta(t, 2, line["unread_id"], 0)
}
