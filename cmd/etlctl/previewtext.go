package main

import (
	"fmt"
	"strings"
)

// text writes the preview for people.
func (v *preview) text(b *strings.Builder, p paint) {
	fmt.Fprintf(b, "%s  %s\n", p.bold(oneLine(v.Source)), p.dim(v.coordinates()))
	if to := v.Elasticsearch; to != nil {
		v.line(b, p, to.verdict, "index", to.describe())
	}
	if to := v.Kafka; to != nil {
		v.line(b, p, to.verdict, "topic", to.describe())
	}
	for _, r := range v.Removed {
		field := r.Field
		if r.Times > 1 {
			field += fmt.Sprintf(" (%s times)", thousands(r.Times))
		}
		fmt.Fprintf(b, "  %s %s: %s\n", p.red("-"), oneLine(field), oneLine(r.Why))
	}
	for _, note := range v.notes() {
		fmt.Fprintf(b, "  %s %s\n", p.yellow("!"), note)
	}
	if v.Document != nil {
		fmt.Fprintf(b, "  %s\n", p.document(v.Document, "  "))
	}
	b.WriteByte('\n')
}

// line says what one sink does.
func (v *preview) line(b *strings.Builder, p paint, d verdict, kind, where string) {
	switch d.Outcome {
	case outcomeWrite:
		fmt.Fprintf(b, "  %s %s\n", p.green("→"), oneLine(where))
	case outcomeFiltered:
		fmt.Fprintf(b, "  %s no %s: filtered: %s\n", p.yellow("✗"), kind, d.Reason)
	case outcomeDead:
		fmt.Fprintf(b, "  %s dead letter, to %s: %s\n", p.red("✗"), strings.Join(d.DeadLetters, " and "), d.Reason)
	default:
		fmt.Fprintf(b, "  %s fails the batch, as there is no place for dead letters: %s\n", p.red("✗"), d.Reason)
	}
}

func (to *toElasticsearch) describe() string {
	from := "id generated"
	if !to.Generated {
		from = "id of field " + to.IDField
	}
	return fmt.Sprintf("%s %s/_doc/%s  (%s)", to.Op, to.Index, to.ID, from)
}

func (to *toKafka) describe() string {
	what := "the cleaned document"
	if to.Value == "raw" {
		what = "the value as it came"
	}
	return fmt.Sprintf("topic %s  (%s, %s)", to.Topic, what, number(to.Bytes, "byte"))
}

// coordinates says where the record stood.
func (v *preview) coordinates() string {
	if v.MadeUp {
		return "no event, so its coordinates are made up"
	}
	parts := []string{fmt.Sprintf("record %d", v.Record)}
	if v.Topic != "" {
		parts = append(parts, "topic "+oneLine(v.Topic))
	} else {
		parts = append(parts, "no topic")
	}
	if v.Partition != nil {
		parts = append(parts, fmt.Sprintf("partition %d", *v.Partition))
	} else {
		parts = append(parts, "no partition")
	}
	if v.Offset != nil {
		parts = append(parts, fmt.Sprintf("offset %d", *v.Offset))
	} else {
		parts = append(parts, "no offset")
	}
	if v.Key != nil {
		key := "key " + clip(oneLine(*v.Key))
		if v.KeyCleaned {
			key += " (cleaned)"
		}
		parts = append(parts, key)
	}
	return strings.Join(parts, ", ")
}

// notes are what a person should know beside that.
func (v *preview) notes() []string {
	var notes []string
	if v.Text && (v.Elasticsearch == nil || v.Elasticsearch.Outcome == outcomeWrite) {
		notes = append(notes, "not a JSON object: the text goes into msg_body")
	}
	if v.Kafka != nil && v.Kafka.Value == "raw" && v.Kafka.Outcome == outcomeWrite && (len(v.Matched) > 0 || v.KeyCleaned) {
		notes = append(notes, "the topic gets key and value as they came, with what is ignored: that is kafka_value=raw")
	}
	if v.Replaced > 0 {
		notes = append(notes, "not valid UTF-8: "+number(v.Replaced, "character")+" became U+FFFD")
	}
	if t := v.EventTime; t != nil && t.ByZone {
		notes = append(notes, "the zone of "+oneLine(t.Field)+" is an abbreviation, read as it is used in "+t.Time.Location().String()+" (ES_Index_TimeZone)")
	}
	if v.NoEventTime {
		notes = append(notes, "no field of ES_Index_TimeField holds anything, so the arrival time names the index")
	}
	if t := v.UnreadTime; t != nil {
		notes = append(notes, oneLine(t.Field)+" cannot be read as a time: "+oneLine(t.Shape)+"; "+v.namedBy())
	}
	if v.UnreadID != "" {
		notes = append(notes, "no id was taken from its field: "+v.UnreadID)
	}
	if v.OutsideWindow {
		notes = append(notes, "the event time lies outside ES_Index_TimeWindow, so the arrival time names the index")
	}
	return notes
}

// namedBy says what names the index instead of a time that cannot be read.
func (v *preview) namedBy() string {
	if v.EventTime != nil {
		return "the index is named by " + oneLine(v.EventTime.Field)
	}
	return "the index is named by the arrival time"
}
