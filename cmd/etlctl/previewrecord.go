package main

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"ckafka-etl/config"
	"ckafka-etl/internal/rawjson"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// What would become of a record.
const (
	outcomeWrite    = "write"
	outcomeFiltered = "filtered"
	outcomeDead     = "dead_letter"
	outcomeFail     = "fail" // the batch fails and comes again
)

var outcomeOrder = []string{outcomeWrite, outcomeFiltered, outcomeDead, outcomeFail}

// outcomeText says it for people.
var outcomeText = map[string]string{
	outcomeWrite: "would be written", outcomeFiltered: "filtered",
	outcomeDead: "would become dead letters", outcomeFail: "would fail the batch",
}

// preview is a record and what would become of it.
type preview struct {
	Source string `json:"source"`
	Record int    `json:"record"` // its place in the event, from 0
	// Coordinates are left out where the event does not carry them.
	Topic     string  `json:"topic,omitempty"`
	Partition *int32  `json:"partition,omitempty"`
	Offset    *int64  `json:"offset,omitempty"`
	Key       *string `json:"key,omitempty"`
	// KeyCleaned says that ignored fields were taken out of Key, as they are in a
	// dead letter.
	KeyCleaned bool `json:"key_cleaned,omitempty"`
	// MadeUp says that the record came from no event and has no coordinates.
	MadeUp bool `json:"coordinates_made_up,omitempty"`

	Elasticsearch *toElasticsearch `json:"elasticsearch,omitempty"`
	Kafka         *toKafka         `json:"kafka,omitempty"`

	Document json.RawMessage `json:"document,omitempty"` // after cleaning
	Text     bool            `json:"text,omitempty"`     // it was no JSON object
	Removed  []removal       `json:"removed,omitempty"`
	// Matched says how often each word of ES_Log_IgnoreWord took something away.
	Matched  map[string]int `json:"matched,omitempty"`
	Replaced int            `json:"replaced,omitempty"` // characters that became U+FFFD
	// OutsideWindow says that the event time was too far from the arrival to
	// name the index.
	OutsideWindow bool `json:"outside_window,omitempty"`
	// EventTime is the time that names the index, nil if that is the arrival.
	EventTime *eventTime `json:"event_time,omitempty"`
	// NoEventTime says that ES_Index_TimeField is set, and that none of its fields
	// holds anything.
	NoEventTime bool `json:"no_event_time,omitempty"`
	// UnreadTime is a field that holds no time that could be read.
	UnreadTime *unreadTime `json:"unread_time,omitempty"`
	// UnreadID is why the id was not taken from its field.
	UnreadID string `json:"unread_id,omitempty"`
}

// eventTime is a record's own time.
type eventTime struct {
	Field string    `json:"field"`
	Time  time.Time `json:"time"`
	// ByZone says that its zone was known only by an abbreviation.
	ByZone bool `json:"by_zone,omitempty"`
}

// unreadTime is a value that is no time, by its shape.
type unreadTime struct {
	Field string `json:"field"`
	Shape string `json:"shape"`
}

// verdict is what a sink would do with the record.
type verdict struct {
	Outcome string `json:"outcome"`
	Reason  string `json:"reason,omitempty"` // why it is not written
	// DeadLetters are where its dead letter would go.
	DeadLetters []string `json:"dead_letter_to,omitempty"`
}

type toElasticsearch struct {
	verdict
	Op        string `json:"op,omitempty"` // "create" or "index"
	Index     string `json:"index,omitempty"`
	ID        string `json:"id,omitempty"`
	Generated bool   `json:"id_generated,omitempty"`
	IDField   string `json:"id_field,omitempty"` // whose value the id is, if not generated
}

type toKafka struct {
	verdict
	Topic string `json:"topic,omitempty"`
	Value string `json:"value,omitempty"` // "raw" or "document"
	Bytes int    `json:"bytes,omitempty"` // of the value
}

// removal is what cleaning took away from one place for one reason.
type removal struct {
	Field string `json:"field"`
	Why   string `json:"why"`
	Times int    `json:"times"`
}

func (p *previewer) preview(r sourceRecord) *preview {
	v := &preview{Source: r.name, Record: r.Pos, Topic: r.Topic, MadeUp: r.madeUp}
	if r.Partition != record.Unknown {
		v.Partition = &r.Partition
	}
	if r.Offset != record.Unknown {
		v.Offset = &r.Offset
	}
	doc := p.worker.Do(r.Record)
	if r.Key != nil {
		clean, cleaned := p.worker.Clean(r.Key)
		key := string(clean)
		v.Key, v.KeyCleaned = &key, cleaned
	}
	p.words.add(doc.Matched)
	v.Matched = p.words.matched(doc.Matched)
	v.Text, v.Replaced, v.OutsideWindow, v.Removed = doc.Text, doc.Replaced, doc.OutsideWindow, removals(doc.Removed)
	v.UnreadID = doc.UnreadID
	if doc.TimeField != "" {
		v.EventTime = &eventTime{doc.TimeField, doc.EventTime.In(p.cfg.Cleaning.Zone), doc.ByZone}
	}
	if doc.UnreadTime != "" {
		v.UnreadTime = &unreadTime{doc.UnreadTime, doc.UnreadShape()}
	}
	if !doc.Filtered {
		v.Document = doc.AppendSource(nil)
	}
	if p.cfg.ES != nil {
		v.Elasticsearch = p.toElasticsearch(r.Record, doc)
		v.NoEventTime = len(p.cfg.ES.TimeFields) > 0 && v.Elasticsearch.Outcome == outcomeWrite &&
			doc.TimeField == "" && doc.UnreadTime == "" && !doc.OutsideWindow
	}
	if k := p.cfg.Kafka; k != nil && k.Topic != "" {
		v.Kafka = p.toKafka(r.Record, doc)
		if v.Elasticsearch == nil && !k.ValueDocument && v.Kafka.Outcome == outcomeWrite {
			v.forgetDocument()
		}
	}
	return v
}

// forgetDocument is for a record that nobody makes a document of.
func (v *preview) forgetDocument() {
	v.Document, v.Text, v.Removed, v.Matched, v.OutsideWindow, v.EventTime, v.UnreadTime, v.UnreadID = nil, false, nil, nil, false, nil, nil, ""
}

// toElasticsearch says what esclient does with the record.
func (p *previewer) toElasticsearch(r *record.Record, doc *transform.Document) *toElasticsearch {
	to := &toElasticsearch{Index: doc.Index, ID: unescaped(doc.ID), Generated: doc.Generated}
	if !doc.Generated {
		to.IDField = p.cfg.ES.IDField
	}
	switch {
	case doc.Filtered && r.NoValue:
		return &toElasticsearch{verdict: verdict{Outcome: outcomeFiltered, Reason: "it has no value (ES_Empty_Record)"}}
	case doc.Filtered && r.Defect == "":
		return &toElasticsearch{verdict: verdict{Outcome: outcomeFiltered, Reason: "a cleaning step dropped it"}}
	case r.Defect != "":
		to.verdict = p.refused("the record is malformed: " + r.Defect)
	case doc.Refused != nil:
		to.verdict = p.refused(doc.Refused.Reason)
	case doc.NoIndex != nil:
		to.verdict = p.refused(doc.NoIndex.Reason + ": look at ES_Index_KeyWord")
		to.Index = ""
	case doc.IDBytes > transform.MaxIDBytes:
		to.verdict = p.refused(fmt.Sprintf("the id has %d bytes, Elasticsearch takes %d: look at ES_Id_Field", doc.IDBytes, transform.MaxIDBytes))
	default:
		to.Outcome, to.Op = outcomeWrite, "index"
		if t := p.cfg.ES.OpType; t == config.OpCreate || t == config.OpAuto && doc.Generated {
			to.Op = "create"
		}
	}
	return to
}

// toKafka says what kafkaclient does with the record.
func (p *previewer) toKafka(r *record.Record, doc *transform.Document) *toKafka {
	const placeholder = "{topic}"
	k := p.cfg.Kafka
	to := &toKafka{Topic: strings.ReplaceAll(k.Topic, placeholder, r.Topic), Value: "raw", Bytes: len(r.Body)}
	if k.ValueDocument {
		to.Value, to.Bytes = "document", len(doc.AppendSource(nil))
	}
	switch {
	case r.Defect != "":
		to.verdict = p.refused("the record is malformed: " + r.Defect)
	case r.Topic == "" && strings.Contains(k.Topic, placeholder):
		to.verdict = p.refused("the event does not name the record's topic, which kafka_topic_name asks for")
	case r.Partition == record.Unknown && k.KeepPartition:
		to.verdict = p.refused("the event does not name the record's partition, which kafka_partition=keep asks for")
	case k.ValueDocument && doc.Refused != nil:
		to.verdict = p.refused(doc.Refused.Reason)
	case k.ValueDocument && doc.Filtered:
		return &toKafka{verdict: verdict{Outcome: outcomeFiltered, Reason: "a cleaning step dropped it"}}
	default:
		to.Outcome = outcomeWrite
	}
	return to
}

// refused is the verdict on a record that will never be accepted.
func (p *previewer) refused(reason string) verdict {
	v := verdict{Outcome: outcomeDead, Reason: reason}
	if es := p.cfg.ES; es != nil && es.DeadLetterIndex != "" {
		v.DeadLetters = append(v.DeadLetters, "index "+es.DeadLetterIndex)
	}
	if k := p.cfg.Kafka; k != nil && k.DeadLetterTopic != "" {
		v.DeadLetters = append(v.DeadLetters, "topic "+k.DeadLetterTopic)
	}
	if v.DeadLetters == nil {
		v.Outcome = outcomeFail
	}
	return v
}

// outcome is what becomes of the record as a whole: the worst of its sinks'.
func (v *preview) outcome() string {
	worst := outcomeFiltered
	rank := map[string]int{outcomeFiltered: 0, outcomeWrite: 1, outcomeDead: 2, outcomeFail: 3}
	var all []verdict
	if v.Elasticsearch != nil {
		all = append(all, v.Elasticsearch.verdict)
	}
	if v.Kafka != nil {
		all = append(all, v.Kafka.verdict)
	}
	for _, d := range all {
		if rank[d.Outcome] > rank[worst] {
			worst = d.Outcome
		}
	}
	return worst
}

// removals adds up what was removed for the same reason at the same place.
func removals(list []transform.Removal) []removal {
	var sum []removal
	at := make(map[transform.Removal]int)
	for _, r := range list {
		i, ok := at[r]
		if !ok {
			i = len(sum)
			at[r] = i
			sum = append(sum, removal{Field: r.Field, Why: r.Why})
		}
		sum[i].Times++
	}
	return sum
}

func unescaped(content []byte) string {
	text, _ := rawjson.AppendUnescaped(nil, content)
	return string(text)
}
