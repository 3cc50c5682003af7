package esclient

import (
	"context"
	"hash/maphash"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"

	"ckafka-etl/record"
)

// minTry is the least time that a request is worth being started with.
const minTry = 50 * time.Millisecond

// maxFlips is how often servers may disagree about _type within one call, as
// they do while a cluster is being upgraded, before the tries are spaced.
const maxFlips = 4

// encoded is what an encoder says of one item.
type encoded struct {
	// done is set for an item that is not to be sent at all.
	done *record.Result
	// id is where the document id stands in the buffer, for the answer.
	id span
	// index is the name of its index.
	index string
	// create says that the action is create, generated that the id is ours.
	create, generated bool
	// key is a hash of index and id for ids that come from a field, else 0.
	key uint64
}

type span struct{ from, to int32 }

// job brings a list of items into Elasticsearch. It works in waves: a wave
// encodes what is unsettled into bulk bodies and posts them side by side, and
// what has to be sent again makes up the next wave, after a back-off if the
// server asked for mercy.
//
// Bodies are not kept for a second try but encoded anew. Tries are rare, and
// memory is what the user pays for all the time.
type job struct {
	c        *Client
	n        int
	bytes    int // what all items come to, roughly
	pipeline string
	// encode appends item i as action line and source to buf.
	encode func(buf []byte, i int) ([]byte, encoded)
	// culprit settles an item that was refused as a request of its own, or
	// returns false if it has made it smaller and it is to be sent again.
	culprit func(i int, cause *record.Cause) (record.Result, bool)

	results []record.Result
	// group keeps apart the halves of a refused request: items of different
	// groups never share a request. nil until there are halves.
	group  []int32
	groups int32

	// Items whose ids come from a field and are equal have to take effect in
	// order. seen is the request of this wave that such an id is in; later
	// items of the id wait for the next wave unless they fit into the same
	// request.
	seed maphash.Seed
	seen map[uint64]int
	// blocked are ids of which one item has to wait for the next delivery: so
	// do all behind it.
	blocked map[uint64]*record.Cause

	strikesMu sync.Mutex
	strikes   map[int32]int // internal errors of the server, by item

	flips    atomic.Int32 // how often a server has changed its mind on _type
	counters counters
}

// request is one bulk body and the items in it.
type request struct {
	no    int
	typed bool
	body  []byte
	items []int32
	meta  []encoded
}

// run settles all items, as far as ctx lets it. What is not settled when it
// returns is Unsettled, with the last cause.
func (j *job) run(ctx context.Context) {
	j.results = make([]record.Result, j.n)
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 100*time.Millisecond, 5*time.Second
	pause.RandomizationFactor = 1 // full jitter: anything from nothing to twice the interval

	pending := make([]int32, j.n)
	for i := range pending {
		pending[i] = int32(i) // an event holds at most 10,000 records
	}
	for repeating := false; ; {
		w := &wave{again: make(map[int32]*record.Cause), blocked: j.blocked}
		j.wave(ctx, w, pending, repeating)
		repeating, j.blocked = w.repeating, w.blocked
		if len(w.again) == 0 {
			return
		}
		pending = pending[:0]
		for i := range j.n {
			if cause, ok := w.again[int32(i)]; ok {
				pending = append(pending, int32(i))
				if cause != nil || j.results[i].Cause == nil {
					j.results[i] = record.Result{Outcome: record.Unsettled, Cause: cause}
				}
			}
		}
		j.halve(w.halves)
		if w.fatal != nil {
			j.giveUp(pending, w.fatal)
			return
		}
		if w.failing {
			d := max(pause.NextBackOff(), w.retryAfter)
			if !roomFor(ctx, d+minTry) {
				j.giveUp(pending, nil)
				return
			}
			j.c.cfg.Wait(ctx.Done(), d)
		}
		if !roomFor(ctx, minTry) {
			j.giveUp(pending, nil)
			return
		}
	}
}

// giveUp gives the unsettled items that have no cause of their own one.
func (j *job) giveUp(pending []int32, cause *record.Cause) {
	if cause == nil {
		cause = &record.Cause{
			Type: "no_time_left", Safe: "the invocation's time was nearly over",
			Hint: "look at the function's timeout and at maxMsgNum of the trigger",
		}
	}
	for _, i := range pending {
		if j.results[i].Cause == nil {
			j.results[i].Cause = cause
		}
	}
}

func roomFor(ctx context.Context, d time.Duration) bool {
	if ctx.Err() != nil {
		return false
	}
	end, ok := ctx.Deadline()
	return !ok || time.Until(end) > d
}

// wave encodes and posts the pending items once.
func (j *job) wave(ctx context.Context, w *wave, pending []int32, repeating bool) {
	var posts sync.WaitGroup
	defer posts.Wait()
	slots := make(chan struct{}, j.c.cfg.BulkConcurrency)
	clear(j.seen)

	typed := j.c.typed.Load()
	size := min(int(j.c.limit.Load()), j.share())
	req := j.c.requests.get(typed, 0, j.c.bufs.get(size))
	// flush sends what there is; carry is the start of the next body.
	flush := func(carry []byte) {
		full := req
		// Copied first: the full body goes back to the pool with the answer.
		req = j.c.requests.get(typed, full.no+1, append(j.c.bufs.get(size), carry...))
		slots <- struct{}{}
		posts.Go(func() {
			j.post(ctx, w, full, repeating)
			<-slots
		})
	}
	for at, i := range pending {
		if w.stopped() || !roomFor(ctx, minTry) {
			w.repeat(pending[at:], nil)
			break
		}
		mark := len(req.body)
		buf, meta := j.encode(req.body, int(i))
		req.body = buf
		if meta.done != nil {
			j.results[i] = *meta.done
			req.body = buf[:mark]
			continue
		}
		meta.key = j.key(buf, meta)
		if cause, ok := j.blocked[meta.key]; ok {
			j.results[i] = record.Result{Outcome: record.Unsettled, Cause: cause}
			req.body = buf[:mark]
			continue
		}
		full := len(req.items) > 0 && (len(buf) > size || j.group != nil && j.group[i] != j.group[req.items[0]])
		no := req.no
		if full {
			no++
		}
		if meta.key != 0 && j.mustWait(no, meta) {
			w.repeat([]int32{i}, nil)
			req.body = buf[:mark]
			continue
		}
		if full {
			req.body = buf[:mark]
			flush(buf[mark:])
			meta.id.from, meta.id.to = meta.id.from-int32(mark), meta.id.to-int32(mark)
		}
		if meta.key != 0 {
			j.seen[meta.key] = no
		}
		req.items = append(req.items, i)
		req.meta = append(req.meta, meta)
	}
	if len(req.items) > 0 {
		flush(nil)
	}
	j.c.bufs.put(req.body)
	j.c.requests.put(req)
}

// share is the body size at which the first items are on their way while the
// rest is still being encoded: all slots get work twice.
func (j *job) share() int {
	const least = 512 << 10
	return max(least, j.bytes/(2*j.c.cfg.BulkConcurrency))
}

// key returns a hash of index and id for ids that come from a field, else 0.
// Two ids of one hash only lose the chance to travel side by side.
func (j *job) key(buf []byte, meta encoded) uint64 {
	if meta.generated {
		return 0
	}
	if j.seen == nil {
		j.seed = maphash.MakeSeed()
		j.seen = make(map[uint64]int)
	}
	var h maphash.Hash
	h.SetSeed(j.seed)
	_, _ = h.WriteString(meta.index)
	_ = h.WriteByte(0)
	_, _ = h.Write(buf[meta.id.from:meta.id.to])
	return h.Sum64() | 1
}

// mustWait reports whether an item has to wait for an earlier one of the same
// id. Within one request the server keeps the order of writes; a create has to
// know first what became of the one before it.
func (j *job) mustWait(no int, meta encoded) bool {
	in, ok := j.seen[meta.key]
	if !ok || in == no && !meta.create {
		return false
	}
	j.seen[meta.key] = -1 // those behind this one have to wait as well
	return true
}

// post sends one request, if need be at once again: over a new connection if a
// kept one was dead, and to each of the other addresses.
func (j *job) post(ctx context.Context, w *wave, req *request, retry bool) {
	body, plain := req.body, req.body
	if j.c.cfg.GzipLevel > 0 {
		body = j.c.compress(plain)
	}
	most := int64(64<<10 + 2<<10*len(req.items))
	answer := j.c.answers.get(64 << 10)
	reusable := true
	others, stale := len(j.c.cfg.Addresses)-1, true
	var r reply
	for try := 0; ; try++ {
		var free bool
		j.counters.requests.Add(1)
		j.counters.bytes.Add(int64(len(plain)))
		if retry || try > 0 {
			j.counters.retries.Add(1)
		}
		r, answer, free = j.c.send(ctx, body, j.pipeline, most, answer)
		reusable = reusable && free
		if !roomFor(ctx, minTry) {
			break
		}
		if stale && r.mayBeStale() {
			stale = false
			j.c.idle() // the other kept connections are no better
			continue
		}
		if others--; others < 0 || !r.elsewhere() {
			break
		}
	}
	j.judge(ctx, w, req, r)
	j.c.answers.put(answer)
	if reusable {
		j.c.bufs.put(plain)
		if j.c.cfg.GzipLevel > 0 {
			j.c.bufs.put(body)
		}
	}
	j.c.requests.put(req)
}

// judge settles a request's items by its reply.
func (j *job) judge(ctx context.Context, w *wave, req *request, r reply) {
	switch {
	case r.err != nil && ctx.Err() != nil:
		w.repeat(req.items, &record.Cause{
			Type: "no_time_left", Safe: "the invocation's time was nearly over before Elasticsearch answered",
			Hint: "look at Elasticsearch's load and at the function's timeout",
		})
	case r.err != nil:
		cause := networkCause(r.err)
		if r.certainty {
			w.stop(cause)
		}
		w.fail(req.items, cause, 0)
	case r.body != nil:
		j.judgeItems(w, req, r.body)
	default:
		v, hint := classifyRequest(r.status, r.failure, req.typed)
		cause := causeOf(r.status, r.failure, v, hint)
		switch v {
		case split:
			j.refusedWhole(w, req, cause)
		case flip:
			if j.c.typed.CompareAndSwap(req.typed, !req.typed) {
				j.flips.Add(1)
			}
			if j.flips.Load() > maxFlips {
				w.fail(req.items, cause, 0)
			} else {
				w.resend(req.items)
			}
		case hold:
			w.stop(cause)
			w.fail(req.items, cause, 0)
		default:
			w.fail(req.items, cause, r.retryAfter)
		}
	}
}

// refusedWhole has a request that was refused as a whole made into two, until
// the culprit stands alone.
func (j *job) refusedWhole(w *wave, req *request, cause *record.Cause) {
	if len(req.items) > 1 {
		if cause.Status == http.StatusRequestEntityTooLarge && cause.Type != answerTooLarge {
			j.c.limit.Store(min(j.c.limit.Load(), int64(len(req.body)/2)))
		}
		w.split(req.items)
		return
	}
	i := int(req.items[0])
	cause.Index, cause.ID = req.meta[0].index, unquote([]byte(`"`+string(req.id(0))+`"`))
	if res, done := j.culprit(i, cause); done {
		j.results[i] = res
	} else {
		w.resend(req.items)
	}
}

// halve puts the halves of each list of items into groups of their own.
func (j *job) halve(lists [][]int32) {
	if len(lists) > 0 && j.group == nil {
		j.group = make([]int32, j.n)
	}
	for _, items := range lists {
		for at, i := range items {
			if at == 0 || at == len(items)/2 {
				j.groups++
			}
			j.group[i] = j.groups
		}
	}
}
