package handler

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"time"

	"ckafka-etl/record"
)

const (
	// maxCauses is how many causes of one outcome are told of an invocation.
	// The platform takes 5,000 lines in 5 s, but a person reads a few.
	maxCauses = 5
	// maxText keeps a line, of which a few texts are part, below the 8 KB that
	// the platform keeps of it.
	maxText = 1000
)

// newLogger writes one JSON object a line, without nesting: the platform's log
// service makes fields of the first level only.
func newLogger(w io.Writer, level slog.Leveler) *slog.Logger {
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}))
}

// log says what became of the batch: a line for each cause that somebody
// should know of, and one with the account. It is said before the invocation is
// paced, not after.
func (a *account) log(ctx context.Context, log *slog.Logger, s *settlement, payloadBytes int, took, paced time.Duration) {
	s.logCauses(ctx, log, slog.LevelError, "records are unsettled", record.Unsettled)
	s.logCauses(ctx, log, slog.LevelWarn, "records went to the dead letters", record.Dead)

	level := slog.LevelInfo
	switch {
	case a.Unsettled > 0:
		level = slog.LevelError
	case a.Dead > 0:
		level = slog.LevelWarn
	}
	if !log.Enabled(ctx, level) {
		return
	}
	attrs := append(make([]slog.Attr, 0, 32), s.whereabouts()...)
	attrs = append(attrs, a.attrs("")...)
	attrs = append(attrs, slog.Int("recalled", a.Recalled))
	for _, sink := range s.pipeline.Sinks {
		if c, ok := a.Sinks[sink.Name()]; ok {
			attrs = append(attrs, c.attrs(sink.Name()+"_")...)
		}
	}
	sum := s.sum()
	attrs = append(attrs,
		slog.Int("event_bytes", payloadBytes), slog.Int64("sent_bytes", sum.Bytes),
		slog.Int("requests", sum.Requests), slog.Int("retries", sum.Retries),
		slog.Int("replaced_characters", sum.Replaced), slog.Int("outside_time_window", sum.OutsideWindow),
		slog.Int("unread_time", sum.UnreadTime), slog.Int("unread_id", sum.UnreadID), slog.Int("overwritten", sum.Overwritten),
		slog.Int64("ms", took.Milliseconds()),
	)
	attrs = append(attrs, pacedAttrs(paced)...)
	log.LogAttrs(ctx, level, "batch", attrs...)
}

// pacedAttrs says how long an invocation ends later than it could.
func pacedAttrs(paced time.Duration) []slog.Attr {
	if paced <= 0 {
		return nil
	}
	return []slog.Attr{slog.Int64("paced_ms", paced.Milliseconds())}
}

func (c counts) attrs(prefix string) []slog.Attr {
	return []slog.Attr{
		slog.Int(prefix+"records", c.Records), slog.Int(prefix+"stored", c.Stored),
		slog.Int(prefix+"duplicate", c.Duplicate), slog.Int(prefix+"filtered", c.Filtered),
		slog.Int(prefix+"dead", c.Dead), slog.Int(prefix+"unsettled", c.Unsettled),
	}
}

// whereabouts says which records the batch holds. Batches are cut from one
// partition; should one not be, the first record's stands for all.
func (s *settlement) whereabouts() []slog.Attr {
	if len(s.recs) == 0 {
		return nil
	}
	first, last := &s.recs[0], &s.recs[len(s.recs)-1]
	return []slog.Attr{
		slog.String("topic", clip(first.Topic)), slog.Int("partition", int(first.Partition)),
		slog.Int64("first_offset", first.Offset), slog.Int64("last_offset", last.Offset),
	}
}

// sampled is a cause and what it befell.
type sampled struct {
	cause  *record.Cause
	first  *record.Record
	sink   string
	number int
}

// logCauses writes one line for each cause of an outcome, the first ones.
func (s *settlement) logCauses(ctx context.Context, log *slog.Logger, level slog.Level, msg string, outcome record.Outcome) {
	if !log.Enabled(ctx, level) {
		return
	}
	var samples []sampled
	at := make(map[string]int)
	more := 0
	for k, results := range s.results {
		for i := range results {
			r := &results[i]
			if r.Outcome != outcome && (outcome != record.Unsettled || r.Outcome.Settled()) {
				continue
			}
			if r.Outcome == record.Dead && r.Cause == nil {
				continue // that was said when it died, with an earlier delivery
			}
			key := s.pipeline.Sinks[k].Name() + " " + r.Cause.Text()
			switch n, ok := at[key]; {
			case ok:
				samples[n].number++
			case len(samples) < maxCauses:
				at[key] = len(samples)
				samples = append(samples, sampled{r.Cause, &s.recs[i], s.pipeline.Sinks[k].Name(), 1})
			default:
				more++
			}
		}
	}
	for _, x := range samples {
		attrs := []slog.Attr{
			slog.Int("count", x.number), slog.String("cause", clip(x.cause.Text())),
			slog.String("first", coordinates(x.first)), slog.String("sink", x.sink),
		}
		if x.cause != nil && x.cause.Index != "" {
			attrs = append(attrs, slog.String("index", clip(x.cause.Index)))
		}
		log.LogAttrs(ctx, level, msg, attrs...)
	}
	if more > 0 {
		log.LogAttrs(ctx, level, msg, slog.Int("count", more), slog.String("cause", "others"))
	}
}

// clip bounds a text.
func clip(s string) string {
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText], "") + "…"
	}
	return s
}
