package transform

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/rawjson"
)

// fuzzOptions are the configurations that fuzzing and properties run with.
func fuzzOptions() []Options {
	day := 24 * time.Hour
	return []Options{
		{IndexPrefix: "app"},
		{
			IndexPrefix: "app", Period: Hour, Zone: time.FixedZone("", -3*3600-1800), TimeField: "time", IDField: "log_id",
			Ignore: []string{"password", "user.name", "**.token"}, TimeFields: []string{"@timestamp", "time", "event.at"},
			WindowBack: 30 * day, WindowAhead: day,
		},
		{
			IndexPrefix: "app", TimeField: "message", TimeOverwrite: true, IDField: "a.b", IDPrefix: "é\"-",
			Ignore: []string{"a", "**.b.c", "**.a.a", "x.y.z"}, WindowBack: 100_000 * time.Hour,
			TimeFields: []string{"a.b"},
		},
		{IndexPrefix: "app", Ignore: []string{"msg_body", "message", "**.中文", "**.a"}, TimeField: "a\"b"},
	}
}

func FuzzTransform(f *testing.F) {
	for i, c := range allCases() {
		f.Add([]byte(c), uint8(i))
	}
	for i, rec := range testdataRecords(f) {
		if len(rec.Body) < 2000 && i%7 == 0 {
			f.Add(rec.Body, uint8(i/7))
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, which uint8) {
		all := fuzzOptions()
		opts := all[int(which)%len(all)]
		w := newWorker(t, opts)
		rec := newRecord(string(body))
		agree(t, w, opts, rec)
		if which&0x40 != 0 {
			rec.Defect = "it has no Ckafka object"
			agree(t, w, opts, rec)
		}
		if which&0x80 != 0 {
			rec.Partition = -1
			w.Explain = true
			w.Trim()
			agree(t, w, opts, rec)
		}
	})
}

func FuzzTime(f *testing.F) {
	zones := []*time.Location{mustZone(f, "America/St_Johns"), mustZone(f, "Asia/Shanghai"), mustZone(f, "Europe/London")}
	for i, c := range append(timeCases(), loggerCases()...) {
		f.Add(c.text, int64(i)*1e6)
	}
	for i, format := range timeFormats() {
		f.Add(arrival.Format(format.layout), int64(i)*1e7)
	}
	f.Fuzz(func(t *testing.T, text string, at int64) {
		if text, _ = refValidUTF8(text); text == "" {
			return
		}
		// The years of the calendar, in which all readers agree.
		when := time.Unix(int64(uint64(at)%4e9), 0)
		values := [][]byte{refQuote(text)}
		if new(rawjson.Scanner).Valid([]byte(text)) && text == strings.TrimSpace(text) {
			values = append(values, []byte(text))
		}
		for _, v := range values {
			agreeTime(t, v, zones[int(uint64(at)%3)], when)
		}
	})
}

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	return zone
}
