package standin

import (
	"bytes"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// A pathFilter is a filter_path parameter: dotted paths with * for any text in
// a name and ** for any names, those with a minus take away.
type pathFilter struct {
	include, exclude [][]string
}

func parseFilterPath(param string) pathFilter {
	var f pathFilter
	for path := range strings.SplitSeq(param, ",") {
		path = strings.TrimSpace(path)
		switch excluded, ok := strings.CutPrefix(path, "-"); {
		case ok:
			f.exclude = append(f.exclude, strings.Split(excluded, "."))
		case path != "":
			f.include = append(f.include, strings.Split(path, "."))
		}
	}
	return f
}

// apply filters an answer, which must be JSON. What is empty because all of it
// was filtered away is left out, seen on all.
func (f pathFilter) apply(body []byte) []byte {
	if f.include != nil {
		if body = keep(body, f.include); body == nil {
			body = []byte("{}")
		}
	}
	if f.exclude != nil {
		body = drop(body, f.exclude)
	}
	return body
}

// step follows patterns into a member; done says that one ends there.
func step(patterns [][]string, name string) (next [][]string, done bool) {
	for _, p := range patterns {
		if p[0] == "**" {
			next = append(next, p)
			if len(p) == 1 {
				done = true
				continue
			}
			below, d := step([][]string{p[1:]}, name)
			next, done = append(next, below...), done || d
			continue
		}
		if !matches(p[0], name) {
			continue
		}
		if len(p) == 1 {
			done = true
		} else {
			next = append(next, p[1:])
		}
	}
	return next, done
}

// keep is what the patterns choose of a value, or nil.
func keep(value []byte, patterns [][]string) []byte {
	return rebuild(value, func(name string, isElement bool, member []byte) []byte {
		if isElement {
			return keep(member, patterns)
		}
		next, done := step(patterns, name)
		switch {
		case done:
			return member
		case next == nil:
			return nil
		}
		return keep(member, next)
	}, false)
}

// drop is a value without what the patterns choose.
func drop(value []byte, patterns [][]string) []byte {
	return rebuild(value, func(name string, isElement bool, member []byte) []byte {
		if isElement {
			return drop(member, patterns)
		}
		next, done := step(patterns, name)
		switch {
		case done:
			return nil
		case next == nil:
			return member
		}
		return drop(member, next)
	}, true)
}

// rebuild makes a value anew from what each makes of its members and elements;
// nil leaves one out. Scalars and empty values are kept only if whole is true.
func rebuild(value []byte, each func(name string, isElement bool, member []byte) []byte, whole bool) []byte {
	if value[0] != '{' && value[0] != '[' {
		if whole {
			return value
		}
		return nil
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(value), jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))
	if _, err := dec.ReadToken(); err != nil {
		return value
	}
	isArray := value[0] == '['
	out := []byte{value[0]}
	for dec.PeekKind() != '}' && dec.PeekKind() != ']' {
		var name []byte
		if !isArray {
			raw, err := dec.ReadValue()
			if err != nil {
				return value
			}
			name = bytes.Clone(raw)
		}
		member, err := dec.ReadValue()
		if err != nil {
			return value
		}
		text := ""
		if !isArray {
			text = unquote(name)
		}
		chosen := each(text, isArray, bytes.TrimSpace(member))
		if chosen == nil {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		if !isArray {
			out = append(append(out, name...), ':')
		}
		out = append(out, chosen...)
	}
	if len(out) == 1 && !whole {
		return nil
	}
	return append(out, value[0]+2) // ] and } stand two behind [ and {
}
