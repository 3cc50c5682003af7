package verify

import (
	"crypto/sha256"
	"encoding/binary"
	"hash"
	"math/bits"

	"github.com/twmb/franz-go/pkg/kgo"
)

// digest is 128 bits of a hash.
type digest struct{ lo, hi uint64 }

// add sums digests up, in whatever order.
func (d *digest) add(e digest) {
	var carry uint64
	d.lo, carry = bits.Add64(d.lo, e.lo, 0)
	d.hi, _ = bits.Add64(d.hi, e.hi, carry)
}

// chain is like add, but the order matters.
func (d *digest) chain(e digest) {
	hi, lo := bits.Mul64(d.lo, 0x9e3779b97f4a7c15)
	d.lo, d.hi = lo, hi+d.hi*0x9e3779b97f4a7c15
	d.add(e)
}

// hasher makes digests. It is not safe for concurrent use.
type hasher struct {
	keysOnly bool
	h        hash.Hash
	head     [32]byte
	out      [sha256.Size]byte
}

func newHasher(keysOnly bool) *hasher { return &hasher{keysOnly: keysOnly, h: sha256.New()} }

// record returns the digest of a record that is called by two numbers.
func (h *hasher) record(a, b int64, r *kgo.Record) digest {
	body, bodySize := r.Value, sizeOf(r.Value)
	if h.keysOnly {
		body, bodySize = nil, 0
	}
	put := binary.LittleEndian
	put.PutUint64(h.head[0:], uint64(a))
	put.PutUint64(h.head[8:], uint64(b))
	put.PutUint64(h.head[16:], uint64(sizeOf(r.Key)))
	put.PutUint64(h.head[24:], uint64(bodySize))
	h.h.Reset()
	_, _ = h.h.Write(h.head[:]) // a hash takes everything
	_, _ = h.h.Write(r.Key)
	_, _ = h.h.Write(body)
	sum := h.h.Sum(h.out[:0])
	return digest{put.Uint64(sum), put.Uint64(sum[8:])}
}

// field returns 64 bits of a key's or a body's hash.
func (h *hasher) field(data []byte) uint64 {
	h.h.Reset()
	_, _ = h.h.Write(data)
	return binary.LittleEndian.Uint64(h.h.Sum(h.out[:0]))
}

// sizeOf returns the bytes of a key or a body, -1 for null.
func sizeOf(data []byte) int {
	if data == nil {
		return -1
	}
	return len(data)
}
