package transform

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
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
		{"four digits", "7200", ""},
		{"s", "1795140672", "2026-11-20T02:11:12Z"},
		{"s, fraction", "1795140672.345", "2026-11-20T02:11:12.345Z"},
		{"s, long fraction", "1795140672.34567890199", "2026-11-20T02:11:12.345678901Z"},
		{"ms", "1795140672345", "2026-11-20T02:11:12.345Z"},
		{"ms, fraction", "1795140672345.678", "2026-11-20T02:11:12.345678Z"},
		{"µs", "1795140672345678", "2026-11-20T02:11:12.345678Z"},
		{"ns", "1795140672345678901", "2026-11-20T02:11:12.345678901Z"},
		{"ns, fraction", "1795140672345678901.9", "2026-11-20T02:11:12.345678901Z"},
		{"last s", "99999999999", ""},
		{"first ms", "100000000000", "1973-03-03T09:46:40Z"},
		{"last ns", "9223372036854775807", "2262-04-11T23:47:16.854775807Z"},
		{"beyond ns", "9223372036854775808", "2262-04-11T23:47:16.854775808Z"},
		{"20 digits that make no date", "17951406723456789012", ""},
		{"exponent", "1.795e9", "2026-11-18T11:06:40Z"},
		{"negative", "-1795140672", ""},
		{"plus sign", "+1795140672", ""},
		{"dot at the end", "1795140672.", ""},
		{"dot at the start", ".1795140672", ""},
		{"too short", "12", ""},
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
		{"two spaces before the offset", "2026-11-20T02:11:12  +08", "2026-11-19T18:11:12Z"},
		{"trailing text", "2026-11-20T02:11:12Z or so", ""},
		{"trailing digit", "2026-11-20T02:11:12Z0", ""},
		{"one digit", "2026-1-20T02:11:12Z", "2026-01-20T02:11:12Z"},
		{"other separator", "2026-11-20_02:11:12Z", ""},
		{"slashes", "2026/11/20 02:11:12", "2026-11-19T18:11:12Z"},
		{"Arabic digits", "٢٠٢٦-11-20T02:11:12Z", ""},
		{"common log format, no zone", "20/Nov/2026:10:11:12", "2026-11-20T02:11:12Z"},
		{"common log format, other month", "20/Nev/2026:10:11:12 +0800", ""},
		{"common log format, between months", "20/nFe/2026:10:11:12 +0800", ""},
		{"common log format, one bracket", "[20/Nov/2026:02:11:12 +0000", ""},
		{"common log format, closing bracket alone", "x20/Nov/2026:10:11:12 +0800]", ""},
		{"common log format, November 31", "31/Nov/2026:10:11:12 +0800", ""},
		{"96 bytes", "2026-11-20T02:11:12." + strings.Repeat("0", 75) + "Z", "2026-11-20T02:11:12Z"},
		{"more than 96 bytes", "2026-11-20T02:11:12." + strings.Repeat("0", 76) + "Z", ""},
	}
}

// wantTime is how the tests write a reading.
func wantTime(t time.Time, how reading) string {
	switch how {
	case lacking:
		return "lacking"
	case told:
		return t.UTC().Format(time.RFC3339Nano)
	default:
		return ""
	}
}

// agreeTime returns what a value is read as, in which the reference agrees.
func agreeTime(t require.TestingT, value []byte, zone *time.Location, at time.Time) (string, *timeReader) {
	r := &timeReader{zone: zone, arrival: at}
	got, how := r.read(value)
	want, wantHow := refReader{zone, at}.read(value, 0)
	require.Equal(t, wantTime(want, wantHow), wantTime(got, how), "%s: the reference reads the first", value)
	return wantTime(got, how), r
}

func TestEventTime(t *testing.T) {
	zone := mustZone(t, "Asia/Shanghai")
	for _, c := range append(timeCases(), loggerCases()...) {
		t.Run(c.name, func(t *testing.T) {
			got, _ := agreeTime(t, refQuote(c.text), zone, arrival)
			assert.Equal(t, c.want, got, "%s", c.text)
		})
	}
}

// Six of eight common formats were once named by the arrival time, and nothing
// said so. These are what loggers write.
func loggerCases() []timeCase {
	const sec, ms, ns = "2026-11-20T02:11:12Z", "2026-11-20T02:11:12.345Z", "2026-11-20T02:11:12.345678901Z"
	return []timeCase{
		{"logback", "2026-11-20 10:11:12,345", ms},
		{"logback ISO8601 with zone", "2026-11-20T10:11:12,345+0800", ms},
		{"log4j2 DATE", "20 Nov 2026 10:11:12,345", ms},
		{"log4j2 COMPACT", "20261120101112345", ms},
		{"log4j2 ISO8601_BASIC", "20261120T101112,345", ms},
		{"log4j2 ISO8601_BASIC_PERIOD", "20261120T101112.345", ms},
		{"log4j2 US_MONTH_DAY_YEAR4_TIME", "11/20/2026 10:11:12.345", ms},
		{"log4j, colon before ms", "2026-11-20 10:11:12:345", ms},
		{"java.util.logging", "Nov 20, 2026 10:11:12 AM", sec},
		{"java.util.logging, JDK 20's narrow blank", "Nov 20, 2026, 10:11:12\u202fAM", sec},
		{"java.util.logging, Chinese", "十一月 20, 2026 10:11:12 上午", sec},
		{"java.util.logging, Chinese, JDK 9", "11月 20, 2026 10:11:12 上午", sec},
		{"java.util.Date", "Fri Nov 20 10:11:12 CST 2026", sec},
		{"ZonedDateTime", "2026-11-20T10:11:12.345+08:00[Asia/Shanghai]", ms},
		{"ZonedDateTime, UTC", "2026-11-20T02:11:12.345Z[UTC]", ms},
		{"ZonedDateTime, offset zone", "2026-11-20T10:11:12.345+08:00[GMT+08:00]", ms},
		{"LocalDateTime without seconds", "2026-11-20T10:11", "2026-11-20T02:11:00Z"},
		{"tomcat", "20-Nov-2026 10:11:12.345", ms},
		{"WebLogic", "Nov 20, 2026 10:11:12,345 AM CST", ms},
		{"Python logging", "2026-11-20 10:11:12,345", ms},
		{"Python datetime", "2026-11-20 02:11:12.345678+00:00", "2026-11-20T02:11:12.345678Z"},
		{"Python asctime", "Fri Nov 20 10:11:12 2026", sec},
		{"Python compact, µs", "20261120101112345678", "2026-11-20T02:11:12.345678Z"},
		{"gunicorn", "[2026-11-20 10:11:12 +0800]", sec},
		{"Django", "[20/Nov/2026 10:11:12]", sec},
		{"Go log", "2026/11/20 10:11:12", sec},
		{"Go log, µs", "2026/11/20 10:11:12.345678", "2026-11-20T02:11:12.345678Z"},
		{"Go Time.String", "2026-11-20 10:11:12.345678901 +0800 CST", ns},
		{"Go Time.String, monotonic", "2026-11-20 10:11:12.345678901 +0800 CST m=+0.000017", ns},
		{"Go Time.String, zone without a name", "2026-11-20 10:11:12.345678901 +0800 +08", ns},
		{"Go Time.String, UTC", "2026-11-20 02:11:12 +0000 UTC", sec},
		{"Go UnixDate", "Fri Nov 20 10:11:12 CST 2026", sec},
		{"Go RubyDate", "Fri Nov 20 10:11:12 +0800 2026", sec},
		{"Go RFC850", "Friday, 20-Nov-26 02:11:12 GMT", sec},
		{"Go RFC822Z", "20 Nov 26 10:11 +0800", "2026-11-20T02:11:00Z"},
		{"Go RFC1123", "Fri, 20 Nov 2026 02:11:12 GMT", sec},
		{"Go RFC1123Z", "Fri, 20 Nov 2026 10:11:12 +0800", sec},
		{"klog", "I1120 10:11:12.345678", "2026-11-20T02:11:12.345678Z"},
		{"zap, ISO8601", "2026-11-20T10:11:12.345+0800", ms},
		{"nginx error", "2026/11/20 10:11:12", sec},
		{"nginx msec", "1795140672.345", ms},
		{"Apache error", "[Fri Nov 20 10:11:12.345678 2026]", "2026-11-20T02:11:12.345678Z"},
		{"PHP error_log", "[20-Nov-2026 02:11:12 UTC]", sec},
		{"PHP error_log with a zone", "[20-Nov-2026 10:11:12 Asia/Shanghai]", sec},
		{"PHP error_log with another zone", "[20-Nov-2026 03:11:12 Europe/Berlin]", sec},
		{"PHP error_log with an unknown zone", "[20-Nov-2026 03:11:12 Europe/Nowhere]", ""},
		{"Monolog", "2026-11-20T10:11:12.345678+08:00", "2026-11-20T02:11:12.345678Z"},
		{".NET round trip", "2026-11-20T10:11:12.3456789+08:00", "2026-11-20T02:11:12.3456789Z"},
		{".NET, en-US", "11/20/2026 10:11:12 AM", sec},
		{".NET, zh-CN", "2026/11/20 10:11:12", sec},
		{".NET, zh-CN, with the weekday", "2026/11/20 星期五 10:11:12", sec},
		{".NET, de-DE", "20.11.2026 10:11:12", sec},
		{".NET JSON", "/Date(1795140672345)/", ms},
		{".NET JSON with a zone", "/Date(1795140672345+0800)/", ms},
		{"Serilog", "2026-11-20 10:11:12.345 +08:00", ms},
		{"NLog", "2026-11-20 10:11:12.3456", "2026-11-20T02:11:12.3456Z"},
		{"IIS", "2026-11-20 10:11:12", sec},
		{"syslog RFC 3164", "Nov 20 10:11:12", sec},
		{"syslog RFC 3164, padded", "Nov  2 10:11:12", "2026-11-02T02:11:12Z"},
		{"syslog RFC 3164, before New Year", "Dec 31 10:11:12", "2026-12-31T02:11:12Z"},
		{"syslog RFC 3164, last year", "Feb 29 10:11:12", "2028-02-29T02:11:12Z"},
		{"syslog RFC 5424", "2026-11-20T02:11:12.345678Z", "2026-11-20T02:11:12.345678Z"},
		{"Cisco", "Nov 20 2026 10:11:12.345 CST", ms},
		{"Kubernetes CRI", "2026-11-20T10:11:12.345678901+08:00", ns},
		{"MySQL general and slow", "2026-11-20T02:11:12.345678Z", "2026-11-20T02:11:12.345678Z"},
		{"MySQL 5.6", "2026-11-20 10:11:12", sec},
		{"MySQL 5.5", "261120 10:11:12", sec},
		{"MySQL 5.5, padded", "261120  9:11:12", "2026-11-20T01:11:12Z"},
		{"PostgreSQL", "2026-11-20 10:11:12.345 CST", ms},
		{"PostgreSQL, UTC", "2026-11-20 02:11:12.345 UTC", ms},
		{"PostgreSQL, short offset", "2026-11-20 10:11:12.345678+08", "2026-11-20T02:11:12.345678Z"},
		{"Redis", "20 Nov 2026 10:11:12.345", ms},
		{"Redis 2", "20 Nov 10:11:12.345", ms},
		{"Oracle TIMESTAMP", "20-NOV-26 10.11.12.345678 AM", "2026-11-20T02:11:12.345678Z"},
		{"Oracle TIMESTAMP WITH TIME ZONE", "20-NOV-26 10.11.12.345678 AM +08:00", "2026-11-20T02:11:12.345678Z"},
		{"Oracle TIMESTAMP WITH TIME ZONE, region", "20-NOV-26 10.11.12.345678 AM ASIA/SHANGHAI", ""},
		{"Oracle DATE", "20-NOV-26", "2026-11-19T16:00:00Z"},
		{"Oracle alert log", "Fri Nov 20 10:11:12 2026", sec},
		{"Oracle listener", "20-NOV-2026 10:11:12", sec},
		{"DB2", "2026-11-20-10.11.12.345678", "2026-11-20T02:11:12.345678Z"},
		{"Canal", "1795140672345", ms},
		{"Maxwell", "1795140672", sec},
		{"OGG", "2026-11-20 10:11:12.345678", "2026-11-20T02:11:12.345678Z"},
		{"OGG, colon", "2026-11-20:10:11:12.345678", "2026-11-20T02:11:12.345678Z"},
		{"Debezium, ns", "1795140672345678901", ns},
		{"JavaScript", "Fri Nov 20 2026 10:11:12 GMT+0800 (China Standard Time)", sec},
		{"JavaScript toUTCString", "Fri, 20 Nov 2026 02:11:12 GMT", sec},
		{"JavaScript, en-US", "11/20/2026, 10:11:12 AM", sec},
		{"date(1)", "Fri Nov 20 10:11:12 CST 2026", sec},
		{"date(1), Chinese", "2026年 11月 20日 星期五 10:11:12 CST", sec},
		{"Chinese", "2026年11月20日 10:11:12", sec},
		{"Chinese, no blank", "2026年11月20日10:11:12", sec},
		{"Chinese, hours by name", "2026年11月20日 10时11分12秒", sec},
		{"Chinese, half days", "2026年11月20日 上午10:11:12", sec},
		{"Chinese, after noon", "2026年11月20日 下午3:11:12", "2026-11-20T07:11:12Z"},
		{"Chinese, weekday", "2026年11月20日 星期五 10:11:12", sec},
		{"Chinese, date alone", "2026年11月20日", "2026-11-19T16:00:00Z"},
		{"Chinese, without a year", "11月20日 10:11:12", sec},
		{"fluent-bit without milliseconds", "2026-11-20T02:11:12.%L+0000", sec},
		{"Lua exponent", "1.795140672e+09", sec},
		{"Lua exponent, ms", "1.795140672345e+12", ms},
		{"compact, 14", "20261120101112", sec},
		{"compact, 14, fraction", "20261120101112.345", ms},
		{"compact, T, zone", "20261120T101112.345+0800", ms},
		{"compact, 8", "20261120", "2026-11-19T16:00:00Z"},
		{"compact, blank, clock", "20261120 10:11:12", sec},
		{"logcat", "11-20 10:11:12.345", ms},
		{"GMT+8", "2026-11-20 10:11:12 GMT+8", sec},
		{"UTC+08:00", "2026-11-20 10:11:12 UTC+08:00", sec},
		{"midnight, 12-hour clock", "11/20/2026 12:11:12 AM", "2026-11-19T16:11:12Z"},
		{"noon, 12-hour clock", "11/20/2026 12:11:12 PM", "2026-11-20T04:11:12Z"},
		{"zero", "0", "1970-01-01T00:00:00Z"},
		{"zero, fraction", "0.000000", "1970-01-01T00:00:00Z"},
		{"Go's zero time", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"empty", "", "lacking"},
		{"blank", "  ", "lacking"},
		{"empty brackets", "[]", "lacking"},
		{"day or month", "02/03/2026 10:11:12", ""},
		{"day and month the same", "03/03/2026 10:11:12", "2026-03-03T02:11:12Z"},
		{"year or day", "20/11/26 10:11:12", ""},
		{"time alone", "10:11:12.345", ""},
		{"an abbreviation that the zone does not have", "2026-11-20 10:11:12 PST", ""},
		{"an abbreviation that it does not have then", "2026-11-20 10:11:12 CDT", ""},
		{"another weekday", "Mon, 20 Nov 2026 02:11:12 GMT", ""},
		{"UTC and another offset", "2026-11-20 10:11:12 +0800 UTC", ""},
		{"another offset than its repetition", "2026-11-20 10:11:12 +0800 +09", ""},
		{"13 o'clock before noon", "11/20/2026 13:11:12 AM", ""},
		{"0000-00-00, MySQL's zero", "0000-00-00 00:00:00", ""},
		{"placeholder", "2026-11-20T%H:%M:%S", ""},
	}
}

// Nothing may be named by a guess: what holds no time is not read as one.
func TestNoEventTime(t *testing.T) {
	for _, text := range []string{
		// versions
		"1.2.3", "10.15.7", "2026.1.2", "2026.11.20", "20.11.2026", "v2026.11.20", "1.0.0-rc.1", "2026.1", "26.04.1", "3.11", "1.26.8", "go1.26", "11.0.21+9", "2026-11", "21H2",
		// addresses
		"10.0.0.1", "192.168.1.254", "10.0.0.1:8080", "172.16.254.1/24", "fe80::1", "2001:db8::1", "01:23:45:67:89:ab", "127.0.0.1:9200", "10.11.12.13:14",
		// ids and numbers
		"550e8400-e29b-41d4-a716-446655440000", "ORDER-20261120", "20261120-0001", "20261120001", "2026112010", "0420261120", "1234567", "99999999", "12345678", "42", "-1", "7200", "665f00aa11bb22cc33dd4401",
		"A1120", "E0001 x", "I1120", "1120", "11-20", "11/20", "2026", "202611", "2026-330", "2026-W47-5", "2026-11-20-001", "4111111111111111111111", "0x6740", "1e3", "1.5e-3", "1,795,140,672",
		// telephones
		"13812345678", "138-1234-5678", "+86 138 1234 5678", "010-12345678", "(021) 6123-4567", "1-800-555-0199", "555-0199", "+1 (415) 555-0132", "400-810-8888",
		// words
		"May", "March 2026", "Mar 3", "Sat", "Sunday, May 3", "second", "today", "now", "n/a", "-", "null", "NaN", "Infinity", "true", "T10:11:12", "10:11", "10:11:12", "25:00", "3:2", "12 monkeys", "Nov 20", "20 Nov",
		"Dec-20", "二十日", "十一月", "星期五", "11月20日", "AM", "UTC", "CST", "+08:00", "Z", "Asia/Shanghai", "[UTC]", "/Date()/", "/Date(x)/", "1st of May 2026", "2026-11-20 INFO start", "INFO 2026-11-20 10:11:12",
		"2026-11-20 10:11:12 - 2026-11-20 10:11:13", "GET / HTTP/1.1", "password=1795140672",
	} {
		got, _ := agreeTime(t, refQuote(text), time.UTC, arrival)
		want := ""
		if text == "2026112010" { // ten digits are seconds, of 2034
			want = "2034-03-16T08:53:30Z"
		}
		assert.Equal(t, want, got, text)
	}
}

func TestEventTimeOfOtherValues(t *testing.T) {
	for value, want := range map[string]string{
		`1795140672`:                       "2026-11-20T02:11:12Z",
		`1795140672.5`:                     "2026-11-20T02:11:12.5Z",
		`1.7951406725e9`:                   "2026-11-20T02:11:12.5Z",
		`1.7951406725E+12`:                 "2026-11-20T02:11:12.5Z",
		`17951406725e-1`:                   "2026-11-20T02:11:12.5Z",
		`20261120021112`:                   "2026-11-20T02:11:12Z",
		`20261120021112123`:                "2026-11-20T02:11:12.123Z",
		`20261120`:                         "2026-11-20T00:00:00Z",
		`20261320`:                         "",
		`"2026-11-20T02:11:12\u005a"`:      "2026-11-20T02:11:12Z",
		`"\u0031795140672"`:                "2026-11-20T02:11:12Z",
		`"20\/Nov\/2026:10:11:12 +0800"`:   "2026-11-20T02:11:12Z",
		`1e400`:                            "",
		`-0`:                               "",
		`-1`:                               "",
		`0`:                                "1970-01-01T00:00:00Z",
		`0.000`:                            "1970-01-01T00:00:00Z",
		`true`:                             "",
		`false`:                            "",
		`null`:                             "lacking",
		`{}`:                               "",
		`[]`:                               "lacking",
		`[null]`:                           "lacking",
		`[1795140672]`:                     "2026-11-20T02:11:12Z",
		`[1795140672,1795140673]`:          "",
		`["20/Nov/2026:10:11:12 +0800"]`:   "2026-11-20T02:11:12Z",
		`[[[["2026-11-20"]]]]`:             "2026-11-20T00:00:00Z",
		`[[[[["2026-11-20"]]]]]`:           "",
		`[2026,11,20,2,11,12,345000000]`:   "2026-11-20T02:11:12.345Z",
		`[2026,11,20,2,11]`:                "2026-11-20T02:11:00Z",
		`[ 2026 , 11 , 20 ]`:               "2026-11-20T00:00:00Z",
		`[2026,11]`:                        "",
		`[2026,11,20,2]`:                   "",
		`[2026,13,20]`:                     "",
		`[2026,11,20,2,11,12,3,4]`:         "",
		`["2026",11,20]`:                   "",
		`{"$date":1795140672345}`:          "2026-11-20T02:11:12.345Z",
		`{"$date":"2026-11-20T02:11:12Z"}`: "2026-11-20T02:11:12Z",
		`{"$date":{"$numberLong":"1795140672345"}}`:           "2026-11-20T02:11:12.345Z",
		`{"$numberLong":"1795140672345"}`:                     "2026-11-20T02:11:12.345Z",
		`{"$timestamp":{"t":1795140672,"i":1}}`:               "2026-11-20T02:11:12Z",
		`{"epochSecond":1795140672,"nanoOfSecond":345678901}`: "2026-11-20T02:11:12.345678901Z",
		`{"seconds":"1795140672","nanos":5}`:                  "2026-11-20T02:11:12.000000005Z",
		`{"seconds":1795140672}`:                              "2026-11-20T02:11:12Z",
		`{"epochSecond":1795140672,"nanoOfSecond":"x"}`:       "",
		`{"a":"2026-11-20T02:11:12Z","b":[1,2]}`:              "",
		`""`:                                                  "lacking",
		`"\ud800"`:                                            "",
	} {
		t.Run(value, func(t *testing.T) {
			got, _ := agreeTime(t, []byte(value), time.UTC, arrival)
			require.Equal(t, want, got)
		})
	}
}

// Where clocks are set back the same local time comes twice, and only the
// abbreviation tells which is meant.
func TestAbbreviationsOfZones(t *testing.T) {
	for _, c := range []struct{ zone, text, want string }{
		{"America/Chicago", "2026-11-01 01:30:00 CDT", "2026-11-01T06:30:00Z"},
		{"America/Chicago", "2026-11-01 01:30:00 CST", "2026-11-01T07:30:00Z"},
		{"America/Chicago", "2026-11-20 01:30:00 CST", "2026-11-20T07:30:00Z"},
		{"America/Chicago", "2026-11-20 01:30:00 CDT", ""},
		{"Europe/London", "2026-10-25 01:30:00 BST", "2026-10-25T00:30:00Z"},
		{"Europe/London", "2026-10-25 01:30:00 GMT", "2026-10-25T01:30:00Z"},
		{"Asia/Shanghai", "2026-11-20 10:11:12 CST", "2026-11-20T02:11:12Z"},
		{"UTC", "2026-11-20 10:11:12 CST", ""},
		{"UTC", "2026-11-20 10:11:12 utc", "2026-11-20T10:11:12Z"},
	} {
		got, r := agreeTime(t, refQuote(c.text), mustZone(t, c.zone), arrival)
		assert.Equal(t, c.want, got, "%s in %s", c.text, c.zone)
		assert.Equal(t, c.want != "" && !strings.HasSuffix(c.text, "GMT") && !strings.HasSuffix(c.text, "utc"), r.byZone, c.text)
	}
}

// timeFormat is a way in which loggers write times, in Go's terms.
type timeFormat struct {
	layout string
	unit   time.Duration // what is lost
	zoned  bool          // it says its offset, or its zone
}

func timeFormats() []timeFormat {
	const ns, ms, s = time.Nanosecond, time.Millisecond, time.Second
	return []timeFormat{
		{time.RFC3339Nano, ns, true},
		{time.RFC3339, s, true},
		{"2006-01-02T15:04:05.000Z0700", ms, true},
		{"2006-01-02T15:04:05,000-07:00", ms, true},
		{"2006-01-02 15:04:05.000000000 -0700 MST", ns, true},
		{"2006-01-02 15:04:05.000 -0700 -0700 m=+0.5", ms, true},
		{"2006-01-02 15:04:05,000", ms, false},
		{"2006-01-02 15:04:05.000 MST", ms, true},
		{"2006/01/02 15:04:05", s, false},
		{"2006/1/2 15:04:05 -07:00", s, true},
		{"2006/1/2 Monday 3:04:05 PM -07:00", s, true},
		{"2006.01.02 15:04:05 -0700", s, true},
		{"2006-01-02-15.04.05.000000000", ns, false},
		{"2006-01-02:15:04:05.000000000", ns, false},
		{"20060102T150405.000Z0700", ms, true},
		{"20060102T150405Z0700", s, true},
		{"20060102150405", s, false},
		{"20060102150405.000", ms, false},
		{"060102 15:04:05", s, false},
		{"02/Jan/2006:15:04:05 -0700", s, true},
		{"[02/Jan/2006:15:04:05 -0700]", s, true},
		{"02-Jan-2006 15:04:05.000", ms, false},
		{"02-Jan-06 03.04.05.000000000 PM -07:00", ns, true},
		{"02 Jan 2006 15:04:05,000", ms, false},
		{"2 January 2006 15:04:05", s, false},
		{"Jan 2, 2006 3:04:05 PM", s, false},
		{"Jan _2 15:04:05 -0700", s, true},
		{"Jan _2 15:04:05.000000000", ns, false},
		{"02 Jan 15:04:05.000", ms, false},
		{"01-02 15:04:05.000", ms, false},
		{"I0102 15:04:05.000000000", ns, false},
		{"Mon Jan _2 15:04:05 2006", s, false},
		{"Mon Jan _2 15:04:05 MST 2006", s, true},
		{"Mon Jan 02 15:04:05 -0700 2006", s, true},
		{"Mon, 02 Jan 2006 15:04:05 -0700", s, true},
		{"Monday, 02-Jan-06 15:04:05 MST", s, true},
		{"Mon Jan 02 2006 15:04:05 GMT-0700 (MST)", s, true},
		{"02.01.2006 15:04:05", s, false},
		{"2006年01月02日 15:04:05", s, false},
		{"2006年1月2日 15时04分05秒", s, false},
		{"1月2日 15:04:05.000", ms, false},
		{"1月 2, 2006 3:04:05 PM", s, false},
	}
}

// A random instant in a random format of a random zone is read as just that
// instant.
func TestWrittenTimesAreReadBack(t *testing.T) {
	zones := []string{"UTC", "Asia/Shanghai", "America/St_Johns", "America/Chicago", "Europe/London", "Asia/Kathmandu", "Pacific/Apia", "Australia/Lord_Howe", "Europe/Berlin"}
	formats := timeFormats()
	rapid.Check(t, func(t *rapid.T) {
		zone, err := time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "zone"))
		require.NoError(t, err)
		at := time.Unix(rapid.Int64Range(1e9, 3e9).Draw(t, "arrival"), 0)
		instant := at.Add(time.Duration(rapid.Int64Range(-150*86400e9, 150*86400e9).Draw(t, "before")))
		f := rapid.SampledFrom(formats).Draw(t, "format")
		in := zone
		if f.zoned && !strings.Contains(f.layout, "MST") {
			if in, err = time.LoadLocation(rapid.SampledFrom(zones).Draw(t, "the writer's zone")); err != nil {
				t.Fatal(err)
			}
		}
		instant = instant.In(in).Truncate(f.unit)
		if !f.zoned {
			// What is written twice when clocks are set back means one of the two.
			if again, _ := time.ParseInLocation(time.DateTime, instant.Format(time.DateTime), zone); !again.Add(time.Duration(instant.Nanosecond())).Equal(instant) {
				t.Skip("not one instant") // rapid draws another; the test is not skipped
			}
		}
		text := instant.Format(f.layout)
		if name, _ := instant.Zone(); strings.Contains(f.layout, "MST") && !isAbbreviation([]byte(name)) && !strings.Contains(f.layout, "-0700") {
			t.Skip("the zone has no name") // as above
		}
		r := timeReader{zone: zone, arrival: at}
		got, how := r.read(refQuote(text))
		require.Equal(t, told, how, text)
		require.True(t, got.Equal(instant), "%s: wrote %v, read %v", text, instant, got)
	})
}

// The same for counts since 1970.
func TestCountsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		nanos := rapid.Int64Range(1e17, 9e18).Draw(t, "nanoseconds")
		r := timeReader{zone: time.UTC, arrival: arrival}
		for _, c := range []struct {
			text string
			unit int64
		}{
			{strconv.FormatInt(nanos, 10), 1},
			{strconv.FormatInt(nanos/1e3, 10), 1e3},
			{strconv.FormatInt(nanos/1e6, 10), 1e6},
			{strconv.FormatInt(nanos/1e9, 10), 1e9},
			{fmt.Sprintf("%d.%09d", nanos/1e9, nanos%1e9), 1},
			{fmt.Sprintf("%d.%06d", nanos/1e6, nanos%1e6), 1},
			{fmt.Sprintf("%de-9", nanos), 1},
			{fmt.Sprintf("0.%de%d", nanos, len(strconv.FormatInt(nanos, 10))-9), 1},
		} {
			for _, value := range []string{c.text, `"` + c.text + `"`} {
				got, how := r.read([]byte(value))
				require.Equal(t, told, how, value)
				require.Equal(t, nanos/c.unit*c.unit, got.UnixNano(), value)
			}
		}
	})
}

func TestShape(t *testing.T) {
	for value, want := range map[string]string{
		`"2026-13-20T02:11:12Z"`: `"9999-99-99a99:99:99a"`,
		`"密码 hunter2"`:           `"aa aaaaaa9"`,
		`{"a":[1,true]}`:         `{"a":[9,aaaa]}`,
		"\x00\xff٣":              "??9",
		strings.Repeat("x", 48):  strings.Repeat("a", 48),
		strings.Repeat("中", 49):  strings.Repeat("a", 48) + "…",
	} {
		assert.Equal(t, want, Shape([]byte(value)))
	}
}

func BenchmarkEventTime(b *testing.B) {
	for name, text := range map[string]string{
		"RFC3339": "2026-11-20T02:11:12.345Z", "offset": "2026-11-20T10:11:12+08:00", "logback": "2026-11-20 10:11:12,345",
		"nginx": "20/Nov/2026:10:11:12 +0800", "epoch": "1795140672345", "asctime": "Fri Nov 20 10:11:12 2026",
		"syslog": "Nov 20 10:11:12", "chinese": "2026年11月20日 10:11:12", "none": "a line of text that is no time",
	} {
		b.Run(name, func(b *testing.B) {
			r := timeReader{zone: mustZone(b, "Asia/Shanghai"), arrival: arrival}
			value := refQuote(text)
			b.ReportAllocs()
			for b.Loop() {
				r.read(value)
			}
		})
	}
}
