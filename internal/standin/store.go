package standin

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Document is a stored document.
type Document struct {
	Index string
	ID    string
	// Source is the document's JSON as it was sent. It must not be changed.
	Source []byte
	// Version starts at 1 and grows with each write, deletions included.
	Version int64
	// SeqNo orders all writes of an index, from 0.
	SeqNo int64
	// Writes says how often the document was created or overwritten since the
	// index was made; deletions don't count and don't reset it.
	Writes int
}

// An index is documents and what they made of its mapping.
type index struct {
	name      string
	typ       string // its one type, where there are types
	docs      map[string]*entry
	mapping   *mapping
	maxFields int
	nextSeq   int64
	live      int // documents that are not deleted
	deleted   int

	// The blocks of its settings.
	write, readOnly, readOnlyAllowDelete bool
}

// An entry is all that is known of one id, deleted or not.
type entry struct {
	typ     string
	source  []byte // nil: deleted
	version int64
	seqNo   int64
	writes  int
}

func (s *Server) newIndex(name string) *index {
	ix := &index{name: name, docs: map[string]*entry{}, mapping: newMapping(), maxFields: s.maxFields}
	s.indices[name] = ix
	return ix
}

func (s *Server) indexNames() []string { return slices.Sorted(maps.Keys(s.indices)) }

// put stores a document and says whether it is new.
func (ix *index) put(id, typ string, source []byte) (e *entry, created bool) {
	e = ix.docs[id]
	if e == nil {
		e = &entry{}
		ix.docs[id] = e
	}
	if created = e.source == nil; created {
		ix.live++
	} else {
		ix.deleted++ // the old one, until segments are merged
	}
	e.typ, e.source = typ, source
	e.writes++
	ix.bump(e)
	return e, created
}

// remove deletes a document and says whether there was one. A missing one gets
// a version and sequence number too.
func (ix *index) remove(id string) (e *entry, found bool) {
	e = ix.docs[id]
	if e == nil {
		e = &entry{}
		ix.docs[id] = e
	}
	if found = e.source != nil; found {
		ix.live--
		ix.deleted++
	}
	e.source = nil
	ix.bump(e)
	return e, found
}

func (ix *index) bump(e *entry) {
	e.version++
	e.seqNo = ix.nextSeq
	ix.nextSeq++
}

func (ix *index) documents() []Document {
	out := make([]Document, 0, ix.live)
	for _, id := range slices.Sorted(maps.Keys(ix.docs)) {
		if e := ix.docs[id]; e.source != nil {
			out = append(out, Document{ix.name, id, e.source, e.version, e.seqNo, e.writes})
		}
	}
	return out
}

// blocked says why an index takes no writes, or nil. Seen: a read-only block
// for a full disk is 403 on 6.8 and 429 on all others.
func (ix *index) blocked(v Version, metadata bool) *failure {
	status := 403
	var what string
	switch {
	case ix.readOnly:
		what = "FORBIDDEN/5/index read-only (api)"
	case metadata:
		return nil
	case ix.write:
		what = "FORBIDDEN/8/index write (api)"
	case ix.readOnlyAllowDelete && v == ES68:
		what = "FORBIDDEN/12/index read-only / allow delete (api)"
	case ix.readOnlyAllowDelete:
		status, what = 429, "TOO_MANY_REQUESTS/12/disk usage exceeded flood-stage watermark, index has read-only-allow-delete block"
		if v == ES817 {
			what += "; for more information, see https://www.elastic.co/guide/en/elasticsearch/reference/8.17/fix-watermark-errors.html"
		}
	default:
		return nil
	}
	if v == ES68 {
		return fail(status, "cluster_block_exception", "blocked by: [%s];", what)
	}
	return fail(status, "cluster_block_exception", "index [%s] blocked by: [%s];", ix.name, what)
}

// newID makes an id as long as the server's. They are in order.
func (s *Server) newID() string {
	s.lastID++
	return fmt.Sprintf("auto-%015d", s.lastID)
}

// Documents returns the documents of an index in the order of their ids; none
// if there is no such index.
func (s *Server) Documents(index string) []Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ix := s.indices[index]; ix != nil {
		return ix.documents()
	}
	return nil
}

// All returns all documents in the order of index and id.
func (s *Server) All() []Document {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all()
}

func (s *Server) all() []Document {
	var out []Document
	for _, name := range s.indexNames() {
		out = append(out, s.indices[name].documents()...)
	}
	return out
}

// Indices returns the names of all indices in order.
func (s *Server) Indices() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.indexNames()
}

// Count returns the number of documents in an index, or in all for "".
func (s *Server) Count(index string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for name, ix := range s.indices {
		if index == "" || index == name {
			n += ix.live
		}
	}
	return n
}

// Writes returns how often a document was created or overwritten since its
// index was made, also if it was deleted since.
func (s *Server) Writes(index, id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if ix := s.indices[index]; ix != nil && ix.docs[id] != nil {
		return ix.docs[id].writes
	}
	return 0
}

// Twice returns the documents that were written more than once: with ids that
// make replays harmless there are none, whatever failed on the way.
func (s *Server) Twice() []Document {
	return slices.DeleteFunc(s.All(), func(d Document) bool { return d.Writes < 2 })
}

func bySeqNo(a, b Document) int {
	return cmp.Or(cmp.Compare(a.Index, b.Index), cmp.Compare(a.SeqNo, b.SeqNo))
}
