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
	// recent is how long a document that an index has taken may be sent once more
	// to see whether it still takes some. It begins anew with each delivery for the
	// index: a batch that waits for a server to be mended needs the proof then.
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
	for n := range slices.Backward(j.indices) { // the last one is the likeliest
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
	return x.taken > 0 && x.taken >= int(it.refused) || it.trace&it.amongOthers() != 0
}

// amongOthers is what is left of the evidence against an item after the call.
func (it *item) amongOthers() record.Trace {
	if it.failing {
		return record.FailedAmongOthers
	}
	return record.RefusedAmongOthers
}

// longFail is how long an internal error of the server has to last before it is
// held against a document: what shards and mappings go through is shorter.
const longFail = 10 * time.Second

// mayPass reports whether an internal error (500) may be the server's own state:
// while nothing else is taken, and for some time after that.
func (j *job) mayPass(it *item) bool {
	if it.trace&record.FailedAmongOthers == 0 && time.Since(j.began) < longFail {
		return true
	}
	return !j.takesOthers(it) && (!j.mayRewrite() || !j.stillTakes(it))
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
			it.trace |= it.amongOthers()
		}
		j.held(i, &cause)
	}
	j.sendLone()
	return len(j.queue) > 0
}

// sample is the last document that an index has taken, and when that was.
type sample struct {
	at     time.Time
	id     []byte // escaped; nil if there is no sample
	source []byte
}

// maxSample is the largest document that is kept as a sample, in bytes.
const maxSample = 64 << 10

// keepSample keeps the last document of a request that is there now and has an
// id of ours: it may be written once more as it is.
func (j *job) keepSample(req *request) {
	at := len(req.items) - 1
	for ; at >= 0; at-- {
		o := j.results[req.items[at]].Outcome
		if req.sent[at].own && (o == record.Stored || o == record.Duplicate) {
			break
		}
	}
	if at < 0 {
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

// remember keeps that indices have taken documents, and are still written to.
func (j *job) remember() {
	now := time.Now()
	for n := range j.indices {
		x := &j.indices[n]
		known, ok := j.c.taken[x.name]
		if x.taken == 0 && (!ok || now.Sub(known.at) > recent) {
			continue
		}
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
	j.sends++
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
				j.lastTaken = j.sends
			}
		})
	}
	return j.takesOthers(it)
}
