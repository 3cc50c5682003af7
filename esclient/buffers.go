package esclient

import "sync"

// bufferPool keeps the bodies of bulk requests for reuse. A sync.Pool would
// lose them at every collection, and with a tight memory limit there are many.
type bufferPool struct {
	mu   sync.Mutex
	free [][]byte
	peak int // largest length that was needed since the last trim
}

// slack is what a buffer holds beyond its size: a body is found to be full
// only when one document too many is in it.
const slack = 32 << 10

// get returns an empty buffer, a new one if need be of size bytes and a bit.
func (p *bufferPool) get(size int) []byte {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n := len(p.free); n > 0 {
		b := p.free[n-1]
		p.free = p.free[:n-1]
		return b[:0]
	}
	return make([]byte, 0, size+slack)
}

func (p *bufferPool) put(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.peak = max(p.peak, len(b))
	p.free = append(p.free, b)
}

// trim drops buffers that are far larger than what the last call needed, so
// that one batch of large documents does not stay in memory for ever.
func (p *bufferPool) trim() {
	p.mu.Lock()
	defer p.mu.Unlock()
	kept := p.free[:0]
	for _, b := range p.free {
		if cap(b) <= 2*p.peak+keepBytes {
			kept = append(kept, b)
		}
	}
	clear(p.free[len(kept):])
	p.free, p.peak = kept, 0
}

// keepBytes is the size up to which a buffer is always kept.
const keepBytes = 256 << 10

// request is one bulk body and the items in it.
type request struct {
	typed    bool // the action lines have _type
	pipeline string
	part     part   // that it is of, as far as it is asked
	body     []byte // bulk lines
	packed   []byte // body as gzip, nil if it is sent as it is
	items    []int32
	sent     []sentItem
	answer   []answerItem

	node   int    // the address that it goes to
	tried  uint64 // addresses that have failed with it
	fresh  bool   // it has been sent over a new connection for sure
	posts  int    // how often it was posted
	number int    // of the last time, among all of the job
	// reusable says that nobody reads body and packed any more; lent, that a
	// transport that was given up may still do so.
	reusable, lent bool

	reply     reply
	answerBuf []byte
}

// wire returns the bytes that are sent.
func (r *request) wire() []byte {
	if r.packed != nil {
		return r.packed
	}
	return r.body
}

// id returns the id that was sent, as the content of a JSON string.
func (r *request) id(at int) []byte {
	s := r.sent[at].id
	return r.body[s.from:s.to]
}

// span is a part of a body, which is far smaller than 2 GiB.
type span struct{ from, to int32 }

// requestPool keeps requests for reuse. It is used by one goroutine.
type requestPool struct{ free []*request }

func (p *requestPool) get() *request {
	r := &request{}
	if n := len(p.free); n > 0 {
		r = p.free[n-1]
		p.free = p.free[:n-1]
	}
	*r = request{items: r.items[:0], sent: r.sent[:0], answer: r.answer[:0], answerBuf: r.answerBuf[:0]}
	return r
}

func (p *requestPool) put(r *request) {
	const most = 1 << 20
	if cap(r.answerBuf) > most {
		r.answerBuf = nil
	}
	clear(r.answer)
	r.body, r.packed, r.reply, r.part = nil, nil, reply{}, part{}
	p.free = append(p.free, r)
}

// giveBack keeps what a request has held, unless somebody may still read it.
func (c *Client) giveBack(r *request) {
	if r.reusable && !r.lent {
		c.bufs.put(r.body)
		if r.packed != nil {
			c.bufs.put(r.packed)
		}
	}
	c.requests.put(r)
}
