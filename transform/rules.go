package transform

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"ckafka-etl/internal/rawjson"
)

// rules are the fields to remove. They are immutable and safe for concurrent
// use. A name with dots is the same as nested names, since Elasticsearch makes
// no difference: {"user.password":1} goes by the rule user.password.
type rules struct {
	list []rule // those that start at the top level
	// firstSigs are the signatures of the names with which those can start.
	firstSigs []uint64
	firstSet  uint64 // of firstSigs: see sigBit
	// deepRules are those that start at any depth, by their first name in lower
	// case; bit n of deepLens: one of them has n bytes (63: 63 or more).
	deepRules map[string][]*rule
	deepLens  uint64
	// message are the rules that begin with message. without that: the object in
	// message is cleaned by them before it is merged. nil: there are none.
	message *rules
	// text are the last names of all rules, which are looked for in text that is no
	// JSON object; deep are those of the deep rules, for the strings of an object.
	text, deep wordSet
}

var dot = []byte{'.'}

type rule struct {
	number int // among the rules as they were given
	path   string
	elems  []string
	deep   bool // starts at any depth, and its names are of any case
}

// is reports whether the rule's name n is elem.
func (ru *rule) is(n int, elem []byte) bool {
	if !ru.deep {
		return ru.elems[n] == string(elem)
	}
	return len(ru.elems[n]) == len(elem) && equalFold(ru.elems[n], elem)
}

// equalFold reports whether two texts of the same length are equal but for the
// case of ASCII letters.
func equalFold(a string, b []byte) bool {
	for i, c := range b {
		if fold(a[i]) != fold(c) {
			return false
		}
	}
	return true
}

func newRules(paths []string) (*rules, error) {
	r := &rules{}
	merged := &rules{}
	for number, path := range paths {
		rest, isDeep := strings.CutPrefix(path, "**.")
		elems := strings.Split(rest, ".")
		if slices.Contains(elems, "") || slices.Contains(elems, "**") {
			return nil, fmt.Errorf("%q is no field path", path)
		}
		last := elems[len(elems)-1]
		r.text.add(last, number)
		if isDeep {
			r.deep.add(last, number)
		}
		r.add(rule{number: number, path: path, elems: elems, deep: isDeep})
		if len(elems) > 1 && elems[0] == messageField {
			merged.add(rule{number: number, path: path, elems: elems[1:]})
			r.message = merged
		}
	}
	r.text.build()
	r.deep.build()
	return r, nil
}

func (r *rules) add(ru rule) {
	first := ru.elems[0]
	if ru.deep {
		if r.deepRules == nil {
			r.deepRules = make(map[string][]*rule)
		}
		key := string(appendFolded(nil, []byte(first)))
		r.deepRules[key] = append(r.deepRules[key], &ru)
		r.deepLens |= 1 << min(len(key), 63)
		return
	}
	r.list = append(r.list, ru)
	sig := rawjson.Signature([]byte(first))
	r.firstSigs, r.firstSet = append(r.firstSigs, sig), r.firstSet|sigBit(sig)
}

func appendFolded(dst, text []byte) []byte {
	for _, c := range text {
		dst = append(dst, fold(c))
	}
	return dst
}

// startingDeep returns the deep rules that start with a name.
func (r *rules) startingDeep(name []byte) []*rule {
	if r.deepLens>>min(len(name), 63)&1 == 0 {
		return nil
	}
	var room [64]byte
	return r.deepRules[string(appendFolded(room[:0], name))]
}

// pending is a rule that has matched its first n names on the way down.
type pending struct {
	rule *rule
	n    int
}

// top says what the rules mean for a top-level member: it goes (by the rule
// matched), or something inside it may have to go. Without deep only the rules
// that start at the top level count.
func (r *rules) top(m *member, deep bool) (gone, inside bool, matched *rule) {
	switch {
	case deep:
		return r.look(m.Name)
	case r.firstSet == 0:
		return false, false, nil
	case r.firstSet&sigBit(m.Sig) != 0 && slices.Contains(r.firstSigs, m.Sig) || rawjson.MayDot(m.Sig, m.Name):
		return r.look(m.Name)
	}
	return false, false, nil
}

func (r *rules) look(name []byte) (gone, inside bool, matched *rule) {
	var room [8]pending
	gone, next, matched := r.step(nil, room[:0], name, true)
	return gone, len(next) > 0, matched
}

// step takes one name down from a place where the rules in from are pending,
// and appends to next those that are pending below. matched is the rule by
// which the name goes. At the top level every rule starts; further down only
// the deep ones do.
func (r *rules) step(from, next []pending, name []byte, atTop bool) (gone bool, _ []pending, matched *rule) {
	here := from
	first := atTop
	for {
		elem, rest, more := bytes.Cut(name, dot)
		base := len(next)
		for _, p := range here {
			if p.rule.is(p.n, elem) {
				if p.n+1 == len(p.rule.elems) {
					return true, next[:0], p.rule
				}
				next = append(next, pending{p.rule, p.n + 1})
			}
		}
		for i := range r.list {
			if ru := &r.list[i]; first && ru.is(0, elem) {
				if len(ru.elems) == 1 {
					return true, next[:0], ru
				}
				next = append(next, pending{ru, 1})
			}
		}
		for _, ru := range r.startingDeep(elem) {
			if len(ru.elems) == 1 {
				return true, next[:0], ru
			}
			next = append(next, pending{ru, 1})
		}
		if !more {
			return false, next[base:], nil
		}
		here, first, name = next[base:], false, rest
	}
}

// appendKept appends value, the top-level member name's, on one line and
// without what the rules remove from it, and reports whether that is not all of
// it. mask, if not nil, hides the values of deep words in strings; onGone, if not
// nil, hears of each field that goes.
func (r *rules) appendKept(dst, name, value []byte, mask *masker, onGone func(*rule)) (_ []byte, changed bool) {
	var room [8]pending
	_, from, _ := r.step(nil, room[:0], name, true)
	k := keeper{rules: r, dst: dst, data: value, mask: mask, onGone: onGone}
	k.value(0, from)
	return k.dst, k.changed
}

// keeper copies a value that is known to be valid JSON, leaving out fields and
// the white space between tokens.
type keeper struct {
	rules  *rules
	dst    []byte
	data   []byte
	name   []byte // scratch
	onGone func(*rule)

	mask    *masker
	changed bool
}

// value copies the value at data[i] and returns its end.
func (k *keeper) value(i int, from []pending) int {
	switch k.data[i] {
	case '{':
		return k.object(i, from)
	case '[':
		k.dst = append(k.dst, '[')
		i = k.space(i + 1)
		for k.data[i] != ']' {
			if k.data[i] == ',' {
				k.dst = append(k.dst, ',')
				i = k.space(i + 1)
			}
			i = k.space(k.value(i, from))
		}
		k.dst = append(k.dst, ']')
		return i + 1
	default:
		end := k.scalarEnd(i)
		if k.mask != nil && k.data[i] == '"' {
			var hidden bool
			k.dst, hidden = k.mask.appendString(k.dst, &k.rules.deep, k.data[i:end])
			k.changed = k.changed || hidden
			return end
		}
		k.dst = append(k.dst, k.data[i:end]...)
		return end
	}
}

func (k *keeper) object(i int, from []pending) int {
	k.dst = append(k.dst, '{')
	i = k.space(i + 1)
	first := true
	var room [8]pending // most of the time there are few
	for k.data[i] != '}' {
		if k.data[i] == ',' {
			i = k.space(i + 1)
		}
		end := rawjson.StringEnd(k.data, i+1)
		key := k.data[i+1 : end]
		name := key
		if bytes.IndexByte(key, '\\') >= 0 {
			k.name, _ = rawjson.AppendUnescaped(k.name[:0], key)
			name = k.name
		}
		gone, next, matched := k.rules.step(from, room[:0], name, false)
		i = k.space(k.space(end+1) + 1)
		if gone {
			k.changed = true
			if k.onGone != nil {
				k.onGone(matched)
			}
			i = k.valueEnd(i)
		} else {
			if !first {
				k.dst = append(k.dst, ',')
			}
			first = false
			k.dst = append(k.dst, '"')
			k.dst = append(k.dst, key...)
			k.dst = append(k.dst, '"', ':')
			i = k.value(i, next)
		}
		i = k.space(i)
	}
	k.dst = append(k.dst, '}')
	return i + 1
}

func (k *keeper) space(i int) int {
	for i < len(k.data) && k.data[i] <= ' ' {
		i++
	}
	return i
}

func (k *keeper) scalarEnd(i int) int {
	if k.data[i] == '"' {
		return rawjson.StringEnd(k.data, i+1) + 1
	}
	for i < len(k.data) && k.data[i] > ' ' && k.data[i] != ',' && k.data[i] != '}' && k.data[i] != ']' {
		i++
	}
	return i
}
