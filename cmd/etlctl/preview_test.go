package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/pipeline"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// capture answers bulk requests with "created" and keeps their lines.
type capture struct{ lines []string }

func (c *capture) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	if err != nil {
		return nil, err
	}
	_ = req.Body.Close()
	var items []string
	lines := strings.Split(strings.TrimSuffix(string(body), "\n"), "\n")
	for i := 0; i < len(lines); i += 2 {
		for op, meta := range actions(lines[i]) {
			id, err := json.Marshal(meta.ID)
			if err != nil {
				return nil, err
			}
			items = append(items, `{"`+op+`":{"_id":`+string(id)+`,"status":201}}`)
		}
	}
	c.lines = append(c.lines, lines...)
	answer := `{"items":[` + strings.Join(items, ",") + `]}`
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(answer)), Request: req}, nil
}

type action struct {
	Index string `json:"_index"`
	ID    string `json:"_id"`
}

func actions(line string) map[string]action {
	var m map[string]action
	_ = json.Unmarshal([]byte(line), &m) // a broken one makes the comparison fail
	return m
}

// TestPreviewIsWhatIsSent compares the preview of every recorded event with
// what the function's own client sends and settles.
func TestPreviewIsWhatIsSent(t *testing.T) {
	for _, extra := range [][]string{
		{"ES_Log_IgnoreWord=password,**.token,user_agent", "ES_Index_TimeField=@timestamp,ts", "ES_Index_TimeFormat=hour"},
		{"ES_Op_Type=index", "ES_Id_Field=request_id", "ES_Time_Overwrite=true", "ES_Index_TimeZone=Asia/Shanghai"},
		{"ES_Op_Type=create", "ES_Id_Field=message", "ES_Dead_Letter_Index=none"},
	} {
		cfg, err := config.Load(append(extra, "ES_Address=x", "ES_Index_KeyWord=log", "ES_Bulk_Concurrency=1"))
		require.NoError(t, err)
		files, err := findPayloads([]string{"../../testdata/events", "../../testdata/bad"})
		require.NoError(t, err)
		at := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
		records, written := 0, 0
		for _, name := range files.names {
			one := &payloadFiles{names: []string{name}}
			p, err := newPreviewer(cfg)
			require.NoError(t, err)
			var previews []*preview
			var recs []record.Record
			source := &recordSource{files: one, now: func() time.Time { return at }, broken: func(string, error) {}}
			require.NoError(t, source.each(func(r sourceRecord) error {
				previews = append(previews, p.preview(r))
				rec := *r.Record
				rec.Body, rec.Key = bytes.Clone(rec.Body), bytes.Clone(rec.Key)
				recs = append(recs, rec)
				return nil
			}))
			if len(recs) == 0 {
				continue
			}
			program, err := transform.New(pipeline.Options(cfg))
			require.NoError(t, err)
			sent := &capture{}
			client, err := esclient.New(esclient.Config{Elasticsearch: *cfg.ES, Program: program, Transport: sent})
			require.NoError(t, err)
			results, stats := client.Write(t.Context(), record.Delivery{Records: recs})

			replaced, outside := 0, 0
			for i, v := range previews {
				records++
				to := v.Elasticsearch
				replaced += v.Replaced
				if v.OutsideWindow {
					outside++
				}
				if results[i].Outcome != record.Stored {
					require.Equal(t, record.Refused, results[i].Outcome, "%s %d", name, i)
					want := outcomeDead
					if cfg.ES.DeadLetterIndex == "" {
						want = outcomeFail
					}
					require.Equal(t, want, to.Outcome, "%s %d", name, i)
					require.NotEmpty(t, to.Reason)
					continue
				}
				written++
				require.Equal(t, outcomeWrite, to.Outcome, "%s %d", name, i)
				require.GreaterOrEqual(t, len(sent.lines), 2, "%s %d", name, i)
				require.Equal(t, map[string]action{to.Op: {to.Index, to.ID}}, actions(sent.lines[0]), "%s %d", name, i)
				require.Equal(t, sent.lines[1], string(v.Document), "%s %d", name, i)
				sent.lines = sent.lines[2:]
			}
			assert.Empty(t, sent.lines)
			assert.Equal(t, stats.Replaced, replaced, name)
			assert.Equal(t, stats.OutsideWindow, outside, name)
		}
		assert.Greater(t, records, 800, "all events are seen")
		assert.Greater(t, written, 700)
		assert.Less(t, written, records)
	}
}

func TestPreviewKafka(t *testing.T) {
	at := &record.Batch{Arrival: time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)}
	sound := record.Record{Topic: "t", Partition: 1, Offset: 2, Body: []byte(`{"a":1,"secret":2}`), Batch: at}
	nameless := record.Record{Partition: record.Unknown, Offset: record.Unknown, Body: []byte(`{}`), Batch: at}
	broken := record.Record{Topic: "t", Partition: 1, Offset: 2, Body: []byte(`{}`), Defect: "it has no msgBody", Batch: at}
	write := verdict{Outcome: outcomeWrite}
	for _, c := range []struct {
		name string
		env  []string
		rec  record.Record
		want toKafka
		doc  string
	}{
		{"raw", nil, sound, toKafka{write, "copy", "raw", 18}, ""},
		{"document", []string{"kafka_value=document", "ES_Log_IgnoreWord=secret", "ES_Time_Field=none"}, sound, toKafka{write, "copy", "document", 7}, `{"a":1}`},
		{"the source's topic", []string{"kafka_topic_name={topic}-{topic}"}, sound, toKafka{write, "t-t", "raw", 18}, ""},
		{"no source topic", []string{"kafka_topic_name={topic}"}, nameless, toKafka{verdict{
			outcomeFail, "the event does not name the record's topic, which kafka_topic_name asks for", nil,
		}, "", "raw", 2}, `{"@timestamp":"2026-11-24T08:00:00.000Z"}`},
		{"no partition to keep", []string{"kafka_partition=keep", "kafka_dead_letter_topic=dead", "ES_Time_Field=none"}, nameless, toKafka{verdict{
			outcomeDead, "the event does not name the record's partition, which kafka_partition=keep asks for", []string{"topic dead"},
		}, "copy", "raw", 2}, `{}`},
		{"malformed", []string{"kafka_dead_letter_topic=dead", "ES_Time_Field=none"}, broken, toKafka{verdict{
			outcomeDead, "the record is malformed: it has no msgBody", []string{"topic dead"},
		}, "copy", "raw", 2}, `{"msg_body":"{}"}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := config.Load(append([]string{"kafka_address=k", "kafka_topic_name=copy"}, c.env...))
			require.NoError(t, err)
			p, err := newPreviewer(cfg)
			require.NoError(t, err)
			v := p.preview(sourceRecord{Record: &c.rec})
			assert.Nil(t, v.Elasticsearch)
			assert.Equal(t, &c.want, v.Kafka)
			assert.Equal(t, c.want.Outcome, v.outcome())
			assert.Equal(t, c.doc, string(v.Document))
		})
	}
}

// TestPreviewFiltered: no variable makes a step that drops records, but whoever
// adds one to pipeline.Options should see it here.
func TestPreviewFiltered(t *testing.T) {
	cfg, err := config.Load([]string{"ES_Address=x", "ES_Index_KeyWord=log", "kafka_address=k", "kafka_topic_name=copy", "kafka_value=document"})
	require.NoError(t, err)
	program, err := transform.New(transform.Options{Steps: []transform.Step{func(o *transform.Object) bool { return o.Get("keep") != nil }}})
	require.NoError(t, err)
	p := &previewer{cfg: cfg, worker: program.NewWorker(), words: newWordCount(cfg)}
	v := p.preview(sourceRecord{Record: &record.Record{Body: []byte(`{"a":1}`), Batch: &record.Batch{}}})
	assert.Equal(t, outcomeFiltered, v.outcome())
	assert.Equal(t, outcomeFiltered, v.Elasticsearch.Outcome)
	assert.Equal(t, outcomeFiltered, v.Kafka.Outcome)
	assert.Nil(t, v.Document)
	var b strings.Builder
	v.text(&b, false)
	assert.Contains(t, b.String(), "✗ no index: filtered: a cleaning step dropped it\n")

	v = p.preview(sourceRecord{Record: &record.Record{Body: []byte(`{"keep":1}`), Batch: &record.Batch{}}})
	assert.Equal(t, outcomeWrite, v.outcome())
}

func TestPreviewConfig(t *testing.T) {
	for _, c := range []struct {
		name    string
		vars    map[string]string
		keyword string // "" = nothing goes to Elasticsearch
		kafka   bool
		err     string
	}{
		{"nothing set", map[string]string{}, "demo", false, ""},
		{"keyword", map[string]string{"ES_Index_KeyWord": "log"}, "log", false, ""},
		{"address", map[string]string{"ES_Address": "10.0.0.1"}, "demo", false, ""},
		{"certificates", map[string]string{"ES_Insecure": "true"}, "demo", false, ""},
		{"kafka alone", map[string]string{"kafka_address": "k", "kafka_topic_name": "t"}, "", true, ""},
		{"both", map[string]string{"kafka_address": "k", "kafka_topic_name": "t", "ES_Index_KeyWord": "log"}, "log", true, ""},
		{"wrong", map[string]string{"ES_Gzip": "10", "ES_Bulk_Bytes": "x"}, "", false, "the configuration has 2 problems"},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg, err := previewConfig(c.vars)
			if c.err != "" {
				require.ErrorContains(t, err, c.err)
				assert.True(t, isUsage(err))
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.kafka, cfg.Kafka != nil)
			require.Equal(t, c.keyword != "", cfg.ES != nil)
			if cfg.ES != nil {
				assert.Equal(t, c.keyword, cfg.ES.Keyword)
			}
		})
	}
}

func TestParseAt(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	for text, want := range map[string]string{
		"2026-11-24T23:59:00+01:00": "2026-11-24T22:59:00Z",
		"2026-11-24T23:59:00Z":      "2026-11-24T23:59:00Z",
		"2026-11-24T08:00:00":       "2026-11-24T00:00:00Z",
		"2026-11-24 08:00:00.5":     "2026-11-24T00:00:00Z",
		"2026-11-24":                "2026-11-23T16:00:00Z",
	} {
		at, err := parseAt(text, shanghai)
		require.NoError(t, err, text)
		assert.Equal(t, want, at.UTC().Format(time.RFC3339), text)
	}
	_, err = parseAt("yesterday", shanghai)
	require.ErrorContains(t, err, `--at: got "yesterday", want a time such as`)
}

func TestRecordSource(t *testing.T) {
	const eventText = `{"Records":[{"Ckafka":{"topic":"t","partition":1,"offset":36,"msgKey":"k","msgBody":"x"}},7]}`
	for _, c := range []struct {
		name, text string
		lines      bool
		want       []string // name, body …
		broken     int
	}{
		{"an event", eventText, false, []string{"f", "x", "f", "7"}, 0},
		{"events", eventText + "\n" + eventText, false, []string{"f:1", "x", "f:1", "7", "f:2", "x", "f:2", "7"}, 0},
		{"an empty event", `{"Records":[]}`, false, nil, 0},
		{"a value", `{"a":1}`, false, []string{"f", `{"a":1}`}, 0},
		{"a value over lines", "{\n\"a\":1\n}\n", false, []string{"f", "{\n\"a\":1\n}"}, 0},
		{"values", "{\"a\":1}\n[2]\n\n\"x\"\nnot json", false, []string{"f:1", `{"a":1}`, "f:2", "[2]", "f:4", `"x"`, "f:5", "not json"}, 0},
		{"text", "a\nb\n", false, []string{"f", "a\nb"}, 0},
		{"lines of text", "a\r\n\n b \n", true, []string{"f:1", "a", "f:3", " b "}, 0},
		{"an event as a value", eventText, true, []string{"f:1", eventText}, 0},
		{"a broken event", " {\n\"Records\":[{]}", false, nil, 1},
		{"another trigger's event", `{"Records":[{"s3":{}}]}` + "\n{}\n", false, []string{"f:2", "{}"}, 1},
		{"a member named Records", `{"a":1,"Records":2}`, false, []string{"f", `{"a":1,"Records":2}`}, 0},
		{"nothing", "", false, []string{"f", ""}, 0},
		{"no lines", "", true, nil, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Chdir(t.TempDir())
			require.NoError(t, os.WriteFile("f", []byte(c.text), 0o600))
			broken := 0
			s := &recordSource{files: &payloadFiles{names: []string{"f"}}, lines: c.lines, now: time.Now, broken: func(string, error) { broken++ }}
			var got []string
			require.NoError(t, s.each(func(r sourceRecord) error {
				got = append(got, r.name, string(r.Body))
				return nil
			}))
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.broken, broken)
		})
	}
}

func TestRecordSourceMissing(t *testing.T) {
	name := filepath.Join(t.TempDir(), "missing")
	for _, lines := range []bool{false, true} {
		s := &recordSource{files: &payloadFiles{names: []string{name}}, lines: lines, now: time.Now}
		require.ErrorIs(t, s.each(func(sourceRecord) error { return nil }), os.ErrNotExist)
	}
}

// TestPreviewInterrupted: at a terminal, nothing but the user ends stdin.
func TestPreviewInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stdin, keyboard := io.Pipe()
	defer keyboard.Close()
	reading := make(chan struct{})
	var errOut strings.Builder
	sys := &system{stdin: io.MultiReader(readerFunc(func([]byte) (int, error) { close(reading); return 0, io.EOF }), stdin), stdout: io.Discard, stderr: &errOut}
	go func() { <-reading; cancel() }()
	assert.Equal(t, exitFailure, realMain(ctx, sys, []string{"preview", "-"}))
	assert.Equal(t, "etlctl: interrupted\n", errOut.String())
}
