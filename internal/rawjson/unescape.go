package rawjson

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// AppendUnescaped appends the value of a JSON string, given the bytes between
// its quotes. The bytes must have passed the scanner; a broken escape, which
// the scanner lets nobody see, is appended as it stands. lossy counts lone
// surrogates, which have no UTF-8 form and become U+FFFD. Bytes that are not
// escaped are copied unchanged, invalid UTF-8 included.
func AppendUnescaped(dst, s []byte) (out []byte, lossy int) {
	for {
		i := bytes.IndexByte(s, '\\')
		if i < 0 || i+1 >= len(s) {
			return append(dst, s...), lossy
		}
		// Log records that travel as JSON inside JSON have an escape every few
		// bytes: stay in a tight loop between close neighbours.
		dst = append(dst, s[:i]...)
		s = s[i:]
		for len(s) >= 2 && s[0] == '\\' {
			if c := unescapeTable[s[1]]; c != 0 {
				dst = append(dst, c)
				s = s[2:]
			} else {
				r, n := decodeU(s)
				switch {
				case n == 0: // not an escape
					dst = append(dst, s[0], s[1])
					s = s[2:]
				case r == utf8.RuneError && n < 0:
					lossy++
					dst = append(dst, "\uFFFD"...)
					s = s[-n:]
				default:
					dst = utf8.AppendRune(dst, r)
					s = s[n:]
				}
			}
			// A short run up to the next escape is cheaper byte by byte.
			k := 0
			for k < len(s) && k < 16 && s[k] != '\\' {
				k++
			}
			dst = append(dst, s[:k]...)
			s = s[k:]
		}
	}
}

// decodeU decodes \uXXXX or a surrogate pair at the start of s. n is how many
// bytes it took, 0 if s does not start with one, negative for a lone surrogate.
func decodeU(s []byte) (r rune, n int) {
	hi, ok := hex4(s)
	if !ok {
		return 0, 0
	}
	if !utf16.IsSurrogate(hi) {
		return hi, 6
	}
	if lo, ok := hex4(s[6:]); ok {
		if r := utf16.DecodeRune(hi, lo); r != utf8.RuneError {
			return r, 12
		}
	}
	return utf8.RuneError, -6
}

// hex4 reads \uXXXX.
func hex4(s []byte) (rune, bool) {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return 0, false
	}
	var r rune
	for _, c := range s[2:6] {
		v := hexTable[c]
		if v < 0 {
			return 0, false
		}
		r = r<<4 | rune(v)
	}
	return r, true
}

var unescapeTable = [256]byte{'"': '"', '\\': '\\', '/': '/', 'b': '\b', 'f': '\f', 'n': '\n', 'r': '\r', 't': '\t'}

var hexTable = func() (t [256]int8) {
	for i := range t {
		t[i] = -1
	}
	for i := range int8(10) {
		t['0'+i] = i
	}
	for i := range int8(6) {
		t['a'+i], t['A'+i] = 10+i, 10+i
	}
	return t
}()
