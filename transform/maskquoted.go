package transform

// quotedEnd returns the end of the quoted value that starts at glyph i. ok is
// false if nothing closes it: it ends with its line then.
func (m *masker) quotedEnd(i int) (end int, ok bool) {
	if i < 0 || i >= len(m.ch) {
		return i, false
	}
	if m.quoteAt(i).kind == 0 {
		i = m.opensAt(i) - 1
		if i < 0 {
			return 0, false
		}
	}
	open, w := m.quoteAt(i), m.widthAt(i)
	slashes := m.slashesBefore(i)
	i += w
	wide := 1
	for open.kind <= backquote && m.quoteAt(i) == open {
		i += w
		wide++
	}
	switch {
	case wide == 2 && (m.endsValue(i) || open.kind != double): // nothing, or ""value"": JSON inside CSV
		return i, true
	case wide > 2 && wide%2 == 0:
		return i, true // nothing between them
	}
	return m.closing(i, open, wide, slashes)
}

// slashesBefore returns how many backslashes are left before glyph i: those of
// writers that leave other writers' backslashes as they are, as HTML does.
func (m *masker) slashesBefore(i int) (n int) {
	for i > 0 && m.ch[i-1] == '\\' {
		i--
		n++
	}
	return n
}

// closing looks for the quote that closes what open opened behind so many
// backslashes, from glyph i on. It prefers one behind which a value can end.
func (m *masker) closing(i int, open quote, wide, slashes int) (end int, ok bool) {
	line, first := -1, -1 // the end of the line, the first quote that may close
	run := 0
	memo := &m.noClose[open.kind][open.style]
	remember := wide == 1 && open.lvl == 0
	from := 0
	for ; i < len(m.ch); i++ {
		if m.work--; m.work < 0 {
			return len(m.ch), false
		}
		if m.isLineEnd(i) && m.lvl[i] <= open.lvl && line < 0 {
			if first >= 0 {
				break
			}
			line = i
			from = i
			if remember && *memo > 0 && i >= int(*memo)-1 {
				return line, false
			}
		}
		q := m.quoteAt(i)
		if q.kind != open.kind {
			run = 0
			continue
		}
		w := m.widthAt(i)
		switch {
		case q.lvl < open.lvl:
			return i + w, true // the end of what the value lies in
		case slashes > 0 && m.slashesBefore(i) > slashes:
			continue
		case q != open && (open.kind <= backquote || q.lvl != open.lvl):
			run = 0
			continue
		case wide > 1:
			if run++; run == wide {
				return i + w, true
			}
			continue
		case open.kind <= backquote && m.quoteAt(i+w) == open:
			i += w // twice: part of the value, as in SQL
			continue
		case m.endsValue(i + w):
			return i + w, true
		case line >= 0 && open.kind <= backquote && (m.isBlank(i-1) || indexByte("=:([{,", m.ch[i-1])):
			return line, false // this one opens: the one before was never closed
		case first < 0 && line < 0:
			first = i + w
		}
		i += w - 1
	}
	switch {
	case first >= 0:
		return m.runEnd(first, len(m.ch), &named{lineLevel: open.lvl}), true
	case line >= 0:
		if remember && *memo == 0 {
			*memo = int32(from) + 1
		}
		return line, false
	}
	return len(m.ch), false
}

// joined passes over the strings that are joined to the one that ends at glyph i:
// "a" + "b".
func (m *masker) joined(i int) int {
	for {
		k := i
		for k < len(m.ch) && (m.ch[k] == ' ' || m.ch[k] == '\t') {
			k++
		}
		switch c := m.chAt(k); {
		case c == '+' || c == '.' && k > i:
			k++
		case c == '|' && m.chAt(k+1) == '|':
			k += 2
		default:
			return i
		}
		for k < len(m.ch) && m.isBlank(k) {
			k++
		}
		open := 0
		if k < len(m.ch) {
			open = m.opensAt(k)
		}
		if open == 0 {
			return i
		}
		end, ok := m.quotedEnd(open - 1)
		if !ok {
			return i
		}
		i = end
	}
}

// endsValue reports whether what stands at glyph i can follow a value in quotes.
func (m *masker) endsValue(i int) bool {
	if i >= len(m.ch) {
		return true
	}
	c := m.ch[i]
	return c <= ' ' || c >= 0x80 || m.how[i]&(written|colour) != 0 || isClosing(c) || indexByte("\"'`,;&|><:/.+\\-#=*", c)
}

// isKey reports whether what ends before glyph i is a key, as a colon or an equals
// sign stands behind it.
func (m *masker) isKey(i int) bool {
	i = m.skipBlank(i)
	if i >= len(m.ch) {
		return false
	}
	r, _ := m.runeAt(i)
	return r == ':' || r == '=' || r == '：' || r == '＝'
}

// bracketEnd returns the end of the structure that starts at glyph i. ok is false
// if nothing closes it: it ends with its line then.
func (m *masker) bracketEnd(i int, lineLevel uint8) (end int, ok bool) {
	// What opens in a sentence, as in "Unexpected token: {", opens no structure.
	const deepest, farthest = 64, 1 << 12
	var stack [deepest]rune
	depth, line := 0, -1
	before := byte('{')
	for i < len(m.ch) {
		if m.work--; m.work < 0 {
			return len(m.ch), false
		}
		if m.isLineEnd(i) && m.lvl[i] <= lineLevel && line < 0 {
			line = i
		}
		if lineLevel == 0xFF && line >= 0 && i > line+farthest {
			return line, false
		}
		q := m.quoteAt(i)
		// An apostrophe is a quote only where a value or a name may start.
		if q.kind == double || q.kind == single && indexByte("{[(,:=", before) {
			if end, closed := m.quotedEnd(i); closed {
				before, i = '"', end
				continue
			} else if line < 0 {
				line = end
			}
		}
		r, w := m.runeAt(i)
		if closer := closerOf(r); closer != 0 {
			if depth == deepest {
				return len(m.ch), false
			}
			stack[depth] = closer
			depth++
		} else if isCloser(r) {
			for k := depth - 1; k >= 0; k-- { // what is open inside ends with it
				if stack[k] == r {
					depth = k
					break
				}
			}
			if depth == 0 {
				return i + w, true
			}
		}
		if m.ch[i] > ' ' {
			before = m.ch[i]
		}
		i += w
	}
	if line < 0 {
		line = len(m.ch)
	}
	return line, false
}

func closerOf(r rune) rune {
	switch r {
	case '{':
		return '}'
	case '[':
		return ']'
	case '(':
		return ')'
	case '（':
		return '）'
	case '【':
		return '】'
	case '《':
		return '》'
	case '［':
		return '］'
	case '｛':
		return '｝'
	}
	return 0
}

func isCloser(r rune) bool {
	switch r {
	case '}', ']', ')', '）', '】', '》', '］', '｝':
		return true
	}
	return false
}

func (m *masker) isWideOpening(i int) bool {
	r, _ := m.runeAt(i)
	return r >= 0x80 && closerOf(r) != 0
}
