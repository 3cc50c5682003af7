package handler_test

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/handler"
	"ckafka-etl/record"
)

// letterBox answers each letter with the outcome at its place.
type letterBox struct {
	outcomes []record.Outcome
	got      []record.DeadLetter
	wait     bool // for the context to end
}

func (b *letterBox) Write(ctx context.Context, letters []record.DeadLetter) ([]record.Result, record.Stats) {
	b.got = letters
	if b.wait {
		<-ctx.Done()
	}
	var results []record.Result
	for _, o := range b.outcomes {
		results = append(results, record.Result{Outcome: o, Cause: &record.Cause{Type: "why", Safe: o.String()}})
	}
	return results, record.Stats{Requests: 1}
}

func TestBothLetters(t *testing.T) {
	t.Parallel()
	const dead, unsettled = record.Dead, record.Unsettled
	index := &letterBox{outcomes: []record.Outcome{dead, unsettled, dead, unsettled}}
	topic := &letterBox{outcomes: []record.Outcome{dead, dead, unsettled, unsettled}}
	var log bytes.Buffer
	both := handler.BothLetters(index, topic, slog.New(slog.NewJSONHandler(&log, nil)))
	letters := make([]record.DeadLetter, 4)

	results, stats := both.Write(t.Context(), letters)
	require.Len(t, results, 4)
	for i, want := range []record.Outcome{dead, dead, unsettled, unsettled} {
		assert.Equal(t, want, results[i].Outcome, "the topic decides, letter %d", i)
	}
	assert.Equal(t, 2, stats.Requests)
	assert.Len(t, index.got, 4)
	assert.Len(t, topic.got, 4)
	assert.Equal(t, 1, bytes.Count(log.Bytes(), []byte("\n")))
	assert.Contains(t, log.String(), `"level":"WARN"`)
	assert.Contains(t, log.String(), `"count":1`, "letter 1 is in the topic only")
	assert.Contains(t, log.String(), `why: unsettled`)
}

func TestBothLettersAgree(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	box := func() *letterBox { return &letterBox{outcomes: []record.Outcome{record.Dead}} }
	results, _ := handler.BothLetters(box(), box(), slog.New(slog.NewJSONHandler(&log, nil))).Write(t.Context(), make([]record.DeadLetter, 1))
	assert.Equal(t, record.Dead, results[0].Outcome)
	assert.Empty(t, log.String())
}

// An index that does not answer must not use up the invocation's time.
func TestBothLettersDoNotWaitForTheIndex(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		index := &letterBox{wait: true} // and gives no results at all
		topic := &letterBox{outcomes: []record.Outcome{record.Dead}}
		var log bytes.Buffer
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		started := time.Now()
		results, _ := handler.BothLetters(index, topic, slog.New(slog.NewJSONHandler(&log, nil))).Write(ctx, make([]record.DeadLetter, 1))
		assert.Equal(t, record.Dead, results[0].Outcome)
		assert.Equal(t, 2*time.Second, time.Since(started))
		assert.Contains(t, log.String(), `"WARN"`)
	})
}
