package main

import (
	"strconv"
	"strings"
	"time"
)

// times are documents with a time in "@timestamp", in every format that the
// design names and some that it does not. They are meant for an arrival at
// 2026-11-20T12:00:00+08:00, the default window (720 hours back, 24 ahead) and
// the zone UTC. Where the design leaves no doubt, want says the hour of the
// index, or arrival.
func times() []string {
	const (
		hour    = "2026-11-20-02"
		arrival = "arrival"
		unsure  = ""
	)
	at := time.Date(2026, 11, 20, 2, 11, 12, 345_678_901, time.UTC)
	oldest := time.Date(2026, 10, 21, 4, 0, 0, 0, time.UTC)
	newest := time.Date(2026, 11, 21, 4, 0, 0, 0, time.UTC)
	stamp := func(t time.Time) string { return quote(t.Format(time.RFC3339Nano)) }
	number := func(n int64) string { return strconv.FormatInt(n, 10) }

	var out []string
	for _, c := range []struct{ name, value, want string }{
		{"rfc 3339", `"2026-11-20T02:11:12Z"`, hour},
		{"rfc 3339, +08:00", `"2026-11-20T10:11:12+08:00"`, hour},
		{"rfc 3339, -03:30", `"2026-11-19T22:41:12-03:30"`, hour},
		{"rfc 3339, tenths", `"2026-11-20T02:11:12.3Z"`, hour},
		{"rfc 3339, ms", `"2026-11-20T10:11:12.345+08:00"`, hour},
		{"rfc 3339, µs", `"2026-11-20T02:11:12.345678Z"`, hour},
		{"rfc 3339, ns", stamp(at), hour},
		{"rfc 3339, lower case", `"2026-11-20t02:11:12z"`, hour},
		{"rfc 3339, escaped", `"2026-11-20T02:11:12\u005a"`, hour},
		{"rfc 3339, space before", `" 2026-11-20T02:11:12Z"`, hour},
		{"iso 8601, no zone", `"2026-11-20T02:11:12"`, hour},
		{"iso 8601, no zone, ms", `"2026-11-20T02:11:12.345"`, hour},
		{"iso 8601, +0800", `"2026-11-20T10:11:12+0800"`, hour},
		{"iso 8601, +08", `"2026-11-20T10:11:12+08"`, hour},
		{"iso 8601, ms, +0800", `"2026-11-20T10:11:12.345+0800"`, hour},
		{"iso 8601, comma", `"2026-11-20T02:11:12,345Z"`, hour},
		{"iso 8601, no seconds", `"2026-11-20T02:11Z"`, hour},
		{"iso 8601, basic", `"20261120T021112Z"`, hour},
		{"iso 8601, date only", `"2026-11-20"`, "2026-11-20-00"},
		{"space", `"2026-11-20 02:11:12"`, hour},
		{"space, ms", `"2026-11-20 02:11:12.345"`, hour},
		{"space, comma", `"2026-11-20 02:11:12,345"`, hour},
		{"space, zone", `"2026-11-20 10:11:12 +0800"`, hour},
		{"slashes", `"2026/11/20 02:11:12"`, hour},
		{"common log format", `"20/Nov/2026:10:11:12 +0800"`, hour},
		{"common log format, utc", `"20/Nov/2026:02:11:12 +0000"`, hour},
		{"common log format, brackets", `"[20/Nov/2026:10:11:12 +0800]"`, hour},
		{"epoch s", number(at.Unix()), hour},
		{"epoch ms", number(at.UnixMilli()), hour},
		{"epoch µs", number(at.UnixMicro()), hour},
		{"epoch ns", number(at.UnixNano()), hour},
		{"epoch s, string", quote(number(at.Unix())), hour},
		{"epoch ms, string", quote(number(at.UnixMilli())), hour},
		{"epoch µs, string", quote(number(at.UnixMicro())), hour},
		{"epoch ns, string", quote(number(at.UnixNano())), hour},
		{"epoch s, fraction", number(at.Unix()) + ".345", hour},
		{"epoch s, fraction, string", quote(number(at.Unix()) + ".345"), hour},
		{"epoch ms, fraction", number(at.UnixMilli()) + ".678", hour},
		{"epoch s, exponent", "1.795140672e9", hour},
		{"last ms of a day", `"2026-11-19T23:59:59.999Z"`, "2026-11-19-23"},
		{"first of a day", `"2026-11-20T00:00:00.000Z"`, "2026-11-20-00"},
		{"midnight in Shanghai", `"2026-11-20T00:00:00+08:00"`, "2026-11-19-16"},
		{"leap second", `"2026-11-19T23:59:60Z"`, "2026-11-20-00"},
		{"24:00", `"2026-11-19T24:00:00Z"`, "2026-11-20-00"},
		{"oldest inside", stamp(oldest), "2026-10-21-04"},
		{"1 ms too old", stamp(oldest.Add(-time.Millisecond)), arrival},
		{"newest inside", stamp(newest), "2026-11-21-04"},
		{"1 ms too new", stamp(newest.Add(time.Millisecond)), arrival},
		{"year 1970", `0`, arrival},
		{"negative", `-1795140672`, arrival},
		{"year 2106", `4294967296`, arrival},
		{"year 9999", `"9999-12-31T23:59:59Z"`, arrival},
		{"year 0", `"0000-01-01T00:00:00Z"`, arrival},
		{"12 digits", `179514067212`, arrival},
		{"20 digits", `17951406723456789012`, arrival},
		{"1e400", `1e400`, arrival},
		{"February 30", `"2026-02-30T00:00:00Z"`, arrival},
		{"month 13", `"2026-13-20T02:11:12Z"`, arrival},
		{"hour 25", `"2026-11-20T25:11:12Z"`, arrival},
		{"trailing text", `"2026-11-20T02:11:12Z or so"`, arrival},
		{"text", `"yesterday"`, arrival},
		{"empty", `""`, arrival},
		{"null", `null`, arrival},
		{"boolean", `true`, arrival},
		{"object", `{"seconds":1795140672}`, hour},
		{"array of one", `[1795140672]`, hour},
		{"array of several", `[1795140672,1795140672]`, arrival},
	} {
		out = append(out, timeCase(c.name, `"@timestamp":`+c.value, c.want))
	}
	return append(out,
		timeCase("missing", `"other":1`, arrival),
		timeCase("nested, second path", `"event":{"created":"2026-11-20T02:11:12Z"}`, hour),
		timeCase("third path after no time", `"@timestamp":"soon","event":{"created":null},"ts":1795140672`, hour),
		timeCase("name with a dot", `"event.created":"2026-11-20T02:11:12Z"`, unsure),
		timeCase("twice, the last wins", `"@timestamp":"2026-11-18T02:11:12Z","@timestamp":"2026-11-20T02:11:12Z"`, hour),
		timeCase("escaped name", `"@time\u0073tamp":"2026-11-20T02:11:12Z"`, hour),
		timeCase("inside message", `"message":"{\"@timestamp\":\"2026-11-20T02:11:12Z\"}"`, hour),
		"plain text of 2026-11-18T02:11:12Z",
	)
}

func timeCase(name, members, want string) string {
	s := `{"case":` + quote(name) + "," + members
	if want != "" {
		s += `,"want":` + quote(want)
	}
	return strings.TrimSuffix(s, ",") + "}"
}
