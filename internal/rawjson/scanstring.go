package rawjson

import (
	"encoding/binary"
	"math/bits"
)

const (
	lows  = 0x0101010101010101
	highs = 0x8080808080808080
)

// scanString checks a string whose opening quote stands before data[i]. It
// returns the place of the closing quote, or -1, and whether there are escapes.
//
// It looks at eight bytes at once: a byte of (x-1)&^x&0x80… is set where x's
// byte is zero. Borrows make false hits only above a true one, so the lowest
// hit is always true.
func scanString(data []byte, i int) (end int, escaped bool) {
	for {
		for i+8 <= len(data) {
			w := binary.LittleEndian.Uint64(data[i:])
			quote, back := w^('"'*lows), w^('\\'*lows)
			hit := ((quote-lows)&^quote | (back-lows)&^back | (w-' '*lows)&^w) & highs
			if hit != 0 {
				i += bits.TrailingZeros64(hit) / 8
				break
			}
			i += 8
		}
		for i < len(data) && data[i] >= ' ' && data[i] != '"' && data[i] != '\\' {
			i++
		}
		if i >= len(data) || data[i] < ' ' {
			return -1, escaped
		}
		if data[i] == '"' {
			return i, escaped
		}
		escaped = true
		if i+1 >= len(data) {
			return -1, escaped
		}
		if unescapeTable[data[i+1]] != 0 {
			i += 2
		} else if _, ok := hex4(data[i:]); ok {
			i += 6
		} else {
			return -1, escaped
		}
	}
}

// StringEnd returns the place of the quote that ends the string whose opening
// quote stands before data[i], or -1. It checks nothing else: control
// characters and unknown escapes pass, since a trigger event must be read even
// if its encoder was sloppy.
func StringEnd(data []byte, i int) int {
	for {
		for i+8 <= len(data) {
			w := binary.LittleEndian.Uint64(data[i:])
			quote, back := w^('"'*lows), w^('\\'*lows)
			hit := ((quote-lows)&^quote | (back-lows)&^back) & highs
			if hit != 0 {
				i += bits.TrailingZeros64(hit) / 8
				break
			}
			i += 8
		}
		for i < len(data) && data[i] != '"' && data[i] != '\\' {
			i++
		}
		if i >= len(data) {
			return -1
		}
		if data[i] == '"' {
			return i
		}
		i += 2
	}
}
