package redrive

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"time"
)

// Filter chooses letters. The zero value chooses all.
type Filter struct {
	// Causes and Topics are patterns (* and ?, [a-z]) for the error's type and
	// for the topic that the record came from; one of each has to match. None:
	// all do.
	Causes, Topics []string
	// Since and Until bound the time at which the record arrived: not before
	// Since, and before Until. Zero: no bound. A letter that tells no time is
	// outside of any bound.
	Since, Until time.Time
}

// Validate says what is wrong with the filter.
func (f *Filter) Validate() error {
	for name, patterns := range map[string][]string{"--cause": f.Causes, "--topic": f.Topics} {
		for _, p := range patterns {
			if _, err := path.Match(p, ""); err != nil || p == "" {
				return fmt.Errorf("%s: got %q, want a name or a pattern of *, ? and [a-z]", name, p)
			}
		}
	}
	if !f.Since.IsZero() && !f.Until.IsZero() && !f.Since.Before(f.Until) {
		return errors.New("--since: not before --until")
	}
	return nil
}

func (f *Filter) match(l *Letter) bool {
	switch {
	case !f.Since.IsZero() && l.Time.Before(f.Since):
		return false
	case !f.Until.IsZero() && (l.Time.IsZero() || !l.Time.Before(f.Until)):
		return false
	}
	return matchAny(f.Causes, l.Cause) && matchAny(f.Topics, l.Topic)
}

func matchAny(patterns []string, s string) bool {
	return len(patterns) == 0 || slices.ContainsFunc(patterns, func(p string) bool {
		ok, err := path.Match(p, s)
		return ok && err == nil
	})
}
