package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/handler"
	"ckafka-etl/internal/event"
	"ckafka-etl/transform"
)

// instance is one function process: a handler with a client of its own.
type instance struct {
	*handler.Handler
	log bytes.Buffer
}

func newInstance(t require.TestingT, m *model, now func() time.Time, change func(*config.Elasticsearch)) *instance {
	in := &instance{}
	in.Handler = &handler.Handler{
		Environ: func() []string { return nil },
		Log:     &in.log,
		Now:     now,
		Build: func([]string, *slog.Logger) (*handler.Pipeline, error) {
			cfg := config.Elasticsearch{
				Addresses: []config.Address{{URL: &url.URL{Scheme: "http", Host: "127.0.0.1:9200"}}},
				Keyword:   "k", DeadLetterIndex: "dead", IDField: "log_id",
				BulkBytes: 5 << 20, BulkConcurrency: 2, RequestTimeout: 30 * time.Second,
			}
			change(&cfg)
			program, err := transform.New(transform.Options{
				IndexPrefix: cfg.Keyword, Hourly: true, IDField: cfg.IDField, TimeField: "time",
				TimeFields: cfg.TimeFields, WindowBack: 720 * time.Hour, WindowAhead: 24 * time.Hour,
				Ignore: []string{"password", "**.password"},
			})
			if err != nil {
				return nil, err
			}
			es, err := esclient.New(esclient.Config{
				Elasticsearch: cfg, Program: program, Transport: m, Wait: func(<-chan struct{}, time.Duration) {},
			})
			if err != nil {
				return nil, err
			}
			return &handler.Pipeline{Sinks: []handler.Sink{es}, Letters: es.DeadLetters(), LogLevel: slog.LevelDebug}, nil
		},
	}
	return in
}

// sent is one record of a random event, and what has to become of it.
type sent struct {
	kind string
	body string
	id   string // of its field, or ""
	mark string // stands in its document, and in no other's
}

func drawRecords(t *rapid.T) []sent {
	kinds := rapid.SampledFrom([]string{"plain", "plain", "plain", "id", "id", "conflict", "conflict with id", "poison", "text", "malformed", "too long"})
	n := rapid.IntRange(0, 14).Draw(t, "n")
	recs := make([]sent, n)
	for i := range recs {
		r := sent{kind: kinds.Draw(t, "kind"), mark: fmt.Sprintf("mark-%d-", i)}
		field := fmt.Sprintf("id%d", rapid.IntRange(0, 2).Draw(t, "id"))
		switch r.kind {
		case "plain":
			r.body = `{"m":"` + r.mark + `","password":"S3CRET"}`
		case "id":
			r.id = field
			r.body = `{"m":"` + r.mark + `","log_id":"` + field + `"}`
		case "conflict":
			r.body = `{"m":"` + r.mark + `","n":"text"}`
		case "conflict with id":
			r.body = `{"m":"` + r.mark + `","n":"text","log_id":"` + field + `"}`
		case "poison":
			r.body = `{"m":"` + r.mark + `","p":"POISON"}`
		case "text":
			r.body = r.mark + ` password=S3CRET`
		case "too long":
			r.body = `{"m":"` + r.mark + `","log_id":"` + strings.Repeat("x", 513) + `"}`
		case "malformed":
			r.body = r.mark
		}
		recs[i] = r
	}
	return recs
}

func payload(recs []sent, offset int64) []byte {
	var b bytes.Buffer
	b.WriteString(`{"Records":[`)
	for i, r := range recs {
		if i > 0 {
			b.WriteByte(',')
		}
		if r.kind == "malformed" {
			fmt.Fprintf(&b, `{"Ckafka":{"topic":"t","partition":1,"offset":%d,"msgBody":{"m":%q}}}`, offset+int64(i), r.mark)
			continue
		}
		one := event.Append(nil, []event.Record{{Topic: "t", Partition: 1, Offset: offset + int64(i), Body: []byte(r.body)}})
		b.Write(bytes.TrimSuffix(bytes.TrimPrefix(one, []byte(`{"Records":[`)), []byte(`]}`)))
	}
	b.WriteString(`]}`)
	return b.Bytes()
}

func drawFault(t *rapid.T) fault {
	f := fault{}
	switch rapid.SampledFrom([]string{"none", "before", "status", "after", "cut", "foul", "short", "items", "items", "items"}).Draw(t, "fault") {
	case "before":
		f.before = true
	case "status":
		f.status = rapid.SampledFrom([]int{429, 500, 502, 503, 504, 408, 401, 403, 404, 302}).Draw(t, "status")
	case "after":
		f.after = true
	case "cut":
		f.cut = true
	case "foul":
		f.foul = true
	case "short":
		f.short = rapid.IntRange(1, 3).Draw(t, "short")
	case "items":
		f.items, f.kinds = map[int]int{}, map[int]string{}
		for range rapid.IntRange(1, 4).Draw(t, "items") {
			n := rapid.IntRange(0, 10).Draw(t, "item")
			one := rapid.SampledFrom([]struct {
				status int
				kind   string
			}{
				{429, "es_rejected_execution_exception"},
				{503, "unavailable_shards_exception"},
				{403, "cluster_block_exception"},
				{429, "cluster_block_exception"},
				{404, "index_not_found_exception"},
				{403, "security_exception"},
				{400, "validation_exception"},
				{502, "x"},
			}).Draw(t, "refusal")
			f.items[n], f.kinds[n] = one.status, one.kind
		}
	}
	return f
}

type accountJSON struct {
	Records, Stored, Duplicate, Filtered, Dead, Unsettled int
}

// Whatever an event holds, whatever the server answers, however often the batch
// is delivered again to the same instance or to a new one: each record ends as
// exactly one of stored and dead, none is there twice, records of one id end as
// if written in order, each account's sum holds, and no secret is anywhere.
func TestEveryRecordHasOneOutcome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		recs := drawRecords(t)
		offset := int64(rapid.IntRange(0, 1000).Draw(t, "offset"))
		event := payload(recs, offset)
		m := newModel()
		// Drawn beforehand: requests run side by side.
		faults := make([]fault, rapid.IntRange(0, 12).Draw(t, "faults"))
		for i := range faults {
			faults[i] = drawFault(t)
		}
		m.fault = func() fault {
			if len(faults) == 0 {
				return fault{}
			}
			f := faults[0]
			faults = faults[1:]
			return f
		}
		m.largest = rapid.SampledFrom([]int{0, 0, 1000, 1500}).Draw(t, "largest")
		bulkBytes := rapid.SampledFrom([]int{300, 1000, 5 << 20}).Draw(t, "bulk bytes")
		concurrency := rapid.IntRange(1, 3).Draw(t, "concurrency")
		change := func(c *config.Elasticsearch) { c.BulkBytes, c.BulkConcurrency = bulkBytes, concurrency }

		start := time.Date(2026, 11, 24, 23, 59, 0, 0, time.UTC)
		clock := start
		now := func() time.Time { return clock }
		in := newInstance(t, m, now, change)
		logs := ""
		var last accountJSON
		for delivery := 0; ; delivery++ {
			require.Less(t, delivery, 60, "the batch never settles")
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			out, err := in.Invoke(ctx, bytes.Clone(event))
			cancel()
			if err == nil {
				require.NoError(t, json.Unmarshal(out, &last))
				logs += string(out)
				break
			}
			logs += err.Error()
			var unsettled *handler.UnsettledError
			require.ErrorAs(t, err, &unsettled)
			require.Positive(t, unsettled.Unsettled)
			require.Equal(t, len(recs), unsettled.Records)
			if rapid.Bool().Draw(t, "instance lost") {
				logs += in.log.String()
				// A new one can only know the hour by the clock.
				in, clock = newInstance(t, m, now, change), start
			} else {
				clock = clock.Add(10 * time.Minute) // a warm instance keeps to the first hour
			}
		}
		logs += in.log.String()
		require.Empty(t, m.broken)
		require.Equal(t, len(recs), last.Records)
		require.Equal(t, last.Records, last.Stored+last.Duplicate+last.Filtered+last.Dead+last.Unsettled)
		require.Zero(t, last.Unsettled)
		requireOnce(t, m, recs, last)
		require.NotContains(t, logs, "S3CRET")
		require.NotContains(t, m.seen.String(), "S3CRET")
		require.NotContains(t, logs, "mark-", "no log or error holds what a document holds")
	})
}

// requireOnce looks for each record's mark in all that was written.
func requireOnce(t *rapid.T, m *model, recs []sent, a accountJSON) {
	where := make(map[string][]string) // mark, indices
	for index, docs := range m.docs {
		for _, d := range docs {
			for _, r := range recs {
				if strings.Contains(d.source, r.mark) {
					where[r.mark] = append(where[r.mark], index)
				}
			}
		}
	}
	winner := make(map[string]string) // field id, mark of its last sound record
	for _, r := range recs {
		if r.id != "" {
			winner[r.id] = r.mark
		}
	}
	dead := 0
	for _, r := range recs {
		switch r.kind {
		case "plain", "text":
			require.Equal(t, []string{"k-2026-11-24-23"}, where[r.mark], "%s %s", r.kind, r.mark)
		case "id":
			if winner[r.id] == r.mark {
				require.Equal(t, []string{"k-2026-11-24-23"}, where[r.mark], "the last record of an id wins")
			} else {
				require.Empty(t, where[r.mark], "an earlier record of an id is overwritten")
			}
		default:
			dead++
			require.Equal(t, []string{"dead"}, where[r.mark], "%s %s", r.kind, r.mark)
		}
	}
	require.Equal(t, dead, a.Dead)
}
