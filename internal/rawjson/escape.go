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
func AppendEscapedValid(dst, s []byte) []byte {
	from := 0
	for i := 0; i < len(s); {
		if i+8 <= len(s) {
			w := binary.LittleEndian.Uint64(s[i:])
			quote, back := w^('"'*lows), w^('\\'*lows)
			// Bytes above 127 count as hits of the last term's kind only by
			// mistake, which the mask takes out.
			hit := ((quote-lows)&^quote | (back-lows)&^back | (w-' '*lows)&^w) & highs
			if hit == 0 {
				i += 8
				continue
			}
			i += bits.TrailingZeros64(hit) / 8
		} else if c := s[i]; c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		dst = append(dst, s[from:i]...)
		dst = appendEscape(dst, s[i])
		i++
		from = i
	}
	return append(dst, s[from:]...)
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
