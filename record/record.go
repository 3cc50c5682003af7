// Package record holds the words that every part of the function shares: a
// Kafka record as the trigger delivered it, what became of it, and why.
package record

import (
	"time"

	"ckafka-etl/internal/rawjson"
)

// Unknown stands for a partition or an offset that the event did not carry.
const Unknown = -1

// Record is one record of a trigger event. Its byte slices alias the event's
// payload, so a Record is valid only as long as the payload is, and nobody may
// write to them.
type Record struct {
	Topic     string
	Partition int32 // Unknown if the event carried none
	Offset    int64 // Unknown if the event carried none

	// Key and Body are the contents of the event's JSON strings between the
	// quotes, still escaped. Use AppendKey and AppendBody for the bytes.
	Key  []byte
	Body []byte

	// Pos is the record's place in its event, from 0.
	Pos int
	// Batch is what the records of one event have in common.
	Batch *Batch

	// Defect says why the record is malformed: "" for a sound one. A malformed
	// record has no usable Body; Body then holds the raw text of the element,
	// which is not a JSON string's content.
	Defect string
}

// Batch is what the records of one event have in common.
type Batch struct {
	// Arrival is when the batch first arrived at this instance. It stays the
	// same when a failed batch is delivered again to the same instance.
	Arrival time.Time
	// Event is a hash of the whole payload. Together with Record.Pos it names
	// a record whose topic, partition or offset is unknown.
	Event uint64
}

// AppendBody appends the record's value as Kafka held it (as far as the event
// tells: the trigger passes values through JSON text). lossy counts the
// characters that JSON could not carry: lone surrogates, appended as U+FFFD.
func (r *Record) AppendBody(dst []byte) (body []byte, lossy int) {
	if r.Defect != "" {
		return append(dst, r.Body...), 0
	}
	return rawjson.AppendUnescaped(dst, r.Body)
}

// AppendKey appends the record's key. The trigger delivers a null key as
// "None" or "": null reports that, and then nothing is appended.
func (r *Record) AppendKey(dst []byte) (key []byte, null bool) {
	if len(r.Key) == 0 || string(r.Key) == "None" {
		return dst, true
	}
	dst, _ = rawjson.AppendUnescaped(dst, r.Key)
	return dst, false
}

// Located reports whether topic, partition and offset are all known.
func (r *Record) Located() bool {
	return r.Topic != "" && r.Partition != Unknown && r.Offset != Unknown
}
