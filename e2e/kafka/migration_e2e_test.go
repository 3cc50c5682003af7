//go:build e2e

package kafka

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/verify"
)

const (
	migrated         = 200_000 // records
	sourcePartitions = 4
)

// migration is two clusters, and a topic in the first that goes to the second.
type migration struct {
	source, target *servers.Kafka
	tool, function string
}

func newMigration(t *testing.T) *migration {
	t.Helper()
	m := &migration{source: start(t, servers.KafkaOptions{}), target: start(t, servers.KafkaOptions{})}
	m.tool, m.function = programs(t)
	return m
}

// fill makes a topic of the source with the records.
func (m *migration) fill(t *testing.T, topic string, n int, record func(i int) *kgo.Record) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	require.NoError(t, m.source.CreateTopic(ctx, topic, sourcePartitions, nil))
	producer, err := kgo.NewClient(kgo.SeedBrokers(m.source.Brokers()...), kgo.DefaultProduceTopic(topic),
		kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.MaxBufferedRecords(50_000))
	require.NoError(t, err)
	defer producer.Close()
	failed := make(chan error, 1)
	for i := range n {
		producer.Produce(ctx, record(i), func(_ *kgo.Record, err error) {
			if err != nil {
				select {
				case failed <- err:
				default:
				}
			}
		})
	}
	require.NoError(t, producer.Flush(ctx))
	select {
	case err := <-failed:
		require.NoError(t, err)
	default:
	}
}

// line is a record as applications write them: some keys come often, some
// records have none, and some have no body or one that is not ASCII.
func line(i int) *kgo.Record {
	r := &kgo.Record{Partition: int32(i % sourcePartitions)}
	if i%5 > 0 {
		r.Key = fmt.Appendf(nil, "客户-%d", i*7919%5000)
	}
	switch i % 97 {
	case 13:
		r.Value = []byte{}
	case 51:
		r.Value = []byte(fmt.Sprintf("第 %d 行\x00\t\"quoted\" \\ \u2028 ", i) + strings.Repeat("日志", 200))
	default:
		r.Value = fmt.Appendf(nil, `{"@timestamp":"2026-11-20T12:00:00Z","n":%d,"client":"10.1.%d.%d","request":"GET /orders/%d?page=%d HTTP/1.1","status":200,"bytes":%d,"agent":"Mozilla/5.0 (X11; Linux x86_64)","took":0.%03d}`,
			i, i%251, i%241, i*31, i%17, i*13%90_000, i%1000)
	}
	return r
}

// trigger starts the function on a topic of the source.
func (m *migration) trigger(t *testing.T, topic, to, partition string, args ...string) *triggered {
	t.Helper()
	return startTrigger(t, m.tool, append([]string{
		"--brokers", strings.Join(m.source.Brokers(), ","), "--topic", topic, "--group", to, "--position", "earliest",
		"--max-wait", "200ms", "--function", m.function,
		"-e", "kafka_address=" + strings.Join(m.target.Brokers(), ","), "-e", "kafka_topic_name=" + to, "-e", "kafka_partition=" + partition,
	}, args...)...)
}

func (m *migration) comparison(topic, to string, placement verify.Placement) verify.Config {
	side := func(k *servers.Kafka, topic string) verify.Topic {
		return verify.Topic{Client: []kgo.Opt{kgo.SeedBrokers(k.Brokers()...)}, Name: topic}
	}
	return verify.Config{Source: side(m.source, topic), Target: side(m.target, to), Placement: placement, Show: 10}
}

func (m *migration) verify(t *testing.T, topic, to string, placement verify.Placement) *verify.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	began := time.Now()
	r, err := verify.Run(ctx, m.comparison(topic, to, placement))
	require.NoError(t, err)
	t.Logf("verified in %v, %d KB, %d read again: %+v", time.Since(began).Round(time.Millisecond), r.Memory>>10, r.ReadAgain, r.Total)
	return r
}

// A topic is moved to another cluster: byte for byte, in order, each record
// once; and through killed functions and a restart of the target, with none
// missing and no more there twice than what the killed ones had in flight.
func TestMigration(t *testing.T) {
	if !selected(t) {
		return
	}
	m := newMigration(t)
	m.fill(t, "orders", migrated, line)
	all := verify.Counts{Source: migrated, Target: migrated, Equal: migrated}

	for _, x := range []struct {
		placement  verify.Placement
		partitions int32
	}{{verify.Keep, sourcePartitions}, {verify.ByKey, 6}} {
		t.Run(string(x.placement), func(t *testing.T) {
			to := "orders-" + string(x.placement)
			require.NoError(t, m.target.CreateTopic(t.Context(), to, x.partitions, nil))
			began := time.Now()
			e := m.trigger(t, "orders", to, string(x.placement), "--max-msg-num", "5000")
			e.awaitRecords(t, migrated)
			t.Logf("moved in %v", time.Since(began).Round(time.Millisecond))
			e.end(t)
			assert.Zero(t, e.events["retry"])
			r := m.verify(t, "orders", to, x.placement)
			assert.Equal(t, all, r.Total, "%+v", r.Findings)
		})
	}

	t.Run("target killed", func(t *testing.T) {
		require.NoError(t, m.target.CreateTopic(t.Context(), "orders-restart", 6, nil))
		e := m.trigger(t, "orders", "orders-restart", "key", "--timeout", "10s")
		e.awaitRecords(t, migrated/4)
		m.target.Kill()
		require.NoError(t, m.target.Restart(t.Context()))
		e.awaitRecords(t, migrated)
		e.end(t)
		r := m.verify(t, "orders", "orders-restart", verify.ByKey)
		assert.Equal(t, all, r.Total, "%+v", r.Findings)
	})
	t.Run("functions killed", func(t *testing.T) { m.killFunctions(t) })
	t.Run("source restarted while it is verified", func(t *testing.T) {
		cfg := m.comparison("orders", "orders-keep", verify.Keep)
		var once sync.Once
		cfg.Progress = func(int64, int64) {
			once.Do(func() {
				m.source.Kill()
				assert.NoError(t, m.source.Restart(t.Context()))
			})
		}
		r, err := verify.Run(t.Context(), cfg)
		require.NoError(t, err)
		assert.Equal(t, all, r.Total)
	})
	t.Run("edges", func(t *testing.T) { m.edges(t) })
}

// killFunctions has functions killed in the middle of their batches, time and
// again.
func (m *migration) killFunctions(t *testing.T) {
	t.Helper()
	const to, batch, kills = "orders-killed", 1000, 8
	require.NoError(t, m.target.CreateTopic(t.Context(), to, 6, nil))
	e := m.trigger(t, "orders", to, "key", "--max-msg-num", "1000", "--instances", "2", "--timeout", "10s")
	killed := 0
	for i := range kills {
		e.awaitRecords(t, (i+1)*migrated/(kills+1))
		killed += e.killFunctions(t)
	}
	e.awaitRecords(t, migrated)
	e.end(t)
	r := m.verify(t, "orders", to, verify.ByKey)
	t.Logf("%d functions killed, %d deliveries failed", killed, e.events["retry"])
	assert.GreaterOrEqual(t, killed, kills)
	twice := r.Total.Twice
	assert.LessOrEqual(t, twice, int64(e.events["retry"]*batch), "more than the killed had in flight")
	assert.Equal(t, verify.Counts{Source: migrated, Target: migrated + twice, Equal: migrated, Twice: twice}, r.Total, "%+v", r.Findings)
}

// What the trigger's event cannot carry, and only that, is changed.
func (m *migration) edges(t *testing.T) {
	odd := []*kgo.Record{
		{Key: []byte("k"), Value: []byte("plain")},
		{Key: []byte("k"), Value: nil},
		{Key: []byte{}, Value: []byte("empty key")},
		{Key: []byte("None"), Value: []byte("the key None")},
		{Key: []byte("k"), Value: []byte("not UTF-8: \xff")},
		{Key: []byte("\xff"), Value: []byte("nor is the key")},
		{Key: nil, Value: []byte{}},
	}
	m.fill(t, "odd", len(odd), func(i int) *kgo.Record { return odd[i] })
	require.NoError(t, m.target.CreateTopic(t.Context(), "odd", sourcePartitions, nil))
	e := m.trigger(t, "odd", "odd", "keep")
	e.awaitRecords(t, len(odd))
	e.end(t)
	r := m.verify(t, "odd", "odd", verify.Keep)
	changed := map[int64]string{}
	for _, f := range r.Findings {
		require.Equal(t, verify.Changed, f.Kind)
		for o := f.Source.Offset; o <= f.Source.Last; o++ { // no offset is without a record
			changed[o] = f.What
		}
	}
	assert.Equal(t, map[int64]string{1: "body", 2: "key", 3: "key", 4: "body", 5: "key"}, changed)
}
