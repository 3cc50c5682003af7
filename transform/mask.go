package transform

import (
	"bytes"
	"strings"
	"unicode/utf8"

	"ckafka-etl/internal/rawjson"
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
// in any case, quoted or not, escaped or not.
func (r *rules) maskText(dst, text []byte) []byte {
	from := 0
	for i := 0; i < len(text); {
		k := bytes.IndexAny(text[i:], ":=")
		if k < 0 {
			break
		}
		i += k
		if !r.endsInWord(text[from:i]) {
			i++
			continue
		}
		start := i + 1
		for start < len(text) && (text[start] == '=' || text[start] == '>' || text[start] == ':') { // :=, =>, ==
			start++
		}
		for start < len(text) && text[start] <= ' ' { // broken JSON may go on below
			start++
		}
		end := textValueEnd(text, start)
		dst = append(dst, text[from:start]...)
		if end > start {
			dst = append(dst, masked...)
		}
		from, i = end, end
	}
	return append(dst, text[from:]...)
}

// endsInWord reports whether text ends in an ignored word, quotes, blanks and
// backslashes behind it passed over.
func (r *rules) endsInWord(text []byte) bool {
	text = bytes.TrimRight(text, " \t\r\n\"'`\\")
	longest := 0
	for _, w := range r.words {
		if hasWordSuffix(text, w) {
			return true
		}
		longest = max(longest, len(w))
	}
	// The word may be written with escapes, each of which takes the place of
	// one to four bytes with six or, escaped once more, with a few more.
	tail := text[max(0, len(text)-8*longest-8):]
	if bytes.IndexByte(tail, '\\') < 0 {
		return false
	}
	plain, _ := rawjson.AppendUnescaped(nil, bytes.ReplaceAll(tail, []byte(`\\`), []byte(`\`)))
	for _, w := range r.words {
		if hasWordSuffix(plain, w) {
			return true
		}
	}
	return false
}

func hasWordSuffix(text []byte, word string) bool {
	at := len(text) - len(word)
	if at < 0 || !strings.EqualFold(string(text[at:]), word) {
		return false
	}
	before, _ := utf8.DecodeLastRune(text[:at])
	if at >= 2 && text[at-2] == '\\' && strings.IndexByte("nrtbf", text[at-1]) >= 0 {
		return true // an escaped line break before the word, not a letter
	}
	return at == 0 || !isWordRune(before)
}

func isWordRune(r rune) bool {
	return r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= utf8.RuneSelf && r != utf8.RuneError
}

// textValueEnd returns the end of the value that starts at text[i].
func textValueEnd(text []byte, i int) int {
	open := i
	for open < len(text) && text[open] == '\\' {
		open++
	}
	if open < len(text) {
		switch text[open] {
		case '"', '\'', '`':
			return quotedEnd(text, open, open-i)
		case '{', '[', '(':
			return bracketEnd(text, open)
		}
	}
	end := runEnd(text, i)
	if isScheme(text[i:end]) {
		if next := skipBlank(text, end); next > end {
			end = runEnd(text, next)
		}
	}
	return end
}

// quotedEnd returns the end of a quoted value whose opening quote, with a
// number of backslashes before it, is at text[open]. A quote with more
// backslashes belongs to the value. Without an end everything is the value.
func quotedEnd(text []byte, open, backslashes int) int {
	quote, run := text[open], 0
	for i := open + 1; i < len(text); i++ {
		switch text[i] {
		case '\\':
			run++
			continue
		case quote:
			if run == backslashes || run < backslashes || backslashes == 0 && run%2 == 0 {
				return i + 1
			}
		}
		run = 0
	}
	return len(text)
}

// bracketEnd returns the end of a structure, or of the text if it has none.
func bracketEnd(text []byte, i int) int {
	depth := 0
	for i < len(text) {
		switch text[i] {
		case '"':
			back := i
			for back > 0 && text[back-1] == '\\' {
				back--
			}
			i = quotedEnd(text, i, i-back)
			continue
		case '{', '[', '(':
			depth++
		case '}', ']', ')':
			if depth--; depth == 0 {
				return i + 1
			}
		}
		i++
	}
	return len(text)
}

// runEnd returns the end of an unquoted value.
func runEnd(text []byte, i int) int {
	for ; i < len(text); i++ {
		switch text[i] {
		case ' ', '\t', '\r', '\n', '"', '}', ']', ')':
			return i
		case ',', ';', '&', '|':
			if startsName(text, i+1) {
				return i
			}
		}
	}
	return i
}

// startsName reports whether a name with a colon or equals sign behind it, a
// blank, or the end of the text follows.
func startsName(text []byte, i int) bool {
	if i >= len(text) || text[i] == ' ' || text[i] == '\t' || text[i] == '\r' || text[i] == '\n' {
		return true
	}
	from := i
	for i < len(text) && i-from < 128 && (isWordRune(rune(text[i])) || strings.IndexByte(`.-"'\`, text[i]) >= 0) {
		i++
	}
	i = skipBlank(text, i)
	return i > from && i < len(text) && (text[i] == ':' || text[i] == '=')
}

func isScheme(word []byte) bool {
	for _, s := range [...]string{"Basic", "Bearer", "Digest", "Negotiate", "NTLM", "Token", "ApiKey", "Hawk", "AWS4-HMAC-SHA256"} {
		if strings.EqualFold(string(word), s) {
			return true
		}
	}
	return false
}

func skipBlank(text []byte, i int) int {
	for i < len(text) && (text[i] == ' ' || text[i] == '\t') {
		i++
	}
	return i
}
