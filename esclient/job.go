package esclient

import (
	"context"
	"time"

	"ckafka-etl/internal/core/budget"
	"ckafka-etl/record"
)

const (
	// minTry is the least time that a request is worth being started with.
	minTry = 50 * time.Millisecond
	// firstPause and maxPause bound the back-off between tries.
	firstPause, maxPause = 100 * time.Millisecond, 5 * time.Second
	// maxFlips is how often servers may disagree about _type within one call, as
	// they do while a cluster is being upgraded.
	maxFlips = 4
)

// source is where a job's items come from. It is used by one goroutine.
type source interface {
	// prepare makes item i ready to be appended and says what it is.
	prepare(i int) prepared
	// appendTo appends the item that was prepared last as a document of one line.
	appendTo(buf []byte) []byte
	// refuse settles item i, which was refused for what it is, or returns false
	// if it has made it smaller and it is to be sent again.
	refuse(i int, cause *record.Cause) (record.Result, bool)
	// refusesAlone says that a refusal needs no proof that it is about the item.
	refusesAlone() bool
}

// prepared says of an item where it is to go, or that it is not to be sent.
type prepared struct {
	done  *record.Result
	index string
	id    []byte // escaped; valid until the next prepare
	// create says that it is written by create, mayIndex that index is allowed
	// as well, own that the id is one of ours.
	create, mayIndex, own bool
	// stamped says that the time field is the function's own, merged that the
	// record's message was merged with it.
	stamped, merged bool
}

// job brings a list of items into Elasticsearch. One goroutine, that of run, owns
// all of its state: it encodes what can be sent into bulk bodies, and judges what
// comes back. Others only post. What has to be sent again is a part of its own,
// which goes out as soon as its back-off and its ids allow.
//
// Bodies are not kept for a second try but encoded anew, unless they go to
// another address at once. Tries are rare, and memory is what the user pays for
// all the time.
type job struct {
	c        *Client
	ctx      context.Context //nolint:containedctx // it lives as long as the call
	src      source
	bytes    int // what all items come to, roughly
	pipeline string
	deliver  record.Delivery // its traces and failures; its records are the source's
	n        int

	results []record.Result
	items   []item
	queue   []*part
	replies chan *request
	flying  int
	reader  answerReader

	indices  []indexState
	chains   chains
	suspects []int32
	lone     []lone
	smaller  []int32 // were refused, and are to be sent in a smaller form

	gate      time.Time // nothing is sent before it
	began     time.Time
	probing   bool // the next request goes alone
	busyRuns  int  // busy replies in a row
	accepted  bool // something was accepted in this call
	sends     int  // requests that were sent
	lastTaken int  // the number of the one sent last of those that were accepted
	answers   int  // bulk answers read
	refusals  int  // whole requests refused since something was accepted
	flips     int
	stopped   *record.Cause // nothing more is sent
	stats     record.Stats
}

// item is what is known of an item of the job.
type item struct {
	trace record.Trace
	fails uint8 // internal errors (500) in this call
	done  bool
	index bool  // it is written by index although create is usual
	chain int32 // number of its chain, 0 = none
	where int32 // number of its index + 1, 0 = not known yet
	again bool  // it counts as open in its chain
	alone bool  // it was sent alone, and refused again
	// refused is the number of the answer that first refused it without proof.
	refused int32
	// failing says that it was an internal error (500) of the server.
	failing bool
}

// part is items that wait to be sent.
type part struct {
	items  []int32
	ready  time.Time
	tries  int     // failed ones before
	breaks int     // connections that broke in a row under them
	repeat bool    // they were sent before
	alone  bool    // the one item is sent alone, to see whether it is refused again
	whole  bool    // the same of one that was refused as a whole request
	search *search // a refused request's, or nil
	// sent is a request that is to be posted once more as it is.
	sent *request
}

// newJob makes a job of n items.
func (c *Client) newJob(src source, n, bytes int, pipeline string) *job {
	return &job{c: c, src: src, n: n, bytes: bytes, pipeline: pipeline}
}

// run settles all items, as far as ctx lets it. What is not settled when it
// returns is Unsettled, with the last cause. Nothing is in flight then.
func (j *job) run(ctx context.Context) {
	j.ctx, j.began = ctx, time.Now()
	j.results = make([]record.Result, j.n)
	j.items = make([]item, j.n)
	j.replies = make(chan *request, j.c.cfg.BulkConcurrency)
	all := &part{items: make([]int32, j.n)}
	for i := range j.n {
		all.items[i] = int32(i) // an event holds at most 10,000 records
		j.items[i].trace = j.deliver.Trace(i)
	}
	j.queue = append(j.queue, all)
	j.gate = j.c.quietUntil
	for {
		j.launch()
		if j.flying == 0 && (j.stopped != nil || len(j.queue) == 0 && !j.sendSuspects()) {
			break
		}
		j.await()
	}
	j.sendSuspects() // if it was stopped before all else was settled
	j.finish()
	j.remember()
}

// launch sends what can be sent now.
func (j *job) launch() {
	if len(j.smaller) > 0 {
		j.queue = append(j.queue, &part{items: j.smaller, repeat: true})
		j.smaller = nil
	}
	for j.stopped == nil && j.flying < j.slots() {
		p, wake := j.next(time.Now())
		if p == nil {
			if j.flying == 0 && !j.gate.After(time.Now()) && j.sendProved() {
				continue
			}
			if j.flying == 0 && len(j.queue) > 0 && !budget.Room(j.ctx, time.Until(wake)+minTry) {
				j.stop(nil)
			}
			return
		}
		if !budget.Room(j.ctx, minTry) {
			j.stop(nil)
			return
		}
		if req := j.request(p); req != nil {
			j.send(req)
		}
	}
}

// slots is how many requests may be in flight: after the server had enough, one
// shows whether it takes more.
func (j *job) slots() int {
	if j.probing {
		return 1
	}
	return j.c.cfg.BulkConcurrency
}

// next returns the first part that may be sent, or when there will be one.
func (j *job) next(now time.Time) (p *part, wake time.Time) {
	for _, p := range j.queue {
		ready := p.ready
		if j.gate.After(ready) {
			ready = j.gate
		}
		if !ready.After(now) {
			return p, now
		}
		if wake.IsZero() || ready.Before(wake) {
			wake = ready
		}
	}
	return nil, wake
}

// await waits until a reply comes, or until something can be sent.
func (j *job) await() {
	var timer <-chan time.Time
	if j.stopped == nil && j.flying < j.slots() && len(j.queue) > 0 {
		_, wake := j.next(time.Now())
		t := time.NewTimer(time.Until(wake))
		defer t.Stop()
		timer = t.C
	}
	if j.flying == 0 {
		select {
		case <-timer:
		case <-j.ctx.Done():
			j.stop(nil)
		}
		return
	}
	select {
	case <-timer:
	case req := <-j.replies:
		j.flying--
		j.handle(req)
	}
}

// later queues items that are to be sent again. Those that wait for the same
// reason wait together.
func (j *job) later(p *part) {
	if n := len(j.queue); n > 0 && p.search == nil && !p.alone && !p.whole && p.sent == nil {
		if last := j.queue[n-1]; last.repeat && last.search == nil && !last.alone && !last.whole && last.sent == nil && last.ready.After(time.Now()) {
			last.items = append(last.items, p.items...)
			last.tries = max(last.tries, p.tries)
			return
		}
	}
	j.queue = append(j.queue, p)
}

// first queues a part before all others.
func (j *job) first(p *part) { j.queue = append([]*part{p}, j.queue...) }

func (j *job) drop(p *part) {
	for k := range j.queue {
		if j.queue[k] == p {
			j.queue = append(j.queue[:k], j.queue[k+1:]...)
			return
		}
	}
}

// stop ends the job: nothing more is sent. A nil cause stands for the time.
func (j *job) stop(cause *record.Cause) {
	if j.stopped != nil {
		return
	}
	if cause == nil {
		cause = noTimeLeft()
		if d := time.Until(j.gate); d > time.Second && j.c.quietUntil.After(time.Now()) {
			cause.Safe = "the server has asked to be left alone (Retry-After) for longer than the invocation may take"
			cause.Hint = hintOverload
		}
	}
	j.stopped = cause
	for _, p := range j.queue {
		if p.sent != nil {
			j.c.giveBack(p.sent)
		}
		if p.search != nil && j.lastTaken > p.search.first && len(p.items) <= few {
			for _, i := range p.items {
				j.items[i].trace |= record.RefusedAmongOthers
			}
		}
	}
	j.queue = nil
}

// settle ends an item's work in this call.
func (j *job) settle(i int32, r record.Result) {
	j.results[i] = r
	j.items[i].done = true
}

// note says why an item is not settled so far.
func (j *job) note(i int32, cause *record.Cause) {
	j.results[i] = record.Result{Outcome: record.Unsettled, Cause: cause}
}

// finish gives what is not settled its cause and its trace.
func (j *job) finish() {
	for i := range j.results {
		r := &j.results[i]
		if r.Outcome != record.Unsettled {
			continue
		}
		if r.Cause == nil {
			r.Cause = j.stopped
		}
		if r.Cause == nil {
			r.Cause = noTimeLeft()
		}
		it := &j.items[i]
		if it.failing && j.takesOthers(it) {
			it.trace |= record.FailedAmongOthers
		}
		r.Trace = it.trace
	}
}
