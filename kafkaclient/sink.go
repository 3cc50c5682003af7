package kafkaclient

import (
	"context"
	"strconv"
	"strings"

	"ckafka-etl/record"
)

// The headers that say where a message comes from. Partition and offset are
// decimal numbers; what the event did not carry has no header.
const (
	HeaderSourceTopic     = "source.topic"
	HeaderSourcePartition = "source.partition"
	HeaderSourceOffset    = "source.offset"
)

// topicPlaceholder stands for the source's topic in kafka_topic_name.
const topicPlaceholder = "{topic}"

// Write produces records to kafka_topic_name and returns one result for each,
// in order. It returns before ctx's deadline: what is not known to be written
// by then is Unsettled. Refused records still need a dead letter.
func (c *Client) Write(ctx context.Context, d record.Delivery) ([]record.Result, record.Stats) {
	recs := d.Records
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wake()
	defer c.rest()

	j := &job{
		c: c, variable: "kafka_topic_name", n: len(recs), keep: c.cfg.KeepPartition,
		rec:    func(i int) *record.Record { return &recs[i] },
		target: c.target,
		admit:  func(i int) *record.Result { return c.admit(&recs[i]) },
		culprit: func(_ int, cause *record.Cause) (record.Result, bool) {
			return record.Result{Outcome: record.Refused, Cause: cause}, true
		},
	}
	counted := make([]bool, len(recs)) // a message may be made more than once
	j.encode = func(i int, m *message) *record.Result {
		r := &recs[i]
		m.key, m.value, m.time = r.Key, r.Body, r.Batch.Arrival.UnixMilli()
		replaced := r.Lossy
		if c.cfg.ValueDocument {
			doc := c.worker.Do(r)
			switch {
			case doc.Refused != nil:
				return &record.Result{Outcome: record.Refused, Cause: &record.Cause{
					Type: doc.Refused.Type, Reason: doc.Refused.Reason, Safe: doc.Refused.Reason,
					Hint: "look at what writes the record", Index: c.target(r.Topic),
				}}
			case doc.Filtered:
				return &record.Result{Outcome: record.Filtered}
			}
			c.value = doc.AppendSource(c.value[:0])
			m.value, replaced = c.value, doc.Replaced
			m.key, _ = c.worker.Clean(r.Key)
		}
		if c.cfg.Headers {
			m.source(r)
		}
		if !counted[i] {
			counted[i] = true
			j.stats.Replaced += replaced
		}
		return nil
	}
	j.run(ctx)
	if !c.cfg.ValueDocument && c.cfg.Program != nil && !c.cfg.Program.Removes() {
		for i := range j.results {
			if r := &j.results[i]; r.Outcome == record.Refused && recs[i].Defect == "" {
				cause := *r.Cause // it may be shared
				cause.Raw = true
				r.Cause = &cause
			}
		}
	}
	return j.results, j.stats
}

func (c *Client) target(topic string) string {
	return strings.ReplaceAll(c.cfg.Topic, topicPlaceholder, topic)
}

// admit refuses records that cannot be produced, however often they come.
func (c *Client) admit(r *record.Record) *record.Result {
	cause := &record.Cause{Type: "record_malformed"}
	switch {
	case r.Defect != "":
		cause.Reason, cause.Hint = r.Defect, "look at what sends the event"
	case r.Topic == "" && strings.Contains(c.cfg.Topic, topicPlaceholder):
		cause.Reason, cause.Hint = "the event does not name the record's topic", "look at kafka_topic_name, which asks for it, and at what sends the event"
	case r.Partition < 0 && c.cfg.KeepPartition:
		cause.Reason, cause.Hint = "the event does not name the record's partition", "look at kafka_partition, which asks for it, and at what sends the event"
	default:
		return nil
	}
	cause.Safe = cause.Reason
	cause.Index = c.target(r.Topic)
	return &record.Result{Outcome: record.Refused, Cause: cause}
}

// source adds the headers that say where the message comes from.
func (m *message) source(r *record.Record) {
	if r.Topic != "" {
		m.header(HeaderSourceTopic, r.Topic)
	}
	if r.Partition != record.Unknown {
		m.header(HeaderSourcePartition, strconv.Itoa(int(r.Partition)))
	}
	if r.Offset != record.Unknown {
		m.header(HeaderSourceOffset, strconv.FormatInt(r.Offset, 10))
	}
}
