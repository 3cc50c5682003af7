package esclient

import (
	"context"
	"net/http"
	"strconv"

	"ckafka-etl/internal/core/deadletter"
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
	c.dropStale()
	defer c.trim()

	src := &letterSource{c: c, letters: letters, sizes: make([]deadletter.Size, len(letters))}
	j := c.newJob(src, len(letters), 0, "")
	j.run(ctx)
	for i := range letters {
		switch r := &j.results[i]; r.Outcome {
		case record.Stored, record.Duplicate, record.Dead:
			*r = record.Result{Outcome: record.Dead, Cause: letters[i].Cause}
		default:
			cause := record.Cause{Type: unknownKind}
			if r.Cause != nil {
				cause = *r.Cause
			}
			cause.Hint = "the dead letter was not taken: look at ES_Dead_Letter_Index (" + c.cfg.DeadLetterIndex + ")"
			*r = record.Result{Outcome: record.Unsettled, Cause: &cause, Trace: r.Trace}
		}
	}
	return j.results, j.stats
}

// letterSource is dead letters on their way to their index.
type letterSource struct {
	c       *Client
	letters []record.DeadLetter
	sizes   []deadletter.Size
	at      int
	doc     *transform.Document
	id      []byte
}

func (s *letterSource) prepare(i int) prepared {
	l := &s.letters[i]
	s.at, s.doc = i, s.document(l.Record)
	// The letter's id is the one that the record would have had of us.
	s.id = append(s.id[:0], s.c.worker.CoordinateID(l.Record)...)
	if l.Sink != s.c.Name() {
		s.id = append(append(s.id, '-'), l.Sink...)
	}
	return prepared{index: s.c.cfg.DeadLetterIndex, id: s.id, create: !l.Again, mayIndex: true, own: true}
}

// document makes a letter's document, nil if that is what the function fails on:
// what cannot be cleaned is not kept.
func (s *letterSource) document(rec *record.Record) (doc *transform.Document) {
	defer func() {
		if v := recover(); v != nil {
			doc, s.c.worker = nil, s.c.cfg.Program.NewWorker()
		}
	}()
	return s.c.worker.Do(rec)
}

func (s *letterSource) appendTo(buf []byte) []byte {
	l := &s.letters[s.at]
	key, reason, cleaned := s.clean(l)
	return appendLetter(buf, l, s.doc, s.sizes[s.at], key, reason, cleaned)
}

// clean returns the record's key and the server's reason, which may quote the
// record, without what is ignored, and whether the key was not so before. What
// cannot be cleaned is not kept.
func (s *letterSource) clean(l *record.DeadLetter) (key []byte, reason string, cleaned bool) {
	defer func() {
		if v := recover(); v != nil {
			key, reason, cleaned, s.c.worker = nil, "", true, s.c.cfg.Program.NewWorker()
		}
	}()
	reason = s.c.worker.CleanReason(l.Cause.Reason)
	key, cleaned = s.c.worker.Clean(l.Record.Key)
	return key, reason, cleaned
}

// refuse shortens a letter that is too large or too odd: it keeps as much of the
// document as the server takes, in the end nothing. The record is still in Kafka.
func (s *letterSource) refuse(i int, cause *record.Cause) (record.Result, bool) {
	l := &s.letters[i]
	text := len(letterText(l, s.document(l.Record)))
	smaller, ok := s.sizes[i].Shrink(text, cause.Status == http.StatusRequestEntityTooLarge)
	if !ok {
		return record.Result{Outcome: record.Refused, Cause: cause}, true
	}
	s.sizes[i] = smaller
	return record.Result{}, false
}

func (s *letterSource) refusesAlone() bool { return true }

// appendLetter appends a dead letter. No dynamic mapping can refuse it: its
// fields have the same type in every letter. What might look like a date to
// one letter's mapping and not to the next is told apart by plain.
func appendLetter(buf []byte, l *record.DeadLetter, doc *transform.Document, size deadletter.Size, key []byte, reason string, cleaned bool) []byte {
	buf = append(buf, `{"@timestamp":"`...)
	buf = l.Record.Batch.Arrival.UTC().AppendFormat(buf, "2006-01-02T15:04:05.000Z07:00")
	buf = append(buf, `","error":{"type":"`...)
	buf, _ = rawjson.AppendEscaped(buf, l.Cause.Type)
	buf = append(buf, `","reason":"`...)
	buf = appendPlain(buf, size.Reason(reason))
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
	if key != nil {
		buf = append(buf, `,"key":"`...)
		buf = appendPlain(buf, size.Key(key))
		buf = append(buf, '"')
	}
	if cleaned {
		buf = append(buf, `,"key_cleaned":true`...)
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
	kept, truncated := size.Cut(text)
	buf, _ = rawjson.AppendEscaped(buf, kept)
	buf = append(buf, '"')
	bytes := len(text)
	if !deadletter.KeepsBody(l) && doc != nil && doc.CutFrom > 0 {
		truncated, bytes = true, doc.CutFrom
	}
	if truncated {
		buf = append(buf, `,"truncated":true,"document_bytes":`...)
		buf = strconv.AppendInt(buf, int64(bytes), 10)
	}
	if deadletter.KeepsBody(l) {
		buf = append(buf, `,"raw":true`...)
	}
	return append(buf, '}')
}

// letterText returns what a letter holds: the document, or the body itself.
func letterText(l *record.DeadLetter, doc *transform.Document) []byte {
	switch {
	case deadletter.KeepsBody(l):
		return l.Record.Body
	case doc == nil:
		return nil
	}
	return doc.AppendSource(nil)
}

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
