package standin

import (
	"slices"
	"strings"
	"unicode"
)

// checkIndexName says why an index of this name cannot be made, or nil.
// Seen on all: bytes count, not letters; a leading dot and control characters
// are allowed. 6.8 allows a colon.
func checkIndexName(v Version, name string) *failure {
	switch {
	case name == "" && v == OpenSearch2:
		return invalidIndexName(name, "must not be empty")
	case name == "":
		return fail(500, "string_index_out_of_bounds_exception", "String index out of range: 0")
	case strings.ContainsAny(name, "\\/*?\"<>| ,"):
		if v == ES817 {
			return invalidIndexName(name, `must not contain the following characters ['>','?','*','<','"',' ','\','/',',','|']`)
		}
		return invalidIndexName(name, `must not contain the following characters [ , ", *, \, <, |, ,, >, /, ?]`)
	case strings.Contains(name, "#"):
		return invalidIndexName(name, "must not contain '#'")
	case v != ES68 && strings.Contains(name, ":"):
		return invalidIndexName(name, "must not contain ':'")
	case strings.ContainsAny(name[:1], "_-+"):
		return invalidIndexName(name, "must not start with '_', '-', or '+'")
	case len(name) > 255:
		return invalidIndexName(name, "index name is too long, ("+itoa(len(name))+" > 255)")
	case name == "." || name == "..":
		return invalidIndexName(name, "must not be '.' or '..'")
	case strings.IndexFunc(name, func(r rune) bool { return unicode.ToLower(r) != r }) >= 0:
		return invalidIndexName(name, "must be lowercase")
	}
	return nil
}

// resolve turns an index expression of a URL into names of indices, sorted:
// a comma list, * in names, _all, and exclusions (-name) behind a wildcard.
func (s *Server) resolve(expression string) ([]string, *failure) {
	all := s.indexNames()
	if expression == "" || expression == "_all" || expression == "*" {
		return all, nil
	}
	chosen := map[string]bool{}
	wild := false
	for name := range strings.SplitSeq(expression, ",") {
		switch exclude, ok := strings.CutPrefix(name, "-"); {
		case ok && wild:
			for _, n := range all {
				if matches(exclude, n) {
					delete(chosen, n)
				}
			}
		case strings.Contains(name, "*"):
			wild = true
			for _, n := range all {
				if matches(name, n) {
					chosen[n] = true
				}
			}
		case strings.HasPrefix(name, "_"):
			return nil, invalidIndexName(name, "must not start with '_'.")
		case s.indices[name] == nil:
			return nil, indexNotFound(s.version, name, "index_or_alias")
		default:
			chosen[name] = true
		}
	}
	return slices.DeleteFunc(all, func(n string) bool { return !chosen[n] }), nil
}

// matches reports whether s is what pattern says; * stands for any text.
func matches(pattern, s string) bool {
	first, rest, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == s
	}
	if !strings.HasPrefix(s, first) {
		return false
	}
	s = s[len(first):]
	for {
		middle, last, more := strings.Cut(rest, "*")
		if !more {
			return strings.HasSuffix(s, rest)
		}
		i := strings.Index(s, middle)
		if i < 0 {
			return false
		}
		s, rest = s[i+len(middle):], last
	}
}
