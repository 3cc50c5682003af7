package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
	"ckafka-etl/record"
)

// fakeSink answers each delivery by write. nil: every record is stored.
type fakeSink struct {
	name  string
	write func(ctx context.Context, d record.Delivery) []record.Result
	stats record.Stats // beside one request
	got   []record.Delivery
	// arrivals are those of got's records, which belong to the handler.
	arrivals [][]time.Time
}

func (f *fakeSink) Name() string   { return f.name }
func (f *fakeSink) Target() string { return f.name }

func (f *fakeSink) Write(ctx context.Context, d record.Delivery) ([]record.Result, record.Stats) {
	var arrivals []time.Time
	for i := range d.Records {
		arrivals = append(arrivals, d.Records[i].Batch.Arrival)
	}
	f.arrivals = append(f.arrivals, arrivals)
	d.Records, d.Traces = slices.Clone(d.Records), slices.Clone(d.Traces)
	f.got = append(f.got, d)
	stats := f.stats
	stats.Requests++
	if f.write == nil {
		return all(record.Result{Outcome: record.Stored}, len(d.Records)), stats
	}
	return f.write(ctx, d), stats
}

// offsets returns those of the records of the last delivery.
func (f *fakeSink) offsets() (list []int64) {
	if len(f.got) == 0 {
		return nil
	}
	for _, r := range f.got[len(f.got)-1].Records {
		list = append(list, r.Offset)
	}
	return list
}

func all(r record.Result, n int) []record.Result { return slices.Repeat([]record.Result{r}, n) }

// always answers each record alike.
func always(r record.Result) func(context.Context, record.Delivery) []record.Result {
	return func(_ context.Context, d record.Delivery) []record.Result { return all(r, len(d.Records)) }
}

func unsettled(reason string) record.Result {
	return record.Result{Cause: &record.Cause{Type: reason}}
}

// lettersFunc is a place for dead letters.
type lettersFunc func(context.Context, []record.DeadLetter) []record.Result

func (f lettersFunc) Write(ctx context.Context, letters []record.DeadLetter) ([]record.Result, record.Stats) {
	return f(ctx, letters), record.Stats{Requests: 1}
}

func takeLetters(_ context.Context, letters []record.DeadLetter) []record.Result {
	return all(record.Result{Outcome: record.Dead}, len(letters))
}

// rig is a handler with sinks that do what a test wants.
type rig struct {
	Handler
	log bytes.Buffer
}

func newRig(p Pipeline) *rig {
	r := &rig{}
	r.Log = &r.log
	r.Build = func([]string, *slog.Logger) (*Pipeline, error) {
		made := p
		return &made, nil
	}
	return r
}

// lines returns what was logged since the last call.
func (r *rig) lines(t *testing.T) (lines []map[string]any) {
	t.Helper()
	for line := range strings.Lines(r.log.String()) {
		require.LessOrEqual(t, len(line), 8<<10)
		var l map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &l))
		lines = append(lines, l)
	}
	r.log.Reset()
	return lines
}

// last returns the line of the last batch.
func (r *rig) last(t *testing.T) map[string]any {
	t.Helper()
	lines := r.lines(t)
	require.NotEmpty(t, lines)
	return lines[len(lines)-1]
}

// eventOf is an event of one partition.
func eventOf(partition int32, offsets ...int64) []byte {
	recs := make([]event.Record, 0, len(offsets))
	for _, o := range offsets {
		recs = append(recs, event.Record{Topic: "t", Partition: partition, Offset: o, Body: []byte("body")})
	}
	return event.Append(nil, recs)
}

func fromTo(first, last int64) (offsets []int64) {
	for o := first; o <= last; o++ {
		offsets = append(offsets, o)
	}
	return offsets
}

// forgetful is a sink that settles nothing and keeps nothing.
type forgetful struct{ name string }

func (f forgetful) Name() string   { return f.name }
func (f forgetful) Target() string { return f.name }

func (f forgetful) Write(_ context.Context, d record.Delivery) ([]record.Result, record.Stats) {
	return make([]record.Result, len(d.Records)), record.Stats{}
}
