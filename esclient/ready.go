package esclient

import (
	"context"

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
// of a bulk request. It is for tools; the function has none of them.
func (c *Client) WriteReady(ctx context.Context, docs []Ready) ([]record.Result, record.Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wake()
	defer c.rest()

	j := &job{c: c, n: len(docs), pipeline: c.cfg.Pipeline}
	for i := range docs {
		j.bytes += len(docs[i].Source)
	}
	j.encode = func(buf []byte, i int) ([]byte, encoded) {
		d := &docs[i]
		index, _ := rawjson.AppendEscaped(nil, d.Index)
		id, _ := rawjson.AppendEscaped(nil, d.ID)
		create := c.creates(d.Generated)
		buf, at := c.appendAction(buf, create, string(index), id)
		buf = append(append(buf, d.Source...), '\n')
		return buf, encoded{id: at, index: d.Index, create: create, generated: d.Generated}
	}
	j.culprit = func(_ int, cause *record.Cause) (record.Result, bool) {
		return record.Result{Outcome: record.Refused, Cause: cause}, true
	}
	j.run(ctx)
	return j.results, j.counters.stats()
}
