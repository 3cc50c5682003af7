// Package record holds the words that every part of the function shares: a
// Kafka record as the trigger delivered it, what became of it, and why.
package record

import "time"

// Unknown stands for a partition or an offset that the event did not carry.
const Unknown = -1

// Record is one record of a trigger event. Its byte slices belong to the event
// that it came with: it is valid until the invocation ends, and nobody may
// write to them.
type Record struct {
	Topic     string
	Partition int32 // Unknown if the event carried none
	Offset    int64 // Unknown if the event carried none

	// Key is the record's key as Kafka held it, nil if it is null: the trigger
	// delivers a null key as "None" or "".
	Key []byte
	// Body is the record's value as Kafka held it, as far as the event tells:
	// the trigger passes values through JSON text.
	Body []byte
	// Lossy counts the characters of Body that JSON could not carry: lone
	// surrogates, which have become U+FFFD.
	Lossy int
	// ASCII says that Body holds only ASCII. If false it may still.
	ASCII bool

	// Pos is the record's place in its event, from 0.
	Pos int
	// Batch is what the records of one event have in common.
	Batch *Batch

	// Defect says why the record is malformed: "" for a sound one. Body then
	// holds the raw text of the event's element.
	Defect string
	// NoValue says that the record has no value: it is null or empty, or the event
	// carries none.
	NoValue bool
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

// Located reports whether topic, partition and offset are all known.
func (r *Record) Located() bool {
	return r.Topic != "" && r.Partition != Unknown && r.Offset != Unknown
}
