package transform

// tagOf finds the values of the tag that the name is the name of: in its
// attributes and up to its end. It reports whether it is a tag.
func (m *masker) tagOf(f named) bool {
	const longest = 1000
	for i := f.end; i < len(m.ch) && i < f.end+longest; i++ {
		switch m.ch[i] {
		case '"', '\'':
			if end, ok := m.quotedEnd(i); ok && end < f.end+longest {
				i = end - 1
			}
		case '>':
			if m.ch[i-1] != '/' && i+1 < len(m.ch) {
				inside := f
				inside.kind, inside.value = inTag, i+1
				m.found = append(m.found, inside)
			}
			f.tag = 0
			m.elementsValue(f)
			return true
		case '<':
			return false
		}
	}
	return false
}

// isElementsKey reports whether the name is itself a value: of the key or the name
// of an element, whose value stands elsewhere.
func (m *masker) isElementsKey(name int) bool {
	const longest = 64
	i := name
	for i > 0 && name-i < longest && (m.wordAt(i-1) || m.ch[i-1] == '-' || m.ch[i-1] == '.') {
		i--
	}
	for i > 0 && name-i < longest {
		if w := m.quoteBefore(i); w > 0 {
			i -= w
		} else if m.isBlank(i-1) && !m.isLineEnd(i-1) || m.ch[i-1] == '\\' {
			i--
		} else {
			break
		}
	}
	if i == 0 || m.ch[i-1] != '=' && m.ch[i-1] != ':' {
		return false
	}
	for i--; i > 0 && name-i < longest; {
		if w := m.quoteBefore(i); w > 0 {
			i -= w
		} else if m.isBlank(i-1) && !m.isLineEnd(i-1) || m.ch[i-1] == '\\' {
			i--
		} else {
			break
		}
	}
	end := i
	for i > 0 && end-i < longest && m.wordAt(i-1) {
		i--
	}
	return m.isOneOf(i, end, "name", "key", "field", "id", "type", "k", "n", "label", "param", "parameter", "header", "attribute", "attr", "property", "column", "variable", "fieldname", "keyname", "paramname")
}

// elementsValue finds the value of an element whose key is the name.
func (m *masker) elementsValue(f named) {
	const longest = 400
	f.closed, f.around, f.kind = false, quote{}, plain
	depth := 0
	for i := m.skipQuotes(f.end); i < len(m.ch) && i < f.end+longest; i++ {
		switch c := m.ch[i]; {
		case m.isLineEnd(i):
			if m.emptyLine(i) {
				m.part(f, i)
				return
			}
		case m.wordAt(i) && !m.wordAt(i-1):
			end := i
			for end < len(m.ch) && m.wordAt(end) {
				end++
			}
			if m.isOneOf(i, end, "value", "val", "v", "content", "data", "text", "stringvalue", "string_value", "newvalue", "oldvalue", "defaultvalue", "default") {
				k := m.skipQuotes(end)
				for k < len(m.ch) && m.isBlank(k) {
					k++
				}
				if k < len(m.ch) && (m.ch[k] == '=' || m.ch[k] == ':') {
					m.separated(f, k+1)
					return
				}
			}
			i = end - 1
		case c == '>':
			if m.ch[i-1] != '/' && m.ch[i-1] != '-' && m.ch[i-1] != '=' && i+1 < len(m.ch) { // <property name="password">x</property>
				f.kind, f.value = inTag, i+1
				m.found = append(m.found, f)
			}
			return
		case c == '<':
			return
		case isOpening(c):
			depth++
		case isClosing(c):
			if depth--; depth < 0 {
				return
			}
		}
	}
}

// emptyLine reports whether the line behind the line end at glyph i is empty.
func (m *masker) emptyLine(i int) bool {
	if m.ch[i] == '\r' && m.chAt(i+1) == '\n' {
		i++
	}
	return i+1 < len(m.ch) && m.isLineEnd(i+1)
}

// part finds the part of a form behind its empty line.
func (m *masker) part(f named, i int) {
	for i < len(m.ch) && m.isLineEnd(i) {
		i++
	}
	if i < len(m.ch) {
		f.kind, f.value = inPart, i
		m.found = append(m.found, f)
	}
}

// isOneOf reports whether the glyphs from i to end spell one of the words in any
// case.
func (m *masker) isOneOf(i, end int, words ...string) bool {
	for _, w := range words {
		if end-i == len(w) && m.is(i, w) {
			return true
		}
	}
	return false
}

// is reports whether word, in lower case, stands at glyph i in any case.
func (m *masker) is(i int, word string) bool {
	if i < 0 || i+len(word) > len(m.ch) {
		return false
	}
	for k := range len(word) {
		if fold(m.ch[i+k]) != word[k] {
			return false
		}
	}
	return true
}

// tagAt returns the end of the tag at glyph i, 0 if there is none.
func (m *masker) tagAt(i int) (end int, closing bool) {
	const longest = 200
	if m.ch[i] != '<' {
		return 0, false
	}
	k := i + 1
	if closing = m.chAt(k) == '/'; closing {
		k++
	}
	if c := m.chAt(k) | 0x20; c < 'a' || c > 'z' {
		return 0, false
	}
	for ; k < len(m.ch) && k < i+longest; k++ {
		switch m.ch[k] {
		case '>':
			return k + 1, closing
		case '<':
			return 0, false
		}
	}
	return 0, false
}
