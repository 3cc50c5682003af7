//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/sample"
)

var recordedTests = []test{
	{"access-1000", func(t *testing.T, s *suite) { replays(t, s, "events/access-1000.json") }},
	{"app-200", func(t *testing.T, s *suite) {
		replays(t, s, "events/app-200.json", "ES_Log_IgnoreWord", "user.password,level")
	}},
	{"message-200", func(t *testing.T, s *suite) {
		replays(t, s, "events/message-200.json", "ES_Index_TimeFormat", "hour", "ES_Index_TimeZone", "Asia/Shanghai", "ES_Gzip", "6")
	}},
	{"ids", func(t *testing.T, s *suite) { replays(t, s, "events/ids.json", "ES_Id_Prefix", "cluster-1/") }},
	{"double-encoded", func(t *testing.T, s *suite) { replays(t, s, "events/double-encoded.json") }},
	{"untouched", untouched},
	{"wanted ids", wantedIDs},
	{"stamped", stamped},
	{"own times", ownTimes},
	{"overwritten", overwritten},
	{"odd events", oddEvents},
	{"10000 records in 64 MB", func(t *testing.T, s *suite) { large(t, s, 64) }},
	{"10000 records in 128 MB", func(t *testing.T, s *suite) { large(t, s, 128) }},
}

// replays delivers a recorded event three times: twice to one process and once
// to another. The documents are the same on every server, and there once.
func replays(t *testing.T, s *suite, path string, pairs ...string) {
	payload := recorded(t, path)
	env := s.vars(t, s.es).with(pairs...)
	records := want(t, env, payload)

	f := s.start(t, env)
	first := f.settle(t, payload)
	assert.Equal(t, len(records), first.Records)
	assert.Equal(t, first.Records, first.Stored+first.Dead, "nothing was there before")
	there := read(t, s.es, env)
	dead := there.mustHold(t, 1, records...)
	assert.Len(t, dead, first.Dead)

	// What has an id of ours is known again; what has one of its own is
	// written again.
	again := counts{Records: first.Records, Dead: first.Dead}
	for _, w := range records {
		if _, refused := dead[w.letter]; refused {
			continue
		}
		if w.generated {
			again.Duplicate++
		} else {
			again.Stored++
		}
	}
	assert.Equal(t, again, f.settle(t, payload).counts, "in the same process")
	assert.Equal(t, again, s.start(t, env).settle(t, payload).counts, "in a new one")
	there = read(t, s.es, env)
	there.mustHold(t, 3, records...)
	s.sameRefused(t, path, dead)
}

// sameRefused checks that all servers refuse the same records of an event.
func (h *harness) sameRefused(t *testing.T, path string, dead map[string]letter) {
	t.Helper()
	ids := sortedKeys(dead)
	h.mu.Lock()
	defer h.mu.Unlock()
	if before, ok := h.refused[path]; ok {
		assert.Equal(t, before, ids, "servers do not agree on what to refuse")
	} else {
		h.refused[path] = ids
	}
}

// Where nothing is to be removed or stamped, a document is the record as it
// was: this time without asking our own code what it should be.
func untouched(t *testing.T, s *suite) {
	bodies := sample.AccessBodies(1000)
	env := s.vars(t, s.es).with("ES_Id_Field", "request_id")
	f := s.start(t, env)
	recs := make([]event.Record, len(bodies))
	for i, body := range bodies {
		recs[i] = event.Record{Topic: topic, Partition: partition, Offset: int64(i), Body: body}
	}
	require.Equal(t, len(bodies), f.settle(t, event.Append(nil, recs)).Stored)
	stored := make(map[string]string)
	there := read(t, s.es, env)
	for _, d := range there.docs {
		stored[d.ID] = string(d.Source)
	}
	require.Len(t, stored, len(bodies))
	for _, body := range bodies {
		var doc struct {
			RequestID string `json:"request_id"`
		}
		require.NoError(t, json.Unmarshal(body, &doc))
		assert.Equal(t, string(body), stored[doc.RequestID])
	}
}

// The event says itself which ids its records have to get.
func wantedIDs(t *testing.T, s *suite) {
	env := s.vars(t, s.es)
	s.start(t, env).settle(t, recorded(t, "events/ids.json"))
	there, checked := read(t, s.es, env), 0
	for _, d := range there.docs {
		var doc struct {
			Want *string `json:"want_id"`
		}
		require.NoError(t, json.Unmarshal(d.Source, &doc))
		switch {
		case doc.Want == nil:
		case *doc.Want == "generated":
			checked++
			assert.Regexp(t, `^cases-1-\d+-[0-9a-f]{8}$`, d.ID)
		default:
			checked++
			assert.Equal(t, *doc.Want, d.ID)
		}
	}
	assert.Greater(t, checked, 10)
}

// stamped has the least variables: the documents get the arrival time, which
// names the index too.
func stamped(t *testing.T, s *suite) {
	env := vars{"ES_Address": s.es.URL(), "ES_Index_KeyWord": keyword(t)}
	begin := time.Now().Truncate(time.Millisecond)
	out := s.start(t, env).settle(t, eventOf(`{"n":1}`, `text`, `{"time":"kept"}`, `{"@timestamp":null}`))
	end := time.Now()
	assert.Equal(t, counts{Records: 4, Stored: 4}, out.counts)
	there := read(t, s.es, env)
	require.Len(t, there.docs, 4)
	for _, d := range there.docs {
		var doc struct {
			Time time.Time `json:"@timestamp"`
		}
		require.NoError(t, json.Unmarshal(d.Source, &doc))
		assert.WithinRange(t, doc.Time, begin, end)
		assert.Equal(t, env["ES_Index_KeyWord"]+"-"+doc.Time.UTC().Format(time.DateOnly), d.Index)
	}
}

// The function's stamp was once called time. Where records have a field of that
// name, in a form that no date of Elasticsearch has, the first text or stamp made
// the field's type and all records of the other kind became dead letters: 20 of
// 21, in an index without a template.
func ownTimes(t *testing.T, s *suite) {
	for name, own := range map[string][]string{
		"access log":   {`"26/Nov/2026:10:00:%02d +0800"`},
		"mysql":        {`"2026-11-26 10:00:%02d"`},
		"epoch":        {`17956584%02d.123`},
		"other kinds":  {`"Nov 26 10:00:%02d"`, `"10:00:%02d"`},
		"milliseconds": {`17956584%02d123`},
	} {
		env := vars{"ES_Address": s.es.URL(), "ES_Index_KeyWord": keyword(t) + strings.ReplaceAll(name, " ", "-")}
		bodies := []string{"upstream timed out, no JSON line"}
		for i := range 20 {
			bodies = append(bodies, fmt.Sprintf(`{"time":`+own[i%len(own)]+`,"status":200}`, i))
		}
		bodies = append(bodies, `{"status":200,"n":1}`)
		out := s.start(t, env).settle(t, eventOf(bodies...))
		assert.Equal(t, counts{Records: 22, Stored: 22}, out.counts, name)
		there := read(t, s.es, env)
		assert.Len(t, there.docs, 22, name)
		assert.Empty(t, there.letters, name)
	}
}

// A field that comes from few records and means several has them overwrite one
// another: that was counted as stored and nothing else. Ids that no one can read
// did the same.
func overwritten(t *testing.T, s *suite) {
	env := vars{"ES_Address": s.es.URL(), "ES_Index_KeyWord": keyword(t)}
	bodies := []string{`{"log_id":"\ud800","n":1}`, `{"log_id":"\udfff","n":2}`, `{"log_id":"\ufffd\ufffd","n":3}`}
	for i := range 5 {
		bodies = append(bodies, fmt.Sprintf(`{"log_id":"E1001","msg":"disk is full on node %d"}`, i))
	}
	f := s.start(t, env)
	out := f.settle(t, eventOf(bodies...))
	assert.Equal(t, counts{Records: 8, Stored: 8}, out.counts)
	assert.Contains(t, out.result, `"overwritten":4`)
	assert.Contains(t, out.result, `"unread_id":3`)
	assert.Len(t, read(t, s.es, env).docs, 4)
}

// oddEvents sends everything that testdata has of bad and unusual payloads.
// What is no event is an error and writes nothing; every record of the others
// is stored or buried, whatever else is in its event.
func oddEvents(t *testing.T, s *suite) {
	env := s.vars(t, s.es).with("ES_Log_IgnoreWord", "password,**.password")
	f := s.start(t, env)
	var records []wanted
	var events, noEvents int
	for _, pattern := range []string{"bad/*.json", "events/variant-*.json", "events/event-time.json"} {
		paths, err := filepath.Glob(filepath.Join("..", "testdata", filepath.FromSlash(pattern)))
		require.NoError(t, err)
		require.NotEmpty(t, paths)
		for _, path := range paths {
			path, err = filepath.Rel(filepath.Join("..", "testdata"), path)
			require.NoError(t, err)
			payload := recorded(t, path)
			out := f.begin(t, payload).wait(t)
			if _, err := new(event.Decoder).Decode(payload, time.Now(), nil); err != nil {
				noEvents++
				require.NotNil(t, out.err, path)
				assert.NotEqual(t, "UnsettledError", out.err.Type, path)
				continue
			}
			events++
			require.Nil(t, out.err, path)
			assert.Zero(t, out.Unsettled, path)
			records = append(records, want(t, env, payload)...)
		}
	}
	assert.Greater(t, events, 40)
	assert.Greater(t, noEvents, 12)
	there := read(t, s.es, env)
	dead := there.mustHold(t, 1, records...)
	for _, w := range records {
		if w.Defect != "" {
			assert.Equal(t, "record_malformed", dead[w.letter].Error.Type)
		}
	}
	kept := 0
	for _, d := range there.docs {
		assert.NotContains(t, string(d.Source), marker)
		kept += strings.Count(string(d.Source), "KEEP-")
	}
	for _, l := range there.letters {
		assert.NotContains(t, l.Document+l.Error.Reason, marker)
		kept += strings.Count(l.Document, "KEEP-")
	}
	assert.Greater(t, kept, 60, "what is not ignored is still there")
}

// large is the largest event that there is, in the smallest function.
func large(t *testing.T, s *suite, memoryMB int) {
	payload := sample.AccessEvent(event.MaxRecords)
	env := s.vars(t, s.es)
	f := s.startAs(t, platform.Function{Env: env, Timeout: time.Minute, MemoryMB: memoryMB})
	out := f.settle(t, payload)
	peak := f.Usage().PeakRSS
	t.Logf("%d records, %.1f MB, %d MB function: %v, peak RSS %.1f MB, %v CPU", out.Records, float64(len(payload))/1e6,
		memoryMB, out.took.Round(time.Millisecond), float64(peak)/(1<<20), f.Usage().CPU())
	assert.Equal(t, counts{Records: event.MaxRecords, Stored: event.MaxRecords}, out.counts)
	assert.LessOrEqual(t, peak, int64(memoryMB)<<20)
	there := read(t, s.es, env)
	there.mustHoldAll(t, want(t, env, payload)...)
}
