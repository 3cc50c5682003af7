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

// lineEnd returns the end of credentials that begin at glyph i: that of the line,
// or of what the line is quoted in.
func (m *masker) lineEnd(i int, f *named) int {
	m.wholeLine = true
	for before := byte(' '); i < len(m.ch); i++ {
		m.work--
		c := m.ch[i]
		if m.isLineEnd(i) {
			return i
		}
		if c == '<' && (m.chAt(i+1) == '/' || m.is(i+1, "br")) {
			return i
		}
		if q := m.quoteAt(i); q.kind > 0 {
			switch {
			case before == '=' || before == ' ' && q != f.around: // of a parameter
				if end, ok := m.parameterEnd(i, q); ok {
					i = end - 1
					before = '"'
					continue
				}
			case q.kind == f.around.kind && q.lvl <= f.around.lvl && !f.closed:
				return i
			case q.kind == double && m.endsRun(i+1):
				return i
			}
		}
		before = c
	}
	return i
}

// parameterEnd returns the end of a quoted parameter in the same line.
func (m *masker) parameterEnd(i int, open quote) (int, bool) {
	for i++; i < len(m.ch) && !m.isLineEnd(i); i++ {
		m.work--
		switch q := m.quoteAt(i); {
		case q == open:
			return i + 1, true
		case q.kind == open.kind && q.lvl < open.lvl:
			return 0, false
		}
	}
	return 0, false
}

// isScheme reports whether the run from i to end names an authentication scheme,
// behind which stands what is to be hidden.
func (m *masker) isScheme(i, end int) bool {
	return m.isOneOf(i, end, "basic", "bearer", "negotiate", "ntlm", "token", "apikey", "api-key", "key", "digest", "hawk", "oauth", "signature", "mac", "dpop", "jwt",
		"aws", "aws4-hmac-sha256", "tc3-hmac-sha256", "sdk-hmac-sha256", "acs3-hmac-sha256", "sharedkey", "sharedaccesssignature", "privatetoken")
}

// pemEnd returns the end of a key in PEM at glyph i, quoted or not, 0 if there is
// none. One that is cut off ends where its lines do.
func (m *masker) pemEnd(i int) int {
	k := m.skipQuotes(i)
	if !m.is(k, "-----begin") {
		return 0
	}
	for end := k + len("-----begin"); end < len(m.ch); end++ {
		m.work--
		if !m.is(end, "-----end") {
			continue
		}
		for end += len("-----end"); end < len(m.ch) && !m.is(end, "-----"); end++ {
			if m.isLineEnd(end) {
				return end
			}
		}
		end = min(end+len("-----"), len(m.ch))
		if k > i {
			for end < len(m.ch) && m.isLineEnd(end) {
				end++
			}
			if q := m.quoteAt(end); q.kind > 0 && q == m.quoteAt(i) {
				end += m.widthAt(end)
			}
		}
		return end
	}
	end := k
	for end < len(m.ch) && !m.isLineEnd(end) {
		end++
	}
	for end < len(m.ch) {
		to := m.skipBlank(end)
		from := to
		for to < len(m.ch) && (m.wordAt(to) || indexByte("+/=-:,", m.ch[to])) {
			to++
		}
		if to == from || to < len(m.ch) && !m.isLineEnd(to) {
			break
		}
		end = to
	}
	return end
}

// blockEnd returns the end of a YAML block that begins at glyph i: of the lines
// below that stand further in than the name. ok is false if no block begins there.
func (m *masker) blockEnd(f *named, i int) (end int, ok bool) {
	c := m.ch[i]
	if c != '|' && c != '>' {
		return 0, false
	}
	k := i + 1
	for k < len(m.ch) && indexByte("+-0123456789", m.ch[k]) {
		k++
	}
	for k < len(m.ch) && (m.ch[k] == ' ' || m.ch[k] == '\t') {
		k++
	}
	if k < len(m.ch) && m.ch[k] == '#' {
		for k < len(m.ch) && !m.isLineEnd(k) {
			k++
		}
	}
	if k == len(m.ch) {
		return i, true // its lines are other records
	}
	if !m.isLineEnd(k) {
		return 0, false
	}
	least := m.indent(m.lineStart(f.name))
	end = i
	for k < len(m.ch) {
		m.work--
		for k < len(m.ch) && m.isLineEnd(k) {
			k++
		}
		if k < len(m.ch) && m.indent(k) <= least {
			break
		}
		for k < len(m.ch) && !m.isLineEnd(k) {
			k++
			m.work--
		}
		end = k
	}
	return end, true
}

func (m *masker) lineStart(i int) int {
	for i > 0 && !m.isLineEnd(i-1) {
		i--
		m.work--
	}
	return i
}

// indent returns how far in the line that starts at glyph i begins.
func (m *masker) indent(i int) (n int) {
	for i < len(m.ch) && (m.ch[i] == ' ' || m.ch[i] == '\t' || m.ch[i] == '+' || m.ch[i] == '-' && m.chAt(i+1) == ' ') {
		n++
		i++
	}
	return n
}

// tagValue returns what stands in the tag that ends before f.value.
func (m *masker) tagValue(f *named) (start, end int) {
	start = m.skipBlank(f.value)
	end = -1
	for i := start; i < len(m.ch); i++ {
		m.work--
		if m.ch[i] != '<' || m.chAt(i+1) != '/' {
			continue
		}
		if end < 0 {
			end = i
		}
		if f.tag == 0 || m.sameTag(i+2, f.tag, f.end) {
			end = i
			break
		}
		if m.work < 0 {
			break
		}
	}
	if end < 0 {
		for end = start; end < len(m.ch) && !m.isLineEnd(end) && (end == start || m.ch[end] != '<'); {
			end++
		}
	}
	for end > start && m.isBlank(end-1) {
		end--
	}
	if end-start == len(masked) && m.is(start, masked) {
		return start, start
	}
	return start, end
}

// sameTag reports whether the tag named by the glyphs from tag to end is named at
// glyph i, too.
func (m *masker) sameTag(i, tag, end int) bool {
	if i+end-tag > len(m.ch) {
		return false
	}
	for k := range end - tag {
		if fold(m.ch[i+k]) != fold(m.ch[tag+k]) {
			return false
		}
	}
	return !m.wordAt(min(i+end-tag, len(m.ch)-1))
}

// barValue returns what stands between two bars.
func (m *masker) barValue(i int) (start, end int) {
	for i < len(m.ch) && m.isBlank(i) && !m.isLineEnd(i) {
		i += m.widthAt(i)
	}
	end = i
	for end < len(m.ch) && m.ch[end] != '|' && !m.isLineEnd(end) && !m.is(end, "│") && !m.is(end, "｜") && !m.is(end, "┃") {
		m.work--
		end++
	}
	for end > i && m.isBlank(end-1) {
		end--
	}
	if m.isMasked(i) && end-i == len(masked) {
		return i, i
	}
	return i, end
}

// partEnd returns the end of a form's part: its boundary, or without one its line.
func (m *masker) partEnd(i int) int {
	line := -1
	for k := i; k < len(m.ch); k++ {
		m.work--
		if !m.isLineEnd(k) {
			continue
		}
		if line < 0 {
			line = k
		}
		end := k
		for k+1 < len(m.ch) && m.isLineEnd(k+1) {
			k++
		}
		if m.chAt(k+1) == '-' && m.chAt(k+2) == '-' {
			return end
		}
	}
	if line < 0 {
		return len(m.ch)
	}
	return line
}
