package transform

import (
	"bytes"
	"slices"

	"ckafka-etl/internal/rawjson"
)

// masked is what stands in text where a value was.
const masked = "***"

// masker hides the values of ignored words in text. In text that is no JSON
// object it has to be guessed what a field is: it is a name, then what
// separates, then a value, once the escapes of all writers are undone (glyphs),
// and the guess is such that rather too much is hidden than too little. It
// reuses its buffers and is not safe for concurrent use.
type masker struct {
	glyphs
	set    *wordSet
	found  []named
	names  []int32 // where those start, in order
	hidden []span
	plain  []byte  // a JSON string's value
	from   []int32 // where each of its bytes starts in the string

	tell bool  // note the words whose values are hidden
	told []int // those words

	noClose   [quoteKinds][8]int32 // by kind and style: from where on no quote of level 0 to 3 closes across lines
	wholeLine bool                 // the last value was the rest of its line
	work      int                  // what may still be looked at in search of ends
}

// span is a part of a text.
type span struct{ from, to int }

// named is a name in the text, and where the value starts that it has.
type named struct {
	word      int
	name, end int   // of the name, as glyphs
	value     int   // where it starts
	kind      kind  // how it ends
	closed    bool  // the name is in quotes of its own
	around    quote // the quote that the name and the value are in, if it has one
	tag       int   // where the tag's name starts, if the name is a tag's
	sepLevel  uint8 // of what separates
	lineLevel uint8 // line ends that are escaped no more often than this are the writer's
}

// kind says how a value ends.
type kind uint8

const (
	plain   kind = iota // as it begins: a quote, a bracket, a run of text
	quoted              // a quoted string, else there is none
	inTag               // with the tag
	inBars              // with the next bar
	inPart              // a part of a form: with the next boundary
	ofShell             // a word of a command line
)

// appendMasked appends text with parts of it hidden.
func appendMasked(dst, text []byte, spans []span) []byte {
	from := 0
	for _, s := range spans {
		dst = append(append(dst, text[from:s.from]...), masked...)
		from = s.to
	}
	return append(dst, text[from:]...)
}

// appendString appends a JSON string, quotes included, with the values of the
// set's words hidden in its text, and reports whether there are any. What is not
// hidden stays as it is written.
func (m *masker) appendString(dst []byte, set *wordSet, value []byte) (_ []byte, hidden bool) {
	content := value[1 : len(value)-1]
	if !set.mayHold(content) {
		return append(dst, value...), false
	}
	escaped := bytes.IndexByte(content, '\\') >= 0
	text := content
	if escaped {
		m.unescape(content)
		text = m.plain
	}
	spans := m.spans(set, text)
	if escaped {
		for i := range spans {
			spans[i] = span{int(m.from[spans[i].from]), int(m.from[spans[i].to])}
		}
	}
	dst = append(dst, '"')
	dst = appendMasked(dst, content, spans)
	return append(dst, '"'), len(spans) > 0
}

// unescape makes m.plain the value of a JSON string.
func (m *masker) unescape(content []byte) {
	m.plain, m.from = m.plain[:0], m.from[:0]
	for i := 0; i < len(content); {
		size := 1
		if content[i] != '\\' {
			m.plain = append(m.plain, content[i])
		} else {
			size = escapeSize(content[i:])
			m.plain, _ = rawjson.AppendUnescaped(m.plain, content[i:i+size])
		}
		m.from = append(m.from, int32(i))
		for len(m.from) < len(m.plain) {
			m.from = append(m.from, int32(i+size))
		}
		i += size
	}
	m.from = append(m.from, int32(len(content)))
}

// escapeSize returns the size of the escape that a JSON string's content starts
// with, a surrogate pair being one.
func escapeSize(content []byte) int {
	if len(content) < 6 || content[1] != 'u' {
		return min(2, len(content))
	}
	if r, _ := hexValue(content[2:], 4); r >= 0xD800 && r < 0xDC00 && len(content) >= 12 && content[6] == '\\' && content[7] == 'u' {
		if low, _ := hexValue(content[8:], 4); low >= 0xDC00 && low < 0xE000 {
			return 12
		}
	}
	return 6
}

// trim gives back space beyond so many bytes of text.
func (m *masker) trim(beyond int) {
	m.text, m.set = nil, nil
	if cap(m.ch) > beyond || cap(m.plain) > beyond || cap(m.found) > beyond/64 {
		*m = masker{tell: m.tell}
	}
}

// spans returns the parts of text that are to be hidden, in order and apart. They
// are valid until the next call.
func (m *masker) spans(set *wordSet, text []byte) []span {
	m.hidden = m.hidden[:0]
	if !set.mayHold(text) {
		return nil
	}
	m.set = set
	m.read(text)
	m.findNames()
	if len(m.found) == 0 {
		return nil
	}
	// Whoever makes text in which every value's end is far away must not make us
	// look for it again and again: in the end the rest is hidden.
	const least, factor = 1 << 14, 32
	m.work = least + factor*len(m.ch)
	m.noClose = [quoteKinds][8]int32{}
	end := -1 // of what is hidden so far, as a glyph
	names, inLine := m.names, false
	for i := range m.found {
		f := &m.found[i]
		for len(names) > 0 && int(names[0]) < f.value {
			names = names[1:]
		}
		next := len(m.ch)
		if len(names) > 0 {
			next = int(names[0])
		}
		if f.value < end && inLine && f.kind == plain && m.isRun(f.value) {
			continue // of a line that goes to its end
		}
		start, to := m.valueOf(f, next)
		if m.work < 0 {
			to = len(m.ch)
			if end == to {
				break
			}
		}
		if to <= start || to <= end {
			continue
		}
		if m.tell {
			m.told = append(m.told, f.word)
		}
		if last := len(m.hidden) - 1; last >= 0 && start <= end {
			m.hidden[last].to = int(m.at[to])
		} else {
			m.hidden = append(m.hidden, span{int(m.at[start]), int(m.at[to])})
		}
		inLine = m.wholeLine
		if end = to; m.work < 0 {
			break
		}
	}
	return m.hidden
}

// isRun reports whether nothing opens at glyph i that could end in another line.
func (m *masker) isRun(i int) bool {
	c := m.ch[i]
	return m.opensAt(i) == 0 && !isOpening(c) && !m.isWideOpening(i) && !m.isLineEnd(i) && c != '|' && c != '>' && c != '-'
}

// findNames finds the set's words that have a value, in the order of the values.
func (m *masker) findNames() {
	m.found, m.names = m.found[:0], m.names[:0]
	for i := range m.ch {
		if m.set.class[m.ch[i]] == 0 && m.how[i]&written == 0 || !m.mayStart(i) {
			continue
		}
		n := len(m.found)
		m.set.at(&m.glyphs, i, func(word, end int) { m.behind(named{word: word, name: i, end: end, lineLevel: 0xFF}) })
		if len(m.found) > n {
			m.names = append(m.names, int32(i))
		}
	}
	byValue := func(a, b named) int { return a.value - b.value }
	if !slices.IsSortedFunc(m.found, byValue) {
		slices.SortStableFunc(m.found, byValue)
	}
}

// mayStart reports whether a name may start at glyph i.
func (m *masker) mayStart(i int) bool {
	// Chinese has no blanks: there a word may follow any character.
	if i == 0 || m.ch[i] >= 0x80 || !m.wordAt(i-1) {
		return true
	}
	// -Dpassword=x
	return i > 1 && m.ch[i-2] == '-' && m.ch[i-1]|0x20 >= 'a' && (i == 2 || !m.wordAt(i-3) && m.ch[i-3] != '-')
}
