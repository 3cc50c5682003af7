package transform

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

type timeCase struct {
	name, text string // a string field's content
	want       string // RFC 3339, empty: no time
}

func timeCases() []timeCase {
	return []timeCase{
		{"RFC 3339", "2026-11-20T02:11:12Z", "2026-11-20T02:11:12Z"},
		{"RFC 3339, offset", "2026-11-20T10:11:12+08:00", "2026-11-20T02:11:12Z"},
		{"RFC 3339, half an hour behind", "2026-11-19T22:41:12-03:30", "2026-11-20T02:11:12Z"},
		{"RFC 3339, ms", "2026-11-20T02:11:12.345Z", "2026-11-20T02:11:12.345Z"},
		{"RFC 3339, ns", "2026-11-20T02:11:12.345678901Z", "2026-11-20T02:11:12.345678901Z"},
		{"RFC 3339, more than ns", "2026-11-20T02:11:12.3456789019999Z", "2026-11-20T02:11:12.345678901Z"},
		{"RFC 3339, lower case", "2026-11-20t02:11:12z", "2026-11-20T02:11:12Z"},
		{"RFC 3339, space", "2026-11-20 02:11:12Z", "2026-11-20T02:11:12Z"},
		{"unknown offset", "2026-11-20T02:11:12-00:00", "2026-11-20T02:11:12Z"},
		{"white space around", "\t 2026-11-20T02:11:12Z\n", "2026-11-20T02:11:12Z"},
		{"no zone", "2026-11-20T10:11:12", "2026-11-20T02:11:12Z"},
		{"no zone, space", "2026-11-20 10:11:12", "2026-11-20T02:11:12Z"},
		{"no zone, ms", "2026-11-20 10:11:12.345", "2026-11-20T02:11:12.345Z"},
		{"no zone, comma", "2026-11-20 10:11:12,345", "2026-11-20T02:11:12.345Z"},
		{"offset without colon", "2026-11-20T10:11:12+0800", "2026-11-20T02:11:12Z"},
		{"offset of hours", "2026-11-20T10:11:12.5+08", "2026-11-20T02:11:12.5Z"},
		{"space before the offset", "2026-11-20 10:11:12 +0800", "2026-11-20T02:11:12Z"},
		{"no seconds", "2026-11-20T02:11Z", "2026-11-20T02:11:00Z"},
		{"date alone", "2026-11-20", "2026-11-19T16:00:00Z"},
		{"basic", "20261120T021112Z", "2026-11-20T02:11:12Z"},
		{"basic, fraction and offset", "20261120T101112.5+0800", "2026-11-20T02:11:12.5Z"},
		{"basic, no zone", "20261120T101112", "2026-11-20T02:11:12Z"},
		{"basic, no seconds", "20261120T0211Z", "2026-11-20T02:11:00Z"},
		{"leap day", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
		{"leap second", "2026-11-19T23:59:60Z", "2026-11-20T00:00:00Z"},
		{"end of a day", "2026-11-19T24:00:00Z", "2026-11-20T00:00:00Z"},
		{"year 0", "0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"},
		{"year 9999", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59Z"},
		{"common log format", "20/Nov/2026:10:11:12 +0800", "2026-11-20T02:11:12Z"},
		{"common log format, brackets", "[20/Nov/2026:02:11:12 +0000]", "2026-11-20T02:11:12Z"},
		{"common log format, January", "01/Jan/2026:00:00:00 +0000", "2026-01-01T00:00:00Z"},
		{"64 bytes", "2026-11-20T02:11:12.0000000000000000000000000000000000000000000Z", "2026-11-20T02:11:12Z"},
		{"four digits", "7200", "1970-01-01T02:00:00Z"},
		{"s", "1795140672", "2026-11-20T02:11:12Z"},
		{"s, fraction", "1795140672.345", "2026-11-20T02:11:12.345Z"},
		{"s, long fraction", "1795140672.34567890199", "2026-11-20T02:11:12.345678901Z"},
		{"ms", "1795140672345", "2026-11-20T02:11:12.345Z"},
		{"ms, fraction", "1795140672345.678", "2026-11-20T02:11:12.345678Z"},
		{"µs", "1795140672345678", "2026-11-20T02:11:12.345678Z"},
		{"ns", "1795140672345678901", "2026-11-20T02:11:12.345678901Z"},
		{"ns, fraction", "1795140672345678901.9", "2026-11-20T02:11:12.345678901Z"},
		{"last s", "99999999999", "5138-11-16T09:46:39Z"},
		{"first ms", "100000000000", "1973-03-03T09:46:40Z"},
		{"last ns", "9223372036854775807", "2262-04-11T23:47:16.854775807Z"},
		{"beyond ns", "9223372036854775808", ""},
		{"20 digits", "17951406723456789012", ""},
		{"exponent", "1.795e9", ""},
		{"negative", "-1795140672", ""},
		{"plus sign", "+1795140672", ""},
		{"dot at the end", "1795140672.", ""},
		{"dot at the start", ".1795140672", ""},
		{"too short", "12", ""},
		{"empty", "", ""},
		{"word", "yesterday", ""},
		{"February 30", "2026-02-30T00:00:00Z", ""},
		{"February 29", "2026-02-29T00:00:00Z", ""},
		{"month 0", "2026-00-20T02:11:12Z", ""},
		{"month 13", "2026-13-20T02:11:12Z", ""},
		{"day 0", "2026-11-00T02:11:12Z", ""},
		{"hour 25", "2026-11-20T25:11:12Z", ""},
		{"24:01", "2026-11-20T24:01:00Z", ""},
		{"24:00:01", "2026-11-20T24:00:01Z", ""},
		{"no hour", "2026-11-20T", ""},
		{"no minute", "2026-11-20T02:", ""},
		{"no second", "2026-11-20T02:11:", ""},
		{"minute 60", "2026-11-20T02:60:12Z", ""},
		{"second 61", "2026-11-20T02:11:61Z", ""},
		{"fraction without digits", "2026-11-20T02:11:12.Z", ""},
		{"fraction of minutes", "2026-11-20T02:11.5Z", ""},
		{"offset of 24 hours", "2026-11-20T02:11:12+24:00", ""},
		{"offset of 60 minutes", "2026-11-20T02:11:12+08:60", ""},
		{"half an offset", "2026-11-20T02:11:12+8", ""},
		{"offset that ends in a colon", "2026-11-20T02:11:12+08:", ""},
		{"two spaces before the offset", "2026-11-20T02:11:12  +08", ""},
		{"trailing text", "2026-11-20T02:11:12Z or so", ""},
		{"trailing digit", "2026-11-20T02:11:12Z0", ""},
		{"one digit", "2026-1-20T02:11:12Z", ""},
		{"other separator", "2026-11-20_02:11:12Z", ""},
		{"slashes", "2026/11/20 02:11:12", ""},
		{"Arabic digits", "٢٠٢٦-11-20T02:11:12Z", ""},
		{"common log format, no zone", "20/Nov/2026:10:11:12", ""},
		{"common log format, other month", "20/Nev/2026:10:11:12 +0800", ""},
		{"common log format, between months", "20/nFe/2026:10:11:12 +0800", ""},
		{"common log format, one bracket", "[20/Nov/2026:02:11:12 +0000", ""},
		{"common log format, closing bracket alone", "x20/Nov/2026:10:11:12 +0800]", ""},
		{"common log format, November 31", "31/Nov/2026:10:11:12 +0800", ""},
		{"more than 64 bytes", "2026-11-20T02:11:12.000000000000000000000000000000000000000000000000000Z", ""},
	}
}

func TestEventTime(t *testing.T) {
	zone := mustZone(t, "Asia/Shanghai")
	for _, c := range timeCases() {
		t.Run(c.name, func(t *testing.T) {
			got, ok := parseTime(refQuote(c.text), zone)
			ref, refOK := refTime(refQuote(c.text), zone)
			require.Equal(t, ok, refOK)
			require.True(t, !ok || got.Equal(ref), "%v, reference %v", got, ref)
			if c.want == "" {
				require.False(t, ok, "%v", got)
				return
			}
			require.True(t, ok)
			assert.Equal(t, c.want, got.UTC().Format(time.RFC3339Nano))
		})
	}
}

func TestEventTimeOfOtherValues(t *testing.T) {
	for value, want := range map[string]string{
		`1795140672`:                             "2026-11-20T02:11:12Z",
		`1795140672.5`:                           "2026-11-20T02:11:12.5Z",
		`"2026-11-20T02:11:12\u005a"`:            "2026-11-20T02:11:12Z",
		`"\u0031795140672"`:                      "2026-11-20T02:11:12Z",
		`"20\/Nov\/2026:10:11:12 +0800"`:         "2026-11-20T02:11:12Z",
		`1e400`:                                  "",
		`-0`:                                     "",
		`0`:                                      "",
		`true`:                                   "",
		`false`:                                  "",
		`null`:                                   "",
		`{}`:                                     "",
		`[]`:                                     "",
		`[1795140672]`:                           "",
		`["20/Nov/2026:10:11:12 +0800"]`:         "",
		`{"a":"2026-11-20T02:11:12Z","b":[1,2]}`: "",
		`""`:                                     "",
		`"\ud800"`:                               "",
	} {
		t.Run(value, func(t *testing.T) {
			got, ok := parseTime([]byte(value), time.UTC)
			require.Equal(t, want != "", ok, "%v", got)
			if ok {
				require.Equal(t, want, got.UTC().Format(time.RFC3339Nano))
			}
		})
	}
}
