// Package simdjson does the job with github.com/minio/simdjson-go: each record
// becomes a tape in reused memory.
package simdjson

import (
	"errors"

	"github.com/minio/simdjson-go"

	"ckafka-etl/bench/job"
)

// Candidate does the job with simdjson-go.
type Candidate struct {
	namer   *job.Namer
	ignored []string
	event   *simdjson.ParsedJson
	record  *simdjson.ParsedJson
	message *simdjson.ParsedJson
	object  job.Object
	kept    []byte // the values of the object
	inner   []byte // the message field, if it is a string
}

// New returns the candidate, or an error if the processor lacks instructions.
func New() (job.Candidate, error) {
	if !simdjson.SupportedCPU() {
		return nil, errors.New("simdjson-go needs a processor with AVX2 and CLMUL")
	}
	return &Candidate{namer: job.NewNamer(), ignored: job.Ignored()}, nil
}

var errNotObject = errors.New("not an object")

// Run does the job.
func (c *Candidate) Run(payload, dst []byte) (body []byte, records int, err error) {
	root, err := parse(payload, &c.event)
	if err != nil {
		return dst, 0, err
	}
	list := root.FindKey("Records", nil)
	if list == nil {
		return dst, 0, errors.New("no Records")
	}
	array, err := list.Iter.Array(nil)
	if err != nil {
		return dst, 0, err
	}
	elements := array.Iter()
	var object simdjson.Object
	var found simdjson.Element
	for elements.Advance() == simdjson.TypeObject {
		if _, err := elements.Object(&object); err != nil {
			return dst, 0, err
		}
		if object.FindKey("Ckafka", &found) == nil {
			return dst, 0, errors.New("no Ckafka")
		}
		if _, err := found.Iter.Object(&object); err != nil {
			return dst, 0, err
		}
		var r job.Record
		if err := c.element(&object, &r); err != nil {
			return dst, 0, err
		}
		dst = c.document(dst, &r)
		records++
	}
	return dst, records, nil
}

func (c *Candidate) element(object *simdjson.Object, r *job.Record) error {
	var value simdjson.Iter
	for {
		name, kind, err := object.NextElementBytes(&value)
		if err != nil || kind == simdjson.TypeNone {
			return err
		}
		switch string(name) {
		case "topic":
			var topic []byte
			topic, err = value.StringBytes()
			r.Topic = c.namer.Topic(topic)
		case "partition":
			r.Partition, err = value.Int()
		case "offset":
			r.Offset, err = value.Int()
		case "msgBody":
			r.Body, err = value.StringBytes()
		}
		if err != nil {
			return err
		}
	}
}

func (c *Candidate) document(dst []byte, r *job.Record) []byte {
	text := r.Body
	c.object.Reset()
	c.kept, c.inner = c.kept[:0], nil
	for layer := 0; ; layer++ {
		object, err := parse(text, &c.record)
		if err == nil && c.add(object) == nil {
			break
		}
		inner, ok := unquote(text)
		if !ok || layer == job.MaxLayers {
			return c.namer.AppendText(dst, r, text)
		}
		text = inner
		c.object.Reset()
	}
	if c.inner != nil {
		if object, err := parse(c.inner, &c.message); err == nil {
			c.object.Delete(job.MessageField)
			_ = c.add(object) // the text has been parsed
		}
	}
	return c.object.Append(dst, c.namer, r, c.ignored)
}

// add adds an object's members to c.object.
func (c *Candidate) add(object *simdjson.Object) error {
	var value simdjson.Iter
	for {
		name, kind, err := object.NextElementBytes(&value)
		if err != nil || kind == simdjson.TypeNone {
			return err
		}
		if kind == simdjson.TypeString && string(name) == job.MessageField {
			if c.inner, err = value.StringBytes(); err != nil {
				return err
			}
		}
		from := len(c.kept)
		if c.kept, err = value.MarshalJSONBuffer(c.kept); err != nil {
			return err
		}
		c.object.Set(job.View(name), job.View(c.kept[from:]))
	}
}

// unquote returns the value of the JSON string in text if that is JSON, too.
func unquote(text []byte) ([]byte, bool) {
	if !job.MayBe(job.View(text), `"`) {
		return nil, false
	}
	value, err := single(text)
	if err != nil {
		return nil, false
	}
	inner, err := value.StringBytes()
	if err != nil {
		return nil, false
	}
	_, err = single(inner)
	return inner, err == nil
}

// single returns the one value in text. The library reads only arrays and
// objects, so an array is put around it.
func single(text []byte) (value simdjson.Iter, err error) {
	parsed, err := simdjson.Parse(append(append([]byte{'['}, text...), ']'), nil)
	if err != nil {
		return value, err
	}
	err = parsed.ForEach(func(i simdjson.Iter) error {
		array, err := i.Array(nil)
		if err != nil {
			return err
		}
		elements := array.Iter()
		elements.Advance()
		value = elements
		if elements.Advance() != simdjson.TypeNone {
			return errors.New("more than one value")
		}
		return nil
	})
	return value, err
}

// parse returns the object in text. *tape is the memory to reuse.
func parse(text []byte, tape **simdjson.ParsedJson) (*simdjson.Object, error) {
	if !job.MayBe(job.View(text), "{") {
		return nil, errNotObject
	}
	parsed, err := simdjson.Parse(text, *tape, simdjson.WithCopyStrings(false))
	if err != nil {
		return nil, err
	}
	*tape = parsed
	return rootObject(parsed)
}

func rootObject(parsed *simdjson.ParsedJson) (*simdjson.Object, error) {
	i := parsed.Iter()
	i.Advance()
	kind, root, err := i.Root(nil)
	if err != nil {
		return nil, err
	}
	if kind != simdjson.TypeObject {
		return nil, errNotObject
	}
	return root.Object(nil)
}
