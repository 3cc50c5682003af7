package kafkaclient_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/config"
	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

const (
	produceKey        = int16(kmsg.Produce)
	metadataKey       = int16(kmsg.Metadata)
	initProducerIDKey = int16(kmsg.InitProducerID)
)

// waitLong is more time than anything takes.
const waitLong = 20 * time.Second

// arrival is when all batches of the tests arrive.
var arrival = time.Date(2026, 11, 24, 8, 0, 0, 123e6, time.UTC)

type fatal interface {
	Helper()
	Fatalf(format string, args ...any)
	Cleanup(f func())
}

// cluster starts a Kafka inside the test, which makes no topic by itself.
func cluster(t *testing.T, opts ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(opts...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// options of a client under test.
type option func(*kafkaclient.Config)

func configured(c *kfake.Cluster, opts ...option) kafkaclient.Config {
	cfg := kafkaclient.Config{Kafka: config.Kafka{
		Topic: "target", DeadLetterTopic: "letters", Compression: "lz4", Headers: true,
	}}
	if c != nil {
		cfg.Brokers = c.ListenAddrs()
	}
	for _, o := range opts {
		o(&cfg)
	}
	return cfg
}

func client(t *testing.T, c *kfake.Cluster, opts ...option) *kafkaclient.Client {
	t.Helper()
	cfg := configured(c, opts...)
	if cfg.Program == nil {
		var err error
		cfg.Program, err = transform.New(transform.Options{Ignore: []string{"secret"}})
		require.NoError(t, err)
	}
	k, err := kafkaclient.New(cfg)
	require.NoError(t, err)
	t.Cleanup(k.Close)
	return k
}

// batch returns n records of a source partition, from offset 100 on. Each third
// has no key.
func batch(partition int32, n int) []record.Record {
	b := &record.Batch{Arrival: arrival}
	recs := make([]record.Record, n)
	for i := range recs {
		recs[i] = record.Record{
			Topic: "source", Partition: partition, Offset: int64(100 + i), Pos: i, Batch: b, ASCII: true,
			Body: fmt.Appendf(nil, `{"partition":%d,"n":%d,"secret":"x"}`, partition, i),
		}
		if i%3 != 0 {
			recs[i].Key = fmt.Appendf(nil, "key-%d", i%7)
		}
	}
	return recs
}

// write has the client write and checks what holds always: one result a record,
// with a cause exactly where there has to be one.
func write(t *testing.T, k *kafkaclient.Client, recs []record.Record) []record.Result {
	t.Helper()
	return writeWithin(t, k, 20*time.Second, recs)
}

func writeWithin(t *testing.T, k *kafkaclient.Client, d time.Duration, recs []record.Record) []record.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	started := time.Now()
	results, _ := k.Write(ctx, record.Delivery{Records: recs})
	// Before the deadline, but this machine may be busy with other tests.
	require.Less(t, time.Since(started), d+2*time.Second)
	require.Len(t, results, len(recs))
	for i, r := range results {
		switch r.Outcome {
		case record.Stored, record.Filtered:
			require.Nil(t, r.Cause, "record %d", i)
		default:
			require.NotNil(t, r.Cause, "record %d is %v", i, r.Outcome)
			require.NotEmpty(t, r.Cause.Type)
			require.NotEmpty(t, r.Cause.Hint)
		}
	}
	return results
}

// all asserts that every record has the same outcome, and returns the first
// one's cause.
func all(t *testing.T, want record.Outcome, results []record.Result) *record.Cause {
	t.Helper()
	for i, r := range results {
		require.Equal(t, want.String(), r.Outcome.String(), "record %d: %s", i, r.Cause.Text())
	}
	return results[0].Cause
}

// messages returns what a topic holds, by partition.
func messages(t fatal, c *kfake.Cluster, topic string) map[int32][]*kgo.Record {
	t.Helper()
	var left int64
	for _, p := range c.PartitionInfos(topic) {
		left += p.HighWatermark
	}
	got := make(map[int32][]*kgo.Record)
	if left == 0 {
		return got
	}
	k, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	if err != nil {
		t.Fatalf("%v", err)
	}
	defer k.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for left > 0 {
		fetches := k.PollFetches(ctx)
		if err := fetches.Err(); err != nil {
			t.Fatalf("reading %s: %v", topic, err)
		}
		fetches.EachRecord(func(r *kgo.Record) {
			got[r.Partition] = append(got[r.Partition], r)
			left--
		})
	}
	return got
}

// count returns how many messages a topic holds.
func count(c *kfake.Cluster, topic string) int {
	n := 0
	for _, p := range c.PartitionInfos(topic) {
		n += int(p.HighWatermark)
	}
	return n
}

// requireInOrder asserts that the target holds exactly the given records, each
// once and those of a source partition in order.
func requireInOrder(t *testing.T, c *kfake.Cluster, recs []record.Record) {
	t.Helper()
	want := make(map[string]int)
	for i := range recs {
		want[string(recs[i].Body)]++
	}
	for p, msgs := range messages(t, c, "target") {
		last := make(map[string]string)
		for _, m := range msgs {
			want[string(m.Value)]--
			from := header(m, kafkaclient.HeaderSourcePartition)
			offset := fmt.Sprintf("%020s", header(m, kafkaclient.HeaderSourceOffset))
			require.Less(t, last[from], offset, "partition %d: the order of source partition %s", p, from)
			last[from] = offset
		}
	}
	for body, n := range want {
		require.Zero(t, n, "%s is there too often (below 0) or not (above 0)", body)
	}
}

func header(m *kgo.Record, name string) string {
	for _, h := range m.Headers {
		if h.Key == name {
			return string(h.Value)
		}
	}
	return ""
}

// logs collects what is logged.
type logs struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *logs) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(b)
}

func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

func logTo(l *logs) option {
	return func(cfg *kafkaclient.Config) { cfg.Logger = slog.New(slog.NewJSONHandler(l, nil)) }
}

// requestCounter counts requests of one kind and lets them pass.
type requestCounter struct {
	mu sync.Mutex
	n  int
}

func counting(c *kfake.Cluster, key int16) *requestCounter {
	r := &requestCounter{}
	c.ControlKey(key, func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		r.mu.Lock()
		defer r.mu.Unlock()
		r.n++
		return nil, nil, false
	})
	return r
}

func (r *requestCounter) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.n
}
