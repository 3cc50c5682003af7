package verify_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/verify"
	"ckafka-etl/kafkaclient"
)

// cluster starts a Kafka with the topics source and target.
func cluster(t *testing.T, partitions int32, config map[string]string) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(2))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	require.NoError(t, c.CreateTopic("source", partitions, config))
	require.NoError(t, c.CreateTopic("target", partitions, nil))
	return c
}

func produce(t *testing.T, c *kfake.Cluster, topic string, recs ...*kgo.Record) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	defer client.Close()
	for _, r := range recs { // a batch each
		r.Topic = topic
		require.NoError(t, client.ProduceSync(t.Context(), r).FirstErr())
	}
}

func named(r *kgo.Record) *kgo.Record {
	return &kgo.Record{Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: []kgo.RecordHeader{
		{Key: kafkaclient.HeaderSourceTopic, Value: []byte("source")},
		{Key: kafkaclient.HeaderSourcePartition, Value: []byte(strconv.Itoa(int(r.Partition)))},
		{Key: kafkaclient.HeaderSourceOffset, Value: []byte(strconv.FormatInt(r.Offset, 10))},
	}}
}

func config(c *kfake.Cluster) verify.Config {
	opts := []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}
	return verify.Config{
		Source: verify.Topic{Client: opts, Name: "source"}, Target: verify.Topic{Client: opts, Name: "target"},
		Placement: verify.Keep, Show: 10,
	}
}

func run(t *testing.T, cfg verify.Config) *verify.Report {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, err := verify.Run(ctx, cfg)
	require.NoError(t, err)
	return r
}

// records returns n source records in two partitions, with the offsets that
// they will have.
func records(n int) []*kgo.Record {
	var list []*kgo.Record
	for i := range n {
		list = append(list, &kgo.Record{
			Partition: int32(i % 2), Offset: int64(i / 2), Key: []byte("key"), Value: []byte(strconv.Itoa(i)),
			Timestamp: time.UnixMilli(1_000_000 + int64(i)),
		})
	}
	return list
}

// Null and empty are two things to Kafka, and to a compacted topic the
// difference is whether a key is deleted.
func TestNullIsNotEmpty(t *testing.T) {
	t.Parallel()
	c := cluster(t, 1, nil)
	produce(t, c, "source",
		&kgo.Record{Key: nil, Value: []byte{}}, &kgo.Record{Key: []byte{}, Value: nil}, &kgo.Record{Key: nil, Value: nil},
	)
	produce(t, c, "target",
		named(&kgo.Record{Offset: 0, Key: nil, Value: nil}), named(&kgo.Record{Offset: 1, Key: nil, Value: nil}), named(&kgo.Record{Offset: 2}),
	)
	r := run(t, config(c))
	assert.Equal(t, verify.Counts{Source: 3, Target: 3, Equal: 1, Changed: 2}, r.Total)
	require.Len(t, r.Findings, 2)
	assert.Equal(t, "body", r.Findings[0].What)
	assert.Equal(t, verify.Place{Offset: 0, Key: new(-1), Body: new(0)}, *r.Findings[0].Source)
	assert.Equal(t, verify.Place{Offset: 0, Key: new(-1), Body: new(-1)}, *r.Findings[0].Target)
	assert.Equal(t, "key", r.Findings[1].What)
}

// Where the comparison begins and ends.
func TestRange(t *testing.T) {
	t.Parallel()
	c := cluster(t, 2, nil)
	recs := records(20)
	produce(t, c, "source", recs...)
	for _, r := range recs {
		produce(t, c, "target", named(r))
	}
	for name, x := range map[string]struct {
		change  func(*verify.Config)
		source  int64
		outside int64
	}{
		"all":         {func(*verify.Config) {}, 20, 0},
		"from offset": {func(cfg *verify.Config) { cfg.Source.From = map[int32]int64{1: 7} }, 13, 7},
		"since":       {func(cfg *verify.Config) { cfg.Source.Since = time.UnixMilli(1_000_005) }, 15, 5},
		"until":       {func(cfg *verify.Config) { cfg.Source.Until = time.UnixMilli(1_000_015) }, 15, 5},
		"between": {func(cfg *verify.Config) {
			cfg.Source.Since, cfg.Source.Until = time.UnixMilli(1_000_002), time.UnixMilli(1_000_006)
		}, 4, 16},
		"after the end": {func(cfg *verify.Config) { cfg.Source.Since = time.UnixMilli(2_000_000) }, 0, 20},
		"until later":   {func(cfg *verify.Config) { cfg.Source.Until = time.UnixMilli(2_000_000) }, 20, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := config(c)
			x.change(&cfg)
			r := run(t, cfg)
			assert.Equal(t, verify.Counts{Source: x.source, Target: x.source, Equal: x.source}, r.Total)
			assert.Equal(t, x.outside, r.Outside)
			assert.Equal(t, x.source > 0, r.Same(verify.Allowed{}))
		})
	}
	cfg := config(c)
	cfg.Source.From = map[int32]int64{2: 0}
	_, err := verify.Run(t.Context(), cfg)
	require.ErrorContains(t, err, "source topic source: there is no partition 2, only 2")
}

// What the source has removed is not missing, and its copies are not extra.
func TestRemovedAtTheSource(t *testing.T) {
	t.Parallel()
	c := cluster(t, 2, map[string]string{"cleanup.policy": "compact"})
	recs := records(20)
	for _, r := range recs {
		r.Timestamp = time.Now()
		if r.Offset == 0 {
			r.Key = []byte("another key")
		}
	}
	produce(t, c, "source", recs...)
	for _, r := range recs {
		produce(t, c, "target", named(r))
	}
	c.Compact() // leaves of each partition the first and the last two
	r := run(t, config(c))
	assert.Equal(t, verify.Counts{Source: 6, Target: 20, Equal: 6, Gone: 14}, r.Total)
	assert.True(t, r.Same(verify.Allowed{}))

	admin, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	require.NoError(t, err)
	defer admin.Close()
	req := kmsg.NewPtrDeleteRecordsRequest()
	topic := kmsg.NewDeleteRecordsRequestTopic()
	topic.Topic = "source"
	topic.Partitions = append(topic.Partitions, kmsg.DeleteRecordsRequestTopicPartition{Partition: 1, Offset: 9})
	req.Topics = append(req.Topics, topic)
	_, err = req.RequestWith(t.Context(), admin)
	require.NoError(t, err)
	r = run(t, config(c))
	assert.Equal(t, verify.Counts{Source: 4, Target: 11, Equal: 4, Gone: 7}, r.Total)
	assert.EqualValues(t, 9, r.Partitions[1].From)
	assert.EqualValues(t, 9, r.Outside)
}

// Only what was committed counts, and a partition may end with what was not.
func TestTransactions(t *testing.T) {
	t.Parallel()
	c := cluster(t, 1, nil)
	producer, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.TransactionalID("t"), kgo.DefaultProduceTopic("source"))
	require.NoError(t, err)
	defer producer.Close()
	for _, end := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		require.NoError(t, producer.BeginTransaction())
		require.NoError(t, producer.ProduceSync(t.Context(), kgo.StringRecord("a"), kgo.StringRecord("b")).FirstErr())
		require.NoError(t, producer.EndTransaction(t.Context(), end))
	}
	produce(t, c, "target", named(&kgo.Record{Offset: 0, Value: []byte("a")}), named(&kgo.Record{Offset: 1, Value: []byte("b")}))
	r := run(t, config(c))
	assert.Equal(t, verify.Counts{Source: 2, Target: 2, Equal: 2}, r.Total)
	assert.EqualValues(t, 6, r.Partitions[0].End)
}

// After compaction a log may end with offsets that have no record: no fetch
// will ever bring anything, and the comparison must end all the same.
func TestNothingAtTheEnd(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		end  int64 // that the broker tells
		want string
	}{
		"compacted": {4, ""},
		"truncated": {3, "reading the source: partition 0: it ends at offset 3, and ended at 4"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, 1, nil)
			produce(t, c, "source", &kgo.Record{Value: []byte("0")}, &kgo.Record{Value: []byte("1")}, &kgo.Record{Value: []byte("2")}, &kgo.Record{Value: []byte("3")})
			produce(t, c, "target", named(&kgo.Record{Offset: 2, Value: []byte("2")}))
			c.ControlKey(int16(kmsg.Fetch), func(kreq kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				req := kreq.(*kmsg.FetchRequest)
				if len(req.Topics) == 0 || req.Topics[0].Partitions[0].FetchOffset < 3 || req.Topics[0].TopicID != c.TopicInfo("source").TopicID {
					return nil, nil, false
				}
				resp := req.ResponseKind().(*kmsg.FetchResponse)
				topic := kmsg.NewFetchResponseTopic()
				topic.Topic, topic.TopicID = req.Topics[0].Topic, req.Topics[0].TopicID
				part := kmsg.NewFetchResponseTopicPartition()
				part.HighWatermark, part.LastStableOffset = x.end, x.end
				topic.Partitions = append(topic.Partitions, part)
				resp.Topics = append(resp.Topics, topic)
				return resp, nil, true
			})
			cfg := config(c)
			cfg.Source.From = map[int32]int64{0: 3}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			r, err := verify.Run(ctx, cfg)
			if x.want != "" {
				require.ErrorContains(t, err, x.want)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, verify.Counts{}, r.Total)
			assert.EqualValues(t, 1, r.Outside)
		})
	}
}

// A target that another topic goes to as well, or others write to.
func TestOthersInTheTarget(t *testing.T) {
	t.Parallel()
	c := cluster(t, 2, nil)
	recs := records(2)
	produce(t, c, "source", recs...)
	foreign := named(recs[0])
	foreign.Headers[0].Value = []byte("elsewhere")
	bad := named(recs[0])
	bad.Headers[2].Value = []byte("first")
	far := named(recs[0])
	far.Headers[1].Value = []byte("2")
	short := named(recs[1])
	short.Headers = short.Headers[1:] // the event may lack the topic's name
	produce(t, c, "target", foreign, named(recs[0]), short, &kgo.Record{Value: []byte("x")}, bad, far)
	r := run(t, config(c))
	assert.Equal(t, verify.Counts{Source: 2, Target: 5, Equal: 2, Extra: 3}, r.Total)
	assert.EqualValues(t, 3, r.Unnamed)
	assert.EqualValues(t, 1, r.OtherTopics)
	assert.False(t, r.Same(verify.Allowed{Twice: true}))
}

func TestWithoutHeaders(t *testing.T) {
	t.Parallel()
	c := cluster(t, 2, nil)
	recs := records(10)
	produce(t, c, "source", recs...)
	for _, r := range recs {
		produce(t, c, "target", &kgo.Record{Partition: r.Partition, Key: r.Key, Value: r.Value})
	}
	_, err := verify.Run(t.Context(), config(c))
	require.ErrorContains(t, err, "was it written with kafka_headers=false, or not by the function? Compare by content (--match content)")

	cfg := config(c)
	cfg.Match = verify.Content
	r := run(t, cfg)
	assert.Equal(t, verify.Counts{Source: 10, Target: 10, Equal: 10}, r.Total)
}

func TestErrors(t *testing.T) {
	t.Parallel()
	c := cluster(t, 1, nil)
	cfg := config(c)
	cfg.Target.Name = "none"
	_, err := verify.Run(t.Context(), cfg)
	require.ErrorContains(t, err, "target topic none: UNKNOWN_TOPIC_OR_PARTITION")

	produce(t, c, "source", &kgo.Record{Value: []byte("x")})
	ctx, cancel := context.WithCancel(t.Context())
	cfg = config(c)
	cfg.Progress = func(int64, int64) { cancel() }
	cfg.Target.Name = "source" // something to read
	_, err = verify.Run(ctx, cfg)
	require.ErrorIs(t, err, context.Canceled)
}
