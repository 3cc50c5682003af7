package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"ckafka-etl/internal/redrive"
)

// redriveView shows what a redrive does. It shows coordinates and causes, never
// what a letter holds. It is safe for concurrent use.
type redriveView struct {
	sys   *system
	flags *redriveFlags
	name  string

	mu   sync.Mutex
	bar  *progressbar.ProgressBar // nil: none yet, or no terminal
	wide bool                     // stderr is a terminal
	line *json.Encoder
	err  error // of writing JSON
}

func newRedriveView(sys *system, flags *redriveFlags, name string) *redriveView {
	v := &redriveView{sys: sys, flags: flags, name: name, line: json.NewEncoder(sys.stdout)}
	v.line.SetEscapeHTML(false)
	f, ok := sys.stderr.(interface{ Fd() uintptr })
	v.wide = ok && term.IsTerminal(int(f.Fd()))
	return v
}

// say writes a line for a person.
func (v *redriveView) say(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	printf(v.sys.stderr, format+"\n", args...)
}

func (v *redriveView) clear() {
	if v.bar != nil {
		_ = v.bar.Clear()
	}
}

func (v *redriveView) progressed(read, total int64) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.bar == nil && v.wide {
		v.bar = progressbar.NewOptions64(max(total, read), progressbar.OptionSetWriter(v.sys.stderr),
			progressbar.OptionShowCount(), progressbar.OptionSetDescription("letters"),
			progressbar.OptionThrottle(100*time.Millisecond), progressbar.OptionClearOnFinish())
	}
	if v.bar != nil {
		_ = v.bar.Set64(read)
	}
}

// letterLine is a letter as a line of JSON.
type letterLine struct {
	Event     string    `json:"event"`
	Letter    string    `json:"letter"`
	Time      time.Time `json:"time"`
	Cause     string    `json:"cause"`
	Sink      string    `json:"sink"`
	Topic     string    `json:"topic,omitempty"`
	Partition *int32    `json:"partition,omitempty"`
	Offset    *int64    `json:"offset,omitempty"`
	Target    string    `json:"target,omitempty"`
	Outcome   string    `json:"outcome"`
	Reason    string    `json:"reason,omitempty"`
}

// seen shows what became of a letter.
func (v *redriveView) seen(l *redrive.Letter, f redrive.Fate) {
	if !v.flags.verbose || f.Outcome == redrive.Skipped {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	line := letterLine{
		Event: "letter", Letter: l.Place, Time: l.Time, Cause: l.Cause, Sink: l.Sink, Topic: l.Topic,
		Target: l.Index, Outcome: f.Outcome, Reason: f.Reason,
	}
	if l.Partition >= 0 {
		line.Partition = &l.Partition
	}
	if l.Offset >= 0 {
		line.Offset = &l.Offset
	}
	if v.flags.json {
		v.err = cmp.Or(v.err, v.line.Encode(line))
		return
	}
	v.clear()
	cells := []string{f.Outcome, l.Place, l.Cause}
	if l.Topic != "" {
		cells = append(cells, fmt.Sprintf("from %s/%d/%d", l.Topic, l.Partition, l.Offset))
	}
	if f.Reason != "" {
		cells = append(cells, f.Reason)
	}
	for i, c := range cells {
		cells[i] = oneLine(c)
	}
	printf(v.sys.stdout, "%s\n", strings.Join(cells, "\t"))
}

// groupCount is a group of letters with its size.
type groupCount struct {
	Cause   string `json:"cause"`
	Topic   string `json:"topic,omitempty"`
	Sink    string `json:"sink"`
	Target  string `json:"target,omitempty"`
	Outcome string `json:"outcome"`
	Letters int    `json:"letters"`
}

// groups are the letters that were chosen, the largest groups first.
func groups(r *redrive.Report) []groupCount {
	var list []groupCount
	for g, n := range r.Groups {
		list = append(list, groupCount{g.Cause, g.Topic, g.Sink, g.Target, g.Outcome, n})
	}
	slices.SortFunc(list, func(a, b groupCount) int {
		return cmp.Or(cmp.Compare(b.Letters, a.Letters), cmp.Compare(a.Cause, b.Cause), cmp.Compare(a.Topic, b.Topic),
			cmp.Compare(a.Target, b.Target), cmp.Compare(a.Sink, b.Sink), cmp.Compare(a.Outcome, b.Outcome))
	})
	return list
}

// end shows what came of it all.
func (v *redriveView) end(r *redrive.Report, failure error) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	if v.flags.json {
		last := struct {
			Event  string `json:"event"`
			From   string `json:"from"`
			DryRun bool   `json:"dry_run,omitempty"`
			*redrive.Report
			Groups []groupCount `json:"groups,omitempty"`
			Error  string       `json:"error,omitempty"`
		}{Event: "end", From: v.name, DryRun: v.flags.dryRun, Report: r, Groups: groups(r)}
		if failure != nil {
			last.Error = failure.Error()
		}
		return cmp.Or(v.err, v.line.Encode(last))
	}
	var b strings.Builder
	v.text(&b, r)
	_, err := io.WriteString(v.sys.stdout, b.String())
	return err
}

// outcomes are in the order in which they are told.
var outcomeTexts = [...]struct{ name, index, topic string }{
	{redrive.Sendable, "would be sent", "would be sent"},
	{redrive.Stored, "stored and removed", "stored, passed over"},
	{redrive.Duplicate, "there already, removed", "there already, passed over"},
	{redrive.Refused, "refused again, left", "refused again, left"},
	{redrive.Unsettled, "not settled, left", "not settled, left"},
	{redrive.Left, "cannot be sent, left", "cannot be sent, left"},
	{redrive.Skipped, "not chosen", "not chosen"},
}

// mostLines is how many groups, or reasons of an outcome, are told.
const mostLines = 20

func (v *redriveView) text(b *strings.Builder, r *redrive.Report) {
	tab := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	row := func(cells ...string) { _, _ = fmt.Fprintln(tab, strings.Join(cells, "\t")) } // a Builder takes everything
	fmt.Fprintf(b, "%s: %s read\n", v.name, number(r.Read, "letter"))
	for _, o := range outcomeTexts {
		if n := r.Outcomes[o.name]; n > 0 {
			text := o.index
			if v.flags.from == fromTopic {
				text = o.topic
			}
			row("  "+text, thousands(n))
		}
	}
	if r.NotRemoved > 0 {
		row("  of them not removed", thousands(r.NotRemoved))
	}
	_ = tab.Flush()
	groupText(b, groups(r))
	for _, o := range []string{redrive.Left, redrive.Refused, redrive.Unsettled} {
		reasonText(b, o, r.Reasons[o])
	}
	for _, n := range r.Notes {
		b.WriteString(paragraph("note: "+n, "  ") + "\n")
	}
	if r.Limited {
		b.WriteString("stopped at --limit\n")
	}
}

// groupText tells the largest groups of letters.
func groupText(b *strings.Builder, list []groupCount) {
	if len(list) == 0 {
		return
	}
	const first, second = "letters", "outcome"
	told := list[:min(len(list), mostLines)]
	letters, outcomes := width(first), width(second)
	for _, g := range told {
		letters, outcomes = max(letters, width(thousands(g.Letters))), max(outcomes, width(g.Outcome))
	}
	head := func(letter, outcome string) string {
		return fmt.Sprintf("%*s  %-*s  ", letters, letter, outcomes, outcome)
	}
	fmt.Fprintf(b, "\n%scause, source topic and target\n", head(first, second))
	for _, g := range told {
		parts := []string{head(thousands(g.Letters), g.Outcome) + oneLine(cmp.Or(g.Cause, "no cause named"))}
		if g.Topic != "" {
			parts = append(parts, "from "+oneLine(g.Topic))
		}
		if to := strings.TrimSpace(g.Sink + " " + g.Target); to != "" {
			parts = append(parts, "to "+oneLine(to))
		}
		b.WriteString(wrapped(parts, "  ", head("", "")) + "\n")
	}
	if n := len(list) - len(told); n > 0 {
		fmt.Fprintf(b, "%*s  and %s more: --json has them all\n", letters, "…", number(n, "group"))
	}
}

// reasonText tells why letters stay, the most frequent reasons first.
func reasonText(b *strings.Builder, outcome string, reasons map[string]int) {
	list := slices.SortedFunc(maps.Keys(reasons), func(a, b string) int {
		return cmp.Or(cmp.Compare(reasons[b], reasons[a]), cmp.Compare(a, b))
	})
	for i, reason := range list {
		if i == mostLines {
			fmt.Fprintf(b, "%s: and for %s more\n", outcome, number(len(list)-mostLines, "reason"))
			break
		}
		b.WriteString(paragraph(fmt.Sprintf("%s: %s × %s", outcome, thousands(reasons[reason]), oneLine(cmp.Or(redrive.Explain(reason), reason))), "  ") + "\n")
	}
}
