package redrive

import (
	"context"
	"errors"
	"hash/fnv"
	"strings"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// elasticsearchSink and kafkaSink are the function's own sinks.
type elasticsearchSink interface {
	WriteReady(ctx context.Context, docs []esclient.Ready) ([]record.Result, record.Stats)
}

type kafkaSink interface {
	Write(ctx context.Context, d record.Delivery) ([]record.Result, record.Stats)
}

// indexPlaceholder stands in ToIndex for the index that the letter names.
const indexPlaceholder = "{index}"

// Sinks send letters back to where they were refused. They are made once.
type Sinks struct {
	es    elasticsearchSink // nil: not configured
	kafka kafkaSink         // nil: not configured
	close func()

	// toIndex is Options.ToIndex.
	toIndex string
	// document says that Kafka's messages are cleaned documents, cleaned that
	// they may be even if the function's are not.
	document, cleaned bool
}

// SinkOptions change where letters go and as what.
type SinkOptions struct {
	// ToIndex replaces the index of letters of Elasticsearch; "{index}" in it
	// stands for the one that the letter names. Empty: that one.
	ToIndex string
	// Cleaned sends the cleaned document where kafka_value=raw wants the body
	// and the letter does not have it.
	Cleaned bool
}

// NewSinks makes the sinks of a configuration. It contacts nobody.
func NewSinks(cfg *config.Config, o SinkOptions) (*Sinks, error) {
	s := &Sinks{toIndex: o.ToIndex, cleaned: o.Cleaned, close: func() {}}
	program, err := transform.New(transform.Options{}) // nothing is cleaned
	if err != nil {
		return nil, err
	}
	if cfg.ES != nil {
		es, err := esclient.New(esclient.Config{Elasticsearch: *cfg.ES, Program: program})
		if err != nil {
			return nil, err
		}
		s.es, s.close = es, es.Close
	}
	if cfg.Kafka != nil && cfg.Kafka.Topic != "" {
		k := *cfg.Kafka
		s.document = k.ValueDocument
		k.ValueDocument = false // letters are cleaned already
		kafka, err := kafkaclient.New(kafkaclient.Config{Kafka: k, Program: program})
		if err != nil {
			s.close()
			return nil, err
		}
		closeOthers := s.close
		s.kafka, s.close = kafka, func() { closeOthers(); kafka.Close() }
	}
	return s, nil
}

// Close closes the sinks' connections.
func (s *Sinks) Close() { s.close() }

// left says why a letter cannot be sent, "" if it can.
func (s *Sinks) left(l *Letter) string {
	if reason := l.unsound(); reason != "" {
		return reason
	}
	if l.Sink == SinkElasticsearch {
		switch {
		case s.es == nil:
			return LeftNoSink
		case l.Index == "" || l.ID == "":
			return LeftUntargeted
		case l.Raw || !isObject(l.Text):
			return LeftInvalid
		}
		return ""
	}
	switch {
	case s.kafka == nil:
		return LeftNoSink
	case l.Raw && s.document:
		return LeftRaw
	case !l.Raw && !s.document && !s.cleaned:
		return LeftCleaned
	}
	return ""
}

// index is where a letter of Elasticsearch goes.
func (s *Sinks) index(l *Letter) string {
	if s.toIndex == "" {
		return l.Index
	}
	return strings.ReplaceAll(s.toIndex, indexPlaceholder, l.Index)
}

// send sends letters that are not to be left, each to its sink, and returns one
// result for each, in order.
func (s *Sinks) send(ctx context.Context, letters []*Letter) ([]record.Result, error) {
	var docs []esclient.Ready
	var recs []record.Record
	var docAt, recAt []int
	for i, l := range letters {
		if l.Sink == SinkElasticsearch {
			docs = append(docs, esclient.Ready{Index: s.index(l), ID: l.ID, Generated: l.Generated, Source: l.Text})
			docAt = append(docAt, i)
		} else {
			recs = append(recs, message(l))
			recAt = append(recAt, i)
		}
	}
	results := make([]record.Result, len(letters))
	place := func(at []int, got []record.Result) error {
		if len(got) != len(at) {
			return errors.New("a sink did not answer for each letter")
		}
		for n, i := range at {
			results[i] = got[n]
		}
		return nil
	}
	var err error
	if len(docs) > 0 {
		got, _ := s.es.WriteReady(ctx, docs)
		err = place(docAt, got)
	}
	if len(recs) > 0 {
		got, _ := s.kafka.Write(ctx, record.Delivery{Records: recs})
		err = errors.Join(err, place(recAt, got))
	}
	return results, err
}

// message is a letter as the record that the sink had refused.
func message(l *Letter) record.Record {
	h := fnv.New64a()
	_, _ = h.Write([]byte(l.Place)) // never fails
	return record.Record{
		Topic: l.Topic, Partition: l.Partition, Offset: l.Offset, Key: l.Key, Body: l.Text,
		Batch: &record.Batch{Arrival: l.Time, Event: h.Sum64()},
	}
}
