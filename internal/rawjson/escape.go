package rawjson

import (
	"encoding/binary"
	"math/bits"
	"unicode/utf8"
)

// AppendEscaped appends s as the content of a JSON string, without quotes.
// Bytes that are not UTF-8 become U+FFFD, one for each byte; replaced counts
// them. Nothing beyond what RFC 8259 demands is escaped.
func AppendEscaped[T string | []byte](dst []byte, s T) (out []byte, replaced int) {
	from := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' {
				i++
				continue
			}
			dst = append(dst, s[from:i]...)
			dst = appendEscape(dst, c)
			i++
			from = i
			continue
		}
		r, size := decodeRune(s, i)
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[from:i]...)
			dst = append(dst, "\uFFFD"...)
			replaced++
			i++
			from = i
			continue
		}
		i += size
	}
	return append(dst, s[from:]...), replaced
}

// AppendEscapedValid is AppendEscaped for text that is known to be valid UTF-8.
// It writes eight bytes at once, and goes back to put an escape in their midst.
func AppendEscapedValid(dst, s []byte) []byte {
	const most = 8 * len(`\u0000`) // what eight bytes can become
	for ; len(s) >= 8; s = s[8:] {
		if cap(dst)-len(dst) < most+8 {
			dst = append(dst, make([]byte, max(most+8, len(dst)/4, len(s)))...)[:len(dst)]
		}
		out, n, left := dst[:cap(dst)], len(dst), 8
		w := binary.LittleEndian.Uint64(s)
		binary.LittleEndian.PutUint64(out[n:], w)
		for hit := escapable(w); hit != 0; {
			k := bits.TrailingZeros64(hit) / 8
			n += k
			if c := byte(w >> (8 * k)); c == '"' || c == '\\' {
				out[n], out[n+1] = '\\', c
				n += 2
			} else {
				n = len(appendEscape(out[:n], c))
			}
			// What stands behind it goes on from there.
			w, hit, left = w>>(8*k)>>8, hit>>(8*k)>>8, left-k-1
			binary.LittleEndian.PutUint64(out[n:], w)
		}
		dst = dst[:n+left]
	}
	for _, c := range s {
		if c >= ' ' && c != '"' && c != '\\' {
			dst = append(dst, c)
		} else {
			dst = appendEscape(dst, c)
		}
	}
	return dst
}

// escapable has the highest bit of each byte set that JSON wants escaped.
func escapable(w uint64) uint64 {
	const low7 = ^uint64(highs)
	quote, back := w^('"'*lows), w^('\\'*lows)
	// Without their highest bits bytes cannot carry into their neighbours.
	plain := (quote&low7 + low7) & (back&low7 + low7) & (w&low7 + (0x80-' ')*lows)
	return ^(plain | w) & highs
}

// appendEscape appends the escape of a quote, a backslash or a control
// character.
func appendEscape(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, '\\', 'n')
	case '\r':
		return append(dst, '\\', 'r')
	case '\t':
		return append(dst, '\\', 't')
	case '\b':
		return append(dst, '\\', 'b')
	case '\f':
		return append(dst, '\\', 'f')
	default:
		return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
	}
}

func decodeRune[T string | []byte](s T, i int) (rune, int) {
	return utf8.DecodeRuneInString(string(s[i:min(len(s), i+utf8.UTFMax)]))
}

// AppendValid appends s with every byte that is not part of valid UTF-8
// replaced by U+FFFD, and counts those bytes.
func AppendValid(dst, s []byte) (out []byte, replaced int) {
	from := 0
	for i := 0; i < len(s); {
		if s[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, s[from:i]...)
			dst = append(dst, "\uFFFD"...)
			replaced++
			from = i + 1
		}
		i += size
	}
	return append(dst, s[from:]...), replaced
}

// ASCII reports whether all bytes are ASCII.
func ASCII(s []byte) bool {
	for len(s) >= 8 {
		if binary.LittleEndian.Uint64(s)&highs != 0 {
			return false
		}
		s = s[8:]
	}
	var tail [8]byte
	copy(tail[:], s)
	return bits.LeadingZeros64(binary.LittleEndian.Uint64(tail[:])&highs) == 64
}
