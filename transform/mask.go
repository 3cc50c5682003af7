package transform

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
)

// masked is what stands in text where a value was.
const masked = "***"

// maskText appends text with the value behind each ignored word hidden: in
// text that is no JSON object the cleaning has to guess what a field is, and it
// guesses so that rather too much is hidden than too little.
//
// A value is what follows one of the words and a colon or an equals sign. It is
// a quoted string, a bracketed structure, or a run of other text up to white
// space or to a separator behind which the next name starts; behind the name
// of an authentication scheme the next run belongs to it. Words match whole and
// in any case, quoted or not. All of it may be escaped as in JSON, any number of
// times.
func (r *rules) maskText(dst, text []byte) []byte {
	from := 0
	for i := 0; i < len(text); {
		k := bytes.IndexAny(text[i:], `:=\`)
		if k < 0 {
			break
		}
		at := i + k
		c := charAt(text, at)
		i = c.end
		if c.b != ':' && c.b != '=' || !r.endsInWord(text[from:at]) {
			continue
		}
		start := valueStart(text, c.end)
		end := valueEnd(text, start)
		dst = append(dst, text[from:start]...)
		if end > start {
			dst = append(dst, masked...)
		}
		from, i = end, end
	}
	return append(dst, text[from:]...)
}

// nameEnds may stand between a name and its colon.
const nameEnds = " \t\r\n\"'`\\])"

// endsInWord reports whether text ends in an ignored word.
func (r *rules) endsInWord(text []byte) bool {
	for len(text) > 0 {
		c, start := charBefore(text)
		if strings.ContainsRune(nameEnds, c) {
			text = text[:start]
			continue
		}
		for _, w := range r.words {
			if hasWordSuffix(text, w) {
				return true
			}
		}
		if !isEscapedBlank(text, c, start) {
			return false
		}
		text = text[:trimSlashes(text[:start])]
	}
	return false
}

// isEscapedBlank reports whether the character c at text[start] is the letter of
// an escape such as \n.
func isEscapedBlank(text []byte, c rune, start int) bool {
	return start > 0 && text[start-1] == '\\' && strings.ContainsRune("nrtbf", c)
}

func hasWordSuffix(text []byte, word []rune) bool {
	for _, want := range slices.Backward(word) {
		if len(text) == 0 {
			return false
		}
		c, start := charBefore(text)
		if c != want && unicode.ToLower(c) != unicode.ToLower(want) {
			return false
		}
		text = text[:start]
	}
	if len(text) == 0 {
		return true
	}
	c, start := charBefore(text)
	// Chinese has no blanks: there a word may follow any character.
	return !isWordByte(byte(min(c, 0xFF))) || isEscapedBlank(text, c, start)
}

// valueStart passes over what stands between a name's colon and the value: the
// rest of := and =>, and white space, since broken JSON may go on below.
func valueStart(text []byte, i int) int {
	for i < len(text) {
		c := charAt(text, i)
		if c.b > ' ' && c.b != '=' && c.b != '>' && c.b != ':' {
			break
		}
		i = c.end
	}
	return i
}

// valueEnd returns the end of the value that starts at text[i].
func valueEnd(text []byte, i int) int {
	if i >= len(text) {
		return i
	}
	if open, ok := openingAt(text, i); ok {
		if isQuote(open.b) {
			return quotedEnd(text, open)
		}
		return bracketEnd(text, open)
	}
	end := runEnd(text, i)
	switch schemeOf(text[i:end]) {
	case oneRun:
		if next := skipBlank(text, end); next > end {
			end = runEnd(text, next)
		}
	case wholeLine:
		if k := bytes.IndexByte(text[end:], '\n'); k >= 0 {
			return end + k
		}
		return len(text)
	}
	return end
}

// openingAt returns the quote or bracket that opens a value at text[i]. Before
// it may stand white space that is escaped and the letters of a string literal,
// such as Python's u'…' and C#'s @"…".
func openingAt(text []byte, i int) (open char, ok bool) {
	letters := 0
	for i < len(text) {
		c := charAt(text, i)
		switch {
		case isQuote(c.b):
			return c, true
		case letters == 0 && isOpening(c.b):
			return c, true
		case letters == 0 && c.b <= ' ':
		case letters == 0 && c.slashes > 0 && strings.IndexByte("nrt", c.b) >= 0:
		case letters < 2 && c.slashes == 0 && strings.IndexByte("uUbBrRfFL@$", c.b) >= 0:
			letters++
		default:
			return char{}, false
		}
		i = c.end
	}
	return char{}, false
}

// quotedEnd returns the end of the quoted value that open opens. Without an end
// everything is the value.
func quotedEnd(text []byte, open char) int {
	i, wide := open.end, 1
	for i < len(text) && sameQuote(charAt(text, i), open) {
		i, wide = charAt(text, i).end, wide+1
	}
	switch {
	case wide == 2 && !endsValue(text, i): // ""value"": JSON inside CSV
	case wide%2 == 0:
		return i // nothing between them
	}
	for quotes := 0; i < len(text); {
		c := charAt(text, i)
		i = c.end
		switch {
		case !closes(c, open):
			quotes = 0
		case wide > 1:
			if quotes++; quotes == wide {
				return i
			}
		case i < len(text) && sameQuote(charAt(text, i), open):
			i = charAt(text, i).end // twice: part of the value, as in SQL
		default:
			return i
		}
	}
	return len(text)
}

// endsValue reports whether what stands at text[i] can follow a value.
func endsValue(text []byte, i int) bool {
	if i >= len(text) {
		return true
	}
	c := charAt(text, i)
	return c.b <= ' ' || isQuote(c.b) || isClosing(c.b) || strings.IndexByte(",;&|>/:", c.b) >= 0 ||
		c.slashes > 0 && strings.IndexByte("nrt", c.b) >= 0
}

func sameQuote(c, open char) bool {
	return c.b == open.b && c.slashes == open.slashes && c.hex == open.hex
}

// closes reports whether c ends the value that open opens. Each level of
// escaping turns the backslashes before a quote into twice as many and one
// more: what is left of them at the value's own level must be an even number.
func closes(c, open char) bool {
	if c.b != open.b {
		return false
	}
	if c.slashes < open.slashes {
		return true // the end of what the value lies in
	}
	unit := open.slashes + 1
	if open.hex {
		unit = 2 * open.slashes
	}
	own := c.slashes - open.slashes
	return c.hex == open.hex && own%unit == 0 && own/unit%2 == 0
}

// bracketEnd returns the end of a structure, or of the text if it has none.
func bracketEnd(text []byte, open char) int {
	depth, before := 1, open.b
	for i := open.end; i < len(text); {
		c := charAt(text, i)
		i = c.end
		switch {
		// An apostrophe is a quote only where a value or a name may start.
		case c.b == '"', c.b == '\'' && strings.IndexByte("{[(,:=", before) >= 0:
			i = quotedEnd(text, c)
		case isOpening(c.b):
			depth++
		case isClosing(c.b):
			if depth--; depth == 0 {
				return i
			}
		}
		if c.b > ' ' {
			before = c.b
		}
	}
	return len(text)
}

// runEnd returns the end of an unquoted value.
func runEnd(text []byte, i int) int {
	pairs := false
	for i < len(text) {
		c := charAt(text, i)
		next := c.end
		switch {
		case c.b <= ' ' && c.slashes == 0:
			return i
		case c.b == '"' || isClosing(c.b):
			if next >= len(text) || !isWordByte(text[next]) {
				return i
			}
		case c.b == '=':
			pairs = true
		case c.b == ';' && pairs && skipBlank(text, next) > next:
			next = skipBlank(text, next) // one cookie after the other
		case strings.IndexByte(",;&|", c.b) >= 0:
			if startsName(text, next) {
				return i
			}
		}
		i = next
	}
	return i
}

// startsName reports whether a name with a colon or equals sign behind it, a
// blank, or the end of the text follows.
func startsName(text []byte, i int) bool {
	if i >= len(text) || text[i] <= ' ' {
		return true
	}
	const longest = 128
	from := i
	for n := 0; i < len(text) && n < longest; n++ {
		c := charAt(text, i)
		if !isWordByte(c.b) && c.b < 0x80 && strings.IndexByte(`.-"'[]`, c.b) < 0 {
			break
		}
		i = c.end
	}
	i = skipBlank(text, i)
	if i == from || i >= len(text) {
		return false
	}
	c := charAt(text, i)
	return c.b == ':' || c.b == '='
}

const (
	oneRun    = iota + 1 // the credentials are one word
	wholeLine            // they are a list
)

// schemeOf reports whether word names an authentication scheme, behind which
// stands what is to be hidden.
func schemeOf(word []byte) int {
	for _, s := range [...]string{"Basic", "Bearer", "Negotiate", "NTLM", "Token", "ApiKey"} {
		if len(word) == len(s) && strings.EqualFold(string(word), s) {
			return oneRun
		}
	}
	for _, s := range [...]string{"Digest", "Hawk", "OAuth", "Signature", "AWS4-HMAC-SHA256"} {
		if len(word) == len(s) && strings.EqualFold(string(word), s) {
			return wholeLine
		}
	}
	return 0
}

func skipBlank(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
		i++
	}
	return i
}
