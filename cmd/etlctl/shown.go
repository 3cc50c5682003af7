package main

import (
	"encoding/json"
	"time"

	"ckafka-etl/config"
	"ckafka-etl/internal/event"
	"ckafka-etl/internal/rawjson"
	"ckafka-etl/pipeline"
	"ckafka-etl/transform"
)

// document is a record and what became of it.
type document struct {
	Event  string          `json:"event"`
	Record int             `json:"record"` // its place in the event, from 0
	Index  string          `json:"index"`
	ID     string          `json:"id"`
	Before string          `json:"before"`
	After  json.RawMessage `json:"after,omitempty"` // nil: not stored
}

// shown picks the first records, to show them with their documents at the end,
// and counts by index what is sent.
type shown struct {
	want   int
	worker *transform.Worker // nil: nothing goes to Elasticsearch
	docs   []document
	sent   map[string]int
}

func newShown(cfg *config.Config, want int) (*shown, error) {
	if cfg.ES == nil {
		return &shown{}, nil
	}
	program, err := transform.New(pipeline.Options(cfg))
	if err != nil {
		return nil, usage(err)
	}
	return &shown{want: want, worker: program.NewWorker(), sent: make(map[string]int)}, nil
}

// look counts the records of an event that is sent and picks some, until there
// are enough. It takes only sound records: what a malformed one becomes is in
// the dead letters.
func (s *shown) look(p payload) {
	if s.worker == nil {
		return
	}
	records, err := new(event.Decoder).Decode(p.data, time.Now(), nil)
	if err != nil {
		return // the function says it
	}
	for i := range records {
		rec := &records[i]
		if rec.Defect != "" || !rec.Located() {
			continue
		}
		d := s.worker.Do(rec)
		s.sent[d.Index]++
		if len(s.docs) >= s.want {
			continue
		}
		id, _ := rawjson.AppendUnescaped(nil, d.ID)
		s.docs = append(s.docs, document{
			Event: p.name, Record: rec.Pos, Before: string(rec.Body),
			Index: d.Index, ID: string(id), After: d.AppendSource(nil),
		})
	}
}

// documents returns the records that were picked with what is kept of them.
// With a stand-in that is what it has stored; a real server is not asked, and
// the document is what the function sends.
func (s *shown) documents(to *target) []document {
	if to.standIn == nil {
		return s.docs
	}
	at := make(map[string]*document, len(s.docs))
	for i := range s.docs {
		s.docs[i].After = nil
		at[s.docs[i].ID] = &s.docs[i]
	}
	for _, stored := range to.standIn.All() {
		// Not by index: the day may have changed since the look.
		if d := at[stored.ID]; d != nil && stored.Index != to.config.ES.DeadLetterIndex {
			d.Index, d.After = stored.Index, stored.Source
		}
	}
	return s.docs
}

func (d *document) text() string {
	if d.After == nil {
		return "not stored: see the dead letters and the failures"
	}
	return string(d.After)
}
