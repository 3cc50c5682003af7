//go:build e2e

package kafka

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/config"
	"ckafka-etl/e2e/servers"
	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// selected reports whether E2E_SERVERS asks for Kafka, and fails at once if
// this machine cannot start it.
func selected(t *testing.T) bool {
	t.Helper()
	kinds, err := servers.Selected(os.Getenv("E2E_SERVERS")) //nolint:forbidigo // the caller chooses
	require.NoError(t, err)
	if !slices.Contains(kinds, servers.KindKafka) {
		return false
	}
	require.NoError(t, servers.Require(t.Context(), servers.KindKafka))
	require.NoError(t, servers.Install(t.Context(), servers.KindKafka))
	return true
}

func start(t *testing.T, opts servers.KafkaOptions) *servers.Kafka {
	t.Helper()
	k, err := servers.StartKafka(t.Context(), opts)
	require.NoError(t, err)
	t.Cleanup(k.Close)
	t.Cleanup(func() {
		if dir := os.Getenv("E2E_LOGS"); dir != "" && t.Failed() { //nolint:forbidigo // the caller chooses
			assert.NoError(t, k.KeepLogs(filepath.Join(dir, filepath.Base(t.Name()))))
		}
	})
	return k
}

type option func(*kafkaclient.Config)

func client(t *testing.T, brokers []string, opts ...option) *kafkaclient.Client {
	t.Helper()
	program, err := transform.New(transform.Options{})
	require.NoError(t, err)
	cfg := kafkaclient.Config{Program: program, Kafka: config.Kafka{
		Brokers: brokers, Topic: "target", DeadLetterTopic: "letters", Compression: "lz4", Headers: true,
	}}
	for _, o := range opts {
		o(&cfg)
	}
	c, err := kafkaclient.New(cfg)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return c
}

// batch returns n records of a source partition from an offset on, with random
// keys and values; some have no key.
func batch(partition int32, from, n int) []record.Record {
	b := &record.Batch{Arrival: time.Now()}
	recs := make([]record.Record, n)
	for i := range recs {
		random := rand.New(rand.NewPCG(uint64(partition), uint64(from+i)))
		body := fmt.Appendf(nil, "%d/%d/", partition, from+i)
		for range random.IntN(500) {
			body = append(body, byte(random.Uint32()))
		}
		body = append(body, bytes.Repeat([]byte("again "), 40)...)
		recs[i] = record.Record{Topic: "source", Partition: partition, Offset: int64(from + i), Pos: i, Batch: b, Body: body}
		if random.IntN(4) > 0 {
			key := make([]byte, 1+random.IntN(40))
			for k := range key {
				key[k] = byte(random.Uint32())
			}
			recs[i].Key = key
		}
	}
	return recs
}

func write(t *testing.T, c *kafkaclient.Client, d time.Duration, recs []record.Record) []record.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), d)
	defer cancel()
	results, _ := c.Write(ctx, record.Delivery{Records: recs})
	require.Len(t, results, len(recs))
	return results
}

func all(t *testing.T, want record.Outcome, results []record.Result) *record.Cause {
	t.Helper()
	for i, r := range results {
		require.Equal(t, want.String(), r.Outcome.String(), "record %d: %s", i, r.Cause.Text())
	}
	return results[0].Cause
}

// deliver writes until everything is stored, as the trigger and the handler do:
// each time only what is not settled.
func deliver(t *testing.T, c *kafkaclient.Client, d time.Duration, recs []record.Record) (deliveries int) {
	t.Helper()
	for limit := time.Now().Add(2 * time.Minute); len(recs) > 0; deliveries++ {
		require.True(t, time.Now().Before(limit), "the records do not get through")
		results := write(t, c, d, recs)
		var left []record.Record
		for i, r := range results {
			if r.Outcome != record.Stored {
				left = append(left, recs[i])
			}
		}
		recs = left
	}
	return deliveries
}

// read returns all messages of a topic, by partition.
func read(t *testing.T, k *servers.Kafka, topic string) map[int32][]*kgo.Record {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	seed := kgo.SeedBrokers(k.Brokers()...)
	c, err := kgo.NewClient(seed, kgo.ConsumeTopics(topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchMaxWait(100*time.Millisecond))
	require.NoError(t, err)
	defer c.Close()
	ends := endOffsets(ctx, t, c, topic)
	got := make(map[int32][]*kgo.Record)
	for len(ends) > 0 {
		fetches := c.PollFetches(ctx)
		require.NoError(t, fetches.Err())
		fetches.EachRecord(func(r *kgo.Record) {
			got[r.Partition] = append(got[r.Partition], r)
			if r.Offset+1 >= ends[r.Partition] {
				delete(ends, r.Partition)
			}
		})
	}
	return got
}

// endOffsets returns where the partitions that hold something end.
func endOffsets(ctx context.Context, t *testing.T, c *kgo.Client, topic string) map[int32]int64 {
	t.Helper()
	meta := kmsg.NewPtrMetadataRequest()
	mt := kmsg.NewMetadataRequestTopic()
	mt.Topic = &topic
	meta.Topics = append(meta.Topics, mt)
	known, err := meta.RequestWith(ctx, c)
	require.NoError(t, err)
	req := kmsg.NewPtrListOffsetsRequest()
	rt := kmsg.NewListOffsetsRequestTopic()
	rt.Topic = topic
	for _, p := range known.Topics[0].Partitions {
		rp := kmsg.NewListOffsetsRequestTopicPartition()
		rp.Partition, rp.Timestamp = p.Partition, -1
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	res, err := req.RequestWith(ctx, c)
	require.NoError(t, err)
	ends := make(map[int32]int64)
	for _, p := range res.Topics[0].Partitions {
		require.Zero(t, p.ErrorCode)
		if p.Offset > 0 {
			ends[p.Partition] = p.Offset
		}
	}
	return ends
}

// requireExactly asserts that a topic holds the records byte for byte, each
// once, and those of one source partition in order.
func requireExactly(t *testing.T, k *servers.Kafka, topic string, recs []record.Record) {
	t.Helper()
	want := make(map[string]*record.Record, len(recs))
	for i := range recs {
		want[string(recs[i].Body)] = &recs[i]
	}
	n := 0
	for p, msgs := range read(t, k, topic) {
		last := make(map[int32]int64)
		for _, m := range msgs {
			n++
			r := want[string(m.Value)]
			require.NotNil(t, r, "partition %d, offset %d: unknown, or there twice", p, m.Offset)
			delete(want, string(m.Value))
			require.Equal(t, r.Key, m.Key)
			before, ok := last[r.Partition]
			require.True(t, !ok || before < r.Offset, "partition %d, offset %d: out of order", p, m.Offset)
			last[r.Partition] = r.Offset
		}
	}
	require.Equal(t, len(recs), n)
}
