package event

import (
	"bytes"
	"math"
	"slices"
	"strconv"

	"ckafka-etl/internal/rawjson"
	"ckafka-etl/record"
)

// maxElements is how many records of an event are read: far more than the
// trigger sends, and as many as there is memory for in the smallest function.
// Malformed ones take more, since each becomes a dead letter.
const (
	maxElements = 100_000
	maxDefects  = MaxRecords
)

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
