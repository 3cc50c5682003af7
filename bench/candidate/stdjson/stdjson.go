// Package stdjson does the job as it is usually written in Go: encoding/json
// and a map for each record.
package stdjson

import (
	"encoding/json"
	"strconv"

	"ckafka-etl/bench/job"
)

type event struct {
	Records []struct {
		Ckafka struct {
			Topic     string `json:"topic"`
			Partition int64  `json:"partition"`
			Offset    int64  `json:"offset"`
			Key       string `json:"msgKey"`
			Body      string `json:"msgBody"`
		} `json:"Ckafka"`
	} `json:"Records"`
}

// Candidate does the job with encoding/json.
type Candidate struct {
	namer   *job.Namer
	ignored []string
	stamp   string
}

// New returns the candidate.
func New() (job.Candidate, error) {
	c := &Candidate{namer: job.NewNamer(), ignored: job.Ignored()}
	return c, json.Unmarshal([]byte(c.namer.Stamp), &c.stamp)
}

// Run does the job.
func (c *Candidate) Run(payload, dst []byte) (body []byte, records int, err error) {
	var e event
	if err := json.Unmarshal(payload, &e); err != nil {
		return dst, 0, err
	}
	for i := range e.Records {
		k := &e.Records[i].Ckafka
		r := job.Record{Topic: k.Topic, Partition: k.Partition, Offset: k.Offset, Body: []byte(k.Body)}
		if dst, err = c.document(dst, &r); err != nil {
			return dst, 0, err
		}
	}
	return dst, len(e.Records), nil
}

func (c *Candidate) document(dst []byte, r *job.Record) ([]byte, error) {
	fields, text := unwrap(r.Body)
	if fields == nil {
		return c.namer.AppendText(dst, r, text), nil
	}
	if message, ok := fields[job.MessageField].(string); ok {
		var inner map[string]any
		if json.Unmarshal([]byte(message), &inner) == nil && inner != nil {
			delete(fields, job.MessageField)
			for name, value := range inner {
				fields[name] = value
			}
		}
	}
	for _, name := range c.ignored {
		delete(fields, name)
	}
	if _, ok := fields[job.TimeField]; !ok {
		fields[job.TimeField] = c.stamp
	}
	eventTime, _ := fields[job.EventTime].(string)
	dst = c.namer.AppendAction(dst, r, eventTime, id(fields[job.IDField]))
	source, err := json.Marshal(fields)
	if err != nil {
		return dst, err
	}
	dst = append(dst, source...)
	return append(dst, '\n'), nil
}

// unwrap returns the object in text, or nil and the innermost text.
func unwrap(text []byte) (map[string]any, []byte) {
	for layer := 0; ; layer++ {
		var value any
		if json.Unmarshal(text, &value) != nil {
			return nil, text
		}
		switch v := value.(type) {
		case map[string]any:
			return v, text
		case string:
			if layer == job.MaxLayers || !json.Valid([]byte(v)) {
				return nil, text
			}
			text = []byte(v)
		default:
			return nil, text
		}
	}
}

func id(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	return ""
}
