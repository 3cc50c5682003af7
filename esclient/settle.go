package esclient

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"ckafka-etl/internal/core/backoff"
	"ckafka-etl/internal/core/budget"
	"ckafka-etl/internal/core/netfault"
	"ckafka-etl/record"
)

// largeBody is the size from which a connection that breaks while the body is
// written may have been broken for the body's size.
const largeBody = 64 << 10

// handle settles a request's items by its reply, or queues them again.
func (j *job) handle(req *request) {
	r := &req.reply
	if r.retryAfter > 0 && r.status != http.StatusTooManyRequests && r.status != http.StatusServiceUnavailable {
		r.retryAfter = 0
	}
	if j.elsewhere(req) {
		return
	}
	defer j.c.giveBack(req)
	j.c.pool.report(req.node, r.err == nil)
	switch {
	case r.err != nil:
		j.handleError(req)
	case r.status >= 200 && r.status < 300:
		j.handleItems(req)
	default:
		j.handleRefusal(req)
	}
}

// elsewhere posts a request once more as it is if that may help at once: over a
// new connection, or to another address.
func (j *job) elsewhere(req *request) bool {
	r := &req.reply
	// A refusal over a new connection is the server's own, and so are those after.
	stale := !req.fresh && r.mayBeStale() && (r.err != nil || j.refusals == 0)
	if !stale && !r.elsewhere() || !budget.Room(j.ctx, minTry) || j.stopped != nil {
		return false
	}
	if stale {
		req.fresh = true
		j.c.idle() // the other kept connections are no better
	} else {
		if r.err != nil && lasting(r.err) || r.retryAfter > 0 {
			return false
		}
		j.c.pool.report(req.node, false)
		req.tried |= 1 << req.node
		if j.c.pool.pick(req.tried) < 0 {
			return false
		}
	}
	j.trace(req, r)
	cause := &record.Cause{}
	if r.err != nil {
		cause = networkCause(r.err)
	} else {
		_, cause = judgeRequest(r)
	}
	for _, i := range req.items {
		j.note(i, cause)
	}
	// A transport that was given up may still be reading the bytes. So may the
	// next one, but nobody may write to them.
	req.lent = req.lent || !req.reusable
	j.first(&part{sent: req, repeat: true})
	return true
}

// trace notes on the items what a reply without items leaves of them.
func (j *job) trace(req *request, r *reply) {
	var t record.Trace
	switch {
	case r.err != nil && !netfault.Unsent(r.err), r.err == nil && r.status == http.StatusRequestTimeout:
		t = record.AnswerLost
	case r.err == nil && r.status >= http.StatusInternalServerError:
		t = record.WriteFailed
	}
	if t != 0 {
		for at := range req.items {
			j.mark(req, at, t)
		}
	}
}

// mark adds to an item's trace what became of a write of it.
func (j *job) mark(req *request, at int, t record.Trace) {
	s := &req.sent[at]
	switch {
	case s.exists:
		return // it cannot have been written: the id was taken
	case t&record.WriteFailed != 0 && req.reply.status >= http.StatusInternalServerError && !s.mayIndex:
		// What a proxy says, or the node that was asked, tells nothing of the write
		// itself, and where it may not be written again it would never be settled.
		t = t&^record.WriteFailed | record.AnswerLost
	}
	j.items[req.items[at]].trace |= t
}

// handleError queues a request again that got no answer which could be read.
func (j *job) handleError(req *request) {
	r := &req.reply
	cause := networkCause(r.err)
	j.trace(req, r)
	for _, i := range req.items {
		j.note(i, cause)
	}
	switch {
	case j.ctx.Err() != nil:
		late := &record.Cause{
			Type: "no_time_left", Safe: "the invocation's time was nearly over before Elasticsearch answered",
			Hint: "look at Elasticsearch's load and at the function's timeout",
		}
		j.requeue(req, late)
		j.stop(late)
	case cause.Permanent:
		j.requeue(req, cause)
		j.stop(cause)
	case brokeUnderBody(req):
		j.refusedWhole(req, cause)
	default:
		j.requeue(req, cause)
		j.busy(0)
	}
}

// brokeUnderBody reports whether a connection was broken for the body that was
// being written, and not because the server went away: if that happens twice, of
// a small body three times, to the same items; for a part of such a body at once.
func brokeUnderBody(req *request) bool {
	r := &req.reply
	switch {
	case !isBreak(r):
		return false
	case req.part.search != nil:
		return r.unread
	case len(req.wire()) >= largeBody:
		return req.part.breaks >= 1
	default:
		return req.part.breaks >= 2 && r.unread
	}
}

// isBreak reports whether a connection broke before there was an answer.
func isBreak(r *reply) bool {
	return r.err != nil && r.status == 0 && netfault.Broken(r.err) && !netfault.Unsent(r.err)
}

// requeue has a whole request's items sent again.
func (j *job) requeue(req *request, cause *record.Cause) {
	for _, i := range req.items {
		j.note(i, cause)
		j.chains.queueAgain(&j.items[i], i)
	}
	j.ended(req)
	p := &part{items: slices.Clone(req.items), repeat: true, tries: req.part.tries + 1, alone: req.part.alone, search: req.part.search}
	if isBreak(&req.reply) {
		p.breaks = req.part.breaks + 1
	}
	if j.stopped == nil {
		j.queue = append(j.queue, p)
	}
}

// ended says that a request's chains are not in flight any more.
func (j *job) ended(req *request) {
	for _, i := range req.items {
		if it := &j.items[i]; it.chain != 0 && j.chains.of(it).in == req {
			j.chains.of(it).in = nil
		}
	}
}

// handleRefusal does what the refusal of a whole request asks for.
func (j *job) handleRefusal(req *request) {
	r := &req.reply
	v, cause := judgeRequest(r)
	if req.packed != nil && !j.c.gzipTaken && (v == split || r.status == http.StatusUnsupportedMediaType || r.status == http.StatusNotAcceptable) {
		// Perhaps it is the compression that is not understood.
		j.c.plain = true
		j.c.plainCause = cause
		j.requeue(req, cause)
		return
	}
	switch v {
	case split:
		j.refusedWhole(req, cause)
	case flipType:
		if j.c.typed == req.typed {
			j.c.typed = !req.typed
			j.flips++
		}
		j.requeue(req, cause)
		if j.flips > maxFlips {
			j.stop(cause)
		}
	case hold:
		j.requeue(req, cause)
		j.stop(cause)
	default:
		j.trace(req, r)
		j.requeue(req, cause)
		j.busy(r.retryAfter)
	}
}

// handleItems settles a request's items by a bulk answer.
func (j *job) handleItems(req *request) {
	j.answers++
	if allStored(req, req.reply.body) {
		j.learn(req)
		for _, i := range req.items {
			j.settleTaken(i, judgement{})
		}
		j.ended(req)
		j.taken(req)
		j.releaseAll(req)
		return
	}
	verdicts := make([]judgement, 0, len(req.items))
	open := false
	ok := judge(&j.reader, req, req.reply.body, j.c.stamp, func(_ int, v judgement) {
		verdicts = append(verdicts, v)
		open = open || v.verdict > duplicate
	})
	if !ok {
		cause := unreadable()
		req.reply.err = fmt.Errorf("%s", cause.Safe)
		j.trace(req, &req.reply)
		j.requeue(req, cause)
		j.busy(0)
		return
	}
	j.learn(req)
	if open {
		j.keepOrder(req, verdicts)
	}
	var repeats, asIndexToo []int32
	taken := false
	for at, v := range verdicts {
		i := req.items[at]
		it := &j.items[i]
		j.mark(req, at, v.trace)
		switch v.verdict {
		case stored, duplicate, buried:
			taken = true
			j.settleTaken(i, v)
		case again:
			if v.cause.Status == http.StatusInternalServerError {
				it.fails++
				j.firstRefusal(it)
			}
			repeats = j.sendAgain(repeats, i, v.cause)
		case asIndex:
			it.index = true
			asIndexToo = j.sendAgain(asIndexToo, i, v.cause)
		case refused:
			j.locate(v.cause, i, req, at)
			j.refuse(i, v.cause)
		case suspect:
			j.firstRefusal(it)
			if v.cause.Status == http.StatusInternalServerError && j.mayPass(it) {
				repeats = j.sendAgain(repeats, i, v.cause)
				break
			}
			j.suspect(i, req, at, v.cause)
		case behind:
			j.waitBehind(i)
		default:
			j.holdItem(i, req, at, v.cause)
		}
	}
	j.ended(req)
	if taken {
		j.taken(req)
	}
	if len(asIndexToo) > 0 {
		j.queue = append(j.queue, &part{items: asIndexToo, repeat: true})
	}
	if len(repeats) > 0 {
		j.backOff(req, repeats, taken)
	}
	j.releaseAll(req)
}

// backOff has items sent again after a pause. If nothing else of the request was
// taken, or the server says that it has too much to do, everything waits.
func (j *job) backOff(req *request, items []int32, taken bool) {
	p := &part{items: items, repeat: true, tries: req.part.tries + 1, alone: req.part.alone, search: req.part.search}
	p.ready = time.Now().Add(backoff.Jitter(req.part.tries+1, firstPause, maxPause))
	j.later(p)
	if !taken {
		j.busy(0)
	}
}

// releaseAll lets those go that waited for the items of a request.
func (j *job) releaseAll(req *request) {
	for _, i := range req.items {
		if it := &j.items[i]; it.chain != 0 {
			j.chains.release(j, j.chains.of(it))
		}
	}
}

// taken notes that a request was accepted, at least in part.
func (j *job) taken(req *request) {
	j.accepted, j.refusals = true, 0
	j.acceptances++
	j.probing, j.busyRuns = false, 0
	j.keepSample(req)
	if s := req.part.search; s != nil {
		s.taken = true
	}
}

// firstRefusal notes in which answer an item was first refused without proof.
func (j *job) firstRefusal(it *item) {
	if it.refused == 0 {
		it.refused = int32(j.answers)
	}
}

// learn notes what a bulk answer teaches about the server.
func (j *job) learn(req *request) {
	if req.packed != nil {
		j.c.gzipTaken = true
	}
	if req.packed == nil && j.c.plainCause != nil {
		j.c.cfg.Logger.Warn("ES_Gzip has no effect: the server, or what stands before it, does not understand compressed requests")
		j.c.plainCause = nil
	}
}

// settleTaken ends the work on an item that the server has.
func (j *job) settleTaken(i int32, v judgement) {
	it := &j.items[i]
	j.indices[it.where-1].taken = j.answers
	if it.chain != 0 {
		j.chains.of(it).exists = true
	}
	switch v.verdict {
	case duplicate:
		j.settle(i, record.Result{Outcome: record.Duplicate})
	case buried:
		v.cause.Index = j.indices[it.where-1].name
		j.settle(i, record.Result{Outcome: record.Dead, Cause: v.cause})
	default:
		j.settle(i, record.Result{Outcome: record.Stored})
	}
}

// sendAgain adds an item to a list of those that are to be sent again.
func (j *job) sendAgain(list []int32, i int32, cause *record.Cause) []int32 {
	j.nameIndex(i, cause)
	j.note(i, cause)
	j.items[i].done = false
	j.chains.queueAgain(&j.items[i], i)
	return append(list, i)
}

// refuse ends the work on an item that is refused for what it is.
func (j *job) refuse(i int32, cause *record.Cause) {
	it := &j.items[i]
	if it.chain != 0 && cause.Status == http.StatusConflict {
		j.chains.of(it).exists = true
	}
	if res, done := j.src.refuse(int(i), cause); done {
		j.settle(i, res)
		return
	}
	j.note(i, cause)
	j.smaller = append(j.smaller, i)
}

// holdItem leaves an item, and what comes behind it with the same id, to the next
// delivery.
func (j *job) holdItem(i int32, req *request, at int, cause *record.Cause) {
	j.locate(cause, i, req, at)
	if j.withoutProof() {
		j.refuse(i, cause)
		return
	}
	j.nameIndex(i, cause)
	j.held(i, cause)
}

func (j *job) held(i int32, cause *record.Cause) {
	it := &j.items[i]
	j.note(i, cause)
	it.done = true
	if it.chain != 0 {
		j.chains.hold(j, j.chains.of(it), cause)
	}
}

// nameIndex has a cause's text for the log name the index. It is the index that
// somebody has to look at.
func (j *job) nameIndex(i int32, cause *record.Cause) {
	x := j.indices[j.items[i].where-1].name
	cause.Index = x
	if !strings.Contains(cause.Safe, x) {
		cause.Safe = strings.TrimPrefix(cause.Safe+": index "+x, ": ")
	}
}

// locate says in a cause where the item was to go.
func (j *job) locate(cause *record.Cause, i int32, req *request, at int) {
	cause.Index = j.indices[j.items[i].where-1].name
	cause.ID = unquote([]byte(`"` + string(req.id(at)) + `"`))
}

// keepOrder changes the verdicts on items of one id so that they take effect in
// order: those behind one that is sent again are written once more behind it,
// and those behind one that is not settled wait for what becomes of it.
func (j *job) keepOrder(req *request, verdicts []judgement) {
	before := make(map[int32]judgement) // by chain
	for at := range verdicts {
		chain := j.items[req.items[at]].chain
		v := &verdicts[at]
		if chain == 0 || v.verdict == refused || v.verdict == buried || v.verdict == duplicate {
			continue
		}
		first, isBehind := before[chain]
		switch {
		case !isBehind && v.verdict != stored:
			before[chain] = *v
		case isBehind && first.verdict == again:
			v.verdict, v.cause = again, first.cause
		case isBehind:
			v.verdict, v.cause = behind, nil
		}
	}
}

// waitBehind has an item wait for what becomes of one of its chain.
func (j *job) waitBehind(i int32) {
	it := &j.items[i]
	if held := j.chains.of(it).held; held != nil {
		j.note(i, held)
		it.done = true
		return
	}
	j.results[i] = record.Result{}
	j.chains.wait(it, i)
}

// panicCause describes a record at which the function itself has failed.
func panicCause() *record.Cause {
	return &record.Cause{
		Type: "panic", Safe: "the function failed on this record; nothing of it is kept in the dead letter",
		Reason: "the function failed on this record", Hint: "report it with the record's offset",
	}
}

// panicked makes an error of a panic, without what it says of values.
func panicked(v any) error {
	if err, ok := v.(error); ok && strings.HasPrefix(err.Error(), "runtime error: ") {
		return fmt.Errorf("panic in the transport: %w", err)
	}
	return fmt.Errorf("panic in the transport")
}
