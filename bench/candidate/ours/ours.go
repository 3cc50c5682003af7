// Package ours is this project's own path of a record.
package ours

import (
	"ckafka-etl/bench/job"
	"ckafka-etl/internal/event"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// Candidate is the path of a record, without sinks.
type Candidate struct {
	decoder event.Decoder
	worker  *transform.Worker
	records []record.Record
}

// New returns the candidate.
func New() (job.Candidate, error) {
	program, err := transform.New(transform.Options{
		Ignore:      job.Ignored(),
		TimeField:   job.TimeField,
		IndexPrefix: job.IndexPrefix,
		TimeFields:  []string{job.EventTime},
		WindowBack:  job.WindowBack,
		WindowAhead: job.WindowAhead,
		IDField:     job.IDField,
	})
	if err != nil {
		return nil, err
	}
	return &Candidate{worker: program.NewWorker()}, nil
}

// Run does the job.
func (c *Candidate) Run(payload, dst []byte) (body []byte, records int, err error) {
	c.records, err = c.decoder.Decode(payload, job.Arrival(), c.records[:0])
	if err != nil {
		return dst, 0, err
	}
	for i := range c.records {
		doc := c.worker.Do(&c.records[i])
		action := `{"index":{"_index":"`
		if doc.Generated {
			action = `{"create":{"_index":"`
		}
		dst = append(dst, action...)
		dst = append(dst, doc.Index...)
		dst = append(dst, `","_id":"`...)
		dst = append(dst, doc.ID...)
		dst = append(dst, "\"}}\n"...)
		dst = doc.AppendSource(dst)
		dst = append(dst, '\n')
	}
	return dst, len(c.records), nil
}
