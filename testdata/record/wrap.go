package main

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"ckafka-etl/internal/event"
)

// lineBuffer collects lines from several goroutines.
type lineBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lineBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lineBuffer) lines() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Split(strings.TrimSuffix(b.buf.String(), "\n"), "\n")
}

// stream makes events of one partition's lines, in order, as the trigger does.
type stream struct {
	topic     string
	partition int32
	offset    int64 // of the next record
	key       func(i int) []byte
}

func (s *stream) event(lines []string) []byte {
	recs := make([]event.Record, len(lines))
	for i, line := range lines {
		recs[i] = event.Record{Topic: s.topic, Partition: s.partition, Offset: s.offset, Body: []byte(line)}
		if s.key != nil {
			recs[i].Key = s.key(i)
		}
		s.offset++
	}
	return event.Append(nil, recs)
}

// writeRecorded makes the event files and the sample's lines. No line is used
// twice, but for those that message-200 wraps.
func writeRecorded(l *logs) error {
	for _, log := range []struct {
		name  string
		lines []string
		want  int
	}{
		{"access", l.access, 1400},
		{"tiny", l.tiny, 500},
		{"combined", l.combined, 290},
		{"nginx error", l.nginxErrors, 110},
		{"app", l.app, 240},
		{"auth", l.auth, 60},
		{"metrics", l.metrics, 60},
	} {
		if len(log.lines) < log.want {
			return fmt.Errorf("the %s log has %d lines, want at least %d: send more traffic", log.name, len(log.lines), log.want)
		}
	}
	access := &stream{topic: "access-log", partition: 3, offset: 4_123_456_789}
	app := &stream{topic: "app-log", partition: 0, offset: 36, key: func(i int) []byte {
		return [][]byte{nil, []byte("shop-1"), {}, []byte("订单"), []byte(`k"\1`)}[i%5]
	}}
	metrics := &stream{topic: "metrics", partition: 1}
	text := &stream{topic: "text-log", partition: 7, offset: 99_999}
	message := &stream{topic: "filebeat", partition: 2, offset: 500}

	var plain []string
	for i := range 100 {
		plain = append(plain, l.combined[i])
		if i < 60 {
			plain = append(plain, l.nginxErrors[i])
		}
		if i < 40 {
			plain = append(plain, l.auth[i])
		}
	}
	return errors.Join(
		write(eventsDir, "access-100.json", access.event(l.access[:100])),
		write(eventsDir, "access-1000.json", access.event(l.access[100:1100])),
		write(eventsDir, "app-200.json", app.event(l.app[:200])),
		write(eventsDir, "message-200.json", message.event(wrapMessages(l))),
		write(eventsDir, "nested-50.json", metrics.event(l.metrics[:50])),
		write(eventsDir, "tiny-500.json", (&stream{topic: "tiny", partition: 5}).event(l.tiny[:500])),
		write(eventsDir, "text-200.json", text.event(plain)),
		write(sampleDir, "access.log", join(l.access[1200:1400])),
		write(sampleDir, "metrics.log", join(l.metrics[50:60])),
		write(sampleDir, "text.log", join(slices.Concat(l.combined[200:290], l.nginxErrors[80:110]))),
	)
}

func join(lines []string) []byte { return []byte(strings.Join(lines, "\n") + "\n") }

// wrapMessages wraps lines as a log shipper does: the line goes into "message".
func wrapMessages(l *logs) []string {
	var out []string
	add := func(kind, host, message string) {
		out = append(out, fmt.Sprintf(`{"host":%q,"type":%q,"message":%s,"tags":["shop","正式"]}`, host, kind, message))
	}
	for i := range 60 {
		add("nginx-access", fmt.Sprintf("web-%02d", i%4), quote(l.access[1100+i]))
	}
	for i := range 40 {
		add("app", "app-01", quote(l.app[200+i]))
	}
	for i := range 50 {
		add("nginx-combined", fmt.Sprintf("web-%02d", i%4), quote(l.combined[100+i]))
	}
	for i := range 20 {
		add("nginx-error", "web-00", quote(l.nginxErrors[60+i]))
		add("auth", "app-01", quote(l.auth[40+i]))
	}
	// What a shipper sends now and then: the last two are no strings at all.
	for _, message := range []string{
		quote(`{"host":"inner wins","level":"info"}`), quote(` {"spaces":"around"} `), quote(`["an","array"]`), quote(`"a string"`),
		quote("42"), quote("null"), quote(""), quote(`{"broken":`), `{"already":"an object"}`, "null",
	} {
		add("odd", "web-09", message)
	}
	return out
}
