// Package sinktest is what every sink promises the handler, as one test that the
// sinks' own tests run. Only tests import it.
package sinktest

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/record"
)

// Secret stands in bodies that are refused and in credentials. No text that may
// be logged holds it.
const Secret = "S3CRET"

// Sink is a sink as the handler knows it.
type Sink interface {
	Name() string
	Target() string
	Write(ctx context.Context, d record.Delivery) ([]record.Result, record.Stats)
}

// Letters is a place for dead letters as the handler knows it.
type Letters interface {
	Write(ctx context.Context, letters []record.DeadLetter) ([]record.Result, record.Stats)
}

// Subject is a sink with its server.
type Subject struct {
	Sink    Sink
	Letters Letters
	// Copies returns how often the server holds each text, as TextIn finds it.
	Copies func(t *testing.T) map[string]int
}

var text = regexp.MustCompile(`text-\d+-`)

// TextIn returns the text of the record that a document or a message holds.
func TextIn(document []byte) string { return string(text.Find(document)) }

// Server is how the server behaves.
type Server int

// The servers.
const (
	Sound Server = iota // takes everything
	Hangs               // takes connections and never answers
)

// Run tests a sink. start makes one, with a server of its own.
func Run(t *testing.T, start func(t *testing.T, s Server) Subject) {
	t.Run("empty batch", func(t *testing.T) { empty(t, start(t, Sound)) })
	t.Run("10,000 records", func(t *testing.T) { many(t, start(t, Sound)) })
	t.Run("odd records", func(t *testing.T) { odd(t, start(t, Sound)) })
	t.Run("delivered again", func(t *testing.T) { again(t, start(t, Sound)) })
	t.Run("two at once", func(t *testing.T) { atOnce(t, start(t, Sound)) })
	t.Run("no time", func(t *testing.T) { noTime(t, start(t, Sound)) })
	t.Run("no answer", func(t *testing.T) { noAnswer(t, start(t, Hangs)) })
	t.Run("dead letters", func(t *testing.T) { letters(t, start(t, Sound)) })
	t.Run("target", func(t *testing.T) {
		s := start(t, Sound)
		require.NotEmpty(t, s.Sink.Name())
		require.NotContains(t, s.Sink.Target(), Secret)
		require.Equal(t, s.Sink.Target(), s.Sink.Target())
	})
}

// records makes n records of a partition, each with a text of its own.
func records(n int) (recs []record.Record, texts []string) {
	batch := &record.Batch{Arrival: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC), Event: 7}
	for i := range n {
		text := fmt.Sprintf("text-%d-", i)
		texts = append(texts, text)
		recs = append(recs, record.Record{
			Topic: "t", Partition: 1, Offset: int64(100 + i), Pos: i, Batch: batch,
			Key: []byte(text), Body: fmt.Appendf(nil, `{"text":%q}`, text),
		})
	}
	return recs, texts
}

// write writes within d and checks what always holds of the results.
func write(t *testing.T, s Subject, d time.Duration, recs []record.Record) []record.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	begin := time.Now()
	results, _ := s.Sink.Write(ctx, record.Delivery{Records: recs})
	require.Less(t, time.Since(begin), d+2*time.Second, "it returns before the deadline; this machine may be busy")
	check(t, results, len(recs))
	return results
}

// check wants one result a record, a cause where there has to be one, and
// nothing of a record in what may be logged.
func check(t *testing.T, results []record.Result, n int) {
	t.Helper()
	require.Len(t, results, n)
	for i, r := range results {
		switch r.Outcome {
		case record.Stored, record.Duplicate, record.Filtered:
			require.Nil(t, r.Cause, "record %d", i)
		default:
			require.NotNil(t, r.Cause, "record %d is %v", i, r.Outcome)
			require.NotEmpty(t, r.Cause.Type)
			text := r.Cause.Text()
			require.NotContains(t, text, Secret)
			require.NotContains(t, text, "text-")
		}
	}
}

func outcomes(results []record.Result) map[record.Outcome]int {
	n := make(map[record.Outcome]int)
	for _, r := range results {
		n[r.Outcome]++
	}
	return n
}

// once wants each text on the server once.
func once(t *testing.T, s Subject, texts []string) {
	t.Helper()
	copies := s.Copies(t)
	for _, text := range texts {
		require.Equal(t, 1, copies[text], text)
	}
}

func empty(t *testing.T, s Subject) {
	require.Empty(t, write(t, s, 5*time.Second, nil))
	results, _ := s.Letters.Write(t.Context(), nil)
	require.Empty(t, results)
}

func many(t *testing.T, s Subject) {
	recs, texts := records(10_000)
	results := write(t, s, time.Minute, recs)
	require.Equal(t, map[record.Outcome]int{record.Stored: len(recs)}, outcomes(results))
	once(t, s, texts)
}

// odd are records that are malformed or have no coordinates, beside sound ones.
func odd(t *testing.T, s Subject) {
	recs, texts := records(20)
	recs[3].Defect, recs[3].Body = "no body", []byte(`{"msgBody":"`+Secret+`"}`)
	recs[7].Offset = record.Unknown
	recs[9].Key = nil
	results := write(t, s, time.Minute, recs)
	for i, r := range results {
		want := record.Stored
		if i == 3 {
			want = record.Refused
		}
		require.Equal(t, want, r.Outcome, "record %d", i)
	}
	once(t, s, append(texts[:3:3], texts[4:]...))
}

// again is the same batch to the same instance, which did not learn that it was
// written: at most a duplicate.
func again(t *testing.T, s Subject) {
	recs, texts := records(100)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	results, _ := s.Sink.Write(ctx, record.Delivery{Records: recs})
	check(t, results, len(recs))
	require.Equal(t, len(recs), outcomes(results)[record.Unsettled])
	var traces []record.Trace
	for _, r := range results {
		traces = append(traces, r.Trace)
	}
	results, _ = s.Sink.Write(t.Context(), record.Delivery{Records: recs, Traces: traces, Failures: 1})
	check(t, results, len(recs))
	require.Equal(t, len(recs), outcomes(results)[record.Stored]+outcomes(results)[record.Duplicate])
	once(t, s, texts)
}

func atOnce(t *testing.T, s Subject) {
	recs, texts := records(400)
	var both sync.WaitGroup
	for half := range 2 {
		both.Go(func() {
			results, _ := s.Sink.Write(context.WithoutCancel(t.Context()), record.Delivery{Records: recs[half*200 : half*200+200]})
			assert.Equal(t, map[record.Outcome]int{record.Stored: 200}, outcomes(results))
		})
	}
	both.Wait()
	once(t, s, texts)
}

// noTime is a deadline that is past: nothing is sent.
func noTime(t *testing.T, s Subject) {
	recs, _ := records(50)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	results, _ := s.Sink.Write(ctx, record.Delivery{Records: recs})
	check(t, results, len(recs))
	require.Equal(t, len(recs), outcomes(results)[record.Unsettled])
	for text, n := range s.Copies(t) {
		require.Zero(t, n, text)
	}
}

func noAnswer(t *testing.T, s Subject) {
	recs, _ := records(50)
	recs[0].Body = []byte(`{"text":"` + Secret + `"}`)
	results := write(t, s, time.Second, recs)
	require.Equal(t, len(recs), outcomes(results)[record.Unsettled])
	require.NotEmpty(t, results[0].Cause.Hint, "the operator has to know where to look")
}

// letters are Dead, each there once, or Unsettled.
func letters(t *testing.T, s Subject) {
	recs, texts := records(30)
	list := make([]record.DeadLetter, len(recs))
	for i := range recs {
		list[i] = record.DeadLetter{Record: &recs[i], Sink: "a sink", Cause: &record.Cause{Type: "t", Reason: strings.Repeat("r", 20_000), Status: 400}}
	}
	results, _ := s.Letters.Write(t.Context(), list)
	require.Len(t, results, len(list))
	require.Equal(t, map[record.Outcome]int{record.Dead: len(list)}, outcomes(results))
	once(t, s, texts)
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	results, _ = s.Letters.Write(ctx, list)
	require.Equal(t, map[record.Outcome]int{record.Unsettled: len(list)}, outcomes(results))
}
