package esclient

import (
	"context"

	"ckafka-etl/config"
	"ckafka-etl/internal/rawjson"
	"ckafka-etl/record"
)

// Ready is a document that needs no cleaning any more: a dead letter's.
type Ready struct {
	Index, ID string
	// Generated says that the id is one of ours: a 409 for it means that the
	// document is there already.
	Generated bool
	// Source is the document: one JSON object on one line.
	Source []byte
}

// WriteReady writes documents as they are and returns one result for each, in
// order, as Write does for records: with ES_Op_Type, ES_Pipeline and the limits
// of a bulk request. What is refused needs no proof to be Refused: nothing is
// written in its place. It is for tools; the function has none of them.
func (c *Client) WriteReady(ctx context.Context, docs []Ready) ([]record.Result, record.Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropStale()
	defer c.trim()

	bytes := 0
	for i := range docs {
		bytes += len(docs[i].Source)
	}
	j := c.newJob(&readies{c: c, docs: docs}, len(docs), bytes, c.cfg.Pipeline)
	j.run(ctx)
	for i := range j.results {
		if r := &j.results[i]; r.Outcome == record.Dead { // not where it was to go
			r.Outcome = record.Refused
		}
	}
	return j.results, j.stats
}

// readies are documents that are written as they are.
type readies struct {
	c     *Client
	docs  []Ready
	at    int
	index []byte
	id    []byte
}

func (s *readies) prepare(i int) prepared {
	d := &s.docs[i]
	s.at = i
	s.index, _ = rawjson.AppendEscaped(s.index[:0], d.Index)
	s.id, _ = rawjson.AppendEscaped(s.id[:0], d.ID)
	return prepared{
		index: string(s.index), id: s.id, own: d.Generated,
		create: s.c.creates(d.Generated), mayIndex: s.c.cfg.OpType != config.OpCreate,
		stamped: true, // nobody has kept whether it is
	}
}

func (s *readies) appendTo(buf []byte) []byte { return append(buf, s.docs[s.at].Source...) }

func (s *readies) refuse(_ int, cause *record.Cause) (record.Result, bool) {
	return record.Result{Outcome: record.Refused, Cause: cause}, true
}

func (s *readies) refusesAlone() bool { return true }
