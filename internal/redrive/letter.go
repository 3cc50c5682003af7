// Package redrive brings dead letters back: it reads them from their index or
// their topic, sends each to the sink that had refused it, and removes those
// that were stored.
//
// # What is promised
//
// A letter is removed only after the sink has said that it has what the letter
// holds. Whatever ends a run, and wherever, each letter is afterwards stored and
// gone, or still there, or both: then the next run sends it again, which for an
// id of ours in Elasticsearch is a duplicate and for an id from a field the same
// document once more. In Kafka, which has no ids, the letters of the one batch
// that was under way may be there twice.
//
// A letter that is refused again, or that cannot be sent, stays as it is. No
// run writes a dead letter.
package redrive

import (
	"bytes"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"ckafka-etl/record"
)

// The names of the sinks, as letters have them.
const (
	SinkElasticsearch = "elasticsearch"
	SinkKafka         = "kafka"
)

// Letter is a dead letter as its index or topic holds it.
type Letter struct {
	// Place is where the letter itself is: INDEX/ID, or TOPIC/PARTITION/OFFSET.
	Place string
	// Time is when the record arrived; zero if the letter does not say.
	Time time.Time
	// Cause is the type of the error, Sink the name of the sink that refused.
	Cause, Sink string

	Topic     string // of the record
	Partition int32  // record.Unknown if the letter does not say
	Offset    int64  // record.Unknown if the letter does not say
	Key       []byte // nil: a null key

	Index, ID string // where the document was to go
	Generated bool   // the id is one of ours

	// Text is the document, or the record's body as it came if Raw is true.
	Text      []byte
	Raw       bool
	Truncated bool // only the beginning of Text or of Key is left
}

// Why a letter is left where it is without being sent.
const (
	LeftTruncated  = "truncated"       // only the beginning of it was kept
	LeftMalformed  = "malformed"       // the trigger's event held no sound record
	LeftUnreadable = "unreadable"      // it is no letter of the function
	LeftUntargeted = "no_target"       // it does not say its index or id
	LeftNoSink     = "no_sink"         // its sink is not configured
	LeftCleaned    = "cleaned"         // the body is wanted, the document is there
	LeftRaw        = "not_cleaned"     // the document is wanted, the body is there
	LeftInvalid    = "invalid_content" // it holds no JSON object
)

// explanations say what the reasons mean and what to do.
var explanations = map[string]string{
	LeftTruncated:  "only the beginning was kept: replay these from the source topic",
	LeftMalformed:  "the record was malformed in the trigger's event: there is nothing to send",
	LeftUnreadable: "not a dead letter of the function, or an incomplete one: messages before Kafka 0.11 have no headers that say what they are",
	LeftUntargeted: "the letter does not say under which index and id the document was to be",
	LeftNoSink:     "the sink that refused it is not configured: look at ES_Address or kafka_topic_name",
	LeftCleaned:    "kafka_value=raw wants the body as it came, of which the letter holds the cleaned document; --cleaned sends that instead",
	LeftRaw:        "kafka_value=document wants the cleaned document, and the letter holds the body as it came: redrive it with kafka_value=raw",
	LeftInvalid:    "the letter's document is not one JSON object",
}

// Explain says what a reason for leaving a letter means.
func Explain(reason string) string { return explanations[reason] }

// malformed is the error type of records that were malformed in their event.
const malformed = "record_malformed"

// unsound says why a letter cannot be sent to anybody, "" if it can.
func (l *Letter) unsound() string {
	switch {
	case l.Sink != SinkElasticsearch && l.Sink != SinkKafka || l.Cause == "":
		return LeftUnreadable
	case l.Cause == malformed:
		return LeftMalformed
	case l.Truncated:
		return LeftTruncated
	case l.Text == nil || l.Time.IsZero():
		return LeftUnreadable
	}
	return ""
}

// isObject reports whether text is one JSON object on one line.
func isObject(text []byte) bool {
	return len(text) > 0 && text[0] == '{' && bytes.IndexByte(text, '\n') < 0 && json.Valid(text)
}

// ours reports whether an id ends as the function's own do: in the record's
// coordinates and a hash of eight digits.
func ours(id string, partition int32, offset int64) bool {
	const digits = 8
	at := len(id) - digits - 1
	if at < 0 || id[at] != '-' || strings.Trim(id[at+1:], "0123456789abcdef") != "" {
		return false
	}
	rest := id[:at]
	if partition != record.Unknown && offset != record.Unknown {
		return strings.HasSuffix(rest, "-"+strconv.Itoa(int(partition))+"-"+strconv.FormatInt(offset, 10))
	}
	rest, number, ok := cutLast(rest, "-")
	_, event, isEvent := cutLast(rest, "-e")
	return ok && isEvent && number != "" && strings.Trim(number, "0123456789") == "" &&
		len(event) == 16 && strings.Trim(event, "0123456789abcdef") == ""
}

func cutLast(s, sep string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return s, "", false
}
