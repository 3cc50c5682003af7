// Package tokens does the job with the tokens of
// github.com/go-json-experiment/json/jsontext. Values that are kept are copied
// as they are.
package tokens

import (
	"bytes"
	"errors"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"ckafka-etl/bench/job"
)

// Candidate does the job with jsontext.
type Candidate struct {
	namer   *job.Namer
	ignored []string
	event   reader
	record  reader
	object  job.Object
	body    []byte
	layers  [2][]byte
	message []byte
}

// reader is a decoder that reads out of a buffer without a copy.
type reader struct {
	buffer  *bytes.Buffer
	decoder *jsontext.Decoder
}

func newReader(options ...jsontext.Options) reader {
	r := reader{buffer: new(bytes.Buffer)}
	r.decoder = jsontext.NewDecoder(r.buffer, options...)
	return r
}

func (r reader) reset(data []byte) {
	*r.buffer = *bytes.NewBuffer(data)
	r.decoder.Reset(r.buffer, r.decoder.Options())
}

// New returns the candidate.
func New() (job.Candidate, error) {
	last := jsontext.AllowDuplicateNames(true) // the last one wins
	return &Candidate{namer: job.NewNamer(), ignored: job.Ignored(), event: newReader(last), record: newReader(last)}, nil
}

var errEvent = errors.New("not an event")

// Run does the job.
func (c *Candidate) Run(payload, dst []byte) (body []byte, records int, err error) {
	c.event.reset(payload)
	err = members(c.event.decoder, func(name []byte) error {
		if string(name) != "Records" {
			return c.event.decoder.SkipValue()
		}
		if _, err := c.event.decoder.ReadToken(); err != nil {
			return err
		}
		for c.event.decoder.PeekKind() == '{' {
			var r job.Record
			if err := c.element(&r); err != nil {
				return err
			}
			dst = c.document(dst, &r)
			records++
		}
		_, err := c.event.decoder.ReadToken()
		return err
	})
	return dst, records, err
}

// element reads an element of Records.
func (c *Candidate) element(r *job.Record) error {
	d := c.event.decoder
	return members(d, func([]byte) error {
		return members(d, func(name []byte) error {
			value, err := d.ReadValue()
			if err != nil {
				return err
			}
			switch string(name) {
			case "topic":
				r.Topic = c.namer.Topic(value[1 : len(value)-1])
			case "partition":
				r.Partition, err = strconv.ParseInt(job.View(value), 10, 64)
			case "offset":
				r.Offset, err = strconv.ParseInt(job.View(value), 10, 64)
			case "msgBody":
				c.body, err = jsontext.AppendUnquote(c.body[:0], value)
				r.Body = c.body
			}
			return err
		})
	})
}

func (c *Candidate) document(dst []byte, r *job.Record) []byte {
	text := r.Body
	for layer := 0; ; layer++ {
		c.object.Reset()
		if job.MayBe(job.View(text), "{") && c.members(text) == nil {
			break
		}
		value := bytes.TrimSpace(text)
		if layer == job.MaxLayers || !job.MayBe(job.View(text), `"`) {
			return c.namer.AppendText(dst, r, text)
		}
		buf := &c.layers[layer%2]
		var err error
		if *buf, err = jsontext.AppendUnquote((*buf)[:0], value); err != nil || !jsontext.Value(*buf).IsValid() {
			return c.namer.AppendText(dst, r, text)
		}
		text = *buf
	}
	if message := c.object.Get(job.MessageField); message != "" && message[0] == '"' {
		var err error
		c.message, err = jsontext.AppendUnquote(c.message[:0], message)
		if err == nil && isObject(c.message) {
			c.object.Delete(job.MessageField)
			_ = c.members(c.message) // known to be an object
		}
	}
	return c.object.Append(dst, c.namer, r, c.ignored)
}

// members adds the members of the object in text to c.object.
func (c *Candidate) members(text []byte) error {
	c.record.reset(text)
	d := c.record.decoder
	err := members(d, func(name []byte) error {
		value, err := d.ReadValue()
		if err == nil && bytes.IndexByte(value, '\n') >= 0 {
			err = value.Compact()
		}
		c.object.Set(job.View(name), job.View(value))
		return err
	})
	if err == nil && len(bytes.TrimLeft(text[d.InputOffset():], " \t\r\n")) > 0 {
		err = errEvent
	}
	return err
}

func isObject(text []byte) bool {
	return job.MayBe(job.View(text), "{") && jsontext.Value(text).IsValid(jsontext.AllowDuplicateNames(true))
}

// members calls visit with the name of each member of the object that d is at.
// visit reads the value.
func members(d *jsontext.Decoder, visit func(name []byte) error) error {
	if d.PeekKind() != '{' {
		return errEvent
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() == '"' {
		quoted, err := d.ReadValue()
		if err != nil {
			return err
		}
		name := []byte(quoted[1 : len(quoted)-1])
		if bytes.IndexByte(name, '\\') >= 0 {
			if name, err = jsontext.AppendUnquote(nil, quoted); err != nil {
				return err
			}
		}
		if err := visit(name); err != nil {
			return err
		}
	}
	_, err := d.ReadToken()
	return err
}
