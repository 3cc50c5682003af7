package transform

import (
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// char is a character of text that may have been escaped as in JSON, any number
// of times: a quote comes as ", as \", as \\\", as \u0022 and so on.
type char struct {
	b       byte // what it is; 0x80 or more: part of something that is not ASCII
	hex     bool // written as \u and four digits
	slashes int  // how many backslashes stand before it
	end     int  // the place behind it
}

// charAt reads the character at text[i], backslashes before it included. The
// place must lie inside text and not behind a backslash.
func charAt(text []byte, i int) char {
	j := i
	for j < len(text) && text[j] == '\\' {
		j++
	}
	c := char{slashes: j - i}
	if j == len(text) {
		c.b, c.end = '\\', j
		return c
	}
	c.b, c.end = text[j], j+1
	if c.slashes > 0 {
		if r, ok := hexDigits(text[j:]); ok {
			c.b, c.hex, c.end = byte(min(r, 0x80)), true, j+5
		}
	}
	return c
}

// charBefore reads the last character of text, which is not empty, and returns
// its place, that of the backslashes before it if they belong to it.
func charBefore(text []byte) (r rune, start int) {
	if r, start, ok := hexBefore(text); ok {
		if utf16.IsSurrogate(r) {
			if high, at, ok := hexBefore(text[:start]); ok {
				if pair := utf16.DecodeRune(high, r); pair != utf8.RuneError {
					return pair, at
				}
			}
		}
		return r, start
	}
	last := text[len(text)-1]
	switch last {
	case '\\', '"', '\'', '/':
		return rune(last), trimSlashes(text[:len(text)-1])
	}
	r, n := utf8.DecodeLastRune(text)
	return r, len(text) - n
}

// hexBefore reads \uXXXX at the end of text.
func hexBefore(text []byte) (r rune, start int, ok bool) {
	at := len(text) - len(`uXXXX`)
	if at < 1 || text[at-1] != '\\' {
		return 0, 0, false
	}
	r, ok = hexDigits(text[at:])
	return r, trimSlashes(text[:at]), ok
}

// hexDigits reads uXXXX at the start of text.
func hexDigits(text []byte) (r rune, ok bool) {
	if len(text) < 5 || text[0] != 'u' {
		return 0, false
	}
	for _, c := range text[1:5] {
		v := strings.IndexByte("0123456789abcdef", c|0x20)
		if v < 0 || c < '0' {
			return 0, false
		}
		r = r<<4 | rune(v)
	}
	return r, true
}

// trimSlashes returns the length of text without the backslashes at its end.
func trimSlashes(text []byte) int {
	n := len(text)
	for n > 0 && text[n-1] == '\\' {
		n--
	}
	return n
}

func isQuote(b byte) bool   { return b == '"' || b == '\'' || b == '`' }
func isOpening(b byte) bool { return b == '{' || b == '[' || b == '(' }
func isClosing(b byte) bool { return b == '}' || b == ']' || b == ')' }

func isWordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
