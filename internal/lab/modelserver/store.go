package modelserver

import (
	"cmp"
	"maps"
	"slices"
)

// document is what an index holds under an id. What is visible decides whether
// a create meets a conflict; what is durable is there after a recovery.
type document struct {
	visible, durable []byte // nil: nothing
	writes           int
}

// Document is one that a server holds.
type Document struct {
	Index, ID string
	Source    []byte
	// Writes is how often it was written, whatever was answered.
	Writes int
}

// Keeps says what a server has done with a document that it answers with an
// error.
type Keeps uint8

// A document that was answered with an error is usually not written. It may
// have been, or may have been as it seems: then it is lost when the shard
// recovers, as it happens where the transaction log's disk is full.
const (
	KeepsNothing Keeps = iota
	KeepsDurable
	KeepsVisible
)

// at returns the place of an id, a new one if need be. The caller holds mu.
func (s *Server) at(index, id string) *document {
	ix := s.indices[index]
	if ix == nil {
		ix = make(map[string]*document)
		s.indices[index] = ix
	}
	d := ix[id]
	if d == nil {
		d = &document{}
		ix[id] = d
	}
	return d
}

func (d *document) write(source []byte, how Keeps) {
	d.writes++
	d.visible = source
	if how == KeepsDurable {
		d.durable = source
	}
}

// Put makes somebody else's document.
func (s *Server) Put(index, id, source string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.at(index, id).write([]byte(source), KeepsDurable)
}

// Recover has all shards recover: what was not durable is gone.
func (s *Server) Recover() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, ix := range s.indices {
		for _, d := range ix {
			d.visible = d.durable
		}
	}
}

// Documents are all that is durable, in the order of index and id.
func (s *Server) Documents() []Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Document
	for _, index := range slices.Sorted(maps.Keys(s.indices)) {
		for id, d := range s.indices[index] {
			if d.durable != nil {
				out = append(out, Document{index, id, d.durable, d.writes})
			}
		}
	}
	slices.SortFunc(out, func(a, b Document) int { return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.ID, b.ID)) })
	return out
}

// In are the durable documents of an index, in the order of their ids.
func (s *Server) In(index string) []Document {
	return slices.DeleteFunc(s.Documents(), func(d Document) bool { return d.Index != index })
}
