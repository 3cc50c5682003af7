package transform

import (
	"unicode"
	"unicode/utf8"
)

// maxShape is how much of a value its shape shows, in characters.
const maxShape = 48

// Shape returns what a value looks like, without what it says: digits as 9 and
// letters as a. It is cut after some 48 characters.
func Shape(value []byte) string {
	out := make([]rune, 0, maxShape+1)
	for len(value) > 0 {
		if len(out) == maxShape {
			return string(append(out, '…'))
		}
		r, n := utf8.DecodeRune(value)
		value = value[n:]
		switch {
		case unicode.IsDigit(r):
			r = '9'
		case unicode.IsLetter(r) || unicode.IsMark(r):
			r = 'a'
		case !unicode.IsPrint(r) || r == utf8.RuneError:
			r = '?'
		}
		out = append(out, r)
	}
	return string(out)
}

// noteUnread notes a time field that was not understood.
func (d *Document) noteUnread(field string, value []byte) {
	if d.UnreadTime == "" {
		d.UnreadTime, d.UnreadValue = field, value
	}
}

// UnreadShape describes the value that was not understood as a time.
func (d *Document) UnreadShape() string {
	if d.UnreadValue == nil {
		return "in several elements of an array"
	}
	return Shape(d.UnreadValue)
}
