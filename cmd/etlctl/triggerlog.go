package main

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"

	"ckafka-etl/internal/outcome"
	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/trigger"
)

// Formats of --log-format.
const (
	formatText = "text"
	formatJSON = "json"
)

const logHelp = `Progress and lag are shown on a terminal. If stdout is none, or with --json,
everything that happens is one JSON object a line on stdout.

--log-format is for services. With json all that is said is on stderr, one JSON
object a line with time, level and msg: what happens, each minute a summary
(status), the function's own log as it wrote it, and errors of this tool. A batch
that is settled at once is told by the function alone. Log_Level says from which
level on. With text it is the lines for people instead, without a terminal too,
and the function's log with --verbose. Stdout has the summary at the end, with
json nothing.`

// everyAsLog is how often the state is told in the log of a service.
const everyAsLog = time.Minute

// serviceLog writes JSON lines: our own, and the function's as they are. It is
// safe for concurrent use.
type serviceLog struct {
	*slog.Logger
	level *slog.LevelVar
	to    *wholeLines
}

func newServiceLog(w io.Writer) *serviceLog {
	level, to := new(slog.LevelVar), &wholeLines{w: w}
	return &serviceLog{slog.New(slog.NewJSONHandler(to, &slog.HandlerOptions{Level: level})).With("component", "trigger"), level, to}
}

// textLog takes lines for people.
type textLog struct{ log *serviceLog }

func (t textLog) Write(text []byte) (int, error) {
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if warning, ok := strings.CutPrefix(line, "warning: "); ok {
			t.log.Warn(warning)
		} else if line != "" {
			t.log.Info(line)
		}
	}
	return len(text), nil
}

// wholeLines has no two lines written at once.
type wholeLines struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *wholeLines) Write(line []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(line)
}

// Write takes a line of the function's.
func (l *serviceLog) Write(line []byte) (int, error) {
	if text := bytes.TrimSpace(line); len(text) > 0 && text[0] == '{' && json.Valid(text) {
		return l.to.Write(line)
	}
	l.Warn("the function wrote a line that is no JSON", "line", strings.ToValidUTF8(strings.TrimRight(string(line), "\r\n"), "\ufffd"))
	return len(line), nil
}

// notice logs what a trigger tells.
func (l *serviceLog) notice(n trigger.Notice, a *outcome.Account) {
	level := levelOf(n)
	if level < l.level.Level() {
		return
	}
	var args []any
	if n.Partition >= 0 {
		args = append(args, "partition", n.Partition, "offset", n.Offset)
	}
	number := func(name string, v int64) {
		if v != 0 {
			args = append(args, name, v)
		}
	}
	number("last_offset", n.LastOffset)
	number("records", int64(n.Records))
	number("bytes", int64(n.Bytes))
	number("delivery", int64(n.Delivery))
	if n.Reply.RequestID != "" {
		args = append(args, "request_id", n.Reply.RequestID, "ms", milliseconds(n.Reply.Duration))
	}
	number("wait_ms", n.Wait.Milliseconds())
	if a != nil {
		args = append(args, "stored", a.Stored, "duplicate", a.Duplicate, "filtered", a.Filtered, "dead", a.Dead)
	}
	if n.Err != nil {
		args = append(args, "cause", n.Err.Error())
	}
	say := l.Info
	switch {
	case level >= slog.LevelError:
		say = l.Error
	case level >= slog.LevelWarn:
		say = l.Warn
	case level < slog.LevelInfo:
		say = l.Debug
	}
	say(string(n.Kind), args...)
}

// levelOf says how bad it is.
func levelOf(n trigger.Notice) slog.Level {
	switch n.Kind {
	case trigger.Batch:
		if n.Delivery > 1 {
			return slog.LevelInfo
		}
		return slog.LevelDebug // the function tells it
	case trigger.Committed, trigger.CommitFailed:
		return slog.LevelDebug
	case trigger.Retry:
		if seldom(n.Delivery) {
			return slog.LevelWarn
		}
		return slog.LevelDebug // the function tells it
	case trigger.Stopped, trigger.Gap:
		return slog.LevelError
	case trigger.Assigned, trigger.Revoked:
		return slog.LevelInfo
	default:
		return slog.LevelWarn
	}
}

// status logs how far the trigger is.
func (l *serviceLog) status(totals *triggerTotals, p *triggerProgress) {
	l.Info("status", "records", totals.Records, "records_per_second", p.rate, "lag", p.lag, "partitions", p.partitions,
		"retrying", p.retrying, "stopped", p.stopped, "deliveries", totals.Deliveries, "failed", totals.Failed)
}

// summary logs what came of it all.
func (l *serviceLog) summary(t *triggerTotals, a *outcome.Account, took time.Duration, used platform.Usage, instances int) {
	l.Info("summary", "records", a.Records, "stored", a.Stored, "duplicate", a.Duplicate, "filtered", a.Filtered, "dead", a.Dead,
		"batches", t.Batches, "deliveries", t.Deliveries, "failed", t.Failed, "unaccounted", t.Unaccounted, "dropped", t.Dropped,
		"gaps", t.Gaps, "stopped", t.Stopped, "ms", milliseconds(took), "instances", instances,
		"function_cpu_ms", milliseconds(used.CPU()), "function_peak_rss_bytes", used.PeakRSS)
}

// toldError is an error that was logged already.
type toldError struct{ err error }

func (e *toldError) Error() string { return e.err.Error() }
func (e *toldError) Unwrap() error { return e.err }
