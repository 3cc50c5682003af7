package esclient

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"ckafka-etl/internal/core/backoff"
	"ckafka-etl/record"
)

// handleItems settles a request's items by a bulk answer.
func (j *job) handleItems(req *request) {
	j.answers++
	if replaced, ok := allStored(req, req.reply.body); ok {
		j.learn(req)
		j.stats.Overwritten += replaced
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
		req.reply.err = errors.New(cause.Safe)
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
	taken, held := false, 0
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
				j.accuse(it, true)
			}
			repeats = j.sendAgain(repeats, i, v.cause)
		case asIndex:
			it.index = true
			asIndexToo = j.sendAgain(asIndexToo, i, v.cause)
		case refused:
			j.locate(v.cause, i, req, at)
			j.refuse(i, v.cause)
		case suspect:
			j.accuse(it, v.cause.Status == http.StatusInternalServerError)
			if v.cause.Status == http.StatusInternalServerError && j.mayPass(it) {
				repeats = j.sendAgain(repeats, i, v.cause)
				break
			}
			j.suspect(i, req, at, v.cause)
		case behind:
			j.waitBehind(i)
		default:
			held++
			j.holdItem(i, req, at, v.cause)
		}
	}
	if held == len(verdicts) { // as good as a refusal of the whole request
		j.refusals++
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
	p := &part{items: items, repeat: true, tries: req.part.tries + 1, alone: req.part.alone, whole: req.part.whole, search: req.part.search}
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
	j.lastTaken = max(j.lastTaken, req.number)
	if req.packed != nil { // an answer without items, as proxies make it up, shows nothing
		j.c.gzipTaken = true
	}
	j.probing, j.busyRuns = false, 0
	j.keepSample(req)
	if s := req.part.search; s != nil {
		s.taken = true
	}
}

// accuse notes in which answer an item was first refused without proof, or the
// server first failed on it. One is no evidence for the other.
func (j *job) accuse(it *item, failing bool) {
	if it.refused == 0 || it.failing != failing {
		it.failing = failing
		it.refused = int32(j.answers)
	}
}

// learn notes what a bulk answer teaches about the server.
func (j *job) learn(req *request) {
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
		if v.replaced {
			j.stats.Overwritten++
		}
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
