package esclient

import (
	"context"
	"strconv"

	"ckafka-etl/config"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// Write brings records into Elasticsearch as documents and returns one result
// for each, in order. It returns before ctx's deadline: what is not settled by
// then is Unsettled. Refused records still need a dead letter; a Dead one is
// kept by the server itself.
func (c *Client) Write(ctx context.Context, d record.Delivery) ([]record.Result, record.Stats) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dropStale()
	defer c.trim()

	src := &documents{c: c, recs: d.Records, counted: make([]bool, len(d.Records))}
	bytes := 0
	for i := range d.Records {
		bytes += len(d.Records[i].Body)
	}
	j := c.newJob(src, len(d.Records), bytes, c.cfg.Pipeline)
	j.deliver = d
	j.run(ctx)
	c.warnOfParts(j.results)
	src.stats.Add(j.stats)
	c.say(src)
	return j.results, src.stats
}

// documents are records on their way to their indices.
type documents struct {
	c       *Client
	recs    []record.Record
	counted []bool // an item may be made more than once
	doc     *transform.Document
	stats   record.Stats
	seen    oddities
}

func (s *documents) prepare(i int) prepared {
	rec := &s.recs[i]
	doc := s.c.worker.Do(rec)
	s.doc = doc
	if !s.counted[i] {
		s.counted[i] = true
		s.stats.Replaced += doc.Replaced
		s.note(doc)
	}
	switch {
	case doc.Filtered && (rec.Defect == "" || rec.NoValue):
		return settled(record.Filtered, nil)
	case rec.Defect != "":
		return settled(record.Refused, &record.Cause{
			Type: "record_malformed", Reason: rec.Defect, Safe: rec.Defect, Hint: "look at what sends the event",
			Index: doc.Index, ID: unquote([]byte(`"` + string(doc.ID) + `"`)),
		})
	case doc.Refused != nil:
		return settled(record.Refused, &record.Cause{
			Type: doc.Refused.Type, Reason: doc.Refused.Reason, Safe: doc.Refused.Reason, Hint: "look at what writes the record",
			Index: doc.Index, ID: unquote([]byte(`"` + string(doc.ID) + `"`)),
		})
	case doc.NoIndex != nil:
		return settled(record.Refused, &record.Cause{
			Type: doc.NoIndex.Type, Reason: doc.NoIndex.Reason, Safe: doc.NoIndex.Reason, Hint: "look at ES_Index_KeyWord",
			ID: unquote([]byte(`"` + string(doc.ID) + `"`)),
		})
	case doc.IDBytes > transform.MaxIDBytes:
		reason := "the id has " + strconv.Itoa(doc.IDBytes) + " bytes, Elasticsearch takes " + strconv.Itoa(transform.MaxIDBytes)
		return settled(record.Refused, &record.Cause{
			Type: "id_too_long", Reason: reason, Safe: reason, Hint: "look at ES_Id_Field", Index: doc.Index,
		})
	}
	return prepared{
		index: doc.Index, id: doc.ID, own: doc.Generated,
		create: s.c.creates(doc.Generated), mayIndex: s.c.cfg.OpType != config.OpCreate,
		stamped: doc.Stamped, merged: doc.Merged,
	}
}

func (s *documents) appendTo(buf []byte) []byte { return s.doc.AppendSource(buf) }

func (s *documents) refuse(_ int, cause *record.Cause) (record.Result, bool) {
	return record.Result{Outcome: record.Refused, Cause: cause}, true
}

func (s *documents) refusesAlone() bool { return false }

// creates reports whether a document is written by create and not by index.
func (c *Client) creates(generated bool) bool {
	return c.cfg.OpType == config.OpCreate || c.cfg.OpType == config.OpAuto && generated
}

func settled(o record.Outcome, cause *record.Cause) prepared {
	return prepared{done: &record.Result{Outcome: o, Cause: cause}}
}

// appendAction appends an action line. The index holds nothing that JSON would
// escape, as its name was checked; the id comes escaped.
func appendAction(buf []byte, create, typed bool, index string, id []byte) ([]byte, span) {
	if create {
		buf = append(buf, `{"create":{"_index":"`...)
	} else {
		buf = append(buf, `{"index":{"_index":"`...)
	}
	buf = append(buf, index...)
	if typed {
		buf = append(buf, `","_type":"_doc`...)
	}
	buf = append(buf, `","_id":"`...)
	from := len(buf)
	buf = append(buf, id...)
	to := len(buf)
	buf = append(buf, "\"}}\n"...)
	return buf, span{int32(from), int32(to)}
}
