package transform

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/internal/event"
	"ckafka-etl/record"
)

func TestIndexName(t *testing.T) {
	const body = `{"at":"2026-11-20T02:11:12Z"}`
	for _, c := range []struct {
		name, zone, body, want string
		period                 Period
		fields                 []string
	}{
		{name: "arrival, day", body: `{}`, want: "app-2026-11-20"},
		{name: "arrival, hour", body: `{}`, period: Hour, want: "app-2026-11-20-04"},
		{name: "arrival, zone", body: `{}`, period: Hour, zone: "Asia/Shanghai", want: "app-2026-11-20-12"},
		{name: "arrival of a text", body: `text`, want: "app-2026-11-20"},
		{name: "event time, day", body: body, fields: []string{"at"}, want: "app-2026-11-20"},
		{name: "event time, hour", body: body, fields: []string{"at"}, period: Hour, want: "app-2026-11-20-02"},
		{name: "event time, day before", body: body, fields: []string{"at"}, zone: "America/New_York", want: "app-2026-11-19"},
		{name: "event time, zone of half hours", body: body, fields: []string{"at"}, period: Hour, zone: "Asia/Kolkata", want: "app-2026-11-20-07"},
		{name: "event time, zone of quarters", body: body, fields: []string{"at"}, period: Hour, zone: "Asia/Kathmandu", want: "app-2026-11-20-07"},
		{name: "event time without zone is local", body: `{"at":"2026-11-20 00:10:00"}`, fields: []string{"at"}, zone: "America/St_Johns", period: Hour, want: "app-2026-11-20-00"},
		{name: "first field that is there", body: body, fields: []string{"none", "at", "other"}, period: Hour, want: "app-2026-11-20-02"},
		{name: "first field that holds a time", body: `{"a":"x","b":null,"c":{},"at":"2026-11-20T02:11:12Z"}`, fields: []string{"a", "b", "c", "at"}, period: Hour, want: "app-2026-11-20-02"},
		{name: "nested field", body: `{"event":{"created":"2026-11-20T02:11:12Z"}}`, fields: []string{"event.created"}, period: Hour, want: "app-2026-11-20-02"},
		{name: "dotted field", body: `{"event.created":"2026-11-20T02:11:12Z"}`, fields: []string{"event.created"}, period: Hour, want: "app-2026-11-20-02"},
		{name: "dotted and nested, the first that is there", body: `{"event":{"x":1},"event.created":"2026-11-20T02:11:12Z"}`, fields: []string{"event.created"}, period: Hour, want: "app-2026-11-20-02"},
		{name: "escaped field", body: `{"ev\u0065nt":{"cr\u0065ated":"2026-11-20T02:11:12Z"}}`, fields: []string{"event.created"}, period: Hour, want: "app-2026-11-20-02"},
		{name: "field in an array of one", body: `{"event":[{"created":"2026-11-20T02:11:12Z"}]}`, fields: []string{"event.created"}, period: Hour, want: "app-2026-11-20-02"},
		{name: "field in an array of several", body: `{"event":[{"created":"2026-11-20T02:11:12Z"},{}]}`, fields: []string{"event.created"}, period: Hour, want: "app-2026-11-20-04"},
		{name: "name in another case", body: `{"@Timestamp":"2026-11-20T02:11:12Z"}`, fields: []string{"@timestamp"}, period: Hour, want: "app-2026-11-20-02"},
		{name: "week", body: `{}`, period: Week, want: "app-2026-w47"},
		{name: "week of the year before", body: `{"at":"2027-01-03T12:00:00Z"}`, fields: []string{"at"}, period: Week, want: "app-2026-w53"},
		{name: "week of the year after", body: `{"at":"2024-12-30T12:00:00Z"}`, fields: []string{"at"}, period: Week, want: "app-2025-w01"},
		{name: "month", body: `{}`, period: Month, want: "app-2026-11"},
		{name: "no period", body: `{}`, period: Ever, want: "app"},
		{name: "message's field", body: `{"message":"{\"at\":\"2026-11-20T02:11:12Z\"}"}`, fields: []string{"at"}, period: Hour, want: "app-2026-11-20-02"},
		{name: "field of a text document", body: `2026-11-20T02:11:12Z`, fields: []string{"msg_body"}, period: Hour, want: "app-2026-11-20-02"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := Options{IndexPrefix: "app", Period: c.period, TimeFields: c.fields, WindowBack: 720 * 24 * time.Hour, WindowAhead: 60 * 24 * time.Hour}
			if c.zone != "" {
				opts.Zone = mustZone(t, c.zone)
			}
			_, doc := document(t, opts, c.body)
			assert.Equal(t, c.want, doc.Index)
		})
	}
}

func TestEventTimeWindow(t *testing.T) {
	opts := Options{IndexPrefix: "app", TimeFields: []string{"a", "b"}, WindowBack: time.Hour, WindowAhead: time.Minute, Period: Hour}
	at := func(d time.Duration) string { return `"` + arrival.Add(d).Format(time.RFC3339Nano) + `"` }
	for _, c := range []struct {
		name, body, want string
		outside          bool
	}{
		{"oldest", `{"a":` + at(-time.Hour) + `}`, "app-2026-11-20-03", false},
		{"too old", `{"a":` + at(-time.Hour-1) + `}`, "app-2026-11-20-04", true},
		{"newest", `{"a":` + at(time.Minute) + `}`, "app-2026-11-20-04", false},
		{"too new", `{"a":` + at(time.Minute+1) + `}`, "app-2026-11-20-04", true},
		{"1970", `{"a":0.000}`, "app-2026-11-20-04", true},
		{"far away", `{"a":"9999-12-31T23:59:59Z"}`, "app-2026-11-20-04", true},
		{"before Christ", `{"a":"0000-01-01T00:00:00Z"}`, "app-2026-11-20-04", true},
		// Go's zero time and 0.000 stand where there is no time, and hid the field
		// behind them.
		{"outside, and another inside", `{"a":0.000,"b":` + at(-time.Hour) + `}`, "app-2026-11-20-03", false},
		{"Go's zero time, and another inside", `{"a":"0001-01-01T00:00:00Z","b":` + at(-time.Hour) + `}`, "app-2026-11-20-03", false},
		{"a date alone, and a time inside", `{"a":"20261119","b":` + at(-time.Hour) + `}`, "app-2026-11-20-03", false},
		{"outside, and another outside", `{"a":0.000,"b":` + at(2*time.Minute) + `}`, "app-2026-11-20-04", true},
		{"no time, and another inside", `{"a":"x","b":` + at(-time.Hour) + `}`, "app-2026-11-20-03", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, doc := document(t, opts, c.body)
			assert.Equal(t, c.want, doc.Index)
			assert.Equal(t, c.outside, doc.OutsideWindow)
		})
	}
}

// Index names were once remembered by quarters of an hour, on the belief that
// all zones move by quarters. Newfoundland's clocks went back at one minute past
// midnight, Casey's too as late as 2022, and Liberia was 44½ minutes behind.
func TestIndexNamesAroundChangesOfZones(t *testing.T) {
	around := map[string][]time.Time{
		"America/St_Johns":        {time.Date(2005, 10, 30, 2, 31, 0, 0, time.UTC), time.Date(2005, 4, 3, 3, 31, 0, 0, time.UTC)},
		"Antarctica/Casey":        {time.Date(2022, 10, 1, 16, 1, 0, 0, time.UTC)},
		"Africa/Monrovia":         {time.Date(1972, 1, 7, 0, 44, 30, 0, time.UTC), time.Date(1971, 5, 1, 0, 44, 30, 0, time.UTC)},
		"Australia/Lord_Howe":     {time.Date(2026, 4, 4, 15, 0, 0, 0, time.UTC), time.Date(2026, 10, 3, 15, 30, 0, 0, time.UTC)},
		"Asia/Kathmandu":          {time.Date(1985, 12, 31, 18, 30, 0, 0, time.UTC), time.Date(2026, 1, 1, 18, 15, 0, 0, time.UTC)},
		"Pacific/Apia":            {time.Date(2011, 12, 30, 10, 0, 0, 0, time.UTC)},
		"Europe/Berlin":           {time.Date(2026, 3, 29, 1, 0, 0, 0, time.UTC), time.Date(2026, 10, 25, 1, 0, 0, 0, time.UTC)},
		"America/Sao_Paulo":       {time.Date(2018, 11, 4, 3, 0, 0, 0, time.UTC)},
		"Asia/Shanghai":           {time.Date(1991, 9, 14, 15, 0, 0, 0, time.UTC), time.Date(2026, 1, 1, 16, 0, 0, 0, time.UTC)},
		"UTC":                     {time.Unix(0, 0), time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)},
		"Etc/GMT+12":              {time.Unix(0, 0)},
		"Pacific/Kiritimati":      {time.Date(1994, 12, 31, 10, 0, 0, 0, time.UTC)},
		"America/Argentina/Salta": {time.Date(2008, 10, 18, 3, 0, 0, 0, time.UTC)},
	}
	for name, times := range around {
		for _, period := range []Period{Day, Hour, Month, Week} {
			opts := Options{IndexPrefix: "app", Zone: mustZone(t, name), Period: period}
			w := newWorker(t, opts)
			layout := map[Period]string{Day: "app-2006-01-02", Hour: "app-2006-01-02-15", Month: "app-2006-01"}[period]
			rapid.Check(t, func(t *rapid.T) {
				at := rapid.SampledFrom(times).Draw(t, "change")
				span := rapid.SampledFrom([]int64{90, 4000, 100_000, 40_000_000}).Draw(t, "span")
				at = at.Add(time.Duration(rapid.Int64Range(-span, span).Draw(t, "seconds")) * time.Second)
				want := at.In(opts.Zone).Format(layout)
				if period == Week {
					year, week := at.In(opts.Zone).ISOWeek()
					want = fmt.Sprintf("app-%d-w%02d", year, week)
				}
				require.Equal(t, want, w.indexName("t", at), "%s: %v", name, at)
				require.Equal(t, at.In(opts.Zone).Format(stampLayout), string(appendStamp(nil, at, opts.Zone, w.part.aheadAt(at, opts.Zone))))
			})
		}
	}
}

func TestDocumentID(t *testing.T) {
	const generated = "logs-3-36-"
	for _, c := range []struct {
		name, field, body, want string
		generated               bool
	}{
		{name: "string", body: `{"log_id":"order-1"}`, want: "order-1"},
		{name: "number", body: `{"log_id":7}`, want: "7"},
		{name: "number as written", body: `{"log_id":1.10}`, want: "1.10"},
		{name: "number beyond 64 bits", body: `{"log_id":9223372036854775808}`, want: "9223372036854775808"},
		{name: "number with exponent", body: `{"log_id":-1E+400}`, want: "-1E+400"},
		{name: "negative", body: `{"log_id":-1}`, want: "-1"},
		{name: "zero", body: `{"log_id":0}`, want: "0"},
		{name: "escapes", body: `{"log_id":"a\"b\\c\/d\n\u0000\u4e2d\ud83c\udf89"}`, want: "a\"b\\c/d\n\x00中🎉"},
		{name: "spaces", body: `{"log_id":"  x "}`, want: "  x "},
		{name: "lone surrogate", body: `{"log_id":"x\ud800"}`, generated: true},
		{name: "lost characters", body: `{"log_id":"\ufffd\ufffd"}`, generated: true},
		{name: "no UTF-8", body: "{\"log_id\":\"\xd6\xd0\"}", generated: true},
		{name: "MongoDB's", body: `{"log_id":{"$oid":"665f"}}`, want: "665f"},
		{name: "in an array of one", field: "data.id", body: `{"data":[{"id":5}]}`, want: "5"},
		{name: "in an array of several", field: "data.id", body: `{"data":[{"id":5},{"id":6}]}`, generated: true},
		{name: "last of two", body: `{"log_id":"a","log_id":"b"}`, want: "b"},
		{name: "escaped name", body: `{"log\u005fid":"a"}`, want: "a"},
		{name: "message wins", body: `{"log_id":"a","message":"{\"log_id\":\"b\"}"}`, want: "b"},
		{name: "double encoded", body: encoded(`{"log_id":"a\"b"}`, 2), want: `a"b`},
		{name: "nested", field: "event.id", body: `{"event":{"id":5}}`, want: "5"},
		{name: "dotted", field: "event.id", body: `{"event.id":5}`, want: "5"},
		{name: "512 bytes", body: `{"log_id":"` + strings.Repeat("x", 512) + `"}`, want: strings.Repeat("x", 512)},
		{name: "513 bytes are told", body: `{"log_id":"` + strings.Repeat("中", 171) + `"}`, want: strings.Repeat("中", 171)},
		{name: "512 bytes of escapes", body: `{"log_id":"` + strings.Repeat(`\u0041`, 512) + `"}`, want: strings.Repeat("A", 512)},
		{name: "missing", body: `{}`, generated: true},
		{name: "empty", body: `{"log_id":""}`, generated: true},
		{name: "null", body: `{"log_id":null}`, generated: true},
		{name: "boolean", body: `{"log_id":true}`, generated: true},
		{name: "object", body: `{"log_id":{"a":1}}`, generated: true},
		{name: "array", body: `{"log_id":["a"]}`, generated: true},
		{name: "nested is not top level", body: `{"a":{"log_id":"a"}}`, generated: true},
		{name: "text", body: `log_id=5`, generated: true},
		{name: "text, field msg_body", field: "msg_body", body: `five`, generated: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := Options{IndexPrefix: "app", IDField: "log_id", IDPrefix: ""}
			if c.field != "" {
				opts.IDField = c.field
			}
			_, doc := document(t, opts, c.body)
			assert.Equal(t, c.generated, doc.Generated)
			if c.generated {
				assert.Regexp(t, "^"+generated+"[0-9a-f]{8}$", string(doc.ID))
				return
			}
			assert.Equal(t, c.want, unescape(doc.ID))
			assert.Equal(t, len(c.want), doc.IDBytes)
		})
	}
}

// The hash of 123456789 is what the catalogues of CRCs give for CRC-32C.
func TestGeneratedID(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(*record.Record)
		prefix string
		want   string
	}{
		{"all known", func(*record.Record) {}, "", "logs-3-36-e3069283"},
		{"prefix", func(*record.Record) {}, `é"`, `é\"logs-3-36-e3069283`},
		{"prefix that starts with an escape", func(*record.Record) {}, `"`, `\"logs-3-36-e3069283`},
		{"largest numbers", func(r *record.Record) { r.Partition, r.Offset = 1<<31-1, 1<<63-1 }, "", "logs-2147483647-9223372036854775807-e3069283"},
		{"partition unknown", func(r *record.Record) { r.Partition = record.Unknown; r.Pos = 9 }, "", "logs-e0123456789abcdef-9-e3069283"},
		{"offset unknown", func(r *record.Record) { r.Offset = record.Unknown }, "", "logs-e0123456789abcdef-0-e3069283"},
		{"topic unknown", func(r *record.Record) { r.Topic = "" }, "", "-e0123456789abcdef-0-e3069283"},
		{"topic with a quote", func(r *record.Record) { r.Topic = "a\"\n" }, "", `a\"\n-3-36-e3069283`},
		{"topic too long, cut inside a character", func(r *record.Record) { r.Topic = strings.Repeat("x", 248) + "中" }, "", strings.Repeat("x", 248) + "\uFFFD-3-36-e3069283"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opts := Options{IndexPrefix: "app", IDPrefix: c.prefix}
			w := newWorker(t, opts)
			rec := newRecord("123456789")
			c.change(rec)
			agree(t, w, opts, rec)
			doc := w.Do(rec)
			assert.Equal(t, c.want, string(doc.ID))
			assert.Equal(t, c.want, string(w.CoordinateID(rec)))
			assert.LessOrEqual(t, doc.IDBytes, MaxIDBytes)
		})
	}
}

// The hash keeps records apart that have the same coordinates, and nothing but
// the value is in it: neither when the record came nor what was made of it.
func TestGeneratedIDsAreStable(t *testing.T) {
	opts := Options{IndexPrefix: "app", TimeField: "time", Ignore: []string{"b"}}
	rec := newRecord(`{"a":1,"b":2}`)
	id := string(newWorker(t, opts).Do(rec).ID)

	again := newRecord(`{"a":1,"b":2}`)
	again.Batch = &record.Batch{Arrival: arrival.Add(48 * time.Hour), Event: 1}
	again.Pos = 17
	require.Equal(t, id, string(newWorker(t, Options{IndexPrefix: "other"}).Do(again).ID), "another delivery, another configuration")

	other := newRecord(`{"a":1,"b":3}`)
	require.NotEqual(t, id, string(newWorker(t, opts).Do(other).ID), "another value")
	other = newRecord(`{"a":1,"b":2}`)
	other.Offset++
	require.NotEqual(t, id, string(newWorker(t, opts).Do(other).ID), "another offset")
}

// The recorded events say themselves which index and which id they want.
func TestRecordedNames(t *testing.T) {
	opts := Options{
		IndexPrefix: "app", Period: Hour, IDField: "log_id", TimeFields: []string{"@timestamp", "event.created", "ts"},
		WindowBack: 720 * time.Hour, WindowAhead: 24 * time.Hour,
	}
	at := time.Date(2026, 11, 20, 12, 0, 0, 0, time.FixedZone("", 8*3600))
	checked := 0
	for _, file := range []string{"event-time", "ids"} {
		payload, err := os.ReadFile("../testdata/events/" + file + ".json")
		require.NoError(t, err)
		var d event.Decoder
		recs, err := d.Decode(payload, at, nil)
		require.NoError(t, err)
		w := newWorker(t, opts)
		for i := range recs {
			agree(t, w, opts, &recs[i])
			doc := w.Do(&recs[i])
			var want struct {
				Case, Want string
				ID         string `json:"want_id"`
			}
			require.NoError(t, json.Unmarshal(doc.AppendSource(nil), &want))
			if want.Want == "arrival" {
				want.Want = "2026-11-20-04"
			}
			if want.Want != "" {
				assert.Equal(t, "app-"+want.Want, doc.Index, want.Case)
				checked++
			}
			switch want.ID {
			case "":
			case "generated":
				assert.True(t, doc.Generated, want.Case)
				checked++
			default:
				assert.Equal(t, want.ID, unescape(doc.ID), want.Case)
				checked++
			}
		}
	}
	require.Greater(t, checked, 70)
}

// MongoDB's records and many change streams hold their id as _id, which
// Elasticsearch takes beside a document and refuses inside one.
func TestMetadataIDIsTakenOut(t *testing.T) {
	for body, want := range map[string]string{
		`{"_id":"665f","n":1}`:          `665f {"n":1}`,
		`{"n":1,"_id":7}`:               `7 {"n":1}`,
		`{"_id":{"$oid":"665f"},"n":1}`: `665f {"n":1}`,
		`{"_id":{"$bin":"665f"},"n":1}`: ` {"_id":{"$bin":"665f"},"n":1}`,
		`{"n":1}`:                       ` {"n":1}`,
		`{"_id":null,"n":1}`:            ` {"n":1}`,
		`{"message":"{\"_id\":\"a\"}"}`: `a {}`,
	} {
		p, err := New(Options{IDField: "_id"})
		require.NoError(t, err)
		w := p.NewWorker()
		w.Explain = true
		doc := w.Do(&record.Record{Topic: "t", Body: []byte(body), Batch: &record.Batch{}})
		id := string(doc.ID)
		if doc.Generated {
			id = ""
		}
		require.Equal(t, want, id+" "+string(doc.AppendSource(nil)))
		require.Equal(t, !strings.Contains(want, "_id") && strings.Contains(body, "_id"), len(doc.Removed) > 0 && doc.Removed[len(doc.Removed)-1].Field == "_id")
	}
}

// One function may serve many topics, each with its own indices.
func TestIndexOfTopic(t *testing.T) {
	w := newWorker(t, Options{IndexPrefix: "log-{topic}", Period: Hour})
	for range 2 {
		for topic, want := range map[string]string{
			"orders":                 "log-orders-2026-11-20-04",
			"Orders_EU.v2":           "log-orders_eu.v2-2026-11-20-04",
			"":                       "no_topic",
			strings.Repeat("x", 249): "index_name_too_long",
			"a b":                    "invalid_index_name",
		} {
			rec := newRecord(`{}`)
			rec.Topic = topic
			doc := w.Do(rec)
			got := doc.Index
			if doc.NoIndex != nil {
				got = doc.NoIndex.Type
			}
			require.Equal(t, want, got)
		}
	}
	w = newWorker(t, Options{IndexPrefix: "{topic}", Period: Ever})
	for topic, want := range map[string]string{"a": "", "_a": "invalid_index_name", "-a": "invalid_index_name", "..": "invalid_index_name"} {
		rec := newRecord(`{}`)
		rec.Topic = topic
		doc := w.Do(rec)
		require.Equal(t, want == "", doc.NoIndex == nil, topic)
	}
}

// Deletions in a compacted topic filled the dead letters.
func TestEmptyRecords(t *testing.T) {
	for _, filter := range []bool{false, true} {
		w := newWorker(t, Options{IndexPrefix: "app", FilterEmpty: filter})
		rec := newRecord("")
		rec.NoValue = true
		require.Equal(t, filter, w.Do(rec).Filtered)
		rec.Defect = "msgBody is null, not a string"
		require.Equal(t, filter, w.Do(rec).Filtered)
		require.False(t, w.Do(newRecord("null")).Filtered, "a text is a value")
	}
}
