package event

import (
	"bytes"
	"math"

	"ckafka-etl/internal/rawjson"
	"ckafka-etl/record"
)

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
