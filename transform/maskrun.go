package transform

// runEnd returns the end of a value that nothing encloses. It ends before next,
// where an ignored name starts.
func (m *masker) runEnd(i, next int, f *named) int {
	const mostGroups = 8
	start, groups := i, 0
	for i < len(m.ch) && i < next {
		m.work--
		c := m.ch[i]
		if m.how[i]&colour != 0 {
			return i
		}
		if m.how[i]&styles == stylePercent && m.lvl[i] > f.sepLevel {
			i++ // /?password=a%26b%3Dc&d=e: what is encoded belongs to the value
			continue
		}
		if w, line := m.blankAt(i); w > 0 {
			switch {
			case m.how[i]&written != 0:
				if m.endsAtLetter(i) {
					return i
				}
			case m.lvl[i] == 0 || line || c != ' ':
				return i
			} // \x20 and the like belong to the value
			i += w
			continue
		}
		r, w := m.runeAt(i)
		switch {
		case m.quoteAt(i).kind > 0:
			if m.endsRun(i + w) {
				return i
			}
		case isOpening(c) && i > start && groups < mostGroups:
			groups++
			if end, ok := m.groupEnd(i, next); ok {
				i = end
				continue
			}
		case isCloser(r):
			if m.endsRun(i+w) || indexByte(".:!?", m.chAt(i+w)) && m.endsRun(i+w+1) {
				return i
			}
		case c == '<' && i > start:
			if n := m.chAt(i + 1); n == '/' || n == '!' || n|0x20 >= 'a' && n|0x20 <= 'z' {
				return i
			}
		case c == ',' || c == ';' || c == '&' || c == '|':
			if m.endsRun(i+1) || m.startsName(i+1) {
				return i
			}
		case r == '，' || r == '；' || r == '。' || r == '、':
			if m.chAt(i+w) >= 0x80 || m.endsRun(i+w) || m.startsName(i+w) {
				return i
			}
		}
		i += w
	}
	if i >= next && next < len(m.ch) {
		return m.beforeName(start, next)
	}
	return min(i, len(m.ch))
}

// groupEnd returns the end of the brackets that open at glyph i inside a run, if
// they close on the same line and not far away: fn("a b").
func (m *masker) groupEnd(i, next int) (int, bool) {
	const longest = 400
	most := min(i+longest, len(m.ch))
	depth, inside := 0, quote{}
	for k := i; k < most && !m.isLineEnd(k); k++ {
		m.work--
		if q := m.quoteAt(k); q.kind == double || q.kind == single {
			if inside.kind == 0 {
				inside = q
			} else if inside == q {
				inside = quote{}
			}
			continue
		}
		switch c := m.ch[k]; {
		case inside.kind != 0:
		case isOpening(c):
			depth++
		case isClosing(c):
			if depth--; depth == 0 {
				return k + 1, k < next
			}
		}
	}
	return 0, false
}

// endsRun reports whether a quote or a bracket before glyph i is the end of what
// the run stands in, and no part of it.
func (m *masker) endsRun(i int) bool {
	if i >= len(m.ch) {
		return true
	}
	c := m.ch[i]
	return c <= ' ' || m.how[i]&written != 0 || isClosing(c) || m.quoteAt(i).kind > 0 || indexByte(",;&|><\\", c) || m.isBlank(i) || c >= 0x80 && m.isPunctuation(i)
}

func (m *masker) isPunctuation(i int) bool {
	switch r, _ := m.runeAt(i); r {
	case '，', '；', '。', '、', '：', '）', '】', '》':
		return true
	}
	return false
}

// endsAtLetter reports whether the blank at glyph i, which is a letter behind a
// backslash, ends a run: C:\new does not.
func (m *masker) endsAtLetter(i int) bool {
	k := i
	for k < len(m.ch) && m.isBlank(k) {
		k++
	}
	if k > i+1 || k == len(m.ch) {
		return true
	}
	c := m.ch[k]
	return m.quoteAt(k).kind > 0 || isOpening(c) || isClosing(c) || indexByte("<-,;&|#", c) || m.how[k]&colour != 0 || m.startsName(k) ||
		m.is(k, "20") && c >= '0' && m.chAt(k+4) == '-'
}

// beforeName returns where the value ends that the name at glyph next cuts off:
// before what separates the two.
func (m *masker) beforeName(start, next int) int {
	i := next
	back := func() {
		for i > start {
			if w := m.quoteBefore(i); w > 0 && i-w >= start {
				i -= w
			} else if m.isBlank(i-1) || m.how[i-1]&colour != 0 {
				i--
			} else {
				return
			}
		}
	}
	back()
	if i > start {
		switch c := m.ch[i-1]; {
		case c == '>' && i == next:
			for k := i - 1; k >= start; k-- {
				if m.ch[k] == '<' {
					i = k
					break
				}
			}
		case indexByte(",;&|/?{[(<", c):
			i--
		default:
			for _, p := range [...]string{"，", "；", "、", "。"} {
				if i-len(p) >= start && m.is(i-len(p), p) {
					i -= len(p)
					break
				}
			}
		}
	}
	back()
	return i
}

// startsName reports whether a name with a colon or equals sign behind it stands
// at glyph i.
func (m *masker) startsName(i int) bool {
	const longest = 128
	for i < len(m.ch) && m.isBlank(i) && !m.isLineEnd(i) {
		i++
	}
	from := i
	for i < len(m.ch) && i-from < longest && (m.wordAt(i) || m.ch[i] >= 0x80 && !m.isPunctuation(i) && !m.isBlank(i) || indexByte("-.\"'[]$@", m.ch[i])) && !m.isSeparator(i) {
		i++
	}
	m.work -= i - from
	for i < len(m.ch) && i > from && m.isBlank(i) && !m.isLineEnd(i) {
		i++
	}
	return i > from && i < len(m.ch) && m.isSeparator(i) && (m.ch[i] != ':' || m.chAt(i+1) != '/' || m.chAt(i+2) != '/')
}

func (m *masker) isSeparator(i int) bool {
	r, _ := m.runeAt(i)
	return r == ':' || r == '=' || r == '：' || r == '＝'
}

// startsPair reports whether a line that starts with another name and its value
// follows at glyph i, so that the name before has none.
func (m *masker) startsPair(i int) bool {
	const longest = 128
	if m.quoteAt(i).kind > 0 {
		end, ok := m.quotedEnd(i)
		return ok && m.isKey(end)
	}
	from := i
	for i < len(m.ch) && i-from < longest && (m.wordAt(i) || m.ch[i] == '-' || m.ch[i] == '.') {
		i++
	}
	if i == from || i >= len(m.ch) {
		return false
	}
	switch m.ch[i] {
	case ':':
		return m.endsRun(i + 1)
	case '=':
		return i+1 < len(m.ch) && m.ch[i+1] != '=' && !m.isBlank(i+1)
	}
	return false
}
