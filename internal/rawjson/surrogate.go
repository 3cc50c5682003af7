package rawjson

import "bytes"

// loneName is what a half of a surrogate pair becomes in a name. It is just as
// long as the half.
const loneName = `\ufffd`

// AppendSoundName appends a name, given as the text between its quotes, with
// lone surrogates replaced by U+FFFD. replaced counts them. The text must have
// passed the scanner.
func AppendSoundName(dst, name []byte) (out []byte, replaced int) {
	from := len(dst)
	dst = append(dst, name...)
	return dst, replaceLone(dst[from:])
}

// AppendSoundNames appends an array or object with all its names as
// AppendSoundName makes them. The text must have passed the scanner.
func AppendSoundNames(dst, value []byte) (out []byte, replaced int) {
	from := len(dst)
	dst = append(dst, value...)
	s := dst[from:]
	for i := 0; ; {
		n := bytes.IndexByte(s[i:], '"')
		if n < 0 {
			return dst, replaced
		}
		start := i + n + 1
		end := StringEnd(s, start)
		if end < 0 {
			return dst, replaced
		}
		i = end + 1
		if next := skipSpace(s, i); next < len(s) && s[next] == ':' {
			replaced += replaceLone(s[start:end])
		}
	}
}

// replaceLone overwrites the lone surrogates in the text of a string.
func replaceLone(s []byte) (replaced int) {
	for i := 0; i+1 < len(s); {
		if s[i] != '\\' {
			i++
			continue
		}
		switch _, n := decodeU(s[i:]); {
		case n == 0: // another escape
			i += 2
		case n < 0:
			copy(s[i:], loneName)
			replaced++
			i -= n
		default:
			i += n
		}
	}
	return replaced
}
