package esclient

import (
	"bytes"
	"net/http"
	"slices"
	"time"

	"ckafka-etl/config"
	"ckafka-etl/internal/core/budget"
	"ckafka-etl/record"
)

const (
	// maxRefusals is how many requests may be refused as a whole without any that
	// was accepted, before the rest waits for the next delivery.
	maxRefusals = 20
	// recent is how long an index that has taken a document is known to take some.
	recent = 5 * time.Minute
	// maxIndices is how many indices are remembered from call to call.
	maxIndices = 16

	hintUnproved = "nothing shows that it is the document's fault; ES_Dead_Letter_After makes a dead letter of it all the same"
)

// indexState is what a call has seen of an index.
type indexState struct {
	name  string
	taken int  // the number of the last answer by which it has taken a document
	asked bool // it was asked whether it still takes others
}

// indexNumber returns the number of an index + 1.
func (j *job) indexNumber(name string) int32 {
	for n := len(j.indices) - 1; n >= 0; n-- {
		if j.indices[n].name == name {
			return int32(n + 1)
		}
	}
	j.indices = append(j.indices, indexState{name: name})
	return int32(len(j.indices))
}

// withoutProof reports whether the batch has failed so often that what is
// refused becomes a dead letter without proof that it is at fault itself.
func (j *job) withoutProof() bool {
	return j.c.cfg.DeadLetterAfter > 0 && j.deliver.Failures >= j.c.cfg.DeadLetterAfter
}

// mayRefuse reports whether a refusal of an item needs no further evidence.
func (j *job) mayRefuse(it *item) bool {
	return it.trace&record.FoundAtFault != 0 || j.withoutProof() || j.src.refusesAlone()
}

// allFoundAtFault reports whether all items of a request were found at fault in
// an earlier delivery.
func (j *job) allFoundAtFault(req *request) bool {
	for _, i := range req.items {
		if j.items[i].trace&record.FoundAtFault == 0 {
			return false
		}
	}
	return true
}

// suspect deals with an item that was refused for what it is or for something
// else. Whether it is at fault shows when it is refused alone while its index
// takes others.
func (j *job) suspect(i int32, req *request, at int, cause *record.Cause) {
	j.locate(cause, i, req, at)
	it := &j.items[i]
	switch {
	case j.mayRefuse(it), req.part.alone && j.takesOthers(it):
		j.refuse(i, cause)
		return
	}
	it.alone = req.part.alone
	j.nameIndex(i, cause)
	j.note(i, cause)
	j.chains.queueAgain(it, i)
	j.suspects = append(j.suspects, i)
}

// takesOthers reports whether an item's index is known to take other documents:
// in the answer that first refused this one, or later; or in an earlier delivery
// of the same batch. What it took before that is no evidence: a server that
// refuses everything from now on has taken others until now.
func (j *job) takesOthers(it *item) bool {
	x := &j.indices[it.where-1]
	return x.taken > 0 && x.taken >= int(it.refused) || it.trace&record.RefusedAmongOthers != 0
}

// longFail is how long an internal error of the server has to last before it is
// held against a document: what shards and mappings go through is shorter.
const longFail = 10 * time.Second

// mayPass reports whether an internal error (500) may be the server's own state:
// while nothing else is taken, and for some time after that.
func (j *job) mayPass(it *item) bool {
	if it.trace&record.RefusedAmongOthers == 0 && time.Since(j.began) < longFail {
		return true
	}
	return !j.takesOthers(it) && !(j.mayRewrite() && j.stillTakes(it))
}

// sendSuspects sends those alone whose index takes others, once all else is
// settled, and leaves the others to the next delivery. It reports whether there
// is something to send.
func (j *job) sendSuspects() bool {
	suspects := j.suspects
	j.suspects = nil
	for _, i := range suspects {
		it := &j.items[i]
		if j.stopped == nil && !it.alone && (j.takesOthers(it) || j.stillTakes(it)) {
			j.queue = append(j.queue, &part{items: []int32{i}, repeat: true, alone: true})
			continue
		}
		cause := *j.results[i].Cause
		cause.Hint = joinHints(cause.Hint, hintUnproved)
		if j.takesOthers(it) {
			it.trace |= record.RefusedAmongOthers
		}
		j.held(i, &cause)
	}
	j.sendLone()
	return len(j.queue) > 0
}

// sendLone sends those once more that were refused as requests of their own, if
// other requests were taken since, and leaves the others to the next delivery.
func (j *job) sendLone() {
	list := j.lone
	j.lone = nil
	for _, l := range list {
		if j.stopped == nil && (j.acceptances > l.acceptances || j.leftAmongOthers() || j.accepted && j.stillTakes(&j.items[l.i])) {
			j.queue = append(j.queue, &part{items: []int32{l.i}, repeat: true, alone: true})
			continue
		}
		if j.accepted {
			j.items[l.i].trace |= record.RefusedAmongOthers
		}
		cause := *l.cause
		cause.Hint = joinHints(cause.Hint, hintUnproved)
		j.held(l.i, &cause)
	}
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
		if j.deliver.Trace(i)&record.RefusedAmongOthers == 0 {
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

// sample is the last document that an index has taken, and when that was.
type sample struct {
	at     time.Time
	id     []byte // escaped; nil if there is no sample
	source []byte
}

// maxSample is the largest document that is kept as a sample, in bytes.
const maxSample = 64 << 10

// keepSample keeps the last document of a request that is there now, if its id is
// one of ours: it may be written once more as it is.
func (j *job) keepSample(req *request) {
	at := len(req.items) - 1
	for at >= 0 && j.results[req.items[at]].Outcome != record.Stored && j.results[req.items[at]].Outcome != record.Duplicate {
		at--
	}
	if at < 0 || !req.sent[at].own {
		return
	}
	to := len(req.body)
	if at+1 < len(req.sent) {
		to = bytes.LastIndexByte(req.body[:req.sent[at+1].id.from], '\n')
	}
	from := int(req.sent[at].id.to)
	from += bytes.IndexByte(req.body[from:], '\n') + 1
	if to-from > maxSample {
		return
	}
	x := &j.indices[j.items[req.items[at]].where-1]
	known := j.c.taken[x.name]
	known.id = append(known.id[:0], req.id(at)...)
	known.source = append(known.source[:0], bytes.TrimSuffix(req.body[from:to], []byte("\n"))...)
	j.c.taken[x.name] = known
}

// remember keeps when indices have taken documents.
func (j *job) remember() {
	now := time.Now()
	for n := range j.indices {
		x := &j.indices[n]
		if x.taken == 0 {
			continue
		}
		known := j.c.taken[x.name]
		known.at = now
		if len(j.c.taken) > maxIndices {
			clear(j.c.taken)
		}
		j.c.taken[x.name] = known
	}
}

// mayRewrite reports whether documents with ids of ours may be written by index.
func (j *job) mayRewrite() bool { return j.c.cfg.OpType != config.OpCreate }

// stillTakes reports whether an item's index still takes what it has taken within
// the last minutes: a document that is there is written once more as it is, or,
// if only create is allowed, is answered by a conflict, which shows that the index
// reads documents but not that it writes them. Without a sample there is no
// knowing.
func (j *job) stillTakes(it *item) bool {
	x := &j.indices[it.where-1]
	known := j.c.taken[x.name]
	if x.asked || known.id == nil || x.taken == 0 && time.Since(known.at) > recent ||
		j.gate.After(time.Now()) || !budget.Room(j.ctx, minTry) {
		return false
	}
	x.asked = true
	req := &request{typed: j.c.typed, pipeline: j.pipeline, node: j.c.pool.pick(0), items: []int32{0}}
	s := sentItem{create: !j.mayRewrite(), own: true}
	req.body, s.id = appendAction(nil, s.create, req.typed, x.name, known.id)
	req.body, req.sent = append(append(req.body, known.source...), '\n'), []sentItem{s}
	j.stats.Requests++
	j.stats.Retries++
	req.reply = j.c.post(j.ctx, req, j.timeFor(req))
	r := &req.reply
	switch {
	case r.err != nil || r.status == http.StatusTooManyRequests || r.status >= http.StatusInternalServerError:
		j.busy(r.retryAfter)
	case r.status >= 200 && r.status < 300:
		j.answers++
		judge(&j.reader, req, r.body, j.c.stamp, func(_ int, v judgement) {
			if v.verdict == stored || v.verdict == duplicate {
				x.taken = j.answers
				j.acceptances++
			}
		})
	}
	return j.takesOthers(it)
}

// search looks for the documents for which a request was refused as a whole: by
// halves, until one stands alone.
type search struct {
	// taken says that a part of the request was accepted, so that going on makes
	// sense.
	taken    bool
	refusals int
}

// lone is an item that was refused as a request of its own. It is at fault if it
// is refused so once more after another request was accepted: a server that
// refuses everything for a while refuses it once, too.
type lone struct {
	i           int32
	cause       *record.Cause
	acceptances int // until then
}

// refusedWhole deals with a request that was refused as a whole.
func (j *job) refusedWhole(req *request, cause *record.Cause) {
	s := req.part.search
	if s == nil {
		s = &search{taken: j.allFoundAtFault(req)}
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
		j.refusedAlone(req, cause)
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
func (j *job) refusedAlone(req *request, cause *record.Cause) {
	i := req.items[0]
	j.locate(cause, i, req, 0)
	if j.mayRefuse(&j.items[i]) || req.part.alone {
		j.refuse(i, cause)
		return
	}
	j.note(i, cause)
	j.chains.queueAgain(&j.items[i], i)
	j.lone = append(j.lone, lone{i, cause, j.acceptances})
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
