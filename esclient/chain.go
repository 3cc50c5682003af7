package esclient

import (
	"hash/maphash"
	"slices"

	"ckafka-etl/record"
)

// chains keep the order of items whose ids come from a field and are equal: they
// end as if they had been written one after another. Of a chain only one request
// is in flight; within it the server keeps the order. A create has to know first
// what became of the one before it.
type chains struct {
	seed  maphash.Seed
	known map[uint64]int32 // by a hash of index and id
	list  []chain
}

// chain is the items of one id.
type chain struct {
	in      *request // the one that its items are in flight with
	waiting []int32  // items behind those in flight, in order
	open    []int32  // items that were sent and are queued to be sent again, in order
	// exists says that a create is answered by a conflict: the id is taken.
	exists, creates bool
	// held is why one of its items has to wait for the next delivery: so have
	// all behind it.
	held *record.Cause
}

type admission uint8

const (
	admitted admission = iota
	waits
)

// of returns an item's chain. The item has one.
func (c *chains) of(it *item) *chain { return &c.list[it.chain-1] }

// admit decides whether an item goes into a request now. If not it is put where
// it will be sent from, or its result is noted.
func (c *chains) admit(j *job, i int32, e *prepared, create bool, req *request) admission {
	it := &j.items[i]
	if it.chain == 0 {
		it.chain = c.number(e)
	}
	ch := c.of(it)
	switch {
	case ch.held != nil:
		j.note(i, ch.held)
		it.done = true
		return waits
	case ch.exists && create:
		// Whatever the order, each of them meets what is there.
		ch.close(it, i)
		return admitted
	case ch.in != nil && (ch.in != req || create),
		!it.again && (len(ch.open) > 0 || len(ch.waiting) > 0),
		it.again && (ch.open[0] != i || len(ch.waiting) > 0 && ch.waiting[0] < i):
		c.wait(it, i)
		c.release(j, ch)
		return waits
	}
	ch.close(it, i)
	ch.in, ch.creates = req, create
	return admitted
}

// wait puts an item behind those of its chain that are before it.
func (c *chains) wait(it *item, i int32) {
	ch := c.of(it)
	ch.close(it, i)
	at, _ := slices.BinarySearch(ch.waiting, i)
	ch.waiting = slices.Insert(ch.waiting, at, i)
}

// close says that an item is not queued to be sent again any more.
func (ch *chain) close(it *item, i int32) {
	if it.again {
		it.again = false
		at, _ := slices.BinarySearch(ch.open, i)
		ch.open = slices.Delete(ch.open, at, at+1)
	}
}

// withdraw takes back that an item, which was queued again or not, was admitted
// to a request that is full.
func (c *chains) withdraw(j *job, i int32, again bool, req *request) {
	it := &j.items[i]
	ch := c.of(it)
	if again {
		c.queueAgain(it, i)
	}
	for _, i := range req.items {
		if j.items[i].chain == it.chain {
			return // others of it are in the request
		}
	}
	if ch.in == req {
		ch.in = nil
	}
}

// number returns the number of an id's chain. Two ids of one hash only lose the
// chance to travel side by side.
func (c *chains) number(e *prepared) int32 {
	if c.known == nil {
		c.known = make(map[uint64]int32)
		c.seed = maphash.MakeSeed()
	}
	var h maphash.Hash
	h.SetSeed(c.seed)
	_, _ = h.WriteString(e.index)
	_ = h.WriteByte(0)
	_, _ = h.Write(e.id)
	key := h.Sum64()
	n, ok := c.known[key]
	if !ok {
		c.list = append(c.list, chain{})
		n = int32(len(c.list))
		c.known[key] = n
	}
	return n
}

// queueAgain counts an item as one that is to be sent again, before all that
// come behind it in its chain.
func (c *chains) queueAgain(it *item, i int32) {
	if it.chain != 0 && !it.again {
		it.again = true
		ch := c.of(it)
		at, _ := slices.BinarySearch(ch.open, i)
		ch.open = slices.Insert(ch.open, at, i)
	}
}

// hold has the items behind a held one wait for the next delivery.
func (c *chains) hold(j *job, ch *chain, cause *record.Cause) {
	ch.held = cause
	for _, i := range ch.waiting {
		j.note(i, cause)
		j.items[i].done = true
	}
	ch.waiting, ch.open = nil, nil
}

// release queues what waited for items that are not in flight any more, up to the
// first that is queued already.
func (c *chains) release(j *job, ch *chain) {
	if ch.in != nil {
		return
	}
	n := len(ch.waiting)
	if len(ch.open) > 0 {
		n, _ = slices.BinarySearch(ch.waiting, ch.open[0])
	}
	if n > 1 && ch.creates && !ch.exists {
		n = 1
	}
	if n == 0 {
		return
	}
	p := &part{items: slices.Clone(ch.waiting[:n])}
	ch.waiting = slices.Delete(ch.waiting, 0, n)
	for _, i := range p.items {
		c.queueAgain(&j.items[i], i)
	}
	j.queue = append(j.queue, p)
}
