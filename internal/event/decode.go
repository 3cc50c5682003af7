package event

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"math"
	"slices"
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

// noCkafka is the defect of an element without the object that makes it ours.
const noCkafka = "it has no Ckafka object"

// ofAnotherTrigger reports whether all records are objects that hold something,
// but nothing of ours. Dead letters would be of no use to anybody then.
func ofAnotherTrigger(recs []record.Record) bool {
	for i := range recs {
		if recs[i].Defect != noCkafka || bytes.IndexByte(recs[i].Body, ':') < 0 {
			return false
		}
	}
	return len(recs) > 0
}

// Trim gives back space that one large event has taken. It ends the life of the
// last event's records.
func (d *Decoder) Trim() {
	const keep = 1 << 20
	if cap(d.text) > max(keep, 2*len(d.text)) {
		d.text = nil
	}
}

// maxElements is how many records of an event are read: far more than the
// trigger sends, and as many as there is memory for in the smallest function.
// Malformed ones take more, since each becomes a dead letter.
const (
	maxElements = 100_000
	maxDefects  = MaxRecords
)

// room makes a full list larger: by what is left to read if that is like what
// was read, so that an event of many records takes no more space than it needs,
// but not too far at once, since it need not be.
func (d *Decoder) room(dst []record.Record, i int) []record.Record {
	n := len(dst)
	if n < cap(dst) {
		return dst
	}
	all := n * len(d.data) / i // i is behind Records' bracket at least
	return slices.Grow(dst, min(max(all-n, n/8), 4*n)+1)
}

// elements reads the array of records.
func (d *Decoder) elements(i int, batch *record.Batch, dst []record.Record) ([]record.Record, int, error) {
	if i >= len(d.data) || d.data[i] != '[' {
		return dst, i, d.fail(i, "Records is not an array")
	}
	i = d.space(i + 1)
	if i < len(d.data) && d.data[i] == ']' {
		return dst, i + 1, nil
	}
	d.shape = d.shape[:0]
	for d.learning = true; ; d.learning = false {
		if len(dst) == maxElements {
			return dst, i, d.fail(i, "it has more than "+strconv.Itoa(maxElements)+" records, the trigger sends at most "+strconv.Itoa(MaxRecords))
		}
		dst = append(d.room(dst, i), record.Record{
			Partition: record.Unknown, Offset: record.Unknown, Pos: len(dst), Batch: batch,
		})
		d.turn = 0
		end, err := d.guarded(i, &dst[len(dst)-1])
		if err != nil {
			return dst, end, err
		}
		i = d.space(end)
		if dst[len(dst)-1].Defect != "" {
			d.defects++
		}
		switch {
		case d.defects > maxDefects:
			return dst, i, d.fail(i, "more than "+strconv.Itoa(maxDefects)+" of its records are malformed")
		case i < len(d.data) && d.data[i] == ',':
			i = d.space(i + 1)
		case i < len(d.data) && d.data[i] == ']':
			return dst, i + 1, nil
		default:
			return dst, i, d.fail(i, "expected a comma or the end of Records")
		}
	}
}

// guarded is element for one that may bring it to a panic: then the element is
// malformed, and its neighbours are unharmed.
func (d *Decoder) guarded(start int, rec *record.Record) (end int, err error) {
	defer func() {
		if recover() == nil {
			return
		}
		rec.Key, rec.Defect = nil, "reading it failed with a panic, which is a bug: report it with the record"
		if end, err = d.skip(start); err == nil {
			rec.Body, rec.ASCII, rec.Lossy = d.data[start:end], false, 0
		}
	}()
	if d.before != nil {
		d.before(rec.Pos)
	}
	return d.element(start, rec)
}

// element reads one element of Records and returns its end.
func (d *Decoder) element(start int, rec *record.Record) (int, error) {
	i := start
	var err error
	if i >= len(d.data) || d.data[i] != '{' {
		rec.Defect = "the element of Records is not an object"
		i, err = d.skip(i)
	} else {
		rec.Defect = noCkafka
		i, err = d.begin(i)
		for first := true; err == nil; first = false {
			var key []byte
			var more bool
			if key, i, more, err = d.member(i, first); err != nil || !more {
				break
			}
			switch {
			case string(key) != "Ckafka":
				i, err = d.skip(i)
			case i >= len(d.data) || d.data[i] != '{':
				rec.Defect = "Ckafka is not an object"
				i, err = d.skip(i)
			default:
				i, err = d.fields(i, rec)
			}
		}
	}
	if err == nil && rec.Defect != "" {
		rec.Body, rec.ASCII, rec.Lossy = d.data[start:i], false, 0
	}
	return i, err
}

// fields reads a Ckafka object.
func (d *Decoder) fields(i int, rec *record.Record) (int, error) {
	rec.Defect, rec.NoValue = "it has no msgBody", true
	i, err := d.begin(i)
	for first := true; err == nil; first = false {
		var key []byte
		var more bool
		if key, i, more, err = d.member(i, first); err != nil || !more {
			break
		}
		i, err = d.field(key, i, rec)
	}
	return i, err
}

// field reads one member of a Ckafka object.
func (d *Decoder) field(key []byte, i int, rec *record.Record) (end int, err error) {
	isString := i < len(d.data) && d.data[i] == '"'
	switch {
	case string(key) == "msgBody" && isString:
		return d.body(i, rec)
	case string(key) == "msgKey" && isString:
		return d.key(i, rec)
	}
	if end, err = d.skip(i); err != nil {
		return end, err
	}
	text := d.data[i:end]
	if isString {
		text = text[1 : len(text)-1]
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
	case "msgBody":
		rec.Defect, rec.NoValue = "msgBody is "+kindOf(text[0])+", not a string", text[0] == 'n'
	}
	return end, nil
}

// body reads the string at data[i] into the record's value.
func (d *Decoder) body(i int, rec *record.Record) (int, error) {
	from := len(d.text)
	var s rawjson.String
	if d.text, s = rawjson.AppendString(d.text, d.data, i+1); s.End < 0 {
		return i, d.fail(i, "a string does not end")
	}
	rec.Body, rec.Lossy, rec.ASCII = d.text[from:len(d.text):len(d.text)], s.Lossy, s.ASCII
	rec.Defect, rec.NoValue = "", len(rec.Body) == 0
	return s.End + 1, nil
}

// key reads the string at data[i] into the record's key.
func (d *Decoder) key(i int, rec *record.Record) (int, error) {
	from := len(d.text)
	var s rawjson.String
	if d.text, s = rawjson.AppendString(d.text, d.data, i+1); s.End < 0 {
		return i, d.fail(i, "a string does not end")
	}
	rec.Key = nil
	if key := d.text[from:len(d.text):len(d.text)]; len(key) > 0 && string(key) != "None" {
		rec.Key = key
	}
	return s.End + 1, nil
}

func (d *Decoder) topicName(text []byte) string {
	if string(text) == d.topicText {
		return d.topic
	}
	d.topicText = string(text)
	d.topic = d.topicText
	if bytes.IndexByte(text, '\\') >= 0 {
		name, _ := rawjson.AppendUnescaped(nil, text)
		d.topic = string(name)
	}
	return d.topic
}

// begin returns the place behind the brace of the object at data[i].
func (d *Decoder) begin(i int) (int, error) {
	if i >= len(d.data) || d.data[i] != '{' {
		return i, d.fail(i, "expected an object")
	}
	return i + 1, nil
}

// member reads on in an object, behind its brace or behind a value. It returns
// the next member's name and the place of its value or, if there is none, the
// place behind the object.
func (d *Decoder) member(i int, first bool) (key []byte, at int, more bool, err error) {
	if d.turn < len(d.shape) {
		if m := &d.shape[d.turn]; m.first == first && bytes.HasPrefix(d.data[i:], m.text) {
			d.turn++
			return m.key, d.space(i + len(m.text)), true, nil
		}
	}
	from := i
	i = d.space(i)
	if i < len(d.data) && d.data[i] == '}' {
		return nil, i + 1, false, nil
	}
	if !first {
		if i >= len(d.data) || d.data[i] != ',' {
			return nil, i, false, d.fail(i, "expected a comma or the end of an object")
		}
		i = d.space(i + 1)
	}
	if i >= len(d.data) || d.data[i] != '"' {
		return nil, i, false, d.fail(i, "expected a name")
	}
	end := rawjson.StringEnd(d.data, i+1)
	if end < 0 {
		return nil, i, false, d.fail(i, "a string does not end")
	}
	key = d.data[i+1 : end]
	// A name that matters is never longer than this, unless it is escaped.
	if len(key) > len("partition") && bytes.IndexByte(key, '\\') >= 0 {
		key, _ = rawjson.AppendUnescaped(nil, key)
	}
	i = d.space(end + 1)
	if i >= len(d.data) || d.data[i] != ':' {
		return nil, i, false, d.fail(i, "expected a colon")
	}
	i = d.space(i + 1)
	const most = 16 // a real element has six
	if d.learning && len(d.shape) < most {
		d.shape = append(d.shape, expected{first, d.data[from:i], key})
		d.turn = len(d.shape)
	}
	return key, i, true, nil
}

// expected is a member's name with all that stands before its value: behind a
// brace if it is the first one, behind the value before it if not.
type expected struct {
	first     bool
	text, key []byte
}

// skip returns the end of the value at data[i].
func (d *Decoder) skip(i int) (int, error) {
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

func (d *Decoder) space(i int) int {
	for i < len(d.data) && (d.data[i] == ' ' || d.data[i] == '\n' || d.data[i] == '\r' || d.data[i] == '\t') {
		i++
	}
	return i
}

func (d *Decoder) fail(i int, reason string) error {
	return &PayloadError{Offset: i, Reason: reason}
}

// number reads a whole number that is not negative, or record.Unknown.
func number(text []byte) int64 {
	if len(text) == 0 {
		return record.Unknown
	}
	var n int64
	for _, c := range text {
		d := int64(c) - '0'
		if d < 0 || d > 9 || n > (math.MaxInt64-d)/10 {
			return record.Unknown
		}
		n = n*10 + d
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
