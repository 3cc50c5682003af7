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
	list []rule
	// note are the names that make a nested value worth a closer look, nil if
	// only top-level fields are to go.
	note *rawjson.Names
	// firstSigs are the signatures of the names with which a rule can start.
	firstSigs []uint64
	firstSet  uint64 // of firstSigs: see sigBit
	// words are the last names of all rules, for masking text.
	words [][]rune
}

var dot = []byte{'.'}

type rule struct {
	path  string
	elems []string
	deep  bool // starts at any depth
}

func newRules(paths []string) (*rules, error) {
	r := &rules{}
	var first, deep, words []string
	for _, path := range paths {
		rest, isDeep := strings.CutPrefix(path, "**.")
		elems := strings.Split(rest, ".")
		if slices.Contains(elems, "") || slices.Contains(elems, "**") {
			return nil, fmt.Errorf("%q is no field path", path)
		}
		r.list = append(r.list, rule{path: path, elems: elems, deep: isDeep})
		words = append(words, strings.TrimRight(elems[len(elems)-1], nameEnds))
		first = append(first, elems[0])
		if isDeep {
			deep = append(deep, elems[0])
		}
	}
	for _, name := range first {
		sig := rawjson.Signature([]byte(name))
		r.firstSigs, r.firstSet = append(r.firstSigs, sig), r.firstSet|sigBit(sig)
	}
	if len(deep) > 0 {
		r.note = rawjson.NewNames(deep...)
	}
	slices.Sort(words)
	for _, w := range slices.Compact(words) {
		if w != "" {
			r.words = append(r.words, []rune(w))
		}
	}
	return r, nil
}

// pending is a rule that has matched its first n names on the way down.
type pending struct {
	rule *rule
	n    int
}

// top says what the rules mean for a top-level member: it goes (by the rule
// matched), or something inside it may have to go.
func (r *rules) top(m *member) (gone, inside bool, matched *rule) {
	if r.firstSet == 0 {
		return false, false, nil
	}
	if r.firstSet&sigBit(m.Sig) != 0 && slices.Contains(r.firstSigs, m.Sig) || rawjson.MayDot(m.Sig, m.Name) {
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
			if p.rule.elems[p.n] == string(elem) {
				if p.n+1 == len(p.rule.elems) {
					return true, next[:0], p.rule
				}
				next = append(next, pending{p.rule, p.n + 1})
			}
		}
		for i := range r.list {
			ru := &r.list[i]
			if (first || ru.deep) && ru.elems[0] == string(elem) {
				if len(ru.elems) == 1 {
					return true, next[:0], ru
				}
				next = append(next, pending{ru, 1})
			}
		}
		if !more {
			return false, next[base:], nil
		}
		here, first, name = next[base:], false, rest
	}
}

// appendKept appends value, the top-level member name's, on one line and
// without what the rules remove from it. onGone, if not nil, hears of each
// field that goes.
func (r *rules) appendKept(dst, name, value []byte, onGone func(*rule)) []byte {
	var room [8]pending
	_, from, _ := r.step(nil, room[:0], name, true)
	k := keeper{rules: r, dst: dst, data: value, onGone: onGone}
	k.value(0, from)
	return k.dst
}

// keeper copies a value that is known to be valid JSON, leaving out fields and
// the white space between tokens.
type keeper struct {
	rules  *rules
	dst    []byte
	data   []byte
	name   []byte // scratch
	onGone func(*rule)
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
