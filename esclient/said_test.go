package esclient

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// What is odd about records is counted for every batch and said once, without
// what the records hold.
func TestOdditiesAreSaidOnce(t *testing.T) {
	var log bytes.Buffer
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	server := newFakeES(t)
	client := testClient(t, server, func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.IDField = "log_id"
		c.Program, err = transform.New(transform.Options{
			IndexPrefix: "k", IDField: "log_id", TimeFields: []string{"at"}, Zone: shanghai, WindowBack: time.Hour, WindowAhead: time.Hour,
		})
		require.NoError(t, err)
	})
	batch := &record.Batch{Arrival: time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)}
	var recs []record.Record
	for i, body := range []string{
		`{"at":"2026-13-20 hunter2"}`, `{"at":"soon"}`, `{"at":"2026-11-20 10:11:12 CST"}`, `{"at":0}`,
		`{"log_id":"\ud800"}`, `{"log_id":["a","b"]}`, `{"log_id":"E1","n":1}`, `{"log_id":"E1","n":2}`, `{"log_id":"E1","n":3}`,
	} {
		recs = append(recs, record.Record{Topic: "t", Offset: int64(i), Body: []byte(body), Batch: batch})
	}
	for n := range 2 {
		results, stats := client.Write(t.Context(), record.Delivery{Records: recs})
		for _, r := range results {
			require.True(t, r.Outcome.Settled())
		}
		assert.Equal(t, 2, stats.UnreadTime)
		assert.Equal(t, 1, stats.OutsideWindow)
		assert.Equal(t, 2, stats.UnreadID)
		assert.Equal(t, 2+n, stats.Overwritten, "with the second batch the first one is overwritten, too")
	}
	text := log.String()
	assert.Equal(t, 4, strings.Count(text, "\n"), text)
	for _, want := range []string{
		`field=at shape="\"9999-99-99 aaaaaa9\"" count=2`, "field=at zone=Asia/Shanghai", "field=log_id cause=", "set ES_Id_Field to one that does",
	} {
		assert.Contains(t, text, want)
	}
	assert.NotContains(t, text, "hunter2")
	assert.NotContains(t, text, "E1")
}

// Who has chosen the field knows that ids are overwritten.
func TestChosenIDsMayOverwrite(t *testing.T) {
	var log bytes.Buffer
	client := testClient(t, newFakeES(t), func(c *Config) {
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		c.IDFieldSet = true
	})
	recs := []record.Record{
		{Topic: "t", Offset: 1, Body: []byte(`{"log_id":"a"}`), Batch: &record.Batch{}},
		{Topic: "t", Offset: 2, Body: []byte(`{"log_id":"a"}`), Batch: &record.Batch{}},
	}
	_, stats := client.Write(t.Context(), record.Delivery{Records: recs})
	assert.Equal(t, 1, stats.Overwritten)
	assert.Empty(t, log.String())
}

// A refusal for what the function has added says so: the record holds no such
// thing, and nobody would find it there.
func TestRefusalsForWhatIsOurs(t *testing.T) {
	for _, c := range []struct {
		name, reason string
		sent         sentItem
		want         verdict
		text         string
	}{
		{"stamp of another type", "failed to parse field [stamp] of type [long] in document with id 'x'", sentItem{stamped: true}, refused, "the function's own time stamp"},
		{"the record's own field of that name", "failed to parse field [stamp] of type [long] in document with id 'x'", sentItem{}, refused, ""},
		{"merged", "object mapping for [host] tried to parse field [host] as object, but found a concrete value", sentItem{merged: true}, refused, "ES_Message_Merge"},
		{"not merged", "object mapping for [host] tried to parse field [host] as object, but found a concrete value", sentItem{}, refused, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r answerReader
			it := answerItem{status: 400, err: []byte(`{"type":"mapper_parsing_exception","reason":"` + c.reason + `"}`)}
			got := judgeItem(&r, &c.sent, &it, "stamp")
			require.Equal(t, c.want, got.verdict)
			if c.text == "" {
				require.NotContains(t, got.cause.Text(), "function's own")
				require.NotContains(t, got.cause.Text(), "ES_Message_Merge")
				return
			}
			require.Contains(t, got.cause.Text(), c.text)
		})
	}
}
