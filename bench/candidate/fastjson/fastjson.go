// Package fastjson does the job with github.com/valyala/fastjson: each record
// becomes a tree in reused memory.
package fastjson

import (
	"github.com/valyala/fastjson"

	"ckafka-etl/bench/job"
)

// Candidate does the job with fastjson.
type Candidate struct {
	namer   *job.Namer
	ignored []string
	event   fastjson.Parser
	layers  [2]fastjson.Parser
	message fastjson.Parser
	stamp   *fastjson.Value
}

// New returns the candidate.
func New() (job.Candidate, error) {
	c := &Candidate{namer: job.NewNamer(), ignored: job.Ignored()}
	var err error
	c.stamp, err = fastjson.Parse(c.namer.Stamp)
	return c, err
}

// Run does the job.
func (c *Candidate) Run(payload, dst []byte) (body []byte, records int, err error) {
	e, err := c.event.ParseBytes(payload)
	if err != nil {
		return dst, 0, err
	}
	elements := e.GetArray("Records")
	for _, element := range elements {
		k := element.Get("Ckafka")
		r := job.Record{
			Topic:     c.namer.Topic(k.GetStringBytes("topic")),
			Partition: k.GetInt64("partition"),
			Offset:    k.GetInt64("offset"),
			Body:      k.GetStringBytes("msgBody"),
		}
		dst = c.document(dst, &r)
	}
	return dst, len(elements), nil
}

func (c *Candidate) document(dst []byte, r *job.Record) []byte {
	value, text := c.unwrap(r.Body)
	if value == nil {
		return c.namer.AppendText(dst, r, text)
	}
	fields := value.GetObject()
	if message := fields.Get(job.MessageField); message != nil && job.MayBe(job.View(message.GetStringBytes()), "{") {
		if inner, err := c.message.ParseBytes(message.GetStringBytes()); err == nil {
			fields.Del(job.MessageField)
			inner.GetObject().Visit(func(name []byte, v *fastjson.Value) { fields.Set(job.View(name), v) })
		}
	}
	for _, name := range c.ignored {
		fields.Del(name)
	}
	if fields.Get(job.TimeField) == nil {
		fields.Set(job.TimeField, c.stamp)
	}
	dst = c.namer.AppendAction(dst, r, job.View(value.GetStringBytes(job.EventTime)), id(fields.Get(job.IDField)))
	return append(fields.MarshalTo(dst), '\n')
}

// unwrap returns the object in text, or nil and the innermost text.
func (c *Candidate) unwrap(text []byte) (*fastjson.Value, []byte) {
	for layer := 0; ; layer++ {
		if !job.MayBe(job.View(text), `{"`) {
			return nil, text
		}
		value, err := c.layers[layer%2].ParseBytes(text)
		if err != nil {
			return nil, text
		}
		switch value.Type() {
		case fastjson.TypeObject:
			return value, text
		case fastjson.TypeString:
			inner := value.GetStringBytes()
			if layer == job.MaxLayers || fastjson.ValidateBytes(inner) != nil {
				return nil, text
			}
			text = inner
		default:
			return nil, text
		}
	}
}

func id(value *fastjson.Value) string {
	switch {
	case value == nil:
		return ""
	case value.Type() == fastjson.TypeString:
		return job.View(value.GetStringBytes())
	case value.Type() == fastjson.TypeNumber:
		return value.String()
	}
	return ""
}
