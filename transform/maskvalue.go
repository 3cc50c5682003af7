package transform

// valueOf returns where the value of f starts and ends. next is where the next
// ignored name starts, which no run of text may swallow.
func (m *masker) valueOf(f *named, next int) (start, end int) {
	i := f.value
	m.wholeLine = false
	switch f.kind {
	case quoted:
		if end, ok := m.quotedEnd(i); (ok || f.closed) && !m.isKey(end) {
			return i, end
		}
		return i, i
	case inTag:
		return m.tagValue(f)
	case inBars:
		return m.barValue(i)
	case inPart:
		return i, m.partEnd(i)
	case plain, ofShell:
	}
	if i >= len(m.ch) || m.isMasked(i) {
		return i, i
	}
	if end := m.pemEnd(i); end > 0 {
		return i, end
	}
	if end, ok := m.blockEnd(f, i); ok {
		return i, end
	}
	if m.isLineEnd(i) {
		return i, i
	}
	if open := m.opensAt(i); open > 0 {
		end, ok := m.quotedEnd(open - 1)
		if !ok {
			return i, max(end, i+1)
		}
		return i, m.joined(end)
	}
	if m.set.words[f.word].line && (!f.closed || !isOpening(m.ch[i])) {
		return i, m.lineEnd(i, f)
	}
	if isOpening(m.ch[i]) || m.isWideOpening(i) {
		if end, ok := m.bracketEnd(i, f.lineLevel); ok || end > i {
			return i, end
		}
	}
	end = m.runEnd(i, next, f)
	if m.isOneOf(i, end, "new", "await") && m.chAt(end) == ' ' { // new Secret("a b")
		end = m.runEnd(end+1, next, f)
	}
	if m.isScheme(i, end) {
		end = m.lineEnd(i, f)
	}
	return i, end
}

// isMasked reports whether a value has been hidden before.
func (m *masker) isMasked(i int) bool {
	return m.is(i, masked) && m.chAt(i+3) != '*' && m.endsValue(i+3)
}

// opensAt returns 1 + the place of the quote that opens a value at glyph i, 0 if
// none does. Before it may stand the letters of a string literal, such as Python's
// u'…', C#'s @"…" and SQL's N'…'.
func (m *masker) opensAt(i int) int {
	for letters := 0; i < len(m.ch); i++ {
		if m.quoteAt(i).kind > 0 {
			return i + 1
		}
		switch c := m.ch[i]; {
		case letters == 0 && c == '_' && m.introducer(i) > 0:
			i = m.introducer(i) - 1
		case letters < 2 && indexByte("uUbBrRfFLNnEexXqQ@$&", c) && m.how[i]&styles == 0:
			letters++
		default:
			return 0
		}
	}
	return 0
}

// introducer returns the end of a character set before a string of SQL.
func (m *masker) introducer(i int) int {
	for _, name := range [...]string{"_utf8mb4", "_utf8mb3", "_utf8", "_binary", "_latin1", "_ascii", "_gbk"} {
		if m.is(i, name) {
			return i + len(name)
		}
	}
	return 0
}
