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

// requestPool keeps the lists of requests for reuse.
type requestPool struct {
	mu   sync.Mutex
	free []*request
}

func (p *requestPool) get(typed bool, no int, body []byte) *request {
	p.mu.Lock()
	defer p.mu.Unlock()
	r := &request{}
	if n := len(p.free); n > 0 {
		r = p.free[n-1]
		p.free = p.free[:n-1]
	}
	*r = request{no: no, typed: typed, body: body, items: r.items[:0], meta: r.meta[:0]}
	return r
}

func (p *requestPool) put(r *request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	clear(r.meta)
	r.body = nil
	p.free = append(p.free, r)
}
