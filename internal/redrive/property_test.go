package redrive

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/internal/standin"
	"ckafka-etl/record"
)

// errKilled is what a source that is killed returns.
var errKilled = errors.New("killed")

// killed is a source whose process is killed when it settles a batch: before
// anything is done, or after it is.
type killed struct {
	Source
	in    int // batches until then
	after bool
}

func (k *killed) settle(ctx context.Context, done []bool) (int, error) {
	if k.in--; k.in >= 0 {
		return k.Source.settle(ctx, done)
	}
	if k.after {
		if _, err := k.Source.settle(ctx, done); err != nil {
			return 0, err
		}
	}
	return 0, errKilled
}

// hasty makes the clients not wait between their tries.
func (w *world) hasty(t fatal, o SinkOptions) *Sinks {
	s := w.sinks(t, o)
	es, err := esclient.New(esclient.Config{
		Elasticsearch: *w.cfg.ES, Program: w.program(t),
	})
	require.NoError(t, err)
	t.Cleanup(es.Close)
	s.es = es
	return s
}

// Whatever the letters are, whatever the server answers and however a run ends,
// each letter is afterwards stored or still there; and once all is well, a run
// stores what is left and removes it.
func TestNoLetterIsLost(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"index", "topic"} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(t *rapid.T) { lose(t, from) })
		})
	}
}

func lose(t *rapid.T, from string) {
	w := newWorld(t, standin.ES717, func(c *config.Config) { c.ES.RequestTimeout = 500 * time.Millisecond })
	n := rapid.IntRange(1, 40).Draw(t, "letters")
	recs := records(0, n)
	letters := w.refusals(t, SinkElasticsearch, recs)
	inKafka := make(map[int]bool)
	for i := range letters {
		letters[i].Cause.Type = rapid.SampledFrom([]string{"a", "b"}).Draw(t, "cause")
		if rapid.IntRange(0, 4).Draw(t, "sink") == 0 {
			inKafka[i] = true
			letters[i] = w.refusals(t, SinkKafka, recs[i:i+1])[0]
		}
	}
	for _, place := range []interface {
		Write(ctx context.Context, letters []record.DeadLetter) ([]record.Result, record.Stats)
	}{w.esClient(t).DeadLetters(), w.kafkaClient(t).DeadLetters()} {
		results, _ := place.Write(context.Background(), letters)
		for _, r := range results {
			require.Equal(t, record.Dead, r.Outcome)
		}
	}
	page := rapid.IntRange(1, 15).Draw(t, "page")
	source := func(f Filter) Source {
		if from == "index" {
			x := w.index(t, f)
			x.size, x.most, x.wait = page, page, func(context.Context, int) {}
			return x
		}
		x := w.topic(t)
		x.size = page
		return x
	}

	kills := 0
	for range rapid.IntRange(0, 4).Draw(t, "runs") {
		seed := rapid.Uint64().Draw(t, "faults")
		w.es.Script(func(a *standin.Attempt) standin.Fault {
			seed = seed*6364136223846793005 + 1442695040888963407
			dice, item := seed>>33%12, seed>>40
			switch {
			case a.Bulk == 0:
			case dice == 0:
				return standin.Fault{Break: standin.ResetBeforeAnswer}
			case dice == 1:
				return standin.Fault{Break: standin.ResetBeforeWork}
			case dice == 2:
				return standin.Reject()
			case dice == 3:
				return standin.Refuse(403, "security_exception", "no")
			case dice < 8:
				return standin.Fault{Item: func(i standin.Item) *standin.ItemError {
					switch (uint64(i.N) + item) % 7 {
					case 0:
						return &standin.ItemError{Status: 400, Type: "mapper_parsing_exception", Reason: "no"}
					case 1:
						return &standin.ItemError{Status: 429, Type: "es_rejected_execution_exception", Reason: "busy"}
					case 2:
						return &standin.ItemError{Status: 403, Type: "security_exception", Reason: "no"}
					}
					return nil
				}}
			}
			return standin.Fault{}
		})
		var f Filter
		if rapid.Bool().Draw(t, "filter") {
			f.Causes = []string{"a"}
		}
		cfg := Config{Source: source(f), Sinks: w.hasty(t, SinkOptions{}), Filter: f, Timeout: 120 * time.Millisecond}
		cfg.Limit = rapid.IntRange(0, n).Draw(t, "limit")
		ctx, cancel := context.WithCancel(context.Background())
		switch rapid.IntRange(0, 2).Draw(t, "end") {
		case 0:
			cfg.Source = &killed{cfg.Source, rapid.IntRange(0, 3).Draw(t, "in"), rapid.Bool().Draw(t, "after")}
			kills++
		case 1:
			in := rapid.IntRange(1, n).Draw(t, "interrupted")
			cfg.Seen = func(*Letter, Fate) {
				if in--; in == 0 {
					cancel()
				}
			}
		}
		report, _ := Run(ctx, cfg) // whatever it says
		cancel()
		sum := 0
		for _, n := range report.Outcomes {
			sum += n
		}
		require.Equal(t, report.Read, sum, "each letter that was read has one outcome")
		w.es.Script(nil)

		stored, there := w.stored(t), make(map[int]bool)
		for _, p := range w.left(t, source(Filter{})) {
			there[p] = true
		}
		for i := range letters {
			require.True(t, there[i] || stored[i] > 0, "letter %d is neither stored nor there", i)
		}
	}

	report, err := Run(context.Background(), Config{Source: source(Filter{}), Sinks: w.hasty(t, SinkOptions{})})
	require.NoError(t, err)
	require.Zero(t, report.Stays(), "%v", report.Reasons)
	require.Zero(t, report.NotRemoved)
	require.Empty(t, w.left(t, source(Filter{})))
	stored := w.stored(t)
	for i := range letters {
		switch {
		case !inKafka[i] && i%3 != 0:
			require.Equal(t, 1, stored[i], "a generated id is written once")
		case kills == 0 && inKafka[i] && from == "topic":
			require.Equal(t, 1, stored[i], "a message is there twice only if a run was killed")
		default:
			require.Positive(t, stored[i])
		}
	}
	if from == "index" {
		require.Zero(t, w.es.Count(letterIndex))
	}
}

// stored says how often the record of each offset was written.
func (w *world) stored(t *rapid.T) map[int]int {
	times := make(map[int]int)
	for _, d := range w.es.All() {
		if d.Index == letterIndex {
			continue
		}
		var n int
		_, err := fmt.Sscanf(string(d.Source), `{"n": %d`, &n)
		if err != nil {
			_, err = fmt.Sscanf(string(d.Source), `{"n":%d`, &n)
		}
		require.NoError(t, err)
		times[n] += d.Writes
	}
	for _, m := range w.messages(t, targetTopic) {
		times[offsetOf(m)]++
	}
	return times
}

// left are the source offsets of the letters that are still there.
func (w *world) left(t *rapid.T, s Source) []int {
	left := make(map[int]bool)
	_, err := Run(context.Background(), Config{
		Source: s, Sinks: w.sinks(t, SinkOptions{}), DryRun: true,
		Seen: func(l *Letter, f Fate) {
			require.Equal(t, Sendable, f.Outcome)
			left[int(l.Offset)] = true
		},
	})
	require.NoError(t, err)
	return slices.Sorted(maps.Keys(left))
}
