// Package transform turns a record into a document: it cleans the record,
// finds its event time, names its index and its id. It does no I/O and knows
// nothing of where documents go.
package transform

import (
	"fmt"
	"strings"
	"time"
)

// Options says how records become documents. The zero value of a field is its
// default unless the field says otherwise.
type Options struct {
	// Ignore are the fields to remove: "name" at top level, "user.password"
	// nested, "**.password" at any depth, in any case of ASCII letters, and with
	// its values in text inside strings.
	Ignore []string
	// Merge says what becomes of a JSON object in the field message.
	Merge Merge
	// TimeField is stamped if the record lacks it: with the event time if there is
	// one, else with the arrival time; always with the arrival time if
	// TimeOverwrite is set. Empty: no stamp.
	TimeField     string
	TimeOverwrite bool

	// IndexPrefix is what index names start with; what Period says follows.
	// TopicPlaceholder in it stands for the record's topic in small letters.
	IndexPrefix string
	Period      Period
	// Zone is the zone of index names, of stamps and of event times without
	// one. nil: UTC.
	Zone *time.Location
	// TimeFields are the fields whose event time names the index; the first
	// that holds a time in the window counts.
	TimeFields []string
	// WindowBack and WindowAhead are how far an event time may lie before and
	// after the arrival time. An event time outside is not used.
	WindowBack, WindowAhead time.Duration

	// IDField is the field whose value is the document's id; empty: none.
	IDField string
	// IDPrefix stands before generated ids.
	IDPrefix string

	// FilterEmpty drops records without a value.
	FilterEmpty bool

	// Steps are further cleaning steps. They run in order after the ignored
	// fields have gone and before the time stamp is set.
	Steps []Step
}

// Merge says what becomes of an object in a record's field message.
type Merge uint8

// The ways to merge.
const (
	MergeOver  Merge = iota // its members win over the record's own
	MergeUnder              // the record's own win
	MergeNone               // it stays text
)

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
	// byTopic says that the index is named by the record's topic, too.
	byTopic bool
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
	p.byTopic = strings.Contains(opts.IndexPrefix, TopicPlaceholder)
	return p, nil
}

// Removes reports whether anything of a record may be missing in its document.
func (p *Program) Removes() bool { return len(p.opts.Ignore) > 0 || len(p.opts.Steps) > 0 }

// NamesByArrival reports whether indices are named by the arrival time alone, so
// that a record's index depends on when an instance first got it.
func (p *Program) NamesByArrival() bool {
	return len(p.opts.TimeFields) == 0 && p.opts.Period != Ever
}

// StampField returns the name of the field that is stamped, "" for none.
func (p *Program) StampField() string { return p.opts.TimeField }

// Zone returns the name of the zone of index names, stamps, and event times
// without one.
func (p *Program) Zone() string { return p.opts.Zone.String() }

// NewWorker returns a worker for one goroutine.
func (p *Program) NewWorker() *Worker {
	return &Worker{p: p, clock: timeReader{zone: p.opts.Zone}}
}
