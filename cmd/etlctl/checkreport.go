package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"unicode/utf8"

	"ckafka-etl/config"
)

// status says how a check went.
type status string

const (
	statusOK      status = "ok"
	statusNote    status = "note"    // could not be checked, or need not be
	statusWarning status = "warning" // works, but look at it
	statusFailed  status = "failed"
)

// finding is the result of one check.
type finding struct {
	Target string `json:"target"` // the server
	Check  string `json:"check"`
	Status status `json:"status"`
	Text   string `json:"text"`
	Hint   string `json:"hint,omitempty"` // what to do
}

// problem is something that is wrong with a variable.
type problem struct {
	Variable string `json:"variable"`
	Text     string `json:"text"`
}

// checkReport gathers findings and shows them to people as they come.
type checkReport struct {
	OK       bool      `json:"ok"`
	Problems []problem `json:"problems,omitempty"` // of the configuration
	Warnings []string  `json:"warnings,omitempty"` // of the configuration
	Settings []setting `json:"settings,omitempty"`
	Checks   []finding `json:"checks,omitempty"`
	Failed   int       `json:"failed"`

	warned int
	out    io.Writer
	err    error // of writing
	asJSON bool
	paint  paint
	target string
	width  int // of the names of checks
}

func newCheckReport(sys *system, asJSON bool) *checkReport {
	r := &checkReport{out: sys.stdout, asJSON: asJSON}
	if !asJSON {
		r.paint = newPaint(sys, sys.stdout)
	}
	return r
}

func (r *checkReport) printf(format string, args ...any) {
	if !r.asJSON && r.err == nil {
		_, r.err = fmt.Fprintf(r.out, format, args...)
	}
}

// invalid reports a configuration that is wrong.
func (r *checkReport) invalid(e *config.Error) {
	r.Warnings, r.width = e.Warnings, 22
	r.heading("Configuration")
	for _, p := range e.Problems {
		r.Problems = append(r.Problems, problem{p.Variable, p.Text})
		r.mark(statusFailed, p.Variable, p.Text, "")
	}
	for _, w := range e.Warnings {
		r.warning(w)
	}
}

// valid reports a configuration that can be used and what it comes to.
func (r *checkReport) valid(settings []setting, warnings []string) {
	r.Settings, r.Warnings, r.warned, r.width = settings, warnings, len(warnings), 22
	r.heading("Configuration")
	var b strings.Builder
	tab := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	for _, s := range settings {
		value := oneLine(s.Value)
		if s.Default {
			value += r.paint.dim(" (default)")
		}
		_, _ = fmt.Fprintf(tab, "  %s\t%s\n", s.Name, value)
	}
	_ = tab.Flush()
	r.printf("%s", b.String())
	for _, w := range warnings {
		r.warning(w)
	}
}

func (r *checkReport) warning(w string) {
	name, text, _ := strings.Cut(w, ": ")
	r.mark(statusWarning, name, text, "")
}

func (r *checkReport) heading(s string) { r.printf("%s\n", r.paint.bold(s)) }

// begin starts the findings about a server.
func (r *checkReport) begin(kind, target string) {
	r.target, r.width = target, 13
	r.printf("\n")
	r.heading(kind + " " + target)
}

func (r *checkReport) ok(check, format string, args ...any) {
	r.add(statusOK, check, "", format, args...)
}

func (r *checkReport) note(check, format string, args ...any) {
	r.add(statusNote, check, "", format, args...)
}

func (r *checkReport) warn(check, hint, format string, args ...any) {
	r.add(statusWarning, check, hint, format, args...)
}

func (r *checkReport) fail(check, hint, format string, args ...any) {
	r.add(statusFailed, check, hint, format, args...)
}

func (r *checkReport) add(s status, check, hint, format string, args ...any) {
	f := finding{Target: r.target, Check: check, Status: s, Text: oneLine(fmt.Sprintf(format, args...)), Hint: hint}
	r.Checks = append(r.Checks, f)
	switch s {
	case statusFailed:
		r.Failed++
	case statusWarning:
		r.warned++
	case statusOK, statusNote:
	}
	r.mark(s, check, f.Text, hint)
}

// mark prints one line for people, and what to do on a line of its own.
func (r *checkReport) mark(s status, name, text, hint string) {
	sign := map[status]string{
		statusOK: r.paint.green("✓"), statusNote: r.paint.dim("·"),
		statusWarning: r.paint.yellow("!"), statusFailed: r.paint.red("✗"),
	}[s]
	pad := strings.Repeat(" ", max(0, r.width-utf8.RuneCountInString(name)))
	r.printf("  %s %s%s %s\n", sign, name, pad, text)
	if hint != "" {
		r.printf("    %s → %s\n", strings.Repeat(" ", r.width), hint)
	}
}

// end prints what it comes to.
func (r *checkReport) end() error {
	r.OK = r.Failed == 0 && len(r.Problems) == 0
	if r.asJSON {
		enc := json.NewEncoder(r.out)
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	warnings := ""
	if r.warned > 0 {
		warnings = ", " + number(r.warned, "warning")
	}
	switch {
	case r.Failed > 0:
		r.printf("\n%s\n", r.paint.red(number(r.Failed, "problem")+warnings))
	case r.OK:
		r.printf("\n%s\n", r.paint.green("all well"+warnings))
	}
	return r.err
}
