package transform

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/rawjson"
	"ckafka-etl/record"
)

// arrival is when the tests' batches arrive.
var arrival = time.Date(2026, 11, 20, 12, 0, 0, 345e6, time.FixedZone("", 8*3600))

// newRecord makes a record as the event decoder would.
func newRecord(body string) *record.Record {
	return &record.Record{
		Topic: "logs", Partition: 3, Offset: 36, Body: []byte(body), ASCII: rawjson.ASCII([]byte(body)),
		Batch: &record.Batch{Arrival: arrival, Event: 0x0123456789abcdef},
	}
}

func newWorker(t require.TestingT, opts Options) *Worker {
	p, err := New(opts)
	require.NoError(t, err)
	return p.NewWorker()
}

// document makes a record's document and holds it against the reference.
func document(t *testing.T, opts Options, body string) (source string, doc *Document) {
	t.Helper()
	w := newWorker(t, opts)
	rec := newRecord(body)
	agree(t, w, opts, rec)
	doc = w.Do(rec)
	return string(doc.AppendSource(nil)), doc
}

// agree fails the test unless the document that w makes of rec is sound in
// itself and the reference makes the same.
func agree(t require.TestingT, w *Worker, opts Options, rec *record.Record) {
	if h, ok := t.(*testing.T); ok {
		h.Helper()
	}
	doc := w.Do(rec)
	source := doc.AppendSource(nil)
	strict(t, source)
	want := reference(opts, rec)
	expected, got := compact(t, []byte(want.source)), compact(t, source)
	if want.masked {
		expected, got = refSpelling(expected), refSpelling(got)
	}
	assert.Equal(t, expected, got)
	assert.Equal(t, want.index, doc.Index)
	assert.Equal(t, want.id, unescape(doc.ID))
	assert.Equal(t, len(want.id), doc.IDBytes)
	assert.Equal(t, want.generated, doc.Generated)
	assert.Equal(t, want.text, doc.Text)
	assert.Equal(t, want.replaced, doc.Replaced)
	assert.Equal(t, want.outsideWindow, doc.OutsideWindow)
	assert.Equal(t, want.unreadTime, doc.UnreadTime)
	assert.Equal(t, want.unreadID, doc.UnreadID != "")
	assert.Equal(t, want.stamped, doc.Stamped)
	assert.False(t, doc.Filtered)
	assert.True(t, json.Valid([]byte(`"`+string(doc.ID)+`"`)), "the id %q is not the content of a JSON string", doc.ID)
	rules := refRules(opts.Ignore)
	stamped := slices.ContainsFunc(rules, func(r refRule) bool { return r.matches(strings.Split(opts.TimeField, ".")) })
	if !doc.Text && !stamped {
		noneIgnored(t, source, nil, rules)
	}
}

// strict fails the test unless text is one line of valid UTF-8 that is strict
// JSON to two other readers.
func strict(t require.TestingT, text []byte) {
	assert.True(t, json.Valid(text), "not JSON: %q", text)
	assert.True(t, utf8.Valid(text), "not UTF-8: %q", text)
	assert.False(t, bytes.ContainsAny(text, "\r\n"), "not on one line: %q", text)
	// Duplicate names deeper down and lone surrogates as escapes are allowed
	// by RFC 8259, and left to the server.
	v := jsontext.Value(text)
	assert.True(t, v.IsValid(jsontext.AllowDuplicateNames(true), jsontext.AllowInvalidUTF8(true)), "not JSON to jsontext: %q", text)
}

// noneIgnored fails the test if a member is left that a rule removes.
func noneIgnored(t require.TestingT, value []byte, path []string, rules []refRule) {
	var object map[string]json.RawMessage
	var array []json.RawMessage
	switch value[0] {
	case '{':
		require.NoError(t, json.Unmarshal(value, &object))
		for name, v := range object {
			here := append(slices.Clip(path), strings.Split(name, ".")...)
			for _, r := range rules {
				assert.False(t, r.matches(here), "%q is still there", here)
			}
			noneIgnored(t, v, here, rules)
		}
	case '[':
		require.NoError(t, json.Unmarshal(value, &array))
		for _, v := range array {
			noneIgnored(t, v, path, rules)
		}
	}
}

func compact(t require.TestingT, text []byte) string {
	var b bytes.Buffer
	require.NoError(t, json.Compact(&b, text), "%q", text)
	return b.String()
}

func unescape(content []byte) string {
	plain, _ := rawjson.AppendUnescaped(nil, content)
	return string(plain)
}

// testdataRecords returns the records of all sound events under testdata.
func testdataRecords(t testing.TB) []record.Record {
	t.Helper()
	var recs []record.Record
	for _, pattern := range []string{"events/*.json", "bad/*.json"} {
		files, err := filepath.Glob(filepath.Join("..", "testdata", pattern))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			payload, err := os.ReadFile(file)
			require.NoError(t, err)
			var d event.Decoder // a new one: it owns the records
			if found, err := d.Decode(payload, arrival, nil); err == nil {
				recs = append(recs, found...)
			}
		}
	}
	return recs
}
