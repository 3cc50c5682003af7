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
			IndexPrefix: "app", Hourly: true, Zone: time.FixedZone("", -3*3600-1800), TimeField: "time", IDField: "log_id",
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
	for _, c := range timeCases() {
		f.Add(c.text)
	}
	zone := mustZone(f, "America/St_Johns")
	f.Fuzz(func(t *testing.T, text string) {
		if text, _ = refValidUTF8(text); text == "" {
			return
		}
		values := [][]byte{refQuote(text)}
		if new(rawjson.Scanner).Valid([]byte(text)) && text == strings.TrimSpace(text) {
			values = append(values, []byte(text))
		}
		for _, v := range values {
			want, wantOK := refTime(v, zone)
			got, ok := parseTime(v, zone)
			require.Equal(t, wantOK, ok, "%s: %v", v, want)
			require.True(t, !ok || got.Equal(want), "%s: want %v, got %v", v, want, got)
		}
	})
}

func mustZone(t testing.TB, name string) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation(name)
	require.NoError(t, err)
	return zone
}
