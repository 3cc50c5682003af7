package esclient

import (
	"context"
	"math"
	"net/http"
	"strconv"
	"unicode/utf8"

	"ckafka-etl/internal/rawjson"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// DeadLetters is a client's place for dead letters. It shares the client's
// connections; one Write of either runs at a time.
type DeadLetters struct{ c *Client }

// DeadLetters returns the client's place for dead letters.
func (c *Client) DeadLetters() *DeadLetters { return &DeadLetters{c} }

// Write writes dead letters to ES_Dead_Letter_Index and returns one result for
// each, in order: Dead, or Unsettled with a cause. A letter's id is made of the
// record's coordinates, so that a second delivery writes no second letter; of a
// record that another sink refused it ends in that sink's name, so that a record
// which both refuse has two letters.
func (d *DeadLetters) Write(ctx context.Context, letters []record.DeadLetter) ([]record.Result, record.Stats) {
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wake()
	defer c.rest()

	cut := make([]int, len(letters)) // most bytes of the document
	for i := range cut {
		cut[i] = math.MaxInt
	}
	j := &job{c: c, n: len(letters)}
	j.encode = func(buf []byte, i int) ([]byte, encoded) { return c.appendLetter(buf, &letters[i], cut[i]) }
	j.culprit = func(i int, cause *record.Cause) (record.Result, bool) {
		// Too large or too odd even as a letter: it keeps as much of the document
		// as the server takes, in the end nothing. The record is still in Kafka.
		if cut[i] == 0 {
			return record.Result{Outcome: record.Refused, Cause: cause}, true
		}
		cut[i] = c.shorten(&letters[i], cut[i], cause.Status)
		return record.Result{}, false
	}
	j.run(ctx)
	for i := range j.results {
		switch r := &j.results[i]; r.Outcome {
		case record.Stored, record.Duplicate:
			*r = record.Result{Outcome: record.Dead, Cause: letters[i].Cause}
		default:
			cause := record.Cause{Type: "unknown_error"}
			if r.Cause != nil {
				cause = *r.Cause
			}
			cause.Hint = "the dead letter was not taken: look at ES_Dead_Letter_Index (" + c.cfg.DeadLetterIndex + ")"
			*r = record.Result{Outcome: record.Unsettled, Cause: &cause}
		}
	}
	return j.results, j.counters.stats()
}

// shorten returns how many bytes of a refused letter's document to keep.
func (c *Client) shorten(l *record.DeadLetter, cut, status int) int {
	const least = 64
	// Not the client's worker: others are being encoded at the same time.
	size := min(cut, len(letterText(l, c.cfg.Program.NewWorker().Do(l.Record))))
	if status != http.StatusRequestEntityTooLarge || size < least {
		return 0
	}
	return size / 2
}

// appendLetter appends a dead letter. No dynamic mapping can refuse it: its
// fields have the same type in every letter. What might look like a date to
// one letter's mapping and not to the next is told apart by plain.
func (c *Client) appendLetter(buf []byte, l *record.DeadLetter, cut int) ([]byte, encoded) {
	doc := c.worker.Do(l.Record)
	// The letter's id is the one that the record would have had of us.
	id := c.worker.CoordinateID(l.Record)
	if l.Sink != c.Name() {
		id = append(append(id, '-'), l.Sink...)
	}
	buf, at := c.appendAction(buf, true, c.cfg.DeadLetterIndex, id)

	buf = append(buf, `{"@timestamp":"`...)
	buf = l.Record.Batch.Arrival.UTC().AppendFormat(buf, "2006-01-02T15:04:05.000Z07:00")
	buf = append(buf, `","error":{"type":"`...)
	buf, _ = rawjson.AppendEscaped(buf, l.Cause.Type)
	buf = append(buf, `","reason":"`...)
	buf = appendPlain(buf, l.Cause.Reason)
	buf = append(buf, '"')
	if l.Cause.Status != 0 {
		buf = append(buf, `,"status":`...)
		buf = strconv.AppendInt(buf, int64(l.Cause.Status), 10)
	}
	buf = append(buf, `},"source":{"topic":"`...)
	buf = appendPlain(buf, l.Record.Topic)
	buf = append(buf, '"')
	if l.Record.Partition != record.Unknown {
		buf = append(buf, `,"partition":`...)
		buf = strconv.AppendInt(buf, int64(l.Record.Partition), 10)
	}
	if l.Record.Offset != record.Unknown {
		buf = append(buf, `,"offset":`...)
		buf = strconv.AppendInt(buf, l.Record.Offset, 10)
	}
	if l.Record.Key != nil {
		buf = append(buf, `,"key":"`...)
		buf = appendPlain(buf, string(l.Record.Key))
		buf = append(buf, '"')
	}
	buf = append(buf, `},"target":{"sink":"`...)
	buf = append(buf, l.Sink...)
	buf = append(buf, '"')
	if l.Cause.Index != "" {
		buf = append(buf, `,"index":"`...)
		buf = appendPlain(buf, l.Cause.Index)
		buf = append(buf, '"')
	}
	if l.Cause.ID != "" {
		buf = append(buf, `,"id":"`...)
		buf = appendPlain(buf, l.Cause.ID)
		buf = append(buf, '"')
	}
	buf = append(buf, `},"document":"`...)
	text := letterText(l, doc)
	if cut < len(text) {
		buf, _ = rawjson.AppendEscaped(buf, wholeRunes(text[:cut]))
		buf = append(buf, `","truncated":true,"document_bytes":`...)
		buf = strconv.AppendInt(buf, int64(len(text)), 10)
	} else {
		buf, _ = rawjson.AppendEscaped(buf, text)
		buf = append(buf, '"')
	}
	if keepsBody(l) {
		buf = append(buf, `,"raw":true`...)
	}
	buf = append(buf, "}\n"...)
	return buf, encoded{id: at, index: c.cfg.DeadLetterIndex, create: true, generated: true}
}

// letterText returns what a letter holds: the document, or the body itself.
func letterText(l *record.DeadLetter, doc *transform.Document) []byte {
	if keepsBody(l) {
		return l.Record.Body
	}
	return doc.AppendSource(nil)
}

func keepsBody(l *record.DeadLetter) bool { return l.Cause.Raw && utf8.Valid(l.Record.Body) }

// appendPlain appends a text as the content of a JSON string, with an
// apostrophe before it if it could be taken for a date or a number: the first
// such letter would make the field a date, and the next one be refused.
func appendPlain(buf []byte, s string) []byte {
	if s != "" && (s[0] <= ' ' || s[0] == '\'' || s[0] == '+' || s[0] == '-' || s[0] == '.' || s[0] >= '0' && s[0] <= '9') {
		buf = append(buf, '\'')
	}
	buf, _ = rawjson.AppendEscaped(buf, s)
	return buf
}

// wholeRunes cuts a broken character off the end.
func wholeRunes(b []byte) []byte {
	for n := len(b); n > 0 && n > len(b)-utf8.UTFMax; n-- {
		if utf8.RuneStart(b[n-1]) {
			if !utf8.FullRune(b[n-1:]) {
				return b[:n-1]
			}
			break
		}
	}
	return b
}
