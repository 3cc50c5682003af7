package transform

import (
	"bytes"
	"encoding/binary"
	"slices"
	"strings"
)

// wordSet finds the words of a set in text, whole and in any case of ASCII
// letters. What it costs does not depend on how many words there are. It is
// immutable once made and safe for concurrent use.
type wordSet struct {
	words []word

	// A trie over folded bytes: next[node*classes+class[byte]] is the node behind
	// a byte, 0 for none.
	class   [256]uint8
	classes int
	next    []int32
	accept  []int32 // by node: a word's number + 1

	// The filter says of most text that no word is in it. Each word has, whatever
	// its place, one of its grams of so many bytes at a multiple of stride.
	gram, stride int
	grams        []uint64 // a bit for each hash of a gram
	odd          bool     // a word holds more than letters, digits, _ and -
	wide         bool     // a word holds more than ASCII
}

// word is an ignored word as it looks once its escapes are undone.
type word struct {
	text  []byte
	line  bool  // the rest of the line behind it goes: credentials and cookies
	rules []int // the numbers of the rules that it comes from
}

const (
	gramBits   = 15
	gramFactor = 0x9E3779B1
	foldGram   = 0x20202020
)

func (s *wordSet) add(name string, rule int) {
	var g glyphs
	g.read([]byte(strings.TrimRight(name, nameEnds)))
	text := make([]byte, len(g.ch))
	for i, c := range g.ch {
		text[i] = fold(c)
	}
	if len(text) == 0 {
		return
	}
	for i := range s.words {
		if bytes.Equal(s.words[i].text, text) {
			s.words[i].rules = append(s.words[i].rules, rule)
			return
		}
	}
	line := bytes.Contains(text, []byte("authorization")) || bytes.Contains(text, []byte("cookie"))
	s.words = append(s.words, word{text: text, line: line, rules: []int{rule}})
}

// nameEnds may stand at the end of a name in a rule without being told apart, in
// text, from what stands behind a name.
const nameEnds = " \t\r\n\"'`\\])"

// build makes the set ready once all words have been added.
func (s *wordSet) build() {
	if len(s.words) == 0 {
		return
	}
	least := len(s.words[0].text)
	s.classes = 1
	for _, w := range s.words {
		least = min(least, len(w.text))
		for _, c := range w.text {
			if s.class[c] == 0 {
				s.class[c] = uint8(s.classes)
				s.classes++
			}
			s.odd = s.odd || c < 0x80 && !isWordByte(c) && c != '-'
			s.wide = s.wide || c >= 0x80
		}
	}
	for c := byte('A'); c <= 'Z'; c++ {
		s.class[c] = s.class[fold(c)]
	}
	s.next, s.accept = make([]int32, s.classes), make([]int32, 1)
	for i, w := range s.words {
		node := 0
		for _, c := range w.text {
			to := &s.next[node*s.classes+int(s.class[c])]
			if *to == 0 {
				*to = int32(len(s.accept))
				s.accept = append(s.accept, 0)
				node = int(*to)
				s.next = append(s.next, make([]int32, s.classes)...)
				continue
			}
			node = int(*to)
		}
		s.accept[node] = int32(i) + 1
	}
	s.buildFilter(least)
}

func (s *wordSet) buildFilter(least int) {
	// The shorter the grams, the longer the strides; but pairs of letters are in
	// every text once they are many.
	const mostStride, mostWords = 8, 6
	switch {
	case least >= 4 && least <= 6 && len(s.words) <= mostWords:
		s.gram = 2
	case least >= 5:
		s.gram = 4
	case least == 4:
		s.gram = 3
	default:
		s.gram = least
	}
	s.stride = min(least-s.gram+1, mostStride)
	s.grams = make([]uint64, 1<<gramBits/64)
	for _, w := range s.words {
		for at := range s.stride {
			h := s.hash(loadGram(w.text[at:]))
			s.grams[h/64] |= 1 << (h % 64)
		}
	}
}

// loadGram loads the first four bytes, or what there is of them.
func loadGram(text []byte) (v uint32) {
	for i, c := range text[:min(len(text), 4)] {
		v |= uint32(c) << (8 * i)
	}
	return v
}

func (s *wordSet) hash(v uint32) uint32 {
	return (v | foldGram) & (1<<(8*s.gram) - 1) * gramFactor >> (32 - gramBits)
}

// mayHold reports whether a word may be in text, escaped in whatever way. It is
// made to be cheap where none is, as in most records.
func (s *wordSet) mayHold(text []byte) bool {
	if len(s.words) == 0 {
		return false
	}
	return s.odd || s.occurs(text) || s.mayHide(text)
}

// occurs reports whether a word may be in text as it stands.
func (s *wordSet) occurs(text []byte) bool {
	var room [1]int32
	return len(s.find(text, room[:0])) > 0
}

// find appends where words may start in text as it stands, in order, until hits is
// full.
func (s *wordSet) find(text []byte, hits []int32) []int32 {
	grams := s.grams
	if len(grams) != 1<<gramBits/64 {
		return hits
	}
	i, stride, mask := 0, s.stride, uint32(1<<(8*s.gram)-1)
	look := func(v uint32) uint64 {
		h := v & mask * gramFactor >> (32 - gramBits)
		return grams[h/64] >> (h % 64)
	}
	// As many grams as one load holds are looked up together.
	const fold64 = foldGram | foldGram<<32
	switch shift := uint(8*stride) & 63; {
	case 2*stride+s.gram <= 8:
		for ; i+8 <= len(text); i += 3 * stride {
			v := binary.LittleEndian.Uint64(text[i:]) | fold64
			if (look(uint32(v))|look(uint32(v>>shift))|look(uint32(v>>(2*shift&63))))&1 != 0 {
				for k := i; k <= i+2*stride; k += stride {
					if hits = s.hitAt(text, k, hits); len(hits) == cap(hits) {
						return hits
					}
				}
			}
		}
	case stride+s.gram <= 8:
		for ; i+8 <= len(text); i += 2 * stride {
			v := binary.LittleEndian.Uint64(text[i:]) | fold64
			if (look(uint32(v))|look(uint32(v>>shift)))&1 != 0 {
				for k := i; k <= i+stride; k += stride {
					if hits = s.hitAt(text, k, hits); len(hits) == cap(hits) {
						return hits
					}
				}
			}
		}
	}
	for ; i+s.gram <= len(text); i += stride {
		if hits = s.hitAt(text, i, hits); len(hits) == cap(hits) {
			return hits
		}
	}
	return hits
}

// hitAt appends the start of a word whose gram stands at text[i], if there is one
// that is not the last of hits.
func (s *wordSet) hitAt(text []byte, i int, hits []int32) []int32 {
	h := s.hash(loadGram(text[i:]))
	if s.grams[h/64]>>(h%64)&1 == 0 {
		return hits
	}
	if start := s.verify(text, i); start >= 0 && (len(hits) == 0 || hits[len(hits)-1] != int32(start)) {
		hits = append(hits, int32(start))
	}
	return hits
}

// verify returns where a word starts that stands around text[i], whose gram is one
// of a word's; -1 if there is none.
func (s *wordSet) verify(text []byte, i int) int {
	for start := i; start >= 0 && start > i-s.stride; start-- {
		node := 0
		for j := start; j < len(text); j++ {
			c := s.class[text[j]]
			if c == 0 {
				break
			}
			if node = int(s.next[node*s.classes+int(c)]); node == 0 {
				break
			}
			if s.accept[node] != 0 && (j+1 == len(text) || !isWordByte(text[j+1]) || !isWordByte(text[j])) && mayStart(text, start) {
				return start
			}
		}
	}
	return -1
}

// mayStart reports whether a name may start at text[i], given that what stands
// before it may be an escape, a colour or an option's letter.
func mayStart(text []byte, i int) bool {
	const longest = 8 // as in U0000000A
	k := i
	for k > 0 && i-k <= longest && isWordByte(text[k-1]) {
		k--
	}
	if k == i || text[i] >= 0x80 {
		return true
	}
	return i-k <= longest && k > 0 && strings.IndexByte("\\%&#[;-^\x1b", text[k-1]) >= 0
}

// mayHide reports whether text holds an escape that may stand for a part of a
// word.
func (s *wordSet) mayHide(text []byte) bool {
	return s.hiddenBySlash(text) || s.hiddenByPercent(text) || s.hiddenByEntity(text) || s.wide && bytes.IndexByte(text, '#') >= 0
}

func (s *wordSet) hiddenBySlash(text []byte) bool {
	const near = 16 // JSON inside JSON has an escape every few bytes
	for i := 0; ; {
		most := min(i+near, len(text))
		for i < most && text[i] != '\\' {
			i++
		}
		if i == most {
			k := bytes.IndexByte(text[i:], '\\')
			if k < 0 {
				return false
			}
			i += k
		}
		i++
		for i < len(text) && text[i] == '\\' {
			i++
		}
		if i == len(text) {
			return false
		}
		switch c := text[i]; c {
		case '"', 'n', 'r', 't', '/', 'b', 'f', '\'':
		case 'u', 'U':
			if r, ok := hexValue(text[i+1:], 4); ok && s.hides(r, text[i+5:]) {
				return true
			}
		case 'x', 'X':
			if r, ok := hexValue(text[i+1:], 2); ok && s.hides(r, text[i+3:]) {
				return true
			}
		case '0', '1', '2', '3':
			if r, ok := octalValue(text[i:]); ok && s.hides(r, text[i+3:]) {
				return true
			}
		default:
			if !isWordByte(c) && s.class[c] != 0 || c == '_' || c >= 0x80 && s.wide {
				return true
			}
		}
	}
}

func (s *wordSet) hiddenByPercent(text []byte) bool {
	for i := 0; ; {
		k := bytes.IndexByte(text[i:], '%')
		if k < 0 {
			return false
		}
		i += k + 1
		if r, ok := hexValue(text[i:], 2); ok && s.hides(r, text[i+2:]) {
			return true
		}
		if i < len(text) && text[i] == 'u' {
			if r, ok := hexValue(text[i+1:], 4); ok && s.hides(r, text[i+5:]) {
				return true
			}
		}
	}
}

func (s *wordSet) hiddenByEntity(text []byte) bool {
	for i := 0; ; {
		k := bytes.IndexByte(text[i:], '&')
		if k < 0 {
			return false
		}
		i += k + 1
		if startsEntity(text[i:]) {
			return true
		}
	}
}

// hides reports whether a character that was written as an escape may be part of
// a word, or the start of another escape that rest goes on with.
func (s *wordSet) hides(r int, rest []byte) bool {
	if r >= 0x80 {
		return s.wide
	}
	switch r {
	case '\\':
		return len(rest) > 0 && indexByte("uUxX0123_\\%&#", rest[0])
	case '%':
		_, ok := hexValue(rest, 2)
		return ok || len(rest) > 0 && indexByte("u%\\&", rest[0])
	case '&':
		return startsEntity(rest)
	case '#':
		return s.wide
	}
	return s.class[r] != 0
}

// startsEntity reports whether an entity that may be part of a word, or of
// another entity, goes on with rest behind its ampersand.
func startsEntity(rest []byte) bool {
	for bytes.HasPrefix(rest, []byte("amp;")) {
		rest = rest[len("amp;"):]
		if len(rest) > 0 && indexByte("%\\&", rest[0]) {
			return true
		}
	}
	if len(rest) == 0 {
		return false
	}
	return indexByte("#%\\", rest[0]) || indexByte("lnpbdhU", rest[0]) && slices.ContainsFunc(
		[]string{"lowbar;", "num;", "percnt;", "bsol;", "dash;", "hyphen;", "UnderBar;"}, func(e string) bool { return bytes.HasPrefix(rest, []byte(e)) })
}

// at calls found with each word that starts at glyph i, and its end.
func (s *wordSet) at(g *glyphs, i int, found func(word, end int)) {
	node := 0
	for j := i; j < len(g.ch); j++ {
		c := g.ch[j]
		if g.how[j]&(written|slashed) != 0 {
			if j > i && (g.how[j]&slashed != 0 || s.class[c] == 0) {
				return
			}
			if j == i && g.how[j]&written != 0 && s.class[c] == 0 {
				c = g.letter(j) // \token may be a path's name
			}
		}
		class := s.class[c]
		if class == 0 {
			return
		}
		if node = int(s.next[node*s.classes+int(class)]); node == 0 {
			return
		}
		if w := s.accept[node]; w != 0 && (j+1 == len(g.ch) || !isWordByte(c) || !g.wordAt(j+1)) {
			found(int(w)-1, j+1)
		}
	}
}

func fold(c byte) byte {
	if c >= 'A' && c <= 'Z' {
		return c | 0x20
	}
	return c
}

func isWordByte(b byte) bool {
	return b == '_' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}
