package main

import (
	"ckafka-etl/internal/event"
	"ckafka-etl/internal/sample"
)

// input is a kind of record that is measured.
type input struct {
	name   string
	what   string
	bodies func(n int) [][]byte
	n      int // records of the largest event
}

func inputs() []input {
	return []input{
		{"access", "access logs", sample.AccessBodies, 10_000},
		{"nested", "metrics, nested ten deep", sample.NestedBodies, 800},
		{"message", "a log line wrapped in `message`", sample.MessageBodies, 9_000},
		{"tiny", "tiny records", sample.TinyBodies, 10_000},
		{"text", "plain text (only ours masks secrets)", sample.TextBodies, 10_000},
	}
}

// payload returns the event of bodies.
func payload(topic string, bodies [][]byte) []byte {
	const firstOffset = 4_123_456_789
	records := make([]event.Record, len(bodies))
	for i, body := range bodies {
		records[i] = event.Record{Topic: topic, Partition: 3, Offset: firstOffset + int64(i), Body: body}
	}
	return event.Append(nil, records)
}
