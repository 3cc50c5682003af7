package transform

import (
	"unicode/utf16"
	"unicode/utf8"
)

// glyphs are a text with the escapes of every writer undone: JSON's and other
// languages' backslashes, \xHH of nginx, octal, #012 of syslog, %22, HTML's
// entities, one in the other as often as they come. Each glyph is a byte and
// knows where it stands in the text as it was written.
type glyphs struct {
	text []byte
	ch   []byte
	at   []int32 // where each starts in text; one more for the end
	lvl  []uint8 // how many writers have escaped it
	how  []uint8 // how the innermost of them did: a style and flags
}

// Styles of escapes. A quoted value ends at a quote of its own style and level.
const (
	styleSlash uint8 = iota + 1 // \"
	styleU                      // \u0022
	styleX                      // \x22
	styleOctal                  // \042
	stylePercent
	styleEntity
	styleHash // #042
	styles    = 0x07

	written = 0x08 // a blank or line end that is a letter behind a backslash
	slashed = 0x10 // a letter or digit behind a backslash that means nothing
	colour  = 0x20 // a whole sequence for a terminal
)

// mostPasses is how many writers are undone.
const mostPasses = 16

// read makes g the glyphs of text, which it keeps.
func (g *glyphs) read(text []byte) {
	n := len(text)
	g.text = text
	g.ch = append(g.ch[:0], text...)
	if cap(g.at) < n+1 {
		g.at = make([]int32, n+1)
	}
	g.at = g.at[:n+1]
	for i := range g.at {
		g.at[i] = int32(i)
	}
	if cap(g.lvl) < n {
		g.lvl, g.how = make([]uint8, n), make([]uint8, n)
	}
	g.lvl, g.how = g.lvl[:n], g.how[:n]
	clear(g.lvl)
	clear(g.how)
	for range mostPasses {
		if !g.pass() {
			break
		}
	}
	g.colours()
}

// escaped is what an escape stands for.
type escaped struct {
	size int // glyphs that it takes; 0: it is none
	n    int // bytes
	ch   [utf8.UTFMax]byte
	how  uint8
}

func (e *escaped) set(size int, r rune, how uint8) {
	e.size, e.how = size, how
	e.n = utf8.EncodeRune(e.ch[:], r)
}

func (e *escaped) setByte(size, b int, how uint8) {
	e.size, e.how, e.n, e.ch[0] = size, how, 1, byte(b)
}

// pass undoes one writer's escapes and reports whether there may be another's.
func (g *glyphs) pass() (again bool) {
	w, n := 0, len(g.ch)
	changed, starts := false, false
	for i := 0; i < n; {
		c := g.ch[i]
		if c == '\\' || c == '%' || c == '&' || c == '#' {
			var e escaped
			g.escape(i, &e)
			if e.size > 0 {
				changed = true
				lvl := uint8(0)
				for k := i; k < i+e.size; k++ {
					lvl = max(lvl, g.lvl[k])
				}
				lvl += min(1, 0xFF-lvl)
				from, to := g.at[i], g.at[i+e.size]
				for k := range e.n {
					g.ch[w], g.at[w], g.lvl[w], g.how[w] = e.ch[k], from, lvl, e.how
					from = to
					w++
				}
				c = e.ch[0]
				starts = starts || c == '\\' || c == '%' || c == '&' || c == '#'
				i += e.size
				continue
			}
			starts = true
		}
		g.ch[w], g.at[w], g.lvl[w], g.how[w] = c, g.at[i], g.lvl[i], g.how[i]
		w++
		i++
	}
	g.at[w] = g.at[n]
	g.cut(w)
	return changed && starts
}

func (g *glyphs) cut(n int) {
	g.ch, g.at, g.lvl, g.how = g.ch[:n], g.at[:n+1], g.lvl[:n], g.how[:n]
}

// escape reads the escape at glyph i, if there is one.
func (g *glyphs) escape(i int, e *escaped) {
	rest := g.ch[i+1:]
	if len(rest) == 0 {
		return
	}
	switch g.ch[i] {
	case '\\':
		g.backslash(i, rest, e)
	case '%':
		if r, ok := hexValue(rest, 2); ok {
			e.setByte(3, r, stylePercent)
		} else if rest[0] == 'u' {
			if r, ok := hexValue(rest[1:], 4); ok {
				e.set(6, rune(r), stylePercent)
			}
		}
	case '&':
		entity(rest, e)
	case '#': // of syslog: control characters and bytes beyond ASCII
		if r, ok := octalValue(rest); ok && (r < ' ' || r >= 0x7F) {
			e.setByte(4, r, styleHash)
		}
	}
}

func (g *glyphs) backslash(i int, rest []byte, e *escaped) {
	switch c := rest[0]; c {
	case 'u':
		if r, ok := hexValue(rest[1:], 4); ok {
			size := 6
			if utf16.IsSurrogate(rune(r)) && len(rest) > 6 && rest[5] == '\\' && rest[6] == 'u' {
				if low, ok := hexValue(rest[7:], 4); ok {
					if pair := utf16.DecodeRune(rune(r), rune(low)); pair != utf8.RuneError {
						r, size = int(pair), 12
					}
				}
			}
			e.set(size, rune(r), styleU)
			return
		}
	case 'U':
		if r, ok := hexValue(rest[1:], 8); ok {
			e.set(10, rune(r), styleU)
			return
		}
	case 'x':
		if r, ok := hexValue(rest[1:], 2); ok {
			e.setByte(4, r, styleX)
			return
		}
	case '0', '1', '2', '3':
		if r, ok := octalValue(rest); ok {
			e.setByte(4, r, styleOctal)
			return
		}
	case 'n', 'r', 't', 'b', 'f', 'v':
		blank := map3(c)
		e.setByte(2, int(blank), styleSlash|written)
		return
	case 'e':
		if len(rest) > 1 && rest[1] == '[' {
			e.setByte(2, 0x1B, styleSlash)
			return
		}
	case '\n':
		e.setByte(2, ' ', styleSlash) // a line that goes on
		return
	case '\r':
		if len(rest) > 1 && rest[1] == '\n' {
			e.setByte(3, ' ', styleSlash)
			return
		}
	case '"', '\'', '`':
		if g.lvl[i] > g.lvl[i+1] {
			return // the backslash is an escaped one, and this quote is not
		}
	}
	how := styleSlash
	if isWordByte(rest[0]) && rest[0] != '_' {
		how |= slashed
	}
	e.setByte(2, int(rest[0]), how)
}

// map3 returns the blank that a letter behind a backslash stands for.
func map3(c byte) byte {
	switch c {
	case 'n':
		return '\n'
	case 'r':
		return '\r'
	case 't':
		return '\t'
	}
	return '\f'
}

// entity reads what stands behind an ampersand.
func entity(rest []byte, e *escaped) {
	const longest = 10
	end := 0
	for end < len(rest) && end < longest && rest[end] != ';' {
		end++
	}
	if end == 0 || end == len(rest) || rest[end] != ';' {
		return
	}
	name := rest[:end]
	if name[0] != '#' {
		if r, ok := entities[string(name)]; ok {
			e.set(end+2, r, styleEntity)
		}
		return
	}
	r, base := 0, 10
	digits := name[1:]
	if len(digits) > 0 && digits[0]|0x20 == 'x' {
		base, digits = 16, digits[1:]
	}
	for _, c := range digits {
		v := digit(c)
		if v >= base {
			return
		}
		if r = r*base + v; r > utf8.MaxRune {
			return
		}
	}
	if len(digits) > 0 {
		e.set(end+2, rune(r), styleEntity)
	}
}

var entities = map[string]rune{
	"quot": '"', "apos": '\'', "amp": '&', "lt": '<', "gt": '>', "nbsp": 0xA0, "colon": ':', "equals": '=', "lowbar": '_', "UnderBar": '_',
	"dash": '‐', "hyphen": '‐', "num": '#', "percnt": '%', "bsol": '\\', "sol": '/', "comma": ',', "semi": ';', "period": '.', "excl": '!', "ast": '*',
	"lbrace": '{', "rbrace": '}', "lcub": '{', "rcub": '}', "lbrack": '[', "rbrack": ']', "lsqb": '[', "rsqb": ']', "lpar": '(', "rpar": ')',
	"verbar": '|', "vert": '|', "grave": '`', "Tab": '\t', "NewLine": '\n', "ldquo": '“', "rdquo": '”', "lsquo": '‘', "rsquo": '’', "laquo": '«', "raquo": '»',
	"ensp": 0x2002, "emsp": 0x2003, "thinsp": 0x2009, "rarr": '→', "rArr": '⇒',
}

// colours makes one glyph of each sequence that colours a terminal, whole or
// without its first byte, as some shippers leave it, or as cat -v shows it.
func (g *glyphs) colours() {
	w, n := 0, len(g.ch)
	for i := 0; i < n; {
		size := 0
		switch g.ch[i] {
		case 0x1B:
			size = 1
			if i+1 < n && g.ch[i+1] == '[' {
				if end := g.parameters(i + 2); end < n {
					size = end + 1 - i
				}
			}
		case '^':
			if i+2 < n && g.ch[i+1] == '[' && g.ch[i+2] == '[' {
				if end := g.parameters(i + 3); end < n && g.ch[end] == 'm' {
					size = end + 1 - i
				}
			}
		case '[':
			if end := g.parameters(i + 1); end > i+1 && end < n && g.ch[end] == 'm' && (end+1 == n || g.ch[end+1] != ']') {
				size = end + 1 - i
			}
		}
		if size == 0 {
			g.ch[w], g.at[w], g.lvl[w], g.how[w] = g.ch[i], g.at[i], g.lvl[i], g.how[i]
			i++
		} else {
			g.ch[w], g.at[w], g.lvl[w], g.how[w] = 0x1B, g.at[i], g.lvl[i], colour
			i += size
		}
		w++
	}
	g.at[w] = g.at[n]
	g.cut(w)
}

// parameters returns the end of the numbers of a terminal's sequence.
func (g *glyphs) parameters(i int) int {
	const longest = 24
	for most := i + longest; i < len(g.ch) && i < most && (g.ch[i] >= '0' && g.ch[i] <= '9' || g.ch[i] == ';' || g.ch[i] == ':' || g.ch[i] == '?'); {
		i++
	}
	return i
}

// letter returns the letter of an escape such as \t.
func (g *glyphs) letter(i int) byte { return fold(g.text[g.at[i+1]-1]) }

// wordAt reports whether glyph i is part of a word.
func (g *glyphs) wordAt(i int) bool { return isWordByte(g.ch[i]) && g.how[i]&written == 0 }

// hexValue reads so many hexadecimal digits.
func hexValue(s []byte, digits int) (v int, ok bool) {
	if len(s) < digits {
		return 0, false
	}
	for _, c := range s[:digits] {
		d := digit(c)
		if d > 15 {
			return 0, false
		}
		v = v<<4 | d
	}
	return v, true
}

// octalValue reads three octal digits of at most 377.
func octalValue(s []byte) (v int, ok bool) {
	if len(s) < 3 || s[0] > '3' {
		return 0, false
	}
	for _, c := range s[:3] {
		if c < '0' || c > '7' {
			return 0, false
		}
		v = v<<3 | int(c-'0')
	}
	return v, true
}

// digit returns a digit's value, 99 if it is none.
func digit(c byte) int {
	switch {
	case c >= '0' && c <= '9':
		return int(c - '0')
	case c|0x20 >= 'a' && c|0x20 <= 'f':
		return int(c|0x20-'a') + 10
	}
	return 99
}
