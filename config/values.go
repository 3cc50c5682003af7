package config

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// reader reads one environment and gathers what is wrong with it.
type reader struct {
	env      map[string]string // known variables and TZ: trimmed, not empty
	problems []Problem
	warnings []string
	Loader
}

func newReader(environ []string, ld Loader) *reader {
	r := &reader{env: make(map[string]string), Loader: ld}
	strangers := make(map[string]bool) // name → has a value
	for _, pair := range environ {
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			continue
		}
		value = strings.TrimSpace(value)
		_, known := lookup(name)
		switch {
		case known || name == "TZ":
			r.env[name] = value
		case ours(name):
			strangers[name] = value != ""
		}
	}
	for name, value := range r.env {
		if value == "" {
			delete(r.env, name)
		} else if !utf8.ValidString(value) && name != "TZ" {
			r.problem(name, "is not valid UTF-8")
			delete(r.env, name)
		}
	}
	names := make([]string, 0, len(strangers))
	for name, set := range strangers {
		if set {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	for _, name := range names {
		r.warn(name, strangerText(name))
	}
	return r
}

func (r *reader) isSet(name string) bool { return r.env[name] != "" }

// value returns a variable's value, or its default if it is not set.
func (r *reader) value(name string) string {
	if s := r.env[name]; s != "" {
		return s
	}
	v, _ := lookup(name)
	return v.Default
}

// anySet reports whether a variable of the group is set.
func (r *reader) anySet(g Group) bool { return r.setNames(g) != "" }

// setNames lists the variables of the group that are set.
func (r *reader) setNames(g Group) string {
	var names []string
	for i := range Variables {
		if v := &Variables[i]; v.Group == g && r.isSet(v.Name) {
			names = append(names, v.Name)
		}
	}
	return strings.Join(names, ", ")
}

// choice returns the variable's value as the table spells it.
func (r *reader) choice(name string) string {
	v, _ := lookup(name)
	value := r.value(name)
	for _, c := range v.Choices {
		if strings.EqualFold(c, value) {
			return c
		}
	}
	r.invalid(name)
	return v.Default
}

func (r *reader) boolean(name string) bool {
	switch strings.ToLower(r.value(name)) {
	case "true", "1", "yes", "on":
		return true
	case "false", "0", "no", "off":
	default:
		r.invalid(name)
	}
	return false
}

// number returns a variable that is a whole number from low to high.
func (r *reader) number(name string, low, high int) int {
	n, err := strconv.Atoi(r.value(name))
	if err != nil || n < low || n > high {
		r.invalid(name)
	}
	return n
}

func (r *reader) secret(name string) Secret { return NewSecret(r.env[name]) }

// pair reports a user without a password and a password without a user.
func (r *reader) pair(user, password string) {
	switch {
	case r.isSet(user) && !r.isSet(password):
		r.problem(password, "not set, but "+user+" is; set both or neither")
	case r.isSet(password) && !r.isSet(user):
		r.problem(user, "not set, but "+password+" is; set both or neither")
	}
}

// printable returns the variable's value of at most most bytes.
func (r *reader) printable(name string, most int) string {
	s := r.value(name)
	if len(s) > most || strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) }) {
		r.invalid(name)
	}
	return s
}

// bulkBytes returns ES_Bulk_Bytes.
func (r *reader) bulkBytes() int {
	n, ok := parseBytes(r.value("ES_Bulk_Bytes"))
	if !ok || n < 64<<10 || n > 100<<20 {
		r.invalid("ES_Bulk_Bytes")
	}
	return n
}

// seconds returns a variable that is a duration of at least least, or a whole
// number of seconds. No duration is longer than an invocation may be.
func (r *reader) seconds(name string, least time.Duration) time.Duration {
	const most = 15 * time.Minute
	s := r.value(name)
	if _, err := strconv.ParseUint(s, 10, 32); err == nil {
		s += "s"
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < least || d > most {
		r.invalid(name)
	}
	return d
}

// timeWindow returns ES_Index_TimeWindow.
func (r *reader) timeWindow() (back, ahead time.Duration) {
	first, second, _ := strings.Cut(r.value("ES_Index_TimeWindow"), ",")
	back, ok1 := parseDays(strings.TrimSpace(first))
	ahead, ok2 := parseDays(strings.TrimSpace(second))
	if !ok1 || !ok2 {
		r.invalid("ES_Index_TimeWindow")
	}
	return back, ahead
}

// parseBytes parses a number of bytes with or without a unit.
func parseBytes(s string) (int, bool) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
	n, err := strconv.ParseUint(s[:digits], 10, 32)
	if err != nil {
		return 0, false
	}
	unit := uint64(1)
	switch strings.ToLower(strings.TrimSpace(s[digits:])) {
	case "", "b":
	case "kb":
		unit = 1e3
	case "kib":
		unit = 1 << 10
	case "mb":
		unit = 1e6
	case "mib":
		unit = 1 << 20
	default:
		return 0, false
	}
	return int(n * unit), true // below 2^52
}

// parseDays parses a duration of 0 to 36500 days, which may start with days: 30d, 1d12h, 720h.
func parseDays(s string) (time.Duration, bool) {
	const day, most = 24 * time.Hour, 36500
	var d time.Duration
	if days, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 32)
		if err != nil || n > most {
			return 0, false
		}
		d, s = time.Duration(n)*day, rest
		if s == "" {
			return d, true
		}
	}
	rest, err := time.ParseDuration(s)
	if err != nil || rest < 0 || rest > most*day || d+rest > most*day {
		return 0, false
	}
	return d + rest, true
}

// list splits a value at its commas; empty elements are skipped.
func list(s string) []string {
	var elems []string
	for elem := range strings.SplitSeq(s, ",") {
		if elem = strings.TrimSpace(elem); elem != "" {
			elems = append(elems, elem)
		}
	}
	return elems
}
