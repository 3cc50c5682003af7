package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/record"
)

// panicking is a sink that brings itself down by way of a function.
type panicking struct {
	fakeSink
	how func()
}

func (p *panicking) Write(ctx context.Context, d record.Delivery) ([]record.Result, record.Stats) {
	p.fall()
	return p.fakeSink.Write(ctx, d)
}

func (p *panicking) fall() { p.how() }

// A sink runs in a goroutine, where a panic would end the process and all that
// it remembers with it. It ends as unsettled in that sink, the others are
// unharmed, and the log has the stack, once, and nothing of a record.
func TestPanicInASink(t *testing.T) {
	const secret = "S3CRET-content"
	for name, c := range map[string]struct {
		how  func()
		want string
	}{
		"an index out of range": {func() { _ = make([]int, 3)[len(secret)] }, "index out of range [14] with length 3"},
		"a nil pointer":         {func() { _ = *(*int)(nil) }, "nil pointer dereference"},
		"a wrong type":          {func() { _ = any(secret).(fmt.Stringer) }, "string is not fmt.Stringer"},
		"a text":                {func() { panic("cannot handle " + secret) }, "a value of the type string"},
		"an error":              {func() { panic(errors.New(secret)) }, "a value of the type *errors.errorString"},
		"nothing":               {func() { panic(nil) }, "panic called with nil argument"},
	} {
		t.Run(name, func(t *testing.T) {
			down := &panicking{fakeSink{name: "down"}, c.how}
			well := &fakeSink{name: "well"}
			r := newRig(Pipeline{Sinks: []Sink{down, well}})
			_, err := r.Invoke(t.Context(), eventOf(1, 5, 6))
			var failure *UnsettledError
			require.ErrorAs(t, err, &failure)
			require.Equal(t, 2, failure.Unsettled)
			require.Equal(t, "panic", failure.Cause.Type)
			require.ErrorContains(t, err, c.want)
			require.ErrorContains(t, err, "the sink down")
			require.ErrorContains(t, err, "report it")
			require.NotContains(t, err.Error(), secret)
			require.NotContains(t, r.log.String(), secret)
			lines := r.lines(t)
			require.Equal(t, "panic", lines[0]["msg"])
			stack := lines[0]["stack"].(string)
			require.Contains(t, stack, "handler.(*panicking).fall (panic_test.go:")
			require.Contains(t, stack, " < handler.(*panicking).Write (panic_test.go:")
			require.NotContains(t, stack, "runtime.")
			require.NotContains(t, stack, "catch")
			require.Contains(t, err.Error(), strings.Split(stack, " < ")[0], "where it was is in the cause")
			last := lines[len(lines)-1]
			require.InDelta(t, 2, last["well_stored"], 0)
			require.InDelta(t, 2, last["down_unsettled"], 0)

			_, err = r.Invoke(t.Context(), eventOf(1, 5, 6))
			require.ErrorContains(t, err, c.want)
			for _, l := range r.lines(t) {
				require.NotContains(t, l, "stack", "it is logged once")
			}
			require.Len(t, well.got, 1, "what is settled there is not written again")

			down.how = func() {}
			_, err = r.Invoke(t.Context(), eventOf(1, 5, 6))
			require.NoError(t, err)
			require.Equal(t, record.AnswerLost|record.WriteFailed, down.got[0].Trace(1), "nobody knows what was written before the panic")
		})
	}
}

// A sink that gives another number of results than there are records has said
// nothing that could be understood.
func TestWrongNumberOfResults(t *testing.T) {
	for _, n := range []int{0, 1, 3} {
		sink := &fakeSink{name: "a", write: func(context.Context, record.Delivery) []record.Result {
			return all(record.Result{Outcome: record.Stored}, n)
		}}
		r := newRig(Pipeline{Sinks: []Sink{sink}})
		_, err := r.Invoke(t.Context(), eventOf(1, 5, 6))
		require.ErrorContains(t, err, fmt.Sprintf("2 of 2 records are unsettled, the first is t/1/5: wrong_results: the sink a gave %d results for 2 records", n))
		require.InDelta(t, 1, r.last(t)["requests"], 0)

		sink.write = always(record.Result{Outcome: record.Refused, Cause: &record.Cause{Type: "too_large"}})
		r = newRig(Pipeline{Sinks: []Sink{sink}, Letters: lettersFunc(func(context.Context, []record.DeadLetter) []record.Result {
			return all(record.Result{Outcome: record.Dead}, n)
		})})
		_, err = r.Invoke(t.Context(), eventOf(1, 5, 6))
		require.ErrorContains(t, err, fmt.Sprintf("the place for dead letters gave %d results for 2 records", n))
	}
}

// Where dead letters go may fail as well: then the records stay unsettled, with
// what their sink has left for the next try.
func TestPanicInDeadLetters(t *testing.T) {
	sink := &fakeSink{name: "a", write: func(_ context.Context, d record.Delivery) []record.Result {
		results := all(record.Result{Outcome: record.Stored}, len(d.Records))
		results[0] = record.Result{Outcome: record.Refused, Trace: record.RefusedAmongOthers, Cause: &record.Cause{Type: "bad"}}
		return results
	}}
	broken := lettersFunc(func(context.Context, []record.DeadLetter) []record.Result { panic("S3CRET") })
	sound := lettersFunc(takeLetters)
	for name, letters := range map[string]func(log *slog.Logger) DeadLetters{
		"an index":             func(*slog.Logger) DeadLetters { return broken },
		"the topic of two":     func(log *slog.Logger) DeadLetters { return BothLetters(sound, broken, log) },
		"the topic beside two": func(log *slog.Logger) DeadLetters { return BothLetters(broken, broken, log) },
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(Pipeline{})
			r.Build = func(_ []string, log *slog.Logger) (*Pipeline, error) {
				return &Pipeline{Sinks: []Sink{sink}, Letters: letters(log)}, nil
			}
			sink.got = nil
			for range 2 {
				_, err := r.Invoke(t.Context(), eventOf(1, 5, 6))
				require.ErrorContains(t, err, "1 of 2 records are unsettled, the first is t/1/5: panic: the place for dead letters")
			}
			require.Equal(t, record.RefusedAmongOthers|record.FoundAtFault, sink.got[1].Trace(0))
			require.NotContains(t, r.log.String(), "S3CRET")
		})
	}
}

// The topic decides. An index that panics is as one that takes nothing.
func TestPanicInTheIndexOfTwo(t *testing.T) {
	r := newRig(Pipeline{})
	r.Build = func(_ []string, log *slog.Logger) (*Pipeline, error) {
		broken := lettersFunc(func(context.Context, []record.DeadLetter) []record.Result { panic("S3CRET") })
		refuse := always(record.Result{Outcome: record.Refused, Cause: &record.Cause{Type: "bad"}})
		return &Pipeline{Sinks: []Sink{&fakeSink{name: "a", write: refuse}}, Letters: BothLetters(broken, lettersFunc(takeLetters), log)}, nil
	}
	out, err := r.Invoke(t.Context(), eventOf(1, 5, 6))
	require.NoError(t, err)
	require.Contains(t, string(out), `"dead":2`)
	require.NotContains(t, r.log.String(), "S3CRET")
	lines := r.lines(t)
	require.Equal(t, "panic", lines[0]["msg"])
	require.Equal(t, "dead letters are in kafka_dead_letter_topic only", lines[1]["msg"])
	require.Contains(t, lines[1]["cause"], "the dead letters' index")
}

// A panic before anything is written is an error, and the next event is read
// as if nothing had been.
func TestPanicBeforeTheSinks(t *testing.T) {
	r := newRig(Pipeline{Sinks: []Sink{&fakeSink{name: "a"}}})
	build := r.Build
	r.Build = func([]string, *slog.Logger) (*Pipeline, error) { panic("S3CRET") }
	_, err := r.Invoke(t.Context(), eventOf(1, 5, 6))
	var failure *PanicError
	require.ErrorAs(t, err, &failure)
	require.ErrorContains(t, err, "panic: making the pipeline: a panic with a value of the type string in handler.TestPanicBeforeTheSinks.func1 (panic_test.go:")
	r.Build = build
	_, err = r.Invoke(t.Context(), eventOf(1, 5, 6))
	require.NoError(t, err)
	assert.NotContains(t, r.log.String(), "S3CRET")
}

// fragile is a decoder that brings itself down.
type fragile struct{}

func (fragile) Trim() {}

func (fragile) Decode([]byte, time.Time, []record.Record) ([]record.Record, error) { panic("S3CRET") }

func TestPanicOfTheDecoder(t *testing.T) {
	r := newRig(Pipeline{Sinks: []Sink{&fakeSink{name: "a"}}})
	r.decoder = fragile{}
	_, err := r.Invoke(t.Context(), eventOf(1, 5, 6))
	var failure *PanicError
	require.ErrorAs(t, err, &failure)
	require.ErrorContains(t, err, "panic: reading the event: ")
	require.NotContains(t, r.log.String(), "S3CRET")
	_, err = r.Invoke(t.Context(), eventOf(1, 5, 6))
	require.NoError(t, err, "another decoder takes its place")
}

// The log has room for something else than stacks.
func TestStacksAreBounded(t *testing.T) {
	var deep func(n int)
	deep = func(n int) {
		if n == 0 {
			panic("deep")
		}
		deep(n - 1)
	}
	r := newRig(Pipeline{Sinks: []Sink{&panicking{fakeSink{name: "a"}, func() { deep(10_000) }}}})
	_, err := r.Invoke(t.Context(), eventOf(1, 5))
	require.Error(t, err)
	stack := r.lines(t)[0]["stack"].(string)
	assert.Less(t, len(stack), 4000)
	assert.Greater(t, strings.Count(stack, " < "), 20)
}
