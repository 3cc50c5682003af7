package handler

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"strconv"
	"time"

	"ckafka-etl/internal/rawjson"
	"ckafka-etl/record"
)

// PayloadError says that a payload is not an event of the CKafka trigger.
// Delivering it again cannot help.
type PayloadError struct {
	// Offset is the byte at which reading stopped.
	Offset int
	// Reason says what was expected there.
	Reason string
}

// Error returns one line without contents of the payload.
func (e *PayloadError) Error() string {
	return "the payload is no CKafka trigger event: " + e.Reason + " at byte " + strconv.Itoa(e.Offset) +
		"; look at the function's trigger, or at the test event that was sent"
}

// Permanent reports that a retry cannot help.
func (e *PayloadError) Permanent() bool { return true }

// eventDecoder reads trigger events in place. It is lenient where a strict
// reader would lose a whole batch for one record: an element that makes no
// sense becomes a record with a Defect. It is reused from event to event.
type eventDecoder struct {
	scan  rawjson.Scanner
	data  []byte
	topic string // of the record before: batches rarely mix topics
}

// decode appends the payload's records to dst. They alias the payload.
func (d *eventDecoder) decode(payload []byte, arrival time.Time, dst []record.Record) ([]record.Record, error) {
	d.data = payload
	defer func() { d.data = nil }()
	batch := &record.Batch{Arrival: arrival}
	found, located := false, true
	i, err := d.object(d.space(0), "an object", func(key []byte, i int) (int, error) {
		if string(key) != "Records" {
			return d.skip(i)
		}
		if i >= len(d.data) || d.data[i] != '[' {
			return i, d.fail(i, "Records is not an array")
		}
		found = true
		i = d.space(i + 1)
		if i < len(d.data) && d.data[i] == ']' {
			return i + 1, nil
		}
		for {
			end, rec, err := d.element(i)
			if err != nil {
				return end, err
			}
			rec.Pos, rec.Batch = len(dst), batch
			located = located && rec.Located()
			dst = append(dst, rec)
			i = d.space(end)
			switch {
			case i < len(d.data) && d.data[i] == ',':
				i = d.space(i + 1)
			case i < len(d.data) && d.data[i] == ']':
				return i + 1, nil
			default:
				return i, d.fail(i, "expected a comma or the end of Records")
			}
		}
	})
	if err != nil {
		return dst, err
	}
	if !found {
		return dst, d.fail(i, "it has no Records")
	}
	if i = d.space(i); i != len(payload) {
		return dst, d.fail(i, "text after the event")
	}
	if !located { // only then is it needed
		sum := sha256.Sum256(payload)
		batch.Event = binary.BigEndian.Uint64(sum[:])
	}
	return dst, nil
}

// element reads one element of Records.
func (d *eventDecoder) element(i int) (end int, rec record.Record, err error) {
	start := i
	rec = record.Record{Partition: record.Unknown, Offset: record.Unknown}
	if i >= len(d.data) || d.data[i] != '{' {
		end, err = d.skip(i)
		rec.Defect = "the element of Records is not an object"
		return end, d.defective(rec, start, end), err
	}
	seen := false
	rec.Defect = "it has no Ckafka object"
	end, err = d.object(i, "an object", func(key []byte, i int) (int, error) {
		if string(key) != "Ckafka" {
			return d.skip(i)
		}
		if i >= len(d.data) || d.data[i] != '{' {
			rec.Defect = "Ckafka is not an object"
			return d.skip(i)
		}
		seen = true
		rec.Defect = "it has no msgBody"
		return d.object(i, "an object", func(key []byte, i int) (int, error) { return d.field(key, i, &rec) })
	})
	if err == nil && (!seen || rec.Defect != "") {
		rec = d.defective(rec, start, end)
	}
	return end, rec, err
}

// defective gives a malformed record the raw text of its element as body.
func (d *eventDecoder) defective(rec record.Record, start, end int) record.Record {
	if end > len(d.data) || end < start {
		return rec
	}
	rec.Body = d.data[start:end]
	return rec
}

// field reads one member of a Ckafka object.
func (d *eventDecoder) field(key []byte, i int, rec *record.Record) (end int, err error) {
	if end, err = d.skip(i); err != nil {
		return end, err
	}
	value := d.data[i:end]
	text, isString := value, false
	if value[0] == '"' {
		text, isString = value[1:len(value)-1], true
	}
	switch string(key) {
	case "topic":
		if isString {
			rec.Topic = d.topicName(text)
		}
	case "partition", "Partition":
		if n := number(text); n >= 0 && n <= math.MaxInt32 {
			rec.Partition = int32(n)
		}
	case "offset":
		rec.Offset = number(text)
	case "msgKey":
		if isString {
			rec.Key = text
		}
	case "msgBody":
		if isString {
			rec.Body, rec.Defect = text, ""
		} else {
			rec.Defect = "msgBody is " + kindOf(value[0]) + ", not a string"
		}
	}
	return end, nil
}

func (d *eventDecoder) topicName(text []byte) string {
	if string(text) == d.topic {
		return d.topic
	}
	name := text
	if bytes.IndexByte(text, '\\') >= 0 {
		name, _ = rawjson.AppendUnescaped(nil, text)
	}
	d.topic = string(name)
	return d.topic
}

// object walks the members of the object at data[i] and returns its end. The
// visitor is called with each name and the place of its value, whose end it
// returns.
func (d *eventDecoder) object(i int, what string, visit func(key []byte, i int) (int, error)) (int, error) {
	if i >= len(d.data) || d.data[i] != '{' {
		return i, d.fail(i, "expected "+what)
	}
	i = d.space(i + 1)
	if i < len(d.data) && d.data[i] == '}' {
		return i + 1, nil
	}
	for {
		if i >= len(d.data) || d.data[i] != '"' {
			return i, d.fail(i, "expected a name")
		}
		end := rawjson.StringEnd(d.data, i+1)
		if end < 0 {
			return i, d.fail(i, "a string does not end")
		}
		key := d.data[i+1 : end]
		i = d.space(end + 1)
		if i >= len(d.data) || d.data[i] != ':' {
			return i, d.fail(i, "expected a colon")
		}
		next, err := visit(key, d.space(i+1))
		if err != nil {
			return next, err
		}
		i = d.space(next)
		switch {
		case i < len(d.data) && d.data[i] == ',':
			i = d.space(i + 1)
		case i < len(d.data) && d.data[i] == '}':
			return i + 1, nil
		default:
			return i, d.fail(i, "expected a comma or the end of an object")
		}
	}
}

// skip returns the end of the value at data[i].
func (d *eventDecoder) skip(i int) (int, error) {
	end := -1
	switch {
	case i >= len(d.data):
	case d.data[i] == '"':
		if end = rawjson.StringEnd(d.data, i+1); end >= 0 {
			end++
		}
	default:
		end = d.scan.Prefix(d.data, i)
	}
	if end < 0 {
		return i, d.fail(i, "a value is not JSON or does not end")
	}
	return end, nil
}

func (d *eventDecoder) space(i int) int {
	for i < len(d.data) && (d.data[i] == ' ' || d.data[i] == '\n' || d.data[i] == '\r' || d.data[i] == '\t') {
		i++
	}
	return i
}

func (d *eventDecoder) fail(i int, reason string) error {
	return &PayloadError{Offset: i, Reason: reason}
}

// number reads a whole number that is not negative, or record.Unknown.
func number(text []byte) int64 {
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n < 0 {
		return record.Unknown
	}
	return n
}

func kindOf(c byte) string {
	switch c {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	default:
		return "a number"
	}
}
