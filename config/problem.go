package config

import (
	"slices"
	"strconv"
	"strings"
)

// Problem is one thing that is wrong with the configuration.
type Problem struct {
	Variable string // the variable to look at, always one of Variables
	Text     string // what it got and what is allowed; never a secret
}

// Error is every problem of a configuration, in the order of Variables.
type Error struct {
	Problems []Problem
	// Warnings are what Config.Warnings would have held. They are often the
	// cause: a misspelt name leaves the right one unset.
	Warnings []string
}

// Error lists all problems and warnings, one a line. No secret is in it.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("the configuration has ")
	b.WriteString(strconv.Itoa(len(e.Problems)))
	b.WriteString(" problem")
	if len(e.Problems) != 1 {
		b.WriteByte('s')
	}
	b.WriteByte(':')
	for _, p := range e.Problems {
		b.WriteString("\n- " + p.Variable + ": " + p.Text)
	}
	for _, w := range e.Warnings {
		b.WriteString("\n- warning: " + w)
	}
	return b.String()
}

// err returns what has been reported so far as an *Error, or nil.
func (r *reader) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(r.problems, func(a, b Problem) int { return position(a.Variable) - position(b.Variable) })
	return &Error{Problems: r.problems, Warnings: r.warnings}
}

func position(name string) int {
	return slices.IndexFunc(Variables, func(v Variable) bool { return v.Name == name })
}

func (r *reader) problem(name, text string) {
	r.problems = append(r.problems, Problem{name, text})
}

func (r *reader) warn(name, text string) { r.warnings = append(r.warnings, name+": "+text) }

// invalid reports that a variable's value is none of those allowed.
func (r *reader) invalid(name string) {
	v, _ := lookup(name)
	got := "got " + quote(r.env[name])
	if v.Secret {
		got = "got something else (not shown)"
	}
	r.problem(name, got+"; allowed: "+v.AllowedText())
}

// quote quotes a value for a message, cut to 80 bytes.
func quote(s string) string {
	const most = 80
	if len(s) > most {
		return strconv.Quote(s[:most]) + "…"
	}
	return strconv.Quote(s)
}
