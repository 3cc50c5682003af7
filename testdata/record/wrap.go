package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
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

// writeRecorded makes the event files and the sample's lines.
func writeRecorded(ctx context.Context, l *logs) error {
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
	return errors.Join(
		writeEvents(ctx, l),
		write(sampleDir, "access.log", join(l.access[1200:1400])),
		write(sampleDir, "metrics.log", join(l.metrics[50:60])),
		write(sampleDir, "text.log", join(slices.Concat(l.combined[200:290], l.nginxErrors[80:110]))),
	)
}

// plainLines are lines of several logs, mixed.
func plainLines(l *logs) (plain []string) {
	for i := range 100 {
		plain = append(plain, l.combined[i])
		if i < 60 {
			plain = append(plain, l.nginxErrors[i])
		}
		if i < 40 {
			plain = append(plain, l.auth[i])
		}
	}
	return plain
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
