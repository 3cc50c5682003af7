package redrive

import (
	"context"
	"errors"
	"fmt"
	"time"

	"ckafka-etl/record"
)

// DefaultTimeout is how long the sinks may take for one batch by default.
const DefaultTimeout = time.Minute

// maxVain is how many batches in a row, or how many letters in them, may come
// to nothing before a run ends: then it is not about single letters.
const (
	maxVain        = 3
	maxVainLetters = pageSize
)

// settleTime is how long removing a batch's letters may take, and finishTime
// how long the end of a run.
const (
	settleTime = 30 * time.Second
	finishTime = 15 * time.Second
)

const (
	// maxReasons is how many reasons are kept apart for an outcome: some hold a
	// number of bytes, and each letter may have its own.
	maxReasons   = 100
	otherReasons = "other reasons"
)

// Source is a place that holds dead letters: an Index or a Topic.
type Source interface {
	// start looks at the place and says how many letters it holds, about. What
	// comes later is not read. A dry run changes nothing.
	start(ctx context.Context, dry bool) (total int64, err error)
	// next returns further letters, at least one; none at the end.
	next(ctx context.Context) ([]Letter, error)
	// settle removes those of the last letters that are done, in an index by
	// deleting them, in a topic by committing offsets. It returns how many of
	// them could not be removed.
	settle(ctx context.Context, done []bool) (kept int, err error)
	// finish ends a run that was no dry one.
	finish(ctx context.Context)
}

// Config is what a run is made of.
type Config struct {
	Source Source
	Sinks  *Sinks
	Filter Filter
	// Limit is the most letters to send; 0 = no limit.
	Limit int
	// Timeout is how long the sinks may take for one batch; 0 = DefaultTimeout.
	Timeout time.Duration
	// DryRun sends and removes nothing.
	DryRun bool
	// Seen hears what became of each letter; nil: nobody does.
	Seen func(*Letter, Fate)
	// Progress hears how many letters of about how many were read; nil: nobody
	// does.
	Progress func(read, total int64)
}

// Run sends the letters of a source back, batch by batch, until it has read
// what the source held when it began. When ctx ends it finishes the batch that
// is under way, for at most Timeout and 45 seconds more, and returns with
// Interrupted set and no error. The report is never nil. Nothing is lost by
// killing it either: see the package's comment.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	r := &run{cfg: cfg, report: &Report{Outcomes: make(map[string]int), Groups: make(map[Group]int), Reasons: make(map[string]map[string]int)}}
	if r.cfg.Timeout == 0 {
		r.cfg.Timeout = DefaultTimeout
	}
	err := r.run(ctx)
	if !cfg.DryRun && !r.broken {
		limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), finishTime)
		cfg.Source.finish(limited)
		cancel()
	}
	if ctx.Err() != nil {
		r.report.Interrupted = true
		if errors.Is(err, context.Canceled) {
			err = nil
		}
	}
	if s, ok := cfg.Source.(interface{ notes() []string }); ok {
		r.report.Notes = s.notes()
	}
	return r.report, err
}

type run struct {
	cfg    Config
	report *Report
	sent   int
	// Batches of which no letter could be written, one after another, and what
	// was in them.
	vain, vainLetters int
	broken            bool // the source could not be read or settled
}

func (r *run) run(ctx context.Context) error {
	total, err := r.cfg.Source.start(ctx, r.cfg.DryRun)
	if err != nil {
		r.broken = true
		return err
	}
	for ctx.Err() == nil {
		letters, err := r.cfg.Source.next(ctx)
		if err != nil {
			r.broken = ctx.Err() == nil
			return err
		}
		if len(letters) == 0 {
			return nil
		}
		end, err := r.batch(context.WithoutCancel(ctx), letters)
		if err != nil {
			return err
		}
		if r.cfg.Progress != nil {
			r.cfg.Progress(int64(r.report.Read), total)
		}
		if end {
			r.report.Limited = true
			return nil
		}
	}
	return ctx.Err()
}

// batch deals with letters that were read together. It reports whether the
// limit is reached.
func (r *run) batch(ctx context.Context, letters []Letter) (end bool, err error) {
	var send []*Letter
	var at []int
	for i := range letters {
		l := &letters[i]
		if end { // it comes again next time
			break
		}
		r.report.Read++
		if !r.cfg.Filter.match(l) {
			r.settled(l, Skipped, "")
			continue
		}
		if reason := r.cfg.Sinks.left(l); reason != "" {
			r.settled(l, Left, reason)
			continue
		}
		send, at = append(send, l), append(at, i)
		r.sent++
		end = r.cfg.Limit > 0 && r.sent >= r.cfg.Limit
	}
	if r.cfg.DryRun {
		for _, l := range send {
			r.settled(l, Sendable, "")
		}
		return end, nil
	}
	done := make([]bool, len(letters))
	hopeless, err := r.send(ctx, send, at, done)
	if err != nil {
		return false, err
	}
	limited, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	kept, err := r.cfg.Source.settle(limited, done)
	r.report.NotRemoved += kept
	r.broken = err != nil
	if err == nil && hopeless != nil && (r.vain >= maxVain || r.vainLetters >= maxVainLetters) {
		err = fmt.Errorf("stopped, as no letter could be written any more: %s", textOf(hopeless))
	}
	return end, err
}

// send sends letters and marks those that are done. If none of them could be
// settled, hopeless is the first cause.
func (r *run) send(ctx context.Context, send []*Letter, at []int, done []bool) (hopeless *record.Cause, err error) {
	if len(send) == 0 {
		return nil, nil
	}
	limited, cancel := context.WithTimeout(ctx, r.cfg.Timeout)
	defer cancel()
	results, err := r.cfg.Sinks.send(limited, send)
	if err != nil {
		return nil, err
	}
	unsettled := 0
	for n, res := range results {
		l := send[n]
		switch res.Outcome {
		case record.Stored:
			done[at[n]] = true
			r.settled(l, Stored, "")
		case record.Duplicate:
			done[at[n]] = true
			r.settled(l, Duplicate, "")
		case record.Refused:
			r.settled(l, Refused, res.Cause.Text())
		default:
			if unsettled++; hopeless == nil {
				hopeless = res.Cause
			}
			r.settled(l, Unsettled, textOf(res.Cause))
		}
	}
	if unsettled < len(send) {
		r.vain, r.vainLetters = 0, 0
		return nil, nil
	}
	r.vain++
	r.vainLetters += unsettled
	return hopeless, nil
}

// textOf is a cause in the words of redrive: what the sinks say of time is said
// to the function's operator.
func textOf(c *record.Cause) string {
	if c != nil && c.Type == "no_time_left" {
		return c.Type + ": not written within a batch's time: look at the servers' load and at --timeout"
	}
	return c.Text()
}

// settled counts what became of a letter.
func (r *run) settled(l *Letter, outcome, reason string) {
	r.report.Outcomes[outcome]++
	if outcome != Skipped {
		r.report.Groups[Group{Cause: l.Cause, Topic: l.Topic, Sink: l.Sink, Target: r.target(l), Outcome: outcome}]++
	}
	if reason != "" {
		if r.report.Reasons[outcome] == nil {
			r.report.Reasons[outcome] = make(map[string]int)
		}
		reasons, counted := r.report.Reasons[outcome], reason
		if _, known := reasons[reason]; !known && len(reasons) >= maxReasons {
			counted = otherReasons
		}
		reasons[counted]++
	}
	if r.cfg.Seen != nil {
		r.cfg.Seen(l, Fate{outcome, reason})
	}
}

// target is the index or topic that a letter goes to.
func (r *run) target(l *Letter) string {
	if l.Sink == SinkElasticsearch {
		return r.cfg.Sinks.index(l)
	}
	return l.Index
}
