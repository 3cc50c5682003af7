// Package transform turns a record into a document: it cleans the record,
// finds its event time, names its index and its id. It does no I/O and knows
// nothing of where documents go.
package transform

import (
	"fmt"
	"time"
)

// Options says how records become documents. The zero value of a field is its
// default unless the field says otherwise.
type Options struct {
	// Ignore are the fields to remove: "name" at top level, "user.password"
	// nested, "**.password" at any depth, in any case of ASCII letters, and with
	// its values in text inside strings.
	Ignore []string
	// TimeField is stamped with the arrival time if the record lacks it, or
	// always with TimeOverwrite. Empty: no stamp.
	TimeField     string
	TimeOverwrite bool

	// IndexPrefix is what index names start with; "-" and the day follow, and
	// "-" and the hour with Hourly.
	IndexPrefix string
	Hourly      bool
	// Zone is the zone of index names, of stamps and of event times without
	// one. nil: UTC.
	Zone *time.Location
	// TimeFields are the fields whose event time names the index; the first
	// that holds a time counts.
	TimeFields []string
	// WindowBack and WindowAhead are how far an event time may lie before and
	// after the arrival time. An event time outside is not used.
	WindowBack, WindowAhead time.Duration

	// IDField is the field whose value is the document's id; empty: none.
	IDField string
	// IDPrefix stands before generated ids.
	IDPrefix string

	// Steps are further cleaning steps. They run in order after the ignored
	// fields have gone and before the time stamp is set.
	Steps []Step
}

// Step is a cleaning step of one's own. It may read and change the record's
// object. Returning false drops the record: it counts as filtered. A record
// that is no JSON object comes as an object with the single member msg_body.
// Steps run on several goroutines at once, each with its own Object.
type Step func(*Object) (keep bool)

// Program is a validated set of options. It is immutable and safe for
// concurrent use.
type Program struct {
	opts  Options
	rules *rules
	stamp member // of the time field, still without a value
	times []path // of Options.TimeFields
	id    path   // of Options.IDField
}

// New validates options.
func New(opts Options) (*Program, error) {
	if opts.Zone == nil {
		opts.Zone = time.UTC
	}
	r, err := newRules(opts.Ignore)
	if err != nil {
		return nil, fmt.Errorf("fields to remove: %w", err)
	}
	p := &Program{opts: opts, rules: r}
	if opts.TimeField != "" {
		p.stamp = newMember(opts.TimeField, nil)
	}
	for _, field := range opts.TimeFields {
		p.times = append(p.times, newPath(field))
	}
	p.id = newPath(opts.IDField)
	return p, nil
}

// Removes reports whether anything of a record may be missing in its document.
func (p *Program) Removes() bool { return len(p.opts.Ignore) > 0 || len(p.opts.Steps) > 0 }

// NamesByArrival reports whether indices are named by the arrival time alone, so
// that a record's index depends on when an instance first got it.
func (p *Program) NamesByArrival() bool { return len(p.opts.TimeFields) == 0 }

// StampField returns the name of the field that is stamped, "" for none.
func (p *Program) StampField() string { return p.opts.TimeField }

// NewWorker returns a worker for one goroutine.
func (p *Program) NewWorker() *Worker {
	return &Worker{p: p}
}
