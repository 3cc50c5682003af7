package transform

import (
	"bytes"
	"encoding/binary"
	"hash/maphash"

	"ckafka-etl/internal/rawjson"
)

// member is one member of a record's object while it is being cleaned.
type member struct {
	key   []byte // the name as it is written, between the quotes
	name  []byte // the name itself: key, unescaped
	value []byte // the value's JSON text
	sig   uint64 // length and first bytes of name: unequal sigs mean unequal names
	gone  bool   // removed
	deep  bool   // value holds, or may hold, a nested field to remove
	lines bool   // value holds line breaks between its tokens
}

// Object is a record's JSON object as a list of members in order. Names are
// unique once it reaches a Step. The built-in cleaning works on the same list.
//
// Byte slices that come out of an Object belong to it and are valid until the
// step returns; those that go in are kept, not copied. An Object is not safe
// for concurrent use.
type Object struct {
	members []member
	names   []byte // unescaped names
	table   table
}

// Len returns how many members there are.
func (o *Object) Len() int {
	n := 0
	for i := range o.members {
		if !o.members[i].gone {
			n++
		}
	}
	return n
}

// All calls yield with each member's name and JSON text, in order.
func (o *Object) All() func(yield func(name, value []byte) bool) {
	return func(yield func(name, value []byte) bool) {
		for i := range o.members {
			if m := &o.members[i]; !m.gone && !yield(m.name, m.value) {
				return
			}
		}
	}
}

// Get returns the JSON text at a path such as "status" or "user.name", or nil.
// As in Elasticsearch a name with dots is the same as nested names, and the
// first match wins.
func (o *Object) Get(path string) []byte {
	for i := range o.members {
		if m := &o.members[i]; !m.gone {
			if v := lookup(m.name, m.value, path); v != nil {
				return v
			}
		}
	}
	return nil
}

// Set gives a top-level member a value, which must be valid JSON on one line,
// in place if it is there and at the end otherwise.
func (o *Object) Set(name string, value []byte) {
	if m := o.find(name); m != nil {
		m.value, m.deep, m.lines = value, false, false
		return
	}
	o.members = append(o.members, newMember(name, value))
}

func newMember(name string, value []byte) member {
	key, _ := rawjson.AppendEscaped(nil, name)
	return member{key: key, name: []byte(name), sig: signature([]byte(name)), value: value}
}

// Delete removes whatever stands at a path, written as in ES_Log_IgnoreWord
// ("name", "user.name", "**.name"), and reports whether anything did.
func (o *Object) Delete(path string) bool {
	r, err := newRules([]string{path})
	if err != nil {
		return false
	}
	found := false
	for i := range o.members {
		m := &o.members[i]
		if m.gone {
			continue
		}
		gone, inside, _ := r.top(m.name)
		if gone {
			m.gone, found = true, true
		} else if (inside || r.note != nil) && isContainer(m.value) {
			m.value = r.appendKept(nil, m.name, m.value, func(*rule) { found = true })
			m.lines = false
		}
	}
	return found
}

func (o *Object) find(name string) *member {
	b := []byte(name)
	return o.findSig(signature(b), b)
}

func (o *Object) findSig(sig uint64, name []byte) *member {
	for i := range o.members {
		if m := &o.members[i]; !m.gone && m.sig == sig && bytes.Equal(m.name, name) {
			return m
		}
	}
	return nil
}

// appendTo appends the object on one line.
func (o *Object) appendTo(dst []byte) []byte {
	dst = append(dst, '{')
	first := true
	for i := range o.members {
		m := &o.members[i]
		if m.gone {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, '"')
		dst = append(dst, m.key...)
		dst = append(dst, '"', ':')
		dst = append(dst, m.value...)
	}
	return append(dst, '}')
}

// reset empties the object for the next record.
func (o *Object) reset() { o.members, o.names = o.members[:0], o.names[:0] }

// add appends members as the scanner found them, duplicates included.
func (o *Object) add(found []rawjson.Member) {
	for i := range found {
		f := &found[i]
		name := f.Key
		if f.KeyEscaped {
			from := len(o.names)
			o.names, _ = rawjson.AppendUnescaped(o.names, f.Key)
			name = o.names[from:len(o.names):len(o.names)]
		}
		o.members = append(o.members, member{
			key: f.Key, name: name, value: f.Value, sig: signature(name), deep: f.Noted, lines: f.Broken,
		})
	}
}

// unique leaves one member a name: the last value, at the first one's place,
// as a reader that fills a map in order would have it. drop, if not nil, hears
// of each value that goes.
func (o *Object) unique(drop func(*member)) {
	const fewMembers = 32
	if len(o.members) > fewMembers {
		o.uniqueMany(drop)
		return
	}
	for i := 1; i < len(o.members); i++ {
		m := &o.members[i]
		for j := range i {
			e := &o.members[j]
			if e.sig == m.sig && !e.gone && !m.gone && bytes.Equal(e.name, m.name) {
				o.supersede(e, m, drop)
				break
			}
		}
	}
}

// uniqueMany does the same with a hash table. Its seed is random, so that
// nobody can send names which collide.
func (o *Object) uniqueMany(drop func(*member)) {
	o.table.reset(len(o.members))
	for i := range o.members {
		m := &o.members[i]
		if m.gone {
			continue
		}
		if j, ok := o.table.findOrAdd(o.members, i); ok {
			o.supersede(&o.members[j], m, drop)
		}
	}
}

func (o *Object) supersede(earlier, later *member, drop func(*member)) {
	if drop != nil {
		drop(earlier)
	}
	earlier.key, earlier.value, earlier.deep, earlier.lines = later.key, later.value, later.deep, later.lines
	later.gone = true
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
	for at := maphash.Bytes(t.seed, members[i].name) & t.mask; ; at = (at + 1) & t.mask {
		n := t.slots[at]
		if n == 0 {
			t.slots[at] = int32(i) + 1 // an event of 6 MB has fewer than 2^31 members
			return 0, false
		}
		if bytes.Equal(members[n-1].name, members[i].name) {
			return int(n - 1), true
		}
	}
}

// signature packs a name's length and first seven bytes.
func signature(name []byte) uint64 {
	var w uint64
	if len(name) >= 8 {
		w = binary.LittleEndian.Uint64(name) << 8
	} else {
		for i := len(name) - 1; i >= 0; i-- {
			w = w<<8 | uint64(name[i])
		}
		w <<= 8
	}
	return w | uint64(uint8(len(name)))
}

func isContainer(value []byte) bool { return value[0] == '{' || value[0] == '[' }
