package redrive

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/internal/standin"
	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// arrival is when the records of the tests arrived.
var arrival = time.Date(2026, 11, 24, 8, 0, 0, 123e6, time.UTC)

const (
	letterIndex = "dead-letter-log"
	letterTopic = "letters"
	letterGroup = "redrive"
	targetTopic = "target"
)

// world is a stand-in for Elasticsearch and a Kafka inside the test, with a
// configuration that names both.
type world struct {
	es    *standin.Server
	kafka *kfake.Cluster
	cfg   *config.Config
}

type fatal interface {
	require.TestingT
	Helper()
	Cleanup(f func())
	Context() context.Context
}

func newWorld(t fatal, version standin.Version, change ...func(*config.Config)) *world {
	t.Helper()
	es := standin.New(standin.WithVersion(version))
	listener, err := es.Start()
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	address, err := url.Parse(listener.URL())
	require.NoError(t, err)
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(2, letterTopic, targetTopic))
	require.NoError(t, err)
	t.Cleanup(k.Close)
	w := &world{es, k, &config.Config{
		ES: &config.Elasticsearch{
			Addresses: []config.Address{{URL: address}}, Keyword: "log", IDField: "log_id", DeadLetterIndex: letterIndex,
			BulkBytes: 5 << 20, BulkConcurrency: 2, RequestTimeout: 10 * time.Second,
		},
		Kafka: &config.Kafka{
			Brokers: k.ListenAddrs(), Topic: targetTopic, DeadLetterTopic: letterTopic, Compression: "lz4", Headers: true,
		},
		Cleaning: config.Cleaning{TimeField: "time", Zone: time.UTC},
	}}
	for _, c := range change {
		c(w.cfg)
	}
	return w
}

func (w *world) program(t fatal) *transform.Program {
	p, err := transform.New(transform.Options{
		Ignore: w.cfg.Cleaning.Ignore, TimeField: "time", Zone: time.UTC, IndexPrefix: "log", IDField: "log_id",
	})
	require.NoError(t, err)
	return p
}

func (w *world) esClient(t fatal) *esclient.Client {
	c, err := esclient.New(esclient.Config{Elasticsearch: *w.cfg.ES, Program: w.program(t)})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

func (w *world) kafkaClient(t fatal) *kafkaclient.Client {
	c, err := kafkaclient.New(kafkaclient.Config{Kafka: *w.cfg.Kafka, Program: w.program(t)})
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// records are n records of partition 1 from an offset on; each third has an id
// of its own, and each second a key.
func records(from, n int) []record.Record {
	b := &record.Batch{Arrival: arrival}
	recs := make([]record.Record, n)
	for i := range recs {
		o := from + i
		recs[i] = record.Record{Topic: "app", Partition: 1, Offset: int64(o), Pos: i, Batch: b, Body: fmt.Appendf(nil, `{"n": %d}`, o)}
		if o%3 == 0 {
			recs[i].Body = fmt.Appendf(nil, `{"n": %d, "log_id": "7-own-%d"}`, o, o)
		}
		if o%2 == 0 {
			recs[i].Key = fmt.Appendf(nil, "2024-key-%d", o)
		}
	}
	return recs
}

// refusals are what each sink says of records: where they were to go, and why
// they may not.
func (w *world) refusals(t fatal, sink string, recs []record.Record) []record.DeadLetter {
	worker := w.program(t).NewWorker()
	letters := make([]record.DeadLetter, len(recs))
	for i := range recs {
		cause := &record.Cause{Type: "mapper_parsing_exception", Status: 400, Reason: "secret of the document"}
		if sink == SinkElasticsearch {
			doc := worker.Do(&recs[i])
			cause.Index, cause.ID = doc.Index, string(doc.ID)
		} else {
			*cause = record.Cause{Type: "MESSAGE_TOO_LARGE", Index: targetTopic, Raw: !w.cfg.Kafka.ValueDocument && len(w.cfg.Cleaning.Ignore) == 0}
		}
		letters[i] = record.DeadLetter{Record: &recs[i], Cause: cause, Sink: sink}
	}
	return letters
}

// fill writes letters into the index and into the topic.
func (w *world) fill(t testing.TB, letters ...record.DeadLetter) {
	t.Helper()
	inIndex, _ := w.esClient(t).DeadLetters().Write(t.Context(), letters)
	inTopic, _ := w.kafkaClient(t).DeadLetters().Write(t.Context(), letters)
	for i := range letters {
		require.Equal(t, record.Dead, inIndex[i].Outcome)
		require.Equal(t, record.Dead, inTopic[i].Outcome)
	}
}

func (w *world) sinks(t fatal, o SinkOptions) *Sinks {
	s, err := NewSinks(w.cfg, o)
	require.NoError(t, err)
	t.Cleanup(s.Close)
	return s
}

func (w *world) index(t fatal, f Filter) *Index {
	x := NewIndex(w.esClient(t), letterIndex, f)
	return x
}

// topic is the letters' topic for a first run, and for those that follow it.
func (w *world) topic(t fatal) *Topic { return w.topicWith(t, TopicOptions{FromStart: true}) }

func (w *world) topicWith(t fatal, o TopicOptions) *Topic {
	if o.Group == "" {
		o.Group = letterGroup
	}
	x := NewTopic(w.cfg.Kafka, o)
	t.Cleanup(x.Close)
	return x
}

// messages are what a topic holds.
func (w *world) messages(t fatal, topic string) []*kgo.Record {
	t.Helper()
	ends := 0 // none of the tests' records is a control record
	for _, p := range w.kafka.PartitionInfos(topic) {
		ends += int(p.HighWatermark - p.LogStartOffset)
	}
	if ends == 0 {
		return nil
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(w.kafka.ListenAddrs()...), kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer c.Close()
	var found []*kgo.Record
	for len(found) < ends {
		f := c.PollFetches(context.Background())
		require.Empty(t, f.Errors())
		found = append(found, f.Records()...)
	}
	return found
}

func headers(m *kgo.Record) string {
	var parts []string
	for _, h := range m.Headers {
		parts = append(parts, h.Key+"="+string(h.Value))
	}
	return strings.Join(parts, " ")
}

type kgoRecord = kgo.Record

// offsetOf is the source offset that a message's headers name.
func offsetOf(m *kgo.Record) int {
	for _, h := range m.Headers {
		if h.Key == kafkaclient.HeaderSourceOffset {
			n, _ := strconv.Atoi(string(h.Value)) // tests look at what comes of it
			return n
		}
	}
	return -1
}
