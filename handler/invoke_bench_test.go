package handler

import (
	"context"
	"io"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/assert"

	"ckafka-etl/internal/sample"
	"ckafka-etl/record"
)

// takesAll is a sink that does nothing but say that it has all.
type takesAll struct{ results []record.Result }

func (s *takesAll) Name() string   { return "all" }
func (s *takesAll) Target() string { return "all" }

func (s *takesAll) Write(_ context.Context, d record.Delivery) ([]record.Result, record.Stats) {
	for len(s.results) < len(d.Records) {
		s.results = append(s.results, record.Result{Outcome: record.Stored})
	}
	return s.results[:len(d.Records)], record.Stats{}
}

func newTakingHandler() *Handler {
	return &Handler{
		Build: func([]string, *slog.Logger) (*Pipeline, error) {
			return &Pipeline{Sinks: []Sink{&takesAll{}}}, nil
		},
		Log: io.Discard,
	}
}

// What an invocation allocates beside its sinks does not depend on how many
// records it has, as long as nothing fails.
func TestGuardInvokeAllocations(t *testing.T) {
	for _, records := range []int{100, 10_000} {
		h, payload := newTakingHandler(), sample.AccessEvent(records)
		invoke := func() { _, _ = h.Invoke(context.Background(), payload) }
		invoke() // buffers grow
		assert.LessOrEqual(t, testing.AllocsPerRun(5, invoke), 50.0, "%d records", records)
	}
}

// BenchmarkInvoke is an invocation without what its sinks do.
func BenchmarkInvoke(b *testing.B) {
	h := newTakingHandler()
	payload := sample.AccessEvent(10_000)
	b.SetBytes(int64(len(payload)))
	b.ReportAllocs()
	cpu := cpuTime()
	for b.Loop() {
		if _, err := h.Invoke(context.Background(), payload); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N)/10_000, "cpu-ns/record")
}
