package esclient

import (
	"time"

	"ckafka-etl/internal/core/backoff"
	"ckafka-etl/internal/core/budget"
	"ckafka-etl/record"
)

// request encodes a bulk body of a part's items. It returns nil if none of them
// is to be sent now.
func (j *job) request(p *part) *request {
	if req := p.sent; req != nil {
		j.drop(p)
		return req
	}
	req := j.c.requests.get()
	req.typed, req.pipeline, req.part = j.c.typed, j.pipeline, *p
	size := min(j.c.limit, j.share())
	req.body = j.c.bufs.get(size)
	at := 0
	for ; at < len(p.items); at++ {
		i := p.items[at]
		if j.items[i].done {
			continue
		}
		if !j.add(req, i, size) {
			break
		}
	}
	p.items = p.items[at:]
	if len(p.items) == 0 {
		j.drop(p)
	}
	if len(req.items) == 0 {
		j.c.bufs.put(req.body)
		j.c.requests.put(req)
		return nil
	}
	if j.c.cfg.GzipLevel > 0 && !j.c.plain {
		req.packed = j.c.compress(req.body)
	}
	return req
}

// add appends an item to a request, unless it is settled, has to wait for others
// of its id, or does not fit: then it returns false.
func (j *job) add(req *request, i int32, size int) (fits bool) {
	it := &j.items[i]
	mark := len(req.body)
	defer func() {
		if v := recover(); v != nil { // one record must not end the process
			req.body, fits = req.body[:mark], true
			j.settle(i, record.Result{Outcome: record.Refused, Cause: panicCause()})
			j.c.worker = j.c.cfg.Program.NewWorker()
		}
	}()
	e := j.src.prepare(int(i))
	if e.done != nil {
		j.settle(i, *e.done)
		return true
	}
	it.where = j.indexNumber(e.index)
	s := sentItem{create: e.create && !it.index, own: e.own, mayIndex: e.mayIndex, stamped: e.stamped, merged: e.merged}
	again := it.again
	if !e.own {
		switch j.chains.admit(j, i, &e, s.create, req) {
		case admitted:
			s.exists = j.chains.of(it).exists
		case waits:
			return true
		}
	}
	s.trace, s.fails = it.trace, it.fails
	req.body, s.id = appendAction(req.body, s.create, req.typed, e.index, e.id)
	req.body = append(j.src.appendTo(req.body), '\n')
	if len(req.items) > 0 && len(req.body) > size {
		req.body = req.body[:mark]
		if !e.own {
			j.chains.withdraw(j, i, again, req)
		}
		return false
	}
	req.items = append(req.items, i)
	req.sent = append(req.sent, s)
	return true
}

// share is the body size at which the first items are on their way while the
// rest is still being encoded: all slots get work twice.
func (j *job) share() int {
	const least = 512 << 10
	return max(least, j.bytes/(2*j.c.cfg.BulkConcurrency))
}

// send posts a request beside the job, to the next address that was not tried.
func (j *job) send(req *request) {
	req.node = j.c.pool.pick(req.tried)
	if req.node < 0 { // all were: from the first again
		req.tried = 0
		req.node = j.c.pool.pick(0)
	}
	req.reusable = true
	j.flying++
	j.stats.Requests++
	j.stats.Bytes += int64(len(req.body))
	if req.part.repeat || req.posts > 0 {
		j.stats.Retries++
	}
	req.posts++
	j.sends++
	req.number = j.sends
	limit := j.timeFor(req)
	go func() {
		defer func() {
			if v := recover(); v != nil {
				req.reply = reply{err: panicked(v)}
				req.reusable = false
			}
			j.replies <- req
		}()
		req.reply = j.c.post(j.ctx, req, limit)
	}()
}

// timeFor is how long an address may take: its share of the time that is left,
// if there are others that have not been tried.
func (j *job) timeFor(req *request) time.Duration {
	untried := 1
	for i := range j.c.pool.nodes {
		if i != req.node && req.tried&(1<<i) == 0 {
			untried++
		}
	}
	return min(j.c.cfg.RequestTimeout, budget.Share(j.ctx, untried))
}

// busy has the server left alone for a while: what this round still had to send
// waits, and the next one begins with one request.
func (j *job) busy(retryAfter time.Duration) {
	now := time.Now()
	d := max(backoff.Jitter(j.busyRuns+1, firstPause, maxPause), retryAfter)
	j.busyRuns++
	j.probing = true
	if until := now.Add(d); until.After(j.gate) {
		j.gate = until
	}
	if until := now.Add(retryAfter); retryAfter > 0 && until.After(j.c.quietUntil) {
		j.c.quietUntil = until
	}
}
