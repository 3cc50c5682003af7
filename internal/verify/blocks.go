package verify

import (
	"math/bits"
	"unsafe"
)

// blockSize is how many offsets of a source partition make a block.
const blockSize = 1024

// offsetSet is a set of the offsets in a block.
type offsetSet [blockSize / 64]uint64

// put adds an offset, counted from the block's first, and reports whether it was
// there before.
func (s *offsetSet) put(i int) bool {
	word, bit := &s[i/64], uint64(1)<<(i%64)
	before := *word&bit != 0
	*word |= bit
	return before
}

func (s *offsetSet) has(i int) bool { return s[i/64]&(1<<(i%64)) != 0 }

// without returns the offsets that are not in t.
func (s *offsetSet) without(t *offsetSet) (d offsetSet) {
	for i := range s {
		d[i] = s[i] &^ t[i]
	}
	return d
}

func (s *offsetSet) meets(t *offsetSet) bool {
	for i := range s {
		if s[i]&t[i] != 0 {
			return true
		}
	}
	return false
}

func (s *offsetSet) each(do func(i int)) {
	for w, word := range s {
		for ; word != 0; word &= word - 1 {
			do(w*64 + bits.TrailingZeros64(word))
		}
	}
}

// block is what is kept of the records of one side whose source offsets are in
// it.
type block struct {
	seen offsetSet
	sum  digest // of each offset's first record
	// again says that an offset came more than once.
	again bool
}

// blocks are the blocks of a source partition. Those that nothing fell into are
// nil: offsets may have wide gaps.
type blocks []*block

func newBlocks(s span) blocks {
	return make(blocks, (s.end-s.from+blockSize-1)/blockSize)
}

func (b blocks) at(i int64) *block {
	p := &b[i/blockSize]
	if *p == nil {
		*p = new(block)
	}
	return *p
}

func (b blocks) memory() (n int64) {
	n = int64(len(b)) * int64(unsafe.Sizeof(&block{}))
	for _, p := range b {
		if p != nil {
			n += int64(unsafe.Sizeof(*p))
		}
	}
	return n
}

// chunkSize is how many offsets of a target partition make a chunk.
const chunkSize = 1 << 14

// chunk says for each source partition which of its blocks have records in a
// part of a target partition, so that a second reading need not read all of it.
// low > high: none.
type chunk struct{ low, high []int32 }

// index has the chunks of a target partition.
type index struct {
	span
	sources int
	chunks  []chunk
}

func (x *index) add(offset int64, source int32, block int32) {
	c := &x.chunks[(offset-x.from)/chunkSize]
	if c.low == nil {
		c.low, c.high = make([]int32, x.sources), make([]int32, x.sources)
		for p := range c.low {
			c.low[p], c.high[p] = 1, 0
		}
	}
	if c.low[source] > c.high[source] {
		c.low[source], c.high[source] = block, block
		return
	}
	c.low[source], c.high[source] = min(c.low[source], block), max(c.high[source], block)
}

func (x *index) memory() (n int64) {
	for _, c := range x.chunks {
		n += int64(unsafe.Sizeof(c)) + int64(8*len(c.low))
	}
	return n
}

// where returns the range with all records of the blocks that are wanted.
func (x *index) where(wanted func(source, low, high int32) bool) (s span, any bool) {
	for i, c := range x.chunks {
		for p := range c.low {
			if c.low[p] <= c.high[p] && wanted(int32(p), c.low[p], c.high[p]) {
				if !any {
					s.from = x.from + int64(i)*chunkSize
				}
				s.end, any = min(x.from+int64(i+1)*chunkSize, x.end), true
				break
			}
		}
	}
	return s, any
}
