// Package sample makes trigger events of any size for tests and benchmarks, out
// of lines that a real nginx and a real application logged (see
// testdata/README.md). The same call returns the same bytes on every machine,
// and the first records of a large event are those of a small one.
package sample

import (
	"bytes"
	_ "embed"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"ckafka-etl/internal/event"
)

var (
	//go:embed lines/access.log
	accessLog []byte
	//go:embed lines/metrics.log
	metricsLog []byte
	//go:embed lines/text.log
	textLog []byte
)

// AccessEvent returns n access-log records: JSON of about 430 bytes each, so
// that 10,000 of them are an event of 5.7 MB. No two are equal.
func AccessEvent(n int) []byte { return wrap("access-log", AccessBodies(n)) }

// NestedEvent returns n metrics records: JSON nested ten deep, of about 5.5 KB
// each. They repeat after ten.
func NestedEvent(n int) []byte { return wrap("metrics", NestedBodies(n)) }

// MessageEvent returns n records as a log shipper writes them, of about 430
// bytes: two thirds hold a line of JSON in their message, one third a line of
// text.
func MessageEvent(n int) []byte { return wrap("filebeat", MessageBodies(n)) }

// TinyEvent returns n records of JSON of 40 bytes.
func TinyEvent(n int) []byte { return wrap("tiny", TinyBodies(n)) }

// TextEvent returns n records of plain text, of about 200 bytes. They repeat
// after 120.
func TextEvent(n int) []byte { return wrap("text-log", TextBodies(n)) }

// AccessBodies returns the bodies of AccessEvent.
func AccessBodies(n int) [][]byte {
	const (
		stampAt = len(`{"@timestamp":"`)
		idAt    = stampAt + len(time.RFC3339) + len(`","request_id":"`)
	)
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // always the same numbers, on purpose
	start := time.Date(2026, 11, 20, 10, 0, 0, 0, time.FixedZone("", 8*3600))
	bodies := repeat(accessLog, n)
	for i := range bodies {
		body := bytes.Clone(bodies[i])
		copy(body[stampAt:], start.Add(time.Duration(i)*20*time.Millisecond).Format(time.RFC3339))
		copy(body[idAt:], fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64()))
		bodies[i] = body
	}
	return bodies
}

// NestedBodies returns the bodies of NestedEvent.
func NestedBodies(n int) [][]byte { return repeat(metricsLog, n) }

// MessageBodies returns the bodies of MessageEvent.
func MessageBodies(n int) [][]byte {
	lines, text := AccessBodies(n), TextBodies(n)
	bodies := make([][]byte, n)
	for i := range bodies {
		kind, line := "nginx-access", lines[i]
		if i%3 == 2 {
			kind, line = "nginx-combined", text[i]
		}
		body := fmt.Appendf(nil, `{"host":"web-%02d","type":%q,"message":`, i%8, kind)
		body, _ = jsontext.AppendQuote(body, line) // the error would tell of invalid UTF-8: the lines have none
		bodies[i] = append(body, '}')
	}
	return bodies
}

// TinyBodies returns the bodies of TinyEvent.
func TinyBodies(n int) [][]byte {
	bodies := make([][]byte, n)
	for i := range bodies {
		bodies[i] = fmt.Appendf(nil, `{"at":%d.%03d,"code":200,"n":%d}`, 1_795_140_000+i/1000, i%1000, 100+i%900)
	}
	return bodies
}

// TextBodies returns the bodies of TextEvent.
func TextBodies(n int) [][]byte { return repeat(textLog, n) }

// SingleEvent returns an event of exactly size bytes (at least 200) that holds
// one record: a document with one long member.
func SingleEvent(size int) []byte {
	const unit = "一行日志 a line of a log 🪵 "
	body := func(text string) [][]byte { return [][]byte{[]byte(`{"message":"` + text + `"}`)} }
	room := size - len(wrap("large", body("")))
	text := strings.Repeat(unit, room/len(unit)) + strings.Repeat("x", room%len(unit))
	return wrap("large", body(text))
}

// WideEvent returns an event of one record: a document of the given number of
// members, of about 20 bytes each.
func WideEvent(members int) []byte {
	values := []string{"1.10", `"text"`, "true", "null", `{"a":[1]}`}
	body := []byte{'{'}
	for i := range members {
		if i > 0 {
			body = append(body, ',')
		}
		body = fmt.Appendf(body, `"member-%06d":%s`, i, values[i%len(values)])
	}
	return wrap("wide", [][]byte{append(body, '}')})
}

// wrap returns the event that holds the bodies at successive offsets.
func wrap(topic string, bodies [][]byte) []byte {
	const firstOffset = 4_123_456_789
	records := make([]event.Record, len(bodies))
	for i, body := range bodies {
		records[i] = event.Record{Topic: topic, Partition: 3, Offset: firstOffset + int64(i), Body: body}
	}
	return event.Append(nil, records)
}

// repeat returns n lines of log, from the first again when it is at its end.
func repeat(log []byte, n int) [][]byte {
	lines := bytes.Split(bytes.TrimSuffix(log, []byte("\n")), []byte("\n"))
	out := make([][]byte, n)
	for i := range out {
		out[i] = lines[i%len(lines)]
	}
	return out
}
