package redrive

import (
	"maps"
	"slices"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/internal/standin"
	"ckafka-etl/record"
)

// documents are those of the stand-in, by index/id.
func (w *world) documents() map[string]string {
	all := make(map[string]string)
	for _, d := range w.es.All() {
		if d.Index != letterIndex {
			all[d.Index+"/"+d.ID] = string(d.Source)
		}
	}
	return all
}

func TestFromIndex(t *testing.T) {
	t.Parallel()
	for _, v := range []standin.Version{standin.ES68, standin.ES717, standin.ES817, standin.OpenSearch2} {
		t.Run(v.String(), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, v)
			recs := records(0, 450)
			w.fill(t, w.refusals(t, SinkElasticsearch, recs)...)
			w.fill(t, w.refusals(t, SinkKafka, recs[:9])...)
			require.Equal(t, 459, w.es.Count(letterIndex), "a record that both sinks refuse has two letters")

			var progress []int64
			report, err := Run(t.Context(), Config{Source: w.index(t, Filter{}), Sinks: w.sinks(t, SinkOptions{}), Progress: func(read, total int64) {
				assert.EqualValues(t, 459, total)
				progress = append(progress, read)
			}})
			require.NoError(t, err)
			assert.Equal(t, []int64{200, 400, 459}, progress)
			assert.Equal(t, map[string]int{Stored: 459}, report.Outcomes)
			assert.Zero(t, w.es.Count(letterIndex))

			// As the function would have written them.
			worker := w.program(t).NewWorker()
			want := make(map[string]string)
			for i := range recs {
				doc := worker.Do(&recs[i])
				want[doc.Index+"/"+string(doc.ID)] = string(doc.AppendSource(nil))
			}
			assert.Equal(t, want, w.documents())
			messages := w.messages(t, targetTopic)
			require.Len(t, messages, 9)
			slices.SortFunc(messages, func(a, b *kgoRecord) int { return offsetOf(a) - offsetOf(b) })
			for i, m := range messages {
				assert.Equal(t, string(recs[i].Body), string(m.Value), "the body as it came")
				assert.Equal(t, recs[i].Key, m.Key)
				assert.Equal(t, "source.topic=app source.partition=1 source.offset="+strconv.Itoa(i), headers(m))
				assert.True(t, m.Timestamp.Equal(arrival))
			}

			again, err := Run(t.Context(), Config{Source: w.index(t, Filter{}), Sinks: w.sinks(t, SinkOptions{})})
			require.NoError(t, err)
			assert.Zero(t, again.Read)
		})
	}
}

func TestFromTopic(t *testing.T) {
	t.Parallel()
	w := newWorld(t, standin.ES717)
	recs := records(0, 450)
	w.fill(t, w.refusals(t, SinkElasticsearch, recs)...)
	w.fill(t, w.refusals(t, SinkKafka, recs[:9])...)
	report, err := Run(t.Context(), Config{Source: w.topic(t), Sinks: w.sinks(t, SinkOptions{})})
	require.NoError(t, err)
	assert.Equal(t, map[string]int{Stored: 459}, report.Outcomes)
	assert.Len(t, w.documents(), 450)
	assert.Empty(t, w.es.Twice())
	messages := w.messages(t, targetTopic)
	require.Len(t, messages, 9)
	for _, m := range messages {
		assert.Equal(t, string(recs[offsetOf(m)].Body), string(m.Value))
		assert.Equal(t, recs[offsetOf(m)].Key, m.Key)
	}
	again, err := Run(t.Context(), Config{Source: w.topic(t), Sinks: w.sinks(t, SinkOptions{})})
	require.NoError(t, err)
	assert.Zero(t, again.Read)
	assert.Empty(t, w.messages(t, letterTopic), "nothing was written into the topic, and what is done is gone")
}

// Some letters are chosen, some refused again: what stays is sent by the next
// run that chooses it, and nothing else is.
func TestWhatStays(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"index", "topic"} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, standin.ES717)
			letters := w.refusals(t, SinkElasticsearch, records(0, 300))
			for i := range letters {
				letters[i].Cause.Type = []string{"mapper_parsing_exception", "document_parsing_exception", "other"}[i%3]
			}
			w.fill(t, letters...)
			run := func(f Filter, limit int, dry bool) *Report {
				var s Source = w.topic(t)
				if from == "index" {
					s = w.index(t, f)
				}
				report, err := Run(t.Context(), Config{Source: s, Sinks: w.sinks(t, SinkOptions{}), Filter: f, Limit: limit, DryRun: dry})
				require.NoError(t, err)
				return report
			}
			assert.Equal(t, map[string]int{Sendable: 200, Skipped: 100}, run(Filter{Causes: []string{"*_parsing_*"}}, 0, true).Outcomes)
			assert.Empty(t, w.documents())
			assert.Equal(t, map[string]int{Sendable: 300}, run(Filter{}, 0, true).Outcomes, "a dry run changes nothing")

			report := run(Filter{Causes: []string{"other"}}, 0, false)
			assert.Equal(t, map[string]int{Stored: 100, Skipped: 200}, report.Outcomes)
			assert.Equal(t, map[string]int{Skipped: 200}, run(Filter{Causes: []string{"other"}}, 0, false).Outcomes)
			assert.Equal(t, map[string]int{Stored: 50}, maps.Collect(func(yield func(string, int) bool) {
				report := run(Filter{Causes: []string{"mapper_*"}}, 50, false)
				assert.True(t, report.Limited)
				yield(Stored, report.Outcomes[Stored])
			}))

			// Refused again: no letter more and none less.
			var offered atomic.Int32
			w.es.Script(func(*standin.Attempt) standin.Fault {
				return standin.Fault{Item: func(i standin.Item) *standin.ItemError {
					if i.Op == "delete" || offered.Add(1)%2 == 0 {
						return nil
					}
					return &standin.ItemError{Status: 400, Type: "mapper_parsing_exception", Reason: "failed to parse field [n] of type [long] in document: secret"}
				}}
			})
			report = run(Filter{}, 0, false)
			w.es.Script(nil)
			assert.Equal(t, map[string]int{Stored: 75, Refused: 75}, report.Outcomes)
			for reason := range report.Reasons[Refused] {
				assert.NotContains(t, reason, "secret")
			}
			assert.Equal(t, map[string]int{Stored: 75}, run(Filter{}, 0, false).Outcomes)
			assert.Zero(t, run(Filter{}, 0, false).Read)
			assert.Len(t, w.documents(), 300)
			assert.Empty(t, w.es.Twice())
		})
	}
}

// What cannot be sent as it was to be is left, with the reason.
func TestLeft(t *testing.T) {
	t.Parallel()
	for _, from := range []string{"index", "topic"} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, standin.ES717, func(c *config.Config) { c.Cleaning.Ignore = []string{"password"} })
			recs := records(0, 6)
			recs[1].Defect = "msgBody is missing"
			es := w.refusals(t, SinkElasticsearch, recs)
			es[0].Cause.ID = "" // the id was too long
			es[1].Cause = &record.Cause{Type: "record_malformed"}
			es[2].Sink = "elsewhere"
			w.fill(t, append(es[:3], w.refusals(t, SinkKafka, recs[4:])...)...)
			run := func(o SinkOptions, change func(*config.Config)) map[string]int {
				cfg := *w.cfg
				kafka := *cfg.Kafka
				cfg.Kafka = &kafka
				change(&cfg)
				sinks, err := NewSinks(&cfg, o)
				require.NoError(t, err)
				defer sinks.Close()
				var s Source = w.topic(t)
				if from == "index" {
					s = w.index(t, Filter{})
				}
				report, err := Run(t.Context(), Config{Source: s, Sinks: sinks, DryRun: true})
				require.NoError(t, err)
				assert.Equal(t, 5, report.Read)
				out := maps.Clone(report.Reasons[Left])
				out[Sendable] = report.Outcomes[Sendable]
				return out
			}
			always := map[string]int{LeftUntargeted: 1, LeftMalformed: 1, LeftUnreadable: 1}
			with := func(name string, n int) map[string]int {
				m := maps.Clone(always)
				m[Sendable] = 0
				m[name] = n
				return m
			}
			assert.Equal(t, with(LeftCleaned, 2), run(SinkOptions{}, func(*config.Config) {}))
			assert.Equal(t, with(Sendable, 2), run(SinkOptions{Cleaned: true}, func(*config.Config) {}))
			assert.Equal(t, with(Sendable, 2), run(SinkOptions{}, func(c *config.Config) { c.Kafka.ValueDocument = true }))
			assert.Equal(t, with(LeftNoSink, 2), run(SinkOptions{}, func(c *config.Config) { c.Kafka.Topic = "" }))
		})
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	l := Letter{Cause: "mapper_parsing_exception", Topic: "app-log", Time: arrival}
	for name, x := range map[string]struct {
		f    Filter
		want bool
	}{
		"all":              {Filter{}, true},
		"cause":            {Filter{Causes: []string{"mapper_parsing_exception"}}, true},
		"cause, pattern":   {Filter{Causes: []string{"x", "*_parsing_*"}}, true},
		"other cause":      {Filter{Causes: []string{"mapper"}}, false},
		"topic":            {Filter{Topics: []string{"app-???"}}, true},
		"other topic":      {Filter{Topics: []string{"app"}}, false},
		"cause, not topic": {Filter{Causes: []string{"*"}, Topics: []string{"x"}}, false},
		"since":            {Filter{Since: arrival}, true},
		"since later":      {Filter{Since: arrival.Add(time.Millisecond)}, false},
		"until":            {Filter{Until: arrival}, false},
		"until later":      {Filter{Until: arrival.Add(time.Millisecond)}, true},
	} {
		assert.Equal(t, x.want, x.f.match(&l), name)
		assert.NoError(t, x.f.Validate(), name)
	}
	for _, f := range []Filter{{Causes: []string{"["}}, {Topics: []string{""}}, {Since: arrival, Until: arrival}} {
		assert.Error(t, f.Validate())
	}
}

func TestOurs(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"app-1-36-0badcafe": true, "prefix-app-x-1-36-00000000": true, "app-1-37-0badcafe": false,
		"app-1-36-0badcaf": false, "app-1-36-0BADCAFE": false, "app-1-36": false, "": false, "-0badcafe": false,
		"app-11-36-0badcafe": false,
	} {
		assert.Equal(t, want, ours(id, 1, 36), id)
	}
	for id, want := range map[string]bool{
		"app-e0123456789abcdef-7-0badcafe": true, "-e0123456789abcdef-7-0badcafe": true, "app-e123-7-0badcafe": false,
		"app-e0123456789abcdef-x-0badcafe": false, "app-1-36-0badcafe": false,
	} {
		assert.Equal(t, want, ours(id, record.Unknown, record.Unknown), id)
	}
}
