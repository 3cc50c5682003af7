package transform

import "unicode/utf8"

// isPrint reports whether the tag at glyph i is one that says how text is printed,
// and no value.
func (m *masker) isPrint(i int) bool {
	i++
	if m.chAt(i) == '/' {
		i++
	}
	end := i
	for end < len(m.ch) && m.wordAt(end) {
		end++
	}
	return m.isOneOf(i, end, "b", "i", "u", "s", "em", "p", "br", "tt", "td", "th", "tr", "dd", "dt", "li", "a", "div", "span", "code", "font", "small", "big", "pre",
		"kbd", "samp", "var", "ins", "del", "mark", "label", "strong", "string", "value", "h1", "h2", "h3", "h4")
}

func (m *masker) chAt(i int) byte {
	if i < len(m.ch) {
		return m.ch[i]
	}
	return 0
}

// runeAt returns the character at glyph i and its width.
func (m *masker) runeAt(i int) (rune, int) {
	if m.ch[i] < 0x80 {
		return rune(m.ch[i]), 1
	}
	return utf8.DecodeRune(m.ch[i:])
}

func (m *masker) widthAt(i int) int {
	_, w := m.runeAt(i)
	return w
}

// quoteAt returns the quote at glyph i.
func (m *masker) quoteAt(i int) quote {
	if i >= len(m.ch) {
		return quote{}
	}
	q := quote{lvl: m.lvl[i], style: m.how[i] & styles}
	switch c := m.ch[i]; {
	case c == '"':
		q.kind = double
	case c == '\'':
		q.kind = single
	case c == '`':
		q.kind = backquote
	case c < 0xC2 || c > 0xEF:
	default:
		switch r, _ := m.runeAt(i); r {
		case '“', '”', '„', '‟', '＂', '〝', '〞', '″':
			q.kind = curlyDouble
		case '‘', '’', '‚', '‛', '＇', '′':
			q.kind = curlySingle
		case '«', '»':
			q.kind = guillemet
		case '‹', '›':
			q.kind = angle
		case '「', '」':
			q.kind = corner
		case '『', '』':
			q.kind = whiteCorner
		}
	}
	if q.kind == 0 {
		return quote{}
	}
	return q
}

// blankAt returns the width of the blank at glyph i, 0 if there is none, and
// whether it ends a line.
func (m *masker) blankAt(i int) (width int, line bool) {
	switch c := m.ch[i]; {
	case c == '\n' || c == '\r':
		return 1, true
	case c <= ' ':
		if m.how[i]&colour != 0 {
			return 0, false
		}
		return 1, false
	case c < 0xC2 || c > 0xEF:
		return 0, false
	}
	switch r, w := m.runeAt(i); {
	case r == 0xA0, r == 0x85, r == 0x1680, r >= 0x2000 && r <= 0x200D, r == 0x202F, r == 0x205F, r == 0x2060, r == 0x3000, r == 0xFEFF, r == 0x3164:
		return w, false
	case r == 0x2028 || r == 0x2029:
		return w, true
	}
	return 0, false
}

func (m *masker) isBlank(i int) bool {
	w, _ := m.blankAt(i)
	return w > 0
}

func (m *masker) isLineEnd(i int) bool { return m.ch[i] == '\n' || m.ch[i] == '\r' }

func (m *masker) skipBlank(i int) int {
	for i < len(m.ch) {
		w, _ := m.blankAt(i)
		if w == 0 {
			break
		}
		i += w
	}
	return i
}

func indexByte(set string, c byte) bool {
	for i := range len(set) {
		if set[i] == c {
			return true
		}
	}
	return false
}

func isOpening(b byte) bool { return b == '{' || b == '[' || b == '(' }

func isClosing(b byte) bool { return b == '}' || b == ']' || b == ')' }

func closingOf(open byte) byte {
	switch open {
	case '(':
		return ')'
	case '[':
		return ']'
	}
	return '}'
}
