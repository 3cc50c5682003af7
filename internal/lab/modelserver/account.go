package modelserver

// Proof is what a refusal says of a record.
type Proof uint8

// A refusal that speaks of the server, of an index or of rights proves nothing
// of a record. One that speaks of the document proves that it will never be
// taken. Of what nobody knows it depends on what becomes of others.
const (
	ProvesNothing Proof = iota
	OfRecord
	Unproved
)

// history is how a record was refused.
type history struct {
	index    string
	ofRecord bool
	refusals int // without proof
	first    int // the request of the first of them
	alone    bool
}

// refused notes a refusal in request no, in which there were so many items.
// The caller holds mu.
func (s *Server) refused(a *action, proof Proof, no, items int) {
	if s.traits.Key == nil || proof == ProvesNothing {
		return
	}
	key := s.traits.Key(a.source)
	h := s.records[key]
	if h == nil {
		h = &history{index: a.index}
		s.records[key] = h
	}
	if proof == OfRecord {
		h.ofRecord = true
		return
	}
	if h.refusals == 0 {
		h.first = no
	}
	h.refusals++
	h.alone = h.alone || items == 1
}

// MayBeDead reports whether the server has said what a dead letter needs: that
// the record is refused for itself in so many words; or, of a refusal that
// nobody knows, that it was repeated, that the record stood alone in one of the
// requests, and that its index took another one in the request of the first
// refusal or later. What an index took before that proves nothing: a server
// that refuses everything from now on has taken others until now.
func (s *Server) MayBeDead(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.records[key]
	if h == nil {
		return false
	}
	last, some := s.taken[h.index]
	return h.ofRecord || h.refusals > 1 && h.alone && some && last >= h.first
}
