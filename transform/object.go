package transform

import (
	"bytes"
	"hash/maphash"
	"strings"

	"ckafka-etl/internal/rawjson"
)

// member is one member of a record's object while it is being cleaned.
type member = rawjson.Member

// The texts that members come from (member.Source): there key and value stand
// side by side.
const (
	nowhere     uint8 = iota // key and value were put together
	fromBody                 // the record's value, unwrapped
	fromMessage              // its message field
	sources
)

// Object is a record's JSON object as a list of members in order. Names are
// unique once it reaches a Step. The built-in cleaning works on the same list.
//
// Byte slices that come out of an Object belong to it and are valid until the
// step returns; those that go in are kept, not copied. An Object is not safe
// for concurrent use.
type Object struct {
	members []member
	sigSet  uint64 // of all members' signatures: see sigBit
	names   []byte // unescaped names
	table   table
	sigs    [fewMembers]uint64
	texts   [sources][]byte
	tooMany int // how many members there are, if they are too many to be listed
}

// Len returns how many members there are.
func (o *Object) Len() int {
	n := 0
	for i := range o.members {
		if !o.members[i].Gone {
			n++
		}
	}
	return n
}

// All calls yield with each member's name and JSON text, in order.
func (o *Object) All() func(yield func(name, value []byte) bool) {
	return func(yield func(name, value []byte) bool) {
		for i := range o.members {
			if m := &o.members[i]; !m.Gone && !yield(m.Name, m.Value) {
				return
			}
		}
	}
}

// Get returns the JSON text at a path such as "status" or "user.name", or nil.
// As in Elasticsearch a name with dots is the same as nested names, an array of
// one element the same as the element, and the first match wins.
func (o *Object) Get(path string) []byte {
	found, _ := o.get(path)
	return found
}

// get is Get; several: the path leads to several elements of an array.
func (o *Object) get(path string) (found []byte, several bool) {
	for i := range o.members {
		if m := &o.members[i]; !m.Gone {
			if found, several = lookup(m.Name, m.Value, path); found != nil || several {
				return found, several
			}
		}
	}
	return nil, false
}

// Set gives a top-level member a value, which must be valid JSON on one line,
// in place if it is there and at the end otherwise.
func (o *Object) Set(name string, value []byte) {
	if m := o.find(name); m != nil {
		replace(m, value)
		return
	}
	o.add(newMember(name, value))
}

// add appends a member whose name is not there yet.
func (o *Object) add(m member) {
	o.members = append(o.members, m)
	o.sigSet |= sigBit(m.Sig)
}

// sigBit is a signature's bit in a set of 64: if it is not set, the signature is
// not there.
func sigBit(sig uint64) uint64 { return 1 << (sig * 0x9E3779B97F4A7C15 >> 58) }

func newMember(name string, value []byte) member {
	key, _ := rawjson.AppendEscaped(nil, name)
	b := []byte(name)
	return member{Key: key, Name: b, Sig: rawjson.Signature(b), Value: value}
}

// replace gives the member another value, which is clean.
func replace(m *member, value []byte) {
	m.Value, m.Source, m.Broken = value, nowhere, false
}

// Delete removes whatever stands at a path, written as in ES_Log_IgnoreWord
// ("name", "user.name", "**.name"), and reports whether anything did.
func (o *Object) Delete(path string) bool {
	r, err := newRules([]string{path})
	if err != nil {
		return false
	}
	found, deep := false, r.deepLens != 0
	for i := range o.members {
		m := &o.members[i]
		if m.Gone {
			continue
		}
		gone, inside, _ := r.top(m, deep)
		if gone {
			m.Gone, found = true, true
		} else if (inside || deep) && isContainer(m.Value) {
			if kept, changed := r.appendKept(nil, m.Name, m.Value, nil, nil); changed {
				replace(m, kept)
				found = true
			}
		}
	}
	return found
}

// path is a path for many look-ups.
type path struct {
	text string
	name []byte // of a path without dots, else nil
	sig  uint64
}

func newPath(text string) path {
	p := path{text: text}
	if !strings.Contains(text, ".") {
		p.name = []byte(text)
		p.sig = rawjson.Signature(p.name)
	}
	return p
}

// at returns the value at a path, or nil; several: it leads to several elements
// of an array.
func (o *Object) at(p *path) (found []byte, several bool) {
	if p.name == nil {
		return o.get(p.text)
	}
	if m := o.findSig(p.sig, p.name); m != nil {
		return m.Value, false
	}
	return nil, false
}

// inAnyCase returns the value of the first member whose name is a path without
// dots but for the case of ASCII letters.
func (o *Object) inAnyCase(p *path) []byte {
	if p.name == nil {
		return nil
	}
	for i := range o.members {
		if m := &o.members[i]; len(m.Name) == len(p.name) && !m.Gone && sameASCII(m.Name, p.name) {
			return m.Value
		}
	}
	return nil
}

func sameASCII(a, b []byte) bool {
	for i, c := range a {
		if d := b[i]; c != d && (c|0x20 != d|0x20 || c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return true
}

func (o *Object) find(name string) *member {
	b := []byte(name)
	return o.findSig(rawjson.Signature(b), b)
}

func (o *Object) findSig(sig uint64, name []byte) *member {
	if o.sigSet&sigBit(sig) == 0 {
		return nil
	}
	for i := range o.members {
		if m := &o.members[i]; m.Sig == sig && !m.Gone && bytes.Equal(m.Name, name) {
			return m
		}
	}
	return nil
}

// appendTo appends the object on one line. Members that stood side by side in
// their text, with nothing but a comma between, are copied in one go.
func (o *Object) appendTo(dst []byte) []byte {
	dst = append(dst, '{')
	first := true
	for i := 0; i < len(o.members); i++ {
		m := &o.members[i]
		if m.Gone {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		if m.Tight && m.Source != nowhere {
			last := m
			for i+1 < len(o.members) && follows(&o.members[i+1], last) {
				i++
				last = &o.members[i]
			}
			dst = append(dst, o.texts[m.Source][m.At-1:endOf(last)]...)
			continue
		}
		dst = append(dst, '"')
		dst = append(dst, m.Key...)
		dst = append(dst, '"', ':')
		dst = append(dst, m.Value...)
	}
	return append(dst, '}')
}

// endOf is the place behind a tight member in its text.
func endOf(m *member) int { return m.At + len(m.Key) + len(`":`) + len(m.Value) }

// follows reports whether m stands right behind an earlier tight member.
func follows(m, earlier *member) bool {
	return m.Source == earlier.Source && !m.Gone && m.Tight && m.At == endOf(earlier)+len(`,"`)
}

// reset empties the object for the next record.
func (o *Object) reset() {
	o.members, o.names, o.sigSet, o.tooMany = o.members[:0], o.names[:0], 0, 0
}

// parse appends the members of text, duplicates included, if it is one JSON
// object with room for them; see tooMany for one without. lossy counts the lone surrogates in names, which become U+FFFD: two
// names that differ in nothing else are one name to Lucene once it has written
// them, and a shard that holds both is lost.
func (o *Object) parse(scan *rawjson.Scanner, text []byte, source uint8) (lossy int, ok bool) {
	n := len(o.members)
	scan.Most = maxMembers
	members, ok := scan.Object(text, o.members)
	if ok && n+scan.Members > maxMembers {
		o.tooMany = n + scan.Members
	}
	if !ok || o.tooMany > 0 {
		o.members = members[:n]
		return 0, false
	}
	o.members, o.texts[source] = members, text
	for i := n; i < len(members); i++ {
		m := &members[i]
		m.Source = source
		if m.KeyEscaped {
			from := len(o.names)
			o.names, _ = rawjson.AppendUnescaped(o.names, m.Key)
			m.Name = o.names[from:len(o.names):len(o.names)]
			m.Sig = rawjson.Signature(m.Name)
			lossy += o.soundName(m)
		}
		if m.NamesEscaped {
			lossy += o.soundNames(m)
		}
	}
	return lossy, true
}

// soundName replaces the lone surrogates in a member's name.
func (o *Object) soundName(m *member) (replaced int) {
	from := len(o.names)
	if o.names, replaced = rawjson.AppendSoundName(o.names, m.Key); replaced == 0 {
		o.names = o.names[:from]
		return 0
	}
	m.Key, m.Source = o.names[from:len(o.names):len(o.names)], nowhere
	return replaced
}

// soundNames replaces those in the names inside a member's value.
func (o *Object) soundNames(m *member) (replaced int) {
	from := len(o.names)
	if o.names, replaced = rawjson.AppendSoundNames(o.names, m.Value); replaced == 0 {
		o.names = o.names[:from]
		return 0
	}
	m.Value, m.Source = o.names[from:len(o.names):len(o.names)], nowhere
	return replaced
}

// fewMembers is how many are compared each with each.
const fewMembers = 32

// unique leaves one member a name: the last value, at the first one's place,
// as a reader that fills a map in order would have it. The first own members,
// among which no name is twice, win over all behind them. drop, if not nil,
// hears of each value that goes.
func (o *Object) unique(own int, drop func(*member)) {
	if len(o.members) > fewMembers {
		o.sigSet = ^uint64(0)
		o.uniqueMany(own, drop)
		return
	}
	o.sigSet = 0
	for i := range o.members {
		sig := o.members[i].Sig
		o.sigs[i] = sig
		if bit := sigBit(sig); o.sigSet&bit == 0 {
			o.sigSet |= bit
			continue
		}
		for j, other := range o.sigs[:i] {
			if other != sig {
				continue
			}
			e, m := &o.members[j], &o.members[i]
			if !e.Gone && !m.Gone && bytes.Equal(e.Name, m.Name) {
				o.supersede(e, m, j < own, drop)
				break
			}
		}
	}
}

// uniqueMany does the same with a hash table. Its seed is random, so that
// nobody can send names which collide.
func (o *Object) uniqueMany(own int, drop func(*member)) {
	o.table.reset(len(o.members))
	for i := range o.members {
		m := &o.members[i]
		if m.Gone {
			continue
		}
		if j, ok := o.table.findOrAdd(o.members, i); ok {
			o.supersede(&o.members[j], m, j < own, drop)
		}
	}
}

func (o *Object) supersede(earlier, later *member, keep bool, drop func(*member)) {
	if keep {
		earlier, later = later, earlier // only the later one's place is given up
	}
	if drop != nil {
		drop(earlier)
	}
	if keep {
		earlier.Gone = true
		return
	}
	*earlier = *later
	later.Gone = true
}

// table is an open hash table of member numbers.
type table struct {
	seed   maphash.Seed
	seeded bool
	slots  []int32 // number + 1, 0 = free
	mask   uint64
}

func (t *table) reset(n int) {
	if !t.seeded {
		t.seed, t.seeded = maphash.MakeSeed(), true
	}
	size := 64
	for size < 2*n {
		size *= 2
	}
	if cap(t.slots) < size {
		t.slots = make([]int32, size)
	} else {
		t.slots = t.slots[:size]
		clear(t.slots)
	}
	t.mask = uint64(size - 1)
}

// findOrAdd returns the earlier member of the same name, or adds this one.
func (t *table) findOrAdd(members []member, i int) (earlier int, ok bool) {
	for at := maphash.Bytes(t.seed, members[i].Name) & t.mask; ; at = (at + 1) & t.mask {
		n := t.slots[at]
		if n == 0 {
			t.slots[at] = int32(i) + 1 // an event of 6 MB has fewer than 2^31 members
			return 0, false
		}
		if bytes.Equal(members[n-1].Name, members[i].Name) {
			return int(n - 1), true
		}
	}
}

func isContainer(value []byte) bool { return value[0] == '{' || value[0] == '[' }
