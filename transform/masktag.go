package transform

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
