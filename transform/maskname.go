package transform

// quote is a quote as a writer wrote it.
type quote struct {
	kind       uint8 // 0: none
	lvl, style uint8
}

// Kinds of quotes.
const (
	double = iota + 1
	single
	backquote
	curlyDouble
	curlySingle
	guillemet
	angle
	corner
	whiteCorner
	quoteKinds
)

// mostBetween is how many glyphs may stand between a name and what separates.
const mostBetween = 256

// behind looks for the value of a name and appends what it finds to m.found.
func (m *masker) behind(f named) {
	m.surroundings(&f)
	if f.tag > 0 && (m.ch[f.tag] == '/' || m.tagOf(f)) {
		return
	}
	if m.isElementsKey(f.name) {
		m.elementsValue(f)
	}
	var (
		i                      = m.skipQuotes(f.end)
		blank, opened, endedAt = false, false, 0 // endedAt: behind a closing tag
	)
	for most := f.end + mostBetween; i < len(m.ch) && i < most; {
		if w, _ := m.blankAt(i); w > 0 {
			blank = true
			i += w
			continue
		}
		if m.ch[i] == '+' && m.chAt(i+1) != '=' { // a blank of a query
			blank = true
			i++
			continue
		}
		if m.how[i]&colour != 0 || m.ch[i] == '*' && !blank || m.ch[i] == '~' && m.chAt(i+1) == '~' {
			i++
			continue
		}
		if m.ch[i] == '\\' {
			i = m.skipQuotes(i + 1)
			continue
		}
		if end, closing := m.tagAt(i); end > 0 {
			if closing {
				endedAt = end
			} else if endedAt > 0 {
				opened = true
			}
			i = end
			continue
		}
		if end := m.separator(i, &f); end > 0 {
			m.separated(f, end)
			return
		}
		if end := m.besideName(i, f, blank); end > 0 {
			i = end
			continue
		}
		break
	}
	if i >= len(m.ch) {
		return
	}
	switch {
	case opened: // <td>password</td><td>x</td>
		f.kind, f.tag, f.value = inTag, 0, i
	case f.closed && m.secondString(i, &f): // "password", "x"
	case blank && !f.closed && m.quoteAt(i).kind > 0: // PASSWORD 'x'
		f.kind, f.value = quoted, i
	case blank && m.isOption(f.name) && !m.startsOption(i): // --password x
		f.kind, f.value = ofShell, i
	case blank && m.isBold(f): // **password** x
		f.value = i
	default:
		return
	}
	m.found = append(m.found, f)
}

// surroundings notes what the name stands in.
func (m *masker) surroundings(f *named) {
	const longest = 64
	i := f.name
	for i > 0 && f.name-i < longest && (m.wordAt(i-1) || m.ch[i-1] >= 0x80 && m.quoteBefore(i) == 0 || m.ch[i-1] != 0 && indexByte("-.:$@/_", m.ch[i-1])) {
		i--
	}
	if i == 0 {
		return
	}
	if w := m.quoteBefore(i); w > 0 {
		f.around = m.quoteAt(i - w)
		if m.quoteAt(f.end) == f.around {
			f.closed, f.lineLevel = true, f.around.lvl
		}
		return
	}
	if m.ch[i-1] == '<' && f.end < len(m.ch) && (m.ch[f.end] == '>' || m.ch[f.end] == '/' || m.isBlank(f.end)) {
		f.tag = i
	}
}

// quoteBefore returns the width of the quote that ends before glyph i, 0 for none.
func (m *masker) quoteBefore(i int) int {
	for _, w := range [...]int{1, 2, 3} {
		if i >= w && m.quoteAt(i-w).kind > 0 && m.widthAt(i-w) == w {
			return w
		}
	}
	return 0
}

// skipQuotes passes over the quotes at glyph i.
func (m *masker) skipQuotes(i int) int {
	for i < len(m.ch) && m.quoteAt(i).kind > 0 {
		i += m.widthAt(i)
	}
	return i
}

// separator returns the end of what separates a name from its value at glyph i, 0
// if nothing does.
func (m *masker) separator(i int, f *named) int {
	c := m.ch[i]
	switch {
	case c == ':' || c == '=':
		return i + 1
	case c == '-' && m.chAt(i+1) == '>':
		return i + 2
	case indexByte("!~+?<>^.-%*/&", c) && m.chAt(i+1) == '=' || c == '?' && m.chAt(i+1) == ':':
		return i + 2
	case c == '<' && m.chAt(i+1) == '>': // of SQL
		return i + 2
	case c == '|' && m.isBarred(f.name, i):
		f.kind = inBars
		return i + 1
	case c >= 0x80:
		switch r, w := m.runeAt(i); r {
		case '：', '＝', '﹕', '∶', '→', '⇒', '⟶', '➜', '➔', '︰':
			return i + w
		case '│', '｜', '┃':
			if m.isBarred(f.name, i) {
				f.kind = inBars
				return i + w
			}
		}
	}
	return 0
}

// separated finds the value behind what separates, which ends before glyph i.
func (m *masker) separated(f named, i int) {
	equals := m.ch[i-1] == '='
	f.sepLevel = m.lvl[i-1]
	for f.kind != inBars && i < len(m.ch) {
		w, line := m.blankAt(i)
		r, rw := m.runeAt(i)
		switch {
		case w > 0 && !line && m.how[i]&written == 0:
			i += w
		case r == ':' || r == '=' || r == '：' || r == '＝', r == '>' && indexByte(":=-", m.ch[i-1]):
			i += rw
		default:
			w = -1
		}
		if w < 0 {
			break
		}
	}
	if f.value = m.lead(i, equals, &f); f.value < len(m.ch) {
		m.found = append(m.found, f)
	}
}

// lead passes over what may stand before a value: blanks, colours, tags, bold
// print. A line's end is passed if the value can be in the next line.
func (m *masker) lead(i int, equals bool, f *named) int {
	for i < len(m.ch) {
		if w, line := m.blankAt(i); w > 0 {
			if line {
				next := m.skipBlank(i)
				indented := next > 0 && !m.isLineEnd(next-1)
				if next >= len(m.ch) || m.startsPair(next) || equals && !indented && !f.closed {
					return i
				}
				i = next
				continue
			}
			i += w
			continue
		}
		if m.how[i]&colour != 0 || m.ch[i] == '+' || m.ch[i] == '\\' && (m.quoteAt(i+1).kind > 0 || m.chAt(i+1) == '\\') {
			i++
			continue
		}
		if end, _ := m.tagAt(i); end > 0 && m.isPrint(i) {
			i = end
			continue
		}
		if c := m.ch[i]; c == '*' || c == '_' || c == '~' {
			end := i
			for end < len(m.ch) && m.ch[end] == c && end-i < 3 {
				end++
			}
			if end-i < 3 && end < len(m.ch) && m.isBlank(end) {
				i = end
				continue
			}
		}
		return i
	}
	return i
}

// besideName returns the end of what may stand at glyph i between a name and what
// separates: brackets, names below the name, dots up to a column. 0: nothing does.
func (m *masker) besideName(i int, f named, blank bool) int {
	const longest = 40
	switch c := m.ch[i]; c {
	case ']', ')':
		return m.skipQuotes(i + 1)
	case '}':
		if f.name > 0 && m.ch[f.name-1] == '{' {
			return i + 1
		}
	case '[', '(':
		for k := i + 1; k < len(m.ch) && k < i+longest; k++ {
			if m.ch[k] == closingOf(c) {
				return k + 1
			}
			if m.isLineEnd(k) || isOpening(m.ch[k]) {
				return 0
			}
		}
	case '.':
		k := i + 1
		for k < len(m.ch) && k < f.end+mostBetween && (m.wordAt(k) || m.ch[k] == '.' || m.ch[k] == '-' && m.chAt(k+1) != '>') {
			k++
		}
		if !blank && k > i+1 || k > i+2 {
			return m.skipQuotes(k)
		}
	}
	return 0
}

// secondString reports whether a value without a separator follows the quoted
// name: a second string, or PHP's number.
func (m *masker) secondString(i int, f *named) bool {
	if c := m.ch[i]; c == ',' || c == ';' {
		i++
	} else if r, w := m.runeAt(i); r == '，' || r == '、' {
		i += w
	}
	i = m.skipBlank(i)
	if i >= len(m.ch) {
		return false
	}
	if c := m.ch[i]; c >= 'a' && c <= 'z' && m.chAt(i+1) == ':' { // of PHP: s:10:"x", i:1
		if c != 's' {
			f.value = i + 2
			return true
		}
		for i += 2; i < len(m.ch) && (m.ch[i] >= '0' && m.ch[i] <= '9' || m.ch[i] == ':'); {
			i++
		}
	}
	if m.opensAt(i) == 0 {
		return false
	}
	f.kind, f.value = quoted, i
	return true
}

// isOption reports whether the name is that of a command's option.
func (m *masker) isOption(name int) bool {
	i := name
	for i > 0 && name-i < 40 && (m.wordAt(i-1) || m.ch[i-1] == '-') {
		i--
	}
	return i < name && m.ch[i] == '-' && (i == 0 || !m.wordAt(i-1) && m.ch[i-1] != '.')
}

func (m *masker) startsOption(i int) bool {
	return m.ch[i] == '-' && (m.chAt(i+1) == '-' || m.chAt(i+1)|0x20 >= 'a' && m.chAt(i+1)|0x20 <= 'z')
}

// isBold reports whether the name stands in bold print, as in **name**.
func (m *masker) isBold(f named) bool {
	return f.name > 1 && m.ch[f.name-1] == '*' && m.ch[f.name-2] == '*' && m.chAt(f.end) == '*' && m.chAt(f.end+1) == '*'
}

// isBarred reports whether a bar at glyph i is one of those that the line is made
// of: one stands before the name, too, or the line begins with the name, or there
// are more behind it.
func (m *masker) isBarred(name, i int) bool {
	const longest = 400
	k := name
	for k > 0 && name-k < longest {
		if w := m.quoteBefore(k); w > 0 {
			k -= w
			continue
		}
		if c := m.ch[k-1]; c != ' ' && c != '\t' && c != '*' && m.how[k-1]&colour == 0 {
			break
		}
		k--
	}
	if k == 0 || m.ch[k-1] == '|' || m.isLineEnd(k-1) || k > 2 && (m.is(k-3, "│") || m.is(k-3, "｜") || m.is(k-3, "┃")) {
		return true
	}
	for k := i + 1; k < len(m.ch) && k < i+longest && !m.isLineEnd(k); k++ {
		if m.ch[k] == '|' {
			return m.chAt(i+1) != '|' && m.chAt(k+1) != '|'
		}
	}
	return false
}
