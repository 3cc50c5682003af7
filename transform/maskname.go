package transform

import "unicode/utf8"

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
