package esclient

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

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
	cause := causeOfReply(r)
	for _, i := range req.items {
		j.note(i, cause)
	}
	// A transport that was given up may still be reading the bytes. So may the
	// next one, but nobody may write to them.
	req.lent = req.lent || !req.reusable
	j.first(&part{sent: req, repeat: true})
	return true
}

// causeOfReply says why a request that got no bulk answer is sent again.
func causeOfReply(r *reply) *record.Cause {
	if r.err != nil {
		return networkCause(r.err)
	}
	_, cause := judgeRequest(r)
	return cause
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
	return errors.New("panic in the transport")
}
