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
	refusals int // without proof
	first    int // the request of the first of them
	proved   bool
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
		h = &history{}
		s.records[key] = h
	}
	if proof == OfRecord {
		h.proved = true
		return
	}
	if h.refusals == 0 {
		h.first = no
	}
	h.refusals++
	last, some := s.taken[a.index]
	h.proved = h.proved || h.refusals > 1 && items == 1 && some && last >= h.first
}

// MayBeDead reports whether the server has said what a dead letter needs: that
// the record is refused for itself in so many words; or, of a refusal that
// nobody knows, that it was refused again when it was sent alone, and that its
// index took another one between the two refusals or in the request of the
// first. What an index took before proves nothing, a server that refuses
// everything from now on has taken others until now; nor does what it took
// later, one that is well again takes others.
func (s *Server) MayBeDead(key string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.records[key]
	return h != nil && h.proved
}
