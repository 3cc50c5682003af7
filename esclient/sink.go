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
// then is Unsettled. Refused records still need a dead letter.
func (c *Client) Write(ctx context.Context, d record.Delivery) ([]record.Result, record.Stats) {
	recs := d.Records
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wake()
	defer c.rest()

	var stats record.Stats
	j := &job{c: c, n: len(recs), pipeline: c.cfg.Pipeline}
	for i := range recs {
		j.bytes += len(recs[i].Body)
	}
	counted := make([]bool, len(recs)) // an item may be encoded more than once
	j.encode = func(buf []byte, i int) ([]byte, encoded) {
		doc := c.worker.Do(&recs[i])
		if !counted[i] {
			counted[i] = true
			stats.Replaced += doc.Replaced
			if doc.OutsideWindow {
				stats.OutsideWindow++
			}
		}
		return c.appendDocument(buf, &recs[i], doc)
	}
	j.culprit = func(_ int, cause *record.Cause) (record.Result, bool) {
		return record.Result{Outcome: record.Refused, Cause: cause}, true
	}
	j.run(ctx)
	stats.Add(j.counters.stats())
	return j.results, stats
}

func (c *Client) appendDocument(buf []byte, rec *record.Record, doc *transform.Document) ([]byte, encoded) {
	switch {
	case rec.Defect != "":
		return buf, settled(record.Refused, &record.Cause{
			Type: "record_malformed", Reason: rec.Defect, Safe: rec.Defect, Hint: "look at what sends the event",
			Index: doc.Index, ID: unquote([]byte(`"` + string(doc.ID) + `"`)),
		})
	case doc.Filtered:
		return buf, settled(record.Filtered, nil)
	case doc.IDBytes > transform.MaxIDBytes:
		reason := "the id has " + strconv.Itoa(doc.IDBytes) + " bytes, Elasticsearch takes " + strconv.Itoa(transform.MaxIDBytes)
		return buf, settled(record.Refused, &record.Cause{
			Type: "id_too_long", Reason: reason, Safe: reason, Hint: "look at ES_Id_Field", Index: doc.Index,
		})
	}
	create := c.creates(doc.Generated)
	buf, id := c.appendAction(buf, create, doc.Index, doc.ID)
	buf = doc.AppendSource(buf)
	buf = append(buf, '\n')
	return buf, encoded{id: id, index: doc.Index, create: create, generated: doc.Generated}
}

// creates reports whether a document is written by create and not by index.
func (c *Client) creates(generated bool) bool {
	return c.cfg.OpType == config.OpCreate || c.cfg.OpType == config.OpAuto && generated
}

func settled(o record.Outcome, cause *record.Cause) encoded {
	return encoded{done: &record.Result{Outcome: o, Cause: cause}}
}

// appendAction appends an action line. The index holds nothing that JSON would
// escape, as its name was checked; the id comes escaped.
func (c *Client) appendAction(buf []byte, create bool, index string, id []byte) ([]byte, span) {
	if create {
		buf = append(buf, `{"create":{"_index":"`...)
	} else {
		buf = append(buf, `{"index":{"_index":"`...)
	}
	buf = append(buf, index...)
	if c.typed.Load() {
		buf = append(buf, `","_type":"_doc`...)
	}
	buf = append(buf, `","_id":"`...)
	from := len(buf)
	buf = append(buf, id...)
	to := len(buf)
	buf = append(buf, "\"}}\n"...)
	return buf, span{int32(from), int32(to)} // a body is far smaller than 2 GiB
}
