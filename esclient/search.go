package esclient

import (
	"net/http"
	"slices"

	"ckafka-etl/record"
)

// search looks for the documents for which a request was refused as a whole: by
// halves, until one stands alone.
type search struct {
	// taken says that a part of the request was accepted, so that going on makes
	// sense.
	taken    bool
	refusals int
	first    int // the number of the first request that was refused
}

// lone is an item that was refused as a request of its own. It is at fault if it
// is refused so once more after another request was accepted: a server that
// refuses everything for a while refuses it once, too.
type lone struct {
	i     int32
	cause *record.Cause
	first int // the number of the first request that was refused with it
	sends int // until then: what was sent before says nothing of the server since
}

// refusedWhole deals with a request that was refused as a whole.
func (j *job) refusedWhole(req *request, cause *record.Cause) {
	s := req.part.search
	if s == nil {
		s = &search{taken: j.allFoundAtFault(req), first: req.number}
	}
	s.refusals++
	j.refusals++
	j.ended(req)
	if cause.Status == http.StatusRequestEntityTooLarge && len(req.items) > 1 {
		j.c.limit = max(min(j.c.limit, len(req.body)/2), minLimit)
	}
	switch {
	case !s.taken && (s.refusals > maxRefusals || !j.accepted && j.refusals > maxRefusals):
		j.giveUpSearch(s, req, cause)
	case len(req.items) == 1:
		j.refusedAlone(s, req, cause)
	default:
		j.halve(s, req, cause)
	}
	j.releaseAll(req)
}

// minLimit is the least size to which a 413 lowers bulk bodies.
const minLimit = 16 << 10

func (j *job) halve(s *search, req *request, cause *record.Cause) {
	for _, i := range req.items {
		j.note(i, cause)
		j.chains.queueAgain(&j.items[i], i)
	}
	half := len(req.items) / 2
	// Which half comes first alternates: the culprits may stand together.
	a := &part{items: slices.Clone(req.items[:half]), repeat: true, search: s}
	b := &part{items: slices.Clone(req.items[half:]), repeat: true, search: s}
	if s.refusals%2 == 0 {
		a, b = b, a
	}
	j.first(b)
	j.first(a)
}

// refusedAlone deals with an item that was refused as a request of its own.
func (j *job) refusedAlone(s *search, req *request, cause *record.Cause) {
	i := req.items[0]
	j.locate(cause, i, req, 0)
	if j.mayRefuse(&j.items[i]) || req.part.whole {
		j.refuse(i, cause)
		return
	}
	j.note(i, cause)
	j.chains.queueAgain(&j.items[i], i)
	j.lone = append(j.lone, lone{i, cause, s.first, j.sends})
}

// convict ends the work on an item that is known to be at fault.
func (j *job) convict(i int32, cause *record.Cause) {
	it := &j.items[i]
	if it.chain != 0 {
		j.chains.of(it).close(it, i)
	}
	j.refuse(i, cause)
	if it.chain != 0 {
		j.chains.release(j, j.chains.of(it))
	}
}

// giveUpSearch leaves what a search has not settled to the next delivery.
func (j *job) giveUpSearch(s *search, req *request, cause *record.Cause) {
	items := slices.Clone(req.items)
	kept := j.queue[:0]
	for _, p := range j.queue {
		if p.search == s && p.sent == nil {
			items = append(items, p.items...)
		} else {
			kept = append(kept, p)
		}
	}
	clear(j.queue[len(kept):])
	j.queue = kept
	unproved := *cause
	unproved.Hint = joinHints(cause.Hint, hintUnproved)
	for _, i := range items {
		switch {
		case j.items[i].done:
		case j.mayRefuse(&j.items[i]):
			j.convict(i, cause)
		default:
			j.held(i, &unproved)
		}
	}
	if !j.accepted && j.refusals > maxRefusals {
		j.stop(&unproved)
	}
}

// sendLone sends those once more that were refused as requests of their own, if
// other requests were taken since or the index still takes what it has taken, and
// leaves the others to the next delivery.
func (j *job) sendLone() {
	list := j.lone
	j.lone = nil
	for _, l := range list {
		if j.stopped == nil && (j.lastTaken > l.sends || j.leftAmongOthers() || j.mayAsk() && j.stillTakes(&j.items[l.i]) && j.lastTaken > l.sends) {
			j.queue = append(j.queue, &part{items: []int32{l.i}, repeat: true, whole: true})
			continue
		}
		if j.lastTaken > l.first {
			j.items[l.i].trace |= record.RefusedAmongOthers
		}
		cause := *l.cause
		cause.Hint = joinHints(cause.Hint, hintUnproved)
		j.held(l.i, &cause)
	}
}

// mayAsk reports whether it is worth asking an index whether it still takes what
// it has taken: not of a server that has refused too many requests already.
func (j *job) mayAsk() bool { return j.accepted || j.refusals < maxRefusals }

// sendProved sends those alone for which there is evidence already, while all
// else waits for a back-off. It reports whether there are any.
func (j *job) sendProved() bool {
	before := len(j.queue)
	lone := j.lone[:0]
	for _, l := range j.lone {
		if j.lastTaken > l.sends {
			j.first(&part{items: []int32{l.i}, repeat: true, whole: true})
		} else {
			lone = append(lone, l)
		}
	}
	j.lone = lone
	suspects := j.suspects[:0]
	for _, i := range j.suspects {
		if it := &j.items[i]; !it.alone && j.takesOthers(it) {
			j.first(&part{items: []int32{i}, repeat: true, alone: true})
		} else {
			suspects = append(suspects, i)
		}
	}
	j.suspects = suspects
	return len(j.queue) > before
}

// few is how many records of a batch may be at fault together. Of more, most are
// not: it is the server then.
const few = 4

// leftAmongOthers reports whether what is to be written is just what was refused
// in earlier deliveries of the batch, while all else of it was taken.
func (j *job) leftAmongOthers() bool {
	if j.n > few {
		return false
	}
	for i := range j.items {
		if j.deliver.Trace(i)&(record.RefusedAmongOthers|record.FoundAtFault) == 0 {
			return false
		}
	}
	return true
}

func joinHints(a, b string) string {
	if a == "" {
		return b
	}
	return a + "; " + b
}
