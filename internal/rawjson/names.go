package rawjson

import (
	"bytes"
	"slices"
)

// Names is a set of names that a scanner looks for in nested objects. It is
// immutable once made and safe for concurrent use.
type Names struct {
	byLen [64][]string // the last holds all of 63 bytes or more
	lens  uint64       // bit n: a name of n bytes is in the set (63: 63 or more)
}

// NewNames makes a set of the given names.
func NewNames(names ...string) *Names {
	n := &Names{}
	for _, name := range names {
		at := min(len(name), 63)
		n.byLen[at] = append(n.byLen[at], name)
		n.lens |= 1 << at
	}
	return n
}

// MayHold reports whether name is in the set, or holds a dot: Elasticsearch
// reads a.b as b inside a, so such a name needs a closer look.
func (n *Names) MayHold(name []byte) bool {
	if at := min(len(name), 63); n.lens>>at&1 == 1 {
		if slices.Contains(n.byLen[at], string(name)) {
			return true
		}
	}
	return bytes.IndexByte(name, '.') >= 0
}
