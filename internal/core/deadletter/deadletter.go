// Package deadletter is what a dead letter holds, wherever it goes: which text of
// the record, how much of the reason and of the key, and what is cut if even the
// letter is refused.
package deadletter

import (
	"strings"
	"unicode/utf8"

	"ckafka-etl/record"
)

const (
	// MaxReason is how much of a reason a letter keeps, in bytes.
	MaxReason = 4 << 10
	// MaxKey is how much of a record's key a letter in an index keeps, in bytes.
	MaxKey = 8 << 10
	// keyword is what a field may hold that a template makes a keyword of, and a
	// little less.
	keyword = 32_000
	// least is the smallest piece of a text that is worth being kept.
	least = 64
)

// Size is how much of a letter's text is kept. The zero value keeps all of it.
type Size struct {
	limited bool
	most    int  // bytes of the text
	bare    bool // and just the beginning of the reason and of the key
}

// Shrink returns the next smaller size for a letter whose text has so many bytes,
// after it was refused: for its size by halves, for what it is at once to what a
// keyword holds, then to nothing, and in the end without most of the reason. ok is
// false if there is no smaller one.
func (s Size) Shrink(text int, forSize bool) (smaller Size, ok bool) {
	if s.limited {
		text = min(text, s.most)
	}
	switch {
	case s.bare:
		return s, false
	case s.limited && s.most == 0:
		return Size{limited: true, bare: true}, true
	case forSize && text >= least:
		return Size{limited: true, most: text / 2}, true
	case !forSize && text > keyword:
		return Size{limited: true, most: keyword}, true
	default:
		return Size{limited: true}, true
	}
}

// Cut returns the part of a text that is kept, and whether that is not all.
func (s Size) Cut(text []byte) (kept []byte, truncated bool) {
	if !s.limited || len(text) <= s.most {
		return text, false
	}
	end := s.most
	for end > 0 && end > s.most-utf8.UTFMax && !utf8.RuneStart(text[end]) {
		end--
	}
	return text[:end], true
}

// Reason and Key return the part of them that is kept.
func (s Size) Reason(reason string) string { return beginning(reason, s.of(MaxReason)) }

// Key returns the part of a record's key that is kept.
func (s Size) Key(key []byte) string { return beginning(string(key), s.of(MaxKey)) }

func (s Size) of(most int) int {
	const bare = 150
	if s.bare {
		return bare
	}
	return most
}

func beginning(s string, most int) string {
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "")
	}
	return s
}

// KeepsBody reports whether a letter holds the record's body as it came, which
// can then be sent once more, and not its document.
func KeepsBody(l *record.DeadLetter) bool { return l.Cause.Raw && utf8.Valid(l.Record.Body) }
