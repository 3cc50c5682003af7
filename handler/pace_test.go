package handler

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tencentyun/scf-go-lib/functioncontext"

	"ckafka-etl/internal/core/budget"
	"ckafka-etl/record"
)

// within delivers an event to a function with a timeout, and returns how long
// the invocation took.
func (r *rig) within(t *testing.T, timeout time.Duration, payload []byte) (time.Duration, error) {
	t.Helper()
	ctx := functioncontext.NewContext(t.Context(), &functioncontext.FunctionContext{TimeLimitInMs: int32(timeout.Milliseconds())})
	started := time.Now()
	_, err := r.Invoke(ctx, payload)
	return time.Since(started), err
}

// failing is a rig whose sink settles nothing.
func failing(pace time.Duration) *rig {
	return newRig(Pipeline{Sinks: []Sink{&fakeSink{name: "a", write: always(unsettled("down"))}}, Pace: pace})
}

// With a wrong password the function failed 1,600 times a second: the trigger's
// 10,000 tries were gone in minutes, and then it lets a batch go. So whatever
// fails again and again is answered later and later.
func TestPace(t *testing.T) {
	const s = time.Second
	for _, c := range []struct {
		name          string
		pace, timeout time.Duration
		want          []time.Duration
	}{
		{"as by default", time.Minute, 15 * time.Minute, []time.Duration{0, s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 60 * s, 60 * s}},
		{"a pace of its own", 3 * s, time.Minute, []time.Duration{0, s, 2 * s, 3 * s, 3 * s}},
		{"below the first step", 200 * time.Millisecond, time.Minute, []time.Duration{0, 200 * time.Millisecond, 200 * time.Millisecond}},
		{"the longest", 15 * time.Minute, 15 * time.Minute, []time.Duration{0, s, 2 * s, 4 * s, 8 * s, 16 * s, 32 * s, 64 * s, 128 * s, 256 * s, 512 * s, 899 * s}},
		{"off", 0, time.Minute, []time.Duration{0, 0, 0, 0}},
		{"a short timeout leaves time for the answer", time.Minute, 3 * s, []time.Duration{0, s, 2 * s, 2850 * time.Millisecond, 2850 * time.Millisecond}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := failing(c.pace)
				for n, want := range c.want {
					took, err := r.within(t, c.timeout, eventOf(1, 5, 6))
					require.Error(t, err)
					require.Equal(t, want, took, "failure %d", n+1)
					batch := r.last(t)
					require.Equal(t, "batch", batch["msg"])
					if want > 0 {
						require.InDelta(t, want.Milliseconds(), batch["paced_ms"], 0)
					} else {
						require.NotContains(t, batch, "paced_ms")
					}
					require.InDelta(t, 0, batch["ms"], 0, "that is what the work took")
				}
			})
		})
	}
}

// What the work has taken of the budget is not there to wait in.
func TestPaceKeepsToTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(Pipeline{Pace: time.Minute, Sinks: []Sink{&fakeSink{name: "a", write: func(ctx context.Context, d record.Delivery) []record.Result {
			<-ctx.Done()
			return all(unsettled("no time left"), len(d.Records))
		}}}})
		for _, want := range []time.Duration{8500 * time.Millisecond, 9500 * time.Millisecond, 9500 * time.Millisecond} {
			took, err := r.within(t, 10*time.Second, eventOf(1, 5))
			require.Error(t, err)
			require.Equal(t, want, took)
		}
	})
}

// Each partition has a pace of its own, a success ends it, and so does going on.
func TestPaceOfEachPartition(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		result := unsettled("down")
		sink := &fakeSink{name: "a", write: func(_ context.Context, d record.Delivery) []record.Result { return all(result, len(d.Records)) }}
		r := newRig(Pipeline{Sinks: []Sink{sink}, Pace: time.Minute})
		step := func(payload []byte, want time.Duration) {
			t.Helper()
			took, _ := r.within(t, time.Minute, payload)
			require.Equal(t, want, took)
		}
		one, two := eventOf(1, 5, 6), eventOf(2, 5, 6)
		step(one, 0)
		step(one, time.Second)
		step(two, 0)
		step(one, 2*time.Second)
		step(two, time.Second)
		require.Equal(t, 1, sink.got[4].Failures, "the sink is told, too")
		require.Equal(t, 2, sink.got[3].Failures)

		result = record.Result{Outcome: record.Stored}
		step(one, 0)
		result = unsettled("down")
		step(one, 0)
		step(eventOf(2, 7, 8), 0) // the batch before it was settled elsewhere
		step(eventOf(2, 7, 8), time.Second)

		mixed := append(eventOf(2, 7, 8)[:len(eventOf(2, 7, 8))-2], ',')
		mixed = append(mixed, eventOf(3, 1)[len(`{"Records":[`):]...)
		step(mixed, 2*time.Second)
		require.Zero(t, sink.got[len(sink.got)-1].Failures, "one of its records has not failed before")
	})
}

// A batch that takes long to fail is not forgotten meanwhile.
func TestPaceIsNoTimeToForget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := failing(15 * time.Minute)
		for range 12 {
			_, err := r.within(t, 15*time.Minute, eventOf(1, 5, 6))
			require.Error(t, err)
		}
		budget.Wait(t.Context(), 14*time.Minute)
		_, err := r.within(t, time.Minute, eventOf(1, 5, 6))
		require.Error(t, err)
		assert.InDelta(t, 59_000, r.last(t)["paced_ms"], 0)
		budget.Wait(t.Context(), 15*time.Minute)
		took, err := r.within(t, time.Minute, eventOf(1, 5, 6))
		require.Error(t, err)
		assert.Zero(t, took, "nobody has asked for it for 15 minutes")
	})
}

// A function whose variables are not valid, or that is sent what is no event,
// fails at once, and so again and again.
func TestPaceOfWhatIsNotDelivered(t *testing.T) {
	errInvalid := errors.New("ES_Gzip: got 10")
	step := func(t *testing.T, r *rig, payload string, wantErr string, want time.Duration) {
		t.Helper()
		took, err := r.within(t, time.Minute, []byte(payload))
		if wantErr != "" {
			require.ErrorContains(t, err, wantErr)
			line := r.last(t)
			if want > 0 {
				require.InDelta(t, want.Milliseconds(), line["paced_ms"], 0)
			} else {
				require.NotContains(t, line, "paced_ms")
			}
			require.Equal(t, "ERROR", line["level"])
		} else {
			require.NoError(t, err)
		}
		require.Equal(t, want, took)
	}
	const s = time.Second
	one, two, none := string(eventOf(1, 5)), string(eventOf(2, 5)), `{"Records":[]}`
	synctest.Test(t, func(t *testing.T) {
		r := newRig(Pipeline{Sinks: []Sink{&fakeSink{name: "a"}}, Pace: time.Minute})
		build := r.Build
		r.Build = func([]string, *slog.Logger) (*Pipeline, error) { return &Pipeline{Pace: time.Minute}, errInvalid }
		step(t, r, one, "ES_Gzip", 0)
		step(t, r, one, "ES_Gzip", s)
		step(t, r, two, "ES_Gzip", 0)
		step(t, r, one, "ES_Gzip", 2*s)
		step(t, r, none, "ES_Gzip", 0)
		step(t, r, "no event", "ES_Gzip", s) // no partition is known of either
		r.Build = build
		step(t, r, one, "", 0)
		step(t, r, "no event", "no CKafka trigger event", 0)
		step(t, r, "neither", "no CKafka trigger event", s)
		step(t, r, one, "", 0)
		step(t, r, "no event", "no CKafka trigger event", 0)
	})
	synctest.Test(t, func(t *testing.T) {
		r := newRig(Pipeline{})
		r.Build = func([]string, *slog.Logger) (*Pipeline, error) { return &Pipeline{Pace: s / 2}, errInvalid }
		step(t, r, one, "ES_Gzip", 0)
		step(t, r, one, "ES_Gzip", s/2)
		step(t, r, one, "ES_Gzip", s/2)
	})
}

// A batch that could not be written for want of a valid configuration is
// remembered with what became of it later.
func TestFailuresBeforeTheFirstWrite(t *testing.T) {
	result := []record.Result{{Outcome: record.Stored}, unsettled("down")}
	sink := &fakeSink{name: "a", write: func(_ context.Context, d record.Delivery) []record.Result { return result[2-len(d.Records):] }}
	r := newRig(Pipeline{Sinks: []Sink{sink}})
	build := r.Build
	r.Build = func([]string, *slog.Logger) (*Pipeline, error) { return nil, errors.New("not valid") }
	for range 2 {
		_, err := r.Invoke(t.Context(), eventOf(1, 5, 6))
		require.ErrorContains(t, err, "not valid")
	}
	r.Build = build
	for n := range 3 {
		_, err := r.Invoke(t.Context(), eventOf(1, 5, 6))
		require.Error(t, err)
		require.Equal(t, 2+n, sink.got[n].Failures)
	}
	require.Equal(t, []int64{6}, sink.offsets())
}
