package transform

import (
	"strconv"
	"unicode/utf8"
)

// Refusal says why no document is made of a record that takes more memory than
// its size lets expect: it is a dead letter by itself, and its neighbours are
// unharmed.
type Refusal struct {
	Type   string // names the reason
	Reason string // explains it, without anything of the record
}

const (
	// maxMembers is how many members a record may have, those that are merged into
	// it and duplicates included. Elasticsearch refuses a document with more than
	// 1,000 fields unless an index is set to take more, and each member takes a
	// hundred bytes here: an event of 6 MB can hold 500,000 of them.
	maxMembers = 20_000
	// maxInvalid is how many bytes of a record may be no valid UTF-8. U+FFFD has
	// three bytes in place of one, and the text is copied more than once.
	maxInvalid = 1 << 20
	// maxKept is how much of its text the dead letter of a refused record keeps.
	// The record is still in Kafka.
	maxKept = 1 << 20
)

// refuse makes a record one of which there is no document, and returns the text
// that is kept of it.
func (w *Worker) refuse(text []byte, typ, reason string) (kept []byte) {
	w.doc.Refused = &Refusal{typ, reason}
	if len(text) <= maxKept {
		return text
	}
	w.doc.CutFrom = len(text)
	end := maxKept
	for i := 0; i < utf8.UTFMax && !utf8.RuneStart(text[end]); i++ {
		end--
	}
	return text[:end]
}

func (w *Worker) refuseMembers(text []byte, n int) (kept []byte) {
	return w.refuse(text, "too_many_members",
		"the record has "+strconv.Itoa(n)+" members, "+strconv.Itoa(maxMembers)+" are taken")
}

func (w *Worker) refuseInvalid(text []byte, n int) (kept []byte) {
	return w.refuse(text, "no_text",
		"the record has "+strconv.Itoa(n)+" bytes that are no valid UTF-8, "+strconv.Itoa(maxInvalid)+" are taken")
}

// invalidBytes counts the bytes of a text that are not part of valid UTF-8.
func invalidBytes(text []byte) (n int) {
	for len(text) > 0 {
		r, size := utf8.DecodeRune(text)
		if r == utf8.RuneError && size == 1 {
			n++
		}
		text = text[size:]
	}
	return n
}
