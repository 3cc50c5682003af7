package kafkaclient

import (
	"context"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"

	"ckafka-etl/internal/core/deadletter"
	"ckafka-etl/record"
)

// The headers of a dead letter beside the three that say where it comes from:
// why the record was refused, by which sink, and where it was to go. What is
// not known has no header.
const (
	HeaderErrorType   = "error.type"
	HeaderErrorReason = "error.reason"
	HeaderErrorStatus = "error.status" // of HTTP, a decimal number
	HeaderTargetSink  = "target.sink"
	HeaderTargetIndex = "target.index" // index or topic
	HeaderTargetID    = "target.id"    // document id
	// HeaderDocumentBytes is there if the value is only the beginning of a
	// document that was too large for the topic: how long all of it was.
	HeaderDocumentBytes = "document.bytes"
	// HeaderKeyBytes is there if the key is only the beginning of the record's:
	// how long all of it was.
	HeaderKeyBytes = "key.bytes"
	// HeaderValue is there, as ValueRaw, if the value is the record's body as it
	// came and not a document.
	HeaderValue = "value"
	ValueRaw    = "raw"
	// HeaderKey is there, as KeyCleaned, if ignored fields were taken out of the
	// record's key.
	HeaderKey  = "key"
	KeyCleaned = "cleaned"
)

// DeadLetters is a client's place for dead letters. It shares the client's
// connections; one Write of either runs at a time.
type DeadLetters struct{ c *Client }

// DeadLetters returns the client's place for dead letters.
func (c *Client) DeadLetters() *DeadLetters { return &DeadLetters{c} }

// Write produces dead letters to kafka_dead_letter_topic and returns one result
// for each, in order: Dead, or Unsettled with a cause. A letter has the record's
// key, the cleaned document as its value, and headers; of a body that was to go
// to Kafka as it came, and of which nothing is to be removed, the body itself is
// the value. A letter that was
// delivered to a warm instance twice is written once; a new instance does not
// know of it, so that the topic may hold a letter twice.
func (d *DeadLetters) Write(ctx context.Context, letters []record.DeadLetter) ([]record.Result, record.Stats) {
	c := d.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wake()
	defer c.rest()

	sizes := make([]letterSize, len(letters))
	j := &job{
		c: c, variable: "kafka_dead_letter_topic", n: len(letters), headers: true,
		rec:    func(i int) *record.Record { return letters[i].Record },
		target: func(string) string { return c.cfg.DeadLetterTopic },
		tag:    func(i int) string { return letters[i].Sink },
	}
	j.encode = func(i int, m *message) *record.Result {
		c.makeLetter(m, &letters[i], sizes[i])
		return nil
	}
	j.culprit = func(i int, cause *record.Cause) (record.Result, bool) {
		// Too large even as a letter: keep as much of it as the topic takes.
		if cause.Type == kerr.InvalidRecord.Message || !c.shrink(&letters[i], &sizes[i]) {
			return record.Result{Outcome: record.Refused, Cause: cause}, true
		}
		return record.Result{}, false
	}
	j.run(ctx)
	for i := range j.results {
		switch r := &j.results[i]; r.Outcome {
		case record.Stored:
			*r = record.Result{Outcome: record.Dead, Cause: letters[i].Cause}
		default:
			cause := *r.Cause
			cause.Hint = "the dead letter was not taken: " + cause.Hint
			*r = record.Result{Outcome: record.Unsettled, Cause: &cause}
		}
	}
	return j.results, j.stats
}

// letterSize is how much of a letter is kept.
type letterSize struct {
	deadletter.Size
	cutKey bool
}

// shrink makes a letter smaller, and reports whether that could be done: first a
// key that is longer than the letter of an index would keep.
func (c *Client) shrink(l *record.DeadLetter, size *letterSize) bool {
	if !size.cutKey && len(l.Record.Key) > deadletter.MaxKey {
		size.cutKey = true
		return true
	}
	c.letter(l)
	smaller, ok := size.Shrink(len(c.value), true)
	size.Size = smaller
	return ok
}

func (c *Client) makeLetter(m *message, l *record.DeadLetter, size letterSize) {
	cutFrom := c.letter(l)
	reason := c.worker.CleanReason(l.Cause.Reason)
	key, cleaned := c.worker.Clean(l.Record.Key) // valid until the worker's next text
	m.key, m.value, m.time = key, c.value, l.Record.Batch.Arrival.UnixMilli()
	m.source(l.Record)
	if size.cutKey {
		m.key = []byte(size.Key(m.key))
		m.header(HeaderKeyBytes, strconv.Itoa(len(l.Record.Key)))
	}
	if cleaned {
		m.header(HeaderKey, KeyCleaned)
	}
	m.header(HeaderErrorType, l.Cause.Type)
	if reason != "" {
		m.header(HeaderErrorReason, size.Reason(reason))
	}
	if l.Cause.Status != 0 {
		m.header(HeaderErrorStatus, strconv.Itoa(l.Cause.Status))
	}
	m.header(HeaderTargetSink, l.Sink)
	if l.Cause.Index != "" {
		m.header(HeaderTargetIndex, l.Cause.Index)
	}
	if l.Cause.ID != "" {
		m.header(HeaderTargetID, l.Cause.ID)
	}
	if deadletter.KeepsBody(l) {
		m.header(HeaderValue, ValueRaw)
	}
	kept, truncated := size.Cut(c.value)
	switch {
	case cutFrom > 0:
		m.header(HeaderDocumentBytes, strconv.Itoa(cutFrom))
	case truncated:
		m.header(HeaderDocumentBytes, strconv.Itoa(len(c.value)))
	}
	m.value = kept
}

// letter makes c.value what a letter is to hold, and returns how long the
// record's text is if that is just its beginning, else 0.
func (c *Client) letter(l *record.DeadLetter) (cutFrom int) {
	if deadletter.KeepsBody(l) {
		c.value = append(c.value[:0], l.Record.Body...)
		return 0
	}
	doc := c.worker.Do(l.Record)
	c.value = doc.AppendSource(c.value[:0])
	return doc.CutFrom
}
