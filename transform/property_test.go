package transform

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// Generators of records that look like records: few names, so that they meet
// rules and each other, in all spellings.

func genName() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{
		"a", "b", "c", "a.b", "b.c", "a.b.c", "", ".", "message", "time", "log_id", "中", "a.", "abcdefgh", "abcdefgi", strings.Repeat("n", 64),
		`\u0061`, `\u0062.c`, `a\u002eb`, `mess\u0061ge`, `\"`, `\/`, `\\`, `\ud800`, `\u4e2d`, `\n`,
	})
}

func genSpace() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{"", "", "", "", " ", "\t", "\n", " \r\n "})
}

func genScalar() *rapid.Generator[string] {
	return rapid.SampledFrom([]string{
		"1", "0", "-1.10", "1e400", "9223372036854775808", "true", "false", "null", `""`, `"x"`, `"中\n\"\\"`, `"\ud800"`, `"\ud83c\udf89"`, "\"\xff\"",
		`"2026-11-20T02:11:12Z"`, `"2026-11-19 12:00:00.5"`, "1795140672", "1795140672345", `"1999-01-01"`, `"20\/Nov\/2026:10:11:12 +0530"`, `"{}"`, `"[1]"`,
	})
}

func genValue(t *rapid.T, depth int) string {
	kind := rapid.IntRange(0, 7).Draw(t, "kind")
	switch {
	case depth > 0 && kind == 0:
		return genObject(t, depth-1)
	case depth > 0 && kind == 1:
		var elems []string
		for range rapid.IntRange(0, 3).Draw(t, "elements") {
			elems = append(elems, space(t)+genValue(t, depth-1)+space(t))
		}
		return "[" + strings.Join(elems, ",") + space(t) + "]"
	default:
		return genScalar().Draw(t, "scalar")
	}
}

func space(t *rapid.T) string { return genSpace().Draw(t, "space") }

func genObject(t *rapid.T, depth int) string {
	most := 6
	if rapid.IntRange(0, 20).Draw(t, "many") == 0 {
		most = 45 // beyond the number from which duplicates are found otherwise
	}
	var members []string
	for range rapid.IntRange(0, most).Draw(t, "members") {
		name := genName().Draw(t, "name")
		value := genValue(t, depth)
		if strings.HasPrefix(name, "mess") && rapid.Bool().Draw(t, "wrap") {
			inner, _ := refValidUTF8(genObject(t, depth-1))
			value = encoded(inner, 1)
		}
		members = append(members, space(t)+`"`+name+`"`+space(t)+":"+space(t)+value+space(t))
	}
	return "{" + strings.Join(members, ",") + space(t) + "}"
}

func genBody(t *rapid.T) string {
	body := space(t) + genObject(t, 3) + space(t)
	if rapid.IntRange(0, 9).Draw(t, "broken") == 0 {
		at := rapid.IntRange(0, len(body)-1).Draw(t, "at")
		body = body[:at] + rapid.SampledFrom([]string{"", "x", `"`, "}", ",", "\\", "\x01"}).Draw(t, "other") + body[at+1:]
	}
	most := 9 // layers, each of which doubles the backslashes
	if len(body) > 100 {
		most = 2
	}
	for range min(most, rapid.SampledFrom([]int{0, 0, 0, 1, 2, 8, 9}).Draw(t, "layers")) {
		if rapid.IntRange(0, 5).Draw(t, "mark") == 0 {
			body = "\uFEFF" + body
		}
		body, _ = refValidUTF8(body)
		body = space(t) + encoded(body, 1) + space(t)
	}
	return body
}

func genOptions(t *rapid.T) Options {
	rules := rapid.SampledFrom([]string{
		"a", "b", "a.b", "b.c", "a.b.c", "**.a", "**.b.c", "**.c", "**.a.a", "中", "message", "time", "**.abcdefgh", strings.Repeat("n", 64), "msg_body", `"`, "/",
	})
	paths := rapid.SampledFrom([]string{"a", "b", "a.b", "a.b.c", "log_id", "time", "中", "msg_body"})
	return Options{
		IndexPrefix: "app", Ignore: rapid.SliceOfN(rules, 0, 5).Draw(t, "ignore"),
		Merge:     rapid.SampledFrom([]Merge{MergeOver, MergeOver, MergeUnder, MergeNone}).Draw(t, "merge"),
		TimeField: rapid.SampledFrom([]string{"", "time", "a", "message"}).Draw(t, "time field"), TimeOverwrite: rapid.Bool().Draw(t, "overwrite"),
		Period: rapid.SampledFrom([]Period{Day, Hour, Week, Month, Ever}).Draw(t, "period"), Zone: time.FixedZone("", rapid.SampledFrom([]int{0, 8 * 3600, -12600}).Draw(t, "zone")),
		TimeFields: rapid.SliceOfN(paths, 0, 3).Draw(t, "time fields"), WindowBack: 24 * time.Hour, WindowAhead: time.Hour,
		IDField: rapid.OneOf(paths, rapid.Just("")).Draw(t, "id field"), IDPrefix: "p-",
	}
}

func TestAgreesWithReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opts := genOptions(t)
		w := newWorker(t, opts)
		for range 2 { // one worker for several records
			agree(t, w, opts, newRecord(genBody(t)))
		}
	})
}

// A document that is cleaned again stays as it is, and the order of rules and
// their repetition make no difference.
func TestCleaningTwiceIsCleaningOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opts := genOptions(t)
		opts.TimeOverwrite = false
		body := genBody(t)
		w := newWorker(t, opts)
		doc := w.Do(newRecord(body))
		once, id, index := string(doc.AppendSource(nil)), string(doc.ID), doc.Index

		other := opts
		other.Ignore = slices.Concat(opts.Ignore, opts.Ignore)
		slices.Reverse(other.Ignore)
		doc = newWorker(t, other).Do(newRecord(body))
		require.Equal(t, once, string(doc.AppendSource(nil)))
		require.Equal(t, id, string(doc.ID))
		require.Equal(t, index, doc.Index)

		if strings.Contains(once, `"message"`) || strings.Contains(once, `mess\u0061ge`) {
			return // a message inside a message is merged by the second time
		}
		if doc.Text && slices.Contains(opts.Ignore, "msg_body") {
			return
		}
		again := w.Do(newRecord(once))
		require.False(t, again.Text)
		require.Equal(t, once, string(again.AppendSource(nil)))
		require.Zero(t, again.Replaced)
	})
}

// What a record becomes does not depend on the records before it.
func TestWorkersForgetRecords(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opts := genOptions(t)
		used := newWorker(t, opts)
		for range 3 {
			body := genBody(t)
			fresh := newWorker(t, opts).Do(newRecord(body))
			doc := used.Do(newRecord(body))
			require.Equal(t, string(fresh.AppendSource(nil)), string(doc.AppendSource(nil)))
			require.Equal(t, string(fresh.ID), string(doc.ID))
			require.Equal(t, fresh.Index, doc.Index)
			require.Equal(t, fresh.Replaced, doc.Replaced)
			if rapid.Bool().Draw(t, "trim") {
				used.Trim()
			}
		}
	})
}

// In the steady state a record costs no allocation, whatever has to be done.
func TestNoAllocationPerRecord(t *testing.T) {
	opts := Options{
		IndexPrefix: "app", Period: Hour, TimeField: "time", Ignore: []string{"password", "user.name", "**.token"},
		TimeFields: []string{"at", "event.created"}, WindowBack: 720 * time.Hour, WindowAhead: 24 * time.Hour, IDField: "log_id",
	}
	many := make([]string, 100)
	for i := range many {
		many[i] = `"` + strings.Repeat("k", 40) + string(rune('一'+i)) + `":{"token":1}`
	}
	for name, body := range map[string]string{
		"plain":        `{"a":1,"b":"x","at":"2026-11-20T02:11:12Z"}`,
		"offset":       `{"at":"2026-11-20T02:11:12.345+05:30"}`,
		"common log":   `{"at":"20/Nov/2026:10:11:12 +0530"}`,
		"epoch":        `{"event":{"created":1795140672345}}`,
		"exponent":     `{"at":1.795140672e9}`,
		"digits":       `{"at":"20261120021112345"}`,
		"Java's date":  `{"at":"Fri Nov 20 02:11:12 UTC 2026"}`,
		"syslog":       `{"at":"Nov 20 02:11:12"}`,
		"zone by name": `{"at":"20-Nov-2026 10:11:12 Asia/Shanghai"}`,
		"abbreviation": `{"at":"2026-11-20 02:11:12 CST"}`,
		"Oracle":       `{"at":"20-NOV-26 02.11.12.345678 AM +08:00"}`,
		"Chinese date": `{"at":"2026年11月20日 02时11分12秒"}`,
		"array":        `{"at":[2026,11,20,2,11,12]}`,
		"bson":         `{"at":{"$date":1795140672345}}`,
		"no time":      `{"at":"10.11.12.13","event":[{"created":1},{"created":2}]}`,
		"removed":      `{"password":1,"user":{"name":"x","id":2},"a":[{"token":1,"b":2}]}`,
		"dotted":       `{"user.name":1,"a.b":{"c.token":2}}`,
		"line breaks":  "{\n\"a\": {\n\"b\": [1,\n2]}\n}",
		"id":           `{"log_id":"order-1"}`,
		"message":      `{"host":"x","message":"{\"a\":\"\\\"\",\"token\":1}"}`,
		"message text": `{"message":"started \"x\""}`,
		"layers":       encoded(`{"a":1}`, 3),
		"long names":   "{" + strings.Join(many[:20], ",") + "}",
		"many members": "{" + strings.Join(many, ",") + "}",
		"Chinese":      `{"中文":"日志","用户":{"token":1}}`,
		"bad UTF-8":    "{\"a\":\"\xff\"}",
		"text":         "GET /?password=x&token=y HTTP/1.1 \"\\u4e2d\" a=1",
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorker(t, opts)
			rec := newRecord(body)
			var out []byte
			do := func() {
				w.lastTime.text = w.lastTime.text[:0] // each time is read anew
				out = w.Do(rec).AppendSource(out[:0])
			}
			do()
			require.Zero(t, testing.AllocsPerRun(100, do))
		})
	}
}
