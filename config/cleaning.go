package config

import (
	"slices"
	"strings"
	"time"
	_ "time/tzdata" // the platform's machines may have no zone data
	"unicode"
)

func (r *reader) cleaning() Cleaning {
	c := Cleaning{
		Ignore:        r.ignored("ES_Log_IgnoreWord"),
		MessageMerge:  r.messageMerge(),
		TimeField:     r.timeField(),
		TimeOverwrite: r.boolean("ES_Time_Overwrite"),
		Zone:          r.zone(),
	}
	if c.TimeOverwrite && c.TimeField == "" {
		r.problem("ES_Time_Overwrite", "is true, but ES_Time_Field=none means that nothing is stamped; drop one of the two")
	}
	return c
}

func (r *reader) messageMerge() MessageMerge {
	switch r.choice("ES_Message_Merge") {
	case "under":
		return MergeUnder
	case none:
		return MergeNone
	default:
		return MergeOver
	}
}

func (r *reader) timeField() string {
	s := r.value("ES_Time_Field")
	if strings.EqualFold(s, none) {
		return ""
	}
	if strings.ContainsFunc(s, func(c rune) bool { return !unicode.IsPrint(c) || strings.ContainsRune(".,*", c) }) {
		r.invalid("ES_Time_Field")
	}
	return s
}

func (r *reader) zone() *time.Location {
	if name := r.value("ES_Index_TimeZone"); name != "" {
		zone := loadZone(name)
		if zone == nil {
			r.invalid("ES_Index_TimeZone")
			return time.UTC
		}
		return zone
	}
	// POSIX allows a colon before a file's name, and some platforms set it.
	name := strings.TrimPrefix(r.env["TZ"], ":")
	if name == "" {
		return time.UTC
	}
	zone := loadZone(name)
	if zone == nil {
		r.warn("ES_Index_TimeZone", "not set, and TZ, which would stand in for it, is no IANA name but "+quote(name)+": times are in UTC")
		return time.UTC
	}
	return zone
}

// loadZone returns the zone with an IANA name, or nil. "Local", which Go knows
// too, is none: it would be whatever the machine was started with.
func loadZone(name string) *time.Location {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil
	}
	return zone
}

// paths returns a list of field paths without repetitions.
func (r *reader) paths(name string) []string {
	return r.sound(name, list(r.value(name)), func(path string) string { return pathFault(path, false) })
}

// sound returns those of a variable's field paths that have no fault, without
// repetitions, and makes a problem of each of the others.
func (r *reader) sound(name string, paths []string, fault func(path string) string) []string {
	var found []string
	for _, path := range paths {
		path = strings.TrimSpace(path)
		if path == "" || slices.Contains(found, path) {
			continue
		}
		if why := fault(path); why != "" {
			v, _ := lookup(name)
			r.problem(name, "got "+quote(path)+": "+why+"; allowed: "+v.AllowedText())
			continue
		}
		found = append(found, path)
	}
	return found
}

// pathFault says what is wrong with a field path, "" if nothing is. No * may
// stand in a name: who writes pass* means a pattern, and a field that was to be
// removed would stay.
func pathFault(path string, anyDepth bool) string {
	rest := path
	if anyDepth {
		rest = strings.TrimPrefix(path, "**.")
	}
	switch {
	case rest == "*" || rest == "**":
		return "that would be every field; name the fields"
	case strings.Contains(rest, "*") && anyDepth:
		return "there are no patterns in names, and ** may stand only at the start, as in **.password"
	case strings.Contains(rest, "*"):
		return "there are no patterns here; write the field's whole path"
	case slices.Contains(strings.Split(rest, "."), ""):
		return "a name between the dots is missing"
	}
	return ""
}
