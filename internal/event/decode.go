package event

import (
	"crypto/sha256"
	"encoding/binary"
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

// Decoder reads trigger events in one pass. It is lenient where a strict
// reader would lose a whole batch for one record: an element that makes no
// sense becomes a record with a Defect. The zero value is ready for use. It is
// to be reused from event to event; the records of one are valid until the
// next. It is not safe for concurrent use.
type Decoder struct {
	scan rawjson.Scanner
	data []byte
	// topic is that of the record before, and topicText how it was written:
	// batches rarely mix topics.
	topic, topicText string
	// shape holds the members of the first element, in order, while learning
	// and after: all elements are written alike. turn is the one that is
	// expected next.
	shape    []expected
	learning bool
	turn     int
	// defects counts the malformed elements so far.
	defects int
	// before is called before an element is read, in tests. nil: nothing.
	before func(pos int)
	// text holds the keys and values of all records, unescaped. It is made
	// large enough at once, so that it never moves.
	text []byte
}

// Decode appends the payload's records to dst. The error is a *PayloadError;
// then nothing of the event should be used.
func (d *Decoder) Decode(payload []byte, arrival time.Time, dst []record.Record) ([]record.Record, error) {
	d.data, d.defects = payload, 0
	defer d.forget()
	const slack = 128 // AppendString writes in large steps
	if d.text = d.text[:0]; cap(d.text) < len(payload)+slack {
		d.text = make([]byte, 0, len(payload)+slack)
	}
	batch := &record.Batch{Arrival: arrival}
	found := false

	i, err := d.begin(d.space(0))
	for first := true; err == nil; first = false {
		var key []byte
		var more bool
		if key, i, more, err = d.member(i, first); err != nil || !more {
			break
		}
		if string(key) == "Records" {
			found = true
			dst, i, err = d.elements(i, batch, dst)
		} else {
			i, err = d.skip(i)
		}
	}
	if err != nil {
		return dst, err
	}
	if !found {
		return dst, d.fail(i, "it has no Records")
	}
	if i = d.space(i); i != len(payload) {
		return dst, d.fail(i, "text after the event")
	}
	if ofAnotherTrigger(dst) {
		return dst, d.fail(0, "its records are of another trigger")
	}
	for k := range dst {
		if !dst[k].Located() { // only then is it needed
			sum := sha256.Sum256(payload)
			batch.Event = binary.BigEndian.Uint64(sum[:])
			break
		}
	}
	return dst, nil
}

// forget lets the payload go.
func (d *Decoder) forget() {
	d.data, d.learning = nil, false
	clear(d.shape)
	d.shape = d.shape[:0]
}

// Trim gives back space that one large event has taken. It ends the life of the
// last event's records.
func (d *Decoder) Trim() {
	const keep = 1 << 20
	if cap(d.text) > max(keep, 2*len(d.text)) {
		d.text = nil
	}
}
