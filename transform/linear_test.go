package transform

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
)

// linear fails the test if the time for an input 16 times as large is more than
// 64 times as long: a quadratic way takes 256 times. The shortest of several
// runs counts, and a case has several chances, so that a busy machine does not
// matter.
func linear(t *testing.T, n int, prepare func(n int) (run func())) {
	t.Helper()
	const factor, bound, runs = 16, 64, 2
	small, large := prepare(n), prepare(factor*n)
	shortest := func(run func()) time.Duration {
		best := time.Hour
		for range runs {
			start := time.Now()
			run()
			best = min(best, time.Since(start))
		}
		return best
	}
	var ratio float64
	for range 8 {
		a, b := shortest(small), shortest(large)
		if ratio = float64(b) / float64(max(a, time.Microsecond)); ratio < bound {
			return
		}
	}
	require.Less(t, ratio, float64(bound), "times the time for %d times the input", factor)
}

func TestLinearTimeOfDocuments(t *testing.T) {
	numbered := func(n int, format string) string {
		parts := make([]string, n)
		for i := range parts {
			parts[i] = fmt.Sprintf(format, i)
		}
		return "{" + strings.Join(parts, ",") + "}"
	}
	repeat := strings.Repeat
	for name, body := range map[string]func(n int) string{
		"deeper than allowed":           func(n int) string { return repeat("[", 40*n) },
		"deeper than allowed, objects":  func(n int) string { return repeat(`{"a":`, 10*n) },
		"1000 levels, many times":       func(n int) string { return `{"a":[` + repeat(nested(990)+",", n/100) + "1]}" },
		"members":                       func(n int) string { return numbered(n, `"k%d":1`) },
		"members of long names":         func(n int) string { return numbered(n, `"`+repeat("k", 500)+`%d":1`) },
		"members of equal signatures":   func(n int) string { return numbered(n, `"samebegin%08d":1`) },
		"members that are all the same": func(n int) string { return "{" + repeat(`"a":1,`, n) + `"a":2}` },
		"members that are there twice":  func(n int) string { s := numbered(n, `"k%d":1`); return s[:len(s)-1] + "," + s[1:] },
		"names with escapes":            func(n int) string { return numbered(n, `"\u006b\u006b%d":{"\u0061":1}`) },
		"names with dots":               func(n int) string { return numbered(n, `"a.b.c.%d":{"a.b":{"c.d":1}}`) },
		"one name with many dots":       func(n int) string { return `{"` + repeat("a.", 20*n) + `":{"` + repeat("a.", 20*n) + `":1}}` },
		"members to remove":             func(n int) string { return numbered(n, `"k%d":{"secret":1,"a":{"b":{"c":2}}}`) },
		"elements to remove":            func(n int) string { return `{"a":[` + repeat(`{"secret":1,"b":{}},`, n) + `1]}` },
		"starts of rules": func(n int) string {
			return `{"a":` + repeat(`{"a":1,"x":[{"a":`, 300) + "1" + repeat(`}]}`, 300) + repeat(" ", n) + `}`
		},
		"unicode escapes": func(n int) string { return `{"a":"` + repeat(`\u4e2d`, 20*n) + `"}` },
		"lone surrogates": func(n int) string {
			return `{"a":"` + repeat(`\ud800`, 20*n) + `","message":"{\"b\":\"` + repeat(`\ud800`, 20*n) + `\"}"}`
		},
		"backslashes":                  func(n int) string { return `{"a":"` + repeat(`\\`, 40*n) + `"}` },
		"message":                      func(n int) string { return `{"a":1,"message":` + encoded(numbered(n, `"k%d":"\""`), 1) + `}` },
		"messages":                     func(n int) string { return "{" + repeat(`"message":"{\"a\":1}",`, n) + `"b":1}` },
		"message, broken at the end":   func(n int) string { return `{"message":` + encoded(repeat("[", 999)+repeat(" ", 20*n), 1) + `}` },
		"layers":                       func(n int) string { return encoded(`{"a":"`+repeat("x", 40*n)+`"}`, 8) },
		"layers of backslashes":        func(n int) string { return encoded(`{"a":"`+repeat(`\\`, n)+`"}`, 3) },
		"invalid UTF-8":                func(n int) string { return `{"a":"` + repeat("\xff中", 20*n) + `"}` },
		"white space":                  func(n int) string { return `{"a":{` + repeat(" \n", 20*n) + `}` + repeat(" ", 20*n) + `}` },
		"line breaks between elements": func(n int) string { return `{"a":[` + repeat("1,\n", 20*n) + `1]}` },
		"id":                           func(n int) string { return `{"id":"` + repeat(`\"`, 20*n) + `"}` },
		"time field":                   func(n int) string { return `{"t":"` + repeat(`\u0020`, 10*n) + `2026-11-20"}` },
		"almost an object":             func(n int) string { return numbered(n, `"k%d":1`) + "x" },
		"number":                       func(n int) string { return `{"a":1` + repeat("0", 40*n) + `.` + repeat("0", 40*n) + `}` },
	} {
		t.Run(name, func(t *testing.T) {
			opts := Options{
				IndexPrefix: "app", Ignore: []string{"x", "a.b.c.d", "**.secret", "**.a.a.a.b", "**.c.d"}, TimeField: "time",
				TimeFields: []string{"t", "a.b.c.x"}, IDField: "id",
			}
			linear(t, 200, func(n int) func() {
				payload := event.Append(nil, []event.Record{{Topic: "t", Body: []byte(body(n))}})
				w := newWorker(t, opts)
				var d event.Decoder
				var out []byte
				return func() {
					recs, err := d.Decode(payload, arrival, nil)
					require.NoError(t, err)
					out = w.Do(&recs[0]).AppendSource(out[:0])
				}
			})
		})
	}
}

// However names and values are piled up: what is looked at to find the ends of
// values is bounded by a multiple of the text, and then the rest is hidden.
func TestLinearWorkOfMasking(t *testing.T) {
	fragments := []string{
		":", "=", `"`, "'", `\`, `\\`, `\"`, `\u0022`, `\u003d`, "[", "{", "(", "}", ",", ";", "&", " ", "\n", `\n`, "a", "a:", "d", "密", `""`, ",a", "; a=",
		"password", "password=", `password="`, `password=""`, `password=""x`, "password='", "password={", `password={"`, `password=\"`, "password=a", "password,", "password=a=b;", "password=Token ", "password=Digest ", `pass\u0077ord`, "a:b",
		"password:", "<password>", "-----BEGIN", "password: |\n ", "name=password ", "<b>", "|", "%25", "&amp;", "“", "Authorization: \"", "--password ", "[0m", "N'",
	}
	r, err := newRules([]string{"password", "**.d", "authorization", "密码", strings.Repeat("d", 100), "a:b:a:b"})
	require.NoError(t, err)
	const size = 8000
	var m masker
	for _, f := range fragments {
		for _, g := range fragments {
			for _, text := range []string{f + strings.Repeat(g, size/len(g)), strings.Repeat(f+g, size/len(f+g))} {
				m.spans(&r.text, []byte(text))
				// What is looked at is counted, and so is what may be.
				require.Greater(t, m.work, -100*size, "%q %q", f, g)
			}
		}
	}
}
