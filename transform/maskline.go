package transform

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
