package rawjson

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// String is what reading a string has found.
type String struct {
	// End is the place of the closing quote, or -1 if there is none.
	End int
	// Lossy counts lone surrogates: see AppendUnescaped.
	Lossy int
	// ASCII says that the value is all ASCII. If false it may still be.
	ASCII bool
}

// room is what must be free behind the output so that copying may go on to the
// end of a block, and behind the input likewise.
const room = block + 16

// AppendString reads the string whose opening quote stands before data[i] and
// appends its value, as AppendUnescaped does. Like StringEnd it checks nothing
// but the end.
//
// It reads blocks of 64 bytes: one bit a byte says where backslashes and quotes
// are, and with a little arithmetic on these bits all escapes of a block are
// known without a branch for each. Records that travel as JSON inside JSON have
// an escape every few bytes, and this is where most of an event's time goes.
func AppendString(dst, data []byte, i int) ([]byte, String) {
	var (
		s       String
		high    uint64 // all bytes so far, or-ed
		carry   uint64 // the next block's first byte is escaped
		pending = i    // what is before it has been appended
	)
	for len(data)-i >= room {
		if cap(dst)-len(dst) < room {
			dst = append(dst, make([]byte, max(room, len(dst)))...)[:len(dst)]
		}
		back, quote, or := masks((*[block]byte)(data[i:]))
		high |= or
		escaped, next := escapedBy(back, carry)
		end := block
		if ends := quote &^ escaped; ends != 0 {
			end = bits.TrailingZeros64(ends)
		}
		starts := back &^ escaped & (1<<end - 1)
		if end == block {
			starts = back &^ escaped
		}
		// From here on out is written past its length, where there is room.
		out := dst[:cap(dst)]
		n := len(dst)
		for ; starts != 0; starts &= starts - 1 {
			p := i + bits.TrailingZeros64(starts)
			if p < pending {
				continue // the second half of a surrogate pair
			}
			n += copyRun(out[n:], data[pending:], p-pending)
			if c := unescapeTable[data[p+1]]; c != 0 {
				out[n] = c
				n++
				pending = p + 2
				continue
			}
			high |= highs // what it stands for may be no ASCII
			var took, lossy int
			took, n, lossy = unescapeU(out, n, data[p:])
			pending = p + took
			s.Lossy += lossy
			high |= uint64(out[n-1])
		}
		if pending < i+end {
			n += copyRun(out[n:], data[pending:], i+end-pending)
			pending = i + end
		}
		dst = dst[:n]
		if end < block {
			s.End, s.ASCII = i+end, high&highs == 0
			return dst, s
		}
		i, carry = i+block, next
	}
	// The last bytes of an event, one after the other.
	i = max(i, pending)
	if s.End = StringEnd(data, i); s.End < 0 {
		return dst, s
	}
	from := len(dst)
	dst, lossy := AppendUnescaped(dst, data[i:s.End])
	s.ASCII = high&highs == 0 && ASCII(dst[from:])
	s.Lossy += lossy
	return dst, s
}

// escapedBy returns the bytes that a backslash before them escapes, and whether
// the first one behind the block is escaped. A run of backslashes escapes what
// follows it if its length is odd: adding the runs that start at odd places to
// all backslashes carries through each run and so tells its length's parity.
func escapedBy(back, carry uint64) (escaped, next uint64) {
	if back == 0 {
		return carry, 0
	}
	const even = 0x5555555555555555
	back &^= carry
	follows := back<<1 | carry
	odd := back &^ even &^ follows
	sum, next := bits.Add64(odd, back, 0)
	return (even ^ sum<<1) & follows, next
}

// copyRun copies n bytes, of which most runs have only a few. Both slices have
// more room than that, which makes it two moves without a branch.
func copyRun(dst, src []byte, n int) int {
	if n > 16 || len(dst) < 16 || len(src) < 16 {
		return copy(dst, src[:n])
	}
	a, b := binary.LittleEndian.Uint64(src), binary.LittleEndian.Uint64(src[8:])
	binary.LittleEndian.PutUint64(dst, a)
	binary.LittleEndian.PutUint64(dst[8:], b)
	return n
}

// unescapeU writes what \uXXXX at the start of src stands for to out[n:]. It
// returns how much it took and the new n. What is no escape is two bytes as
// they are.
func unescapeU(out []byte, n int, src []byte) (took, _, lossy int) {
	r, size := decodeU(src)
	switch {
	case size == 0:
		return 2, n + copy(out[n:], src[:2]), 0
	case size < 0:
		return -size, n + copy(out[n:], "\uFFFD"), 1
	default:
		return size, len(utf8.AppendRune(out[:n], r)), 0
	}
}
