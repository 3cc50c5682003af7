package kafkaclient_test

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
)

func TestWrite(t *testing.T) {
	t.Parallel()
	for _, compression := range []string{"none", "gzip", "snappy", "lz4", "zstd"} {
		t.Run(compression, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.NumBrokers(3), kfake.SeedTopics(6, "target"))
			k := client(t, c, func(cfg *kafkaclient.Config) { cfg.Compression = compression })
			recs := batch(2, 1000)
			all(t, record.Stored, write(t, k, recs))
			requireInOrder(t, c, recs)

			next := batch(2, 2000)[1000:]
			all(t, record.Stored, write(t, k, next))
			requireInOrder(t, c, append(recs, next...))
		})
	}
}

func TestMessageIsTheRecord(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(4, "target"))
	b := &record.Batch{Arrival: arrival}
	recs := []record.Record{
		{Topic: "source", Partition: 1, Offset: 7, Batch: b, Key: []byte("k\x00\xff"), Body: []byte("v\x00\xff{")},
		{Topic: "source", Partition: 1, Offset: 8, Batch: b, Pos: 1, Body: []byte{}},
		{Topic: "", Partition: record.Unknown, Offset: record.Unknown, Batch: b, Pos: 2, Body: []byte("lost")},
	}
	all(t, record.Stored, write(t, client(t, c), recs))
	got := make(map[string]bool)
	for _, msgs := range messages(t, c, "target") {
		for _, m := range msgs {
			got[string(m.Value)] = true
			assert.True(t, m.Timestamp.Equal(arrival), m.Timestamp)
			switch string(m.Value) {
			case "v\x00\xff{":
				assert.Equal(t, "k\x00\xff", string(m.Key))
				assert.Equal(t, "source", header(m, "source.topic"))
				assert.Equal(t, "1", header(m, "source.partition"))
				assert.Equal(t, "7", header(m, "source.offset"))
				assert.Len(t, m.Headers, 3)
			case "":
				assert.Nil(t, m.Key)
				assert.NotNil(t, m.Value, "an empty value is no null")
				assert.EqualValues(t, 1, m.Partition, "without a key as the source")
			case "lost":
				assert.Empty(t, m.Headers)
			}
		}
	}
	assert.Len(t, got, 3)
}

func TestHeadersOff(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "target"))
	k := client(t, c, func(cfg *kafkaclient.Config) { cfg.Headers = false })
	all(t, record.Stored, write(t, k, batch(0, 1)))
	assert.Empty(t, messages(t, c, "target")[0][0].Headers)
}

func TestDocument(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "target"))
	k := client(t, c, func(cfg *kafkaclient.Config) { cfg.ValueDocument = true })
	recs := batch(0, 2)
	recs[1].Body = []byte("secret=hidden")
	all(t, record.Stored, write(t, k, recs))
	msgs := messages(t, c, "target")[0]
	assert.Equal(t, `{"partition":0,"n":0}`, string(msgs[0].Value))
	assert.Equal(t, `{"msg_body":"secret=***"}`, string(msgs[1].Value))
}

func TestKeepPartition(t *testing.T) {
	t.Parallel()
	keep := func(cfg *kafkaclient.Config) { cfg.KeepPartition = true }

	t.Run("same number", func(t *testing.T) {
		t.Parallel()
		c := cluster(t, kfake.SeedTopics(6, "target"))
		all(t, record.Stored, write(t, client(t, c, keep), batch(5, 50)))
		assert.Len(t, messages(t, c, "target")[5], 50)
	})
	t.Run("fewer partitions at the target", func(t *testing.T) {
		t.Parallel()
		c := cluster(t, kfake.SeedTopics(3, "target"))
		recs := append(batch(0, 5), batch(3, 5)...)
		cause := all(t, record.Unsettled, write(t, client(t, c, keep), recs))
		assert.True(t, cause.Permanent)
		assert.Contains(t, cause.Text(), "partition 3")
		assert.Contains(t, cause.Text(), "3 partitions")
		assert.Contains(t, cause.Text(), "kafka_partition")
		assert.Zero(t, count(c, "target"), "nothing may be written")
	})
	t.Run("no partition in the event", func(t *testing.T) {
		t.Parallel()
		c := cluster(t, kfake.SeedTopics(3, "target"))
		recs := batch(0, 2)
		recs[0].Partition = record.Unknown
		results := write(t, client(t, c, keep), recs)
		assert.Equal(t, record.Refused, results[0].Outcome)
		assert.Contains(t, results[0].Cause.Text(), "kafka_partition")
		assert.Equal(t, record.Stored, results[1].Outcome)
	})
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "target"))
	recs := batch(0, 3)
	recs[1].Defect = "it has no msgBody"
	results := write(t, client(t, c), recs)
	assert.Equal(t, record.Stored, results[0].Outcome)
	assert.Equal(t, record.Refused, results[1].Outcome)
	assert.Equal(t, "record_malformed", results[1].Cause.Type)
	assert.Equal(t, record.Stored, results[2].Outcome)
	assert.Equal(t, 2, count(c, "target"))
}

func TestTopicPlaceholder(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "copy.a", "copy.b"))
	k := client(t, c, func(cfg *kafkaclient.Config) { cfg.Topic = "copy.{topic}" })
	recs := batch(0, 4)
	for i, topic := range []string{"a", "b", "", "missing"} {
		recs[i].Topic = topic
	}
	results := write(t, k, recs)
	assert.Equal(t, record.Stored, results[0].Outcome)
	assert.Equal(t, record.Stored, results[1].Outcome)
	assert.Equal(t, record.Refused, results[2].Outcome)
	assert.Contains(t, results[2].Cause.Text(), "kafka_topic_name")
	assert.Equal(t, record.Unsettled, results[3].Outcome, "a topic that is missing hinders no other")
	assert.Contains(t, results[3].Cause.Text(), "kafka_topic_name (copy.missing)")
	assert.Equal(t, 1, count(c, "copy.a"))
	assert.Equal(t, 1, count(c, "copy.b"))
}

func TestMissingTopicIsNotMade(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.AllowAutoTopicCreation())
	cause := all(t, record.Unsettled, write(t, client(t, c), batch(0, 3)))
	assert.True(t, cause.Permanent)
	assert.Equal(t, "UNKNOWN_TOPIC_OR_PARTITION", cause.Type)
	assert.Contains(t, cause.Text(), "kafka_topic_name (target)")
	assert.Nil(t, c.TopicInfo("target"))
}

func TestNothingToWrite(t *testing.T) {
	t.Parallel()
	k := client(t, nil, func(cfg *kafkaclient.Config) { cfg.Brokers = []string{"127.0.0.1:1"} })
	results, stats := k.Write(t.Context(), record.Delivery{})
	assert.Empty(t, results)
	assert.Zero(t, stats)
}

// The platform starts many instances that never write, and bills their start:
// making a client must neither connect nor take long.
func TestNewContactsNobody(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "target"))
	versions := counting(c, 18)
	k := client(t, c)
	assert.Equal(t, "kafka", k.Name())
	assert.Contains(t, k.Target(), "target")
	assert.Contains(t, k.Target(), c.ListenAddrs()[0])
	k.Close()
	assert.Zero(t, versions.count())
	all(t, record.Stored, write(t, k, batch(0, 1)))
	assert.Positive(t, versions.count())
}

func TestStats(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.NumBrokers(1), kfake.SeedTopics(3, "target"))
	k := client(t, c)
	recs := batch(0, 100)
	recs[3].Lossy = 2
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	_, stats := k.Write(ctx, record.Delivery{Records: recs})
	assert.Equal(t, 1, stats.Requests, "one broker, one request")
	assert.Zero(t, stats.Retries)
	assert.Greater(t, stats.Bytes, int64(100*len(recs[0].Body)))
	assert.Equal(t, 2, stats.Replaced)
}

func TestLargeEventGoesInSeveralBatches(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "target"))
	k := client(t, c, func(cfg *kafkaclient.Config) { cfg.Compression = "none" })
	recs := batch(0, 500)
	for i := range recs {
		recs[i].Body = append(make([]byte, 8000), recs[i].Body...)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	results, stats := k.Write(ctx, record.Delivery{Records: recs})
	all(t, record.Stored, results)
	assert.Equal(t, 5, stats.Requests, "4 MB in batches of at most 1 MB")
	assert.Zero(t, stats.Retries)
	requireInOrder(t, c, recs)
	require.Len(t, messages(t, c, "target")[0], 500)
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		change option
		want   string
	}{
		"compression": {func(cfg *kafkaclient.Config) { cfg.Compression = "rar" }, "kafka_compression"},
		"letters":     {func(cfg *kafkaclient.Config) { cfg.DeadLetterTopic = "d" }, "program"},
		"documents":   {func(cfg *kafkaclient.Config) { cfg.ValueDocument = true }, "program"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cfg := configured(nil, func(cfg *kafkaclient.Config) { cfg.Brokers, cfg.DeadLetterTopic = []string{"127.0.0.1:1"}, "" }, x.change)
			_, err := kafkaclient.New(cfg)
			require.ErrorContains(t, err, x.want)
		})
	}
}

// A record that no document is made of becomes no message where messages are
// documents, and its letter says that it holds the beginning. As it came it is
// copied like any other.
func TestRecordWithTooManyMembers(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "target", "letters"))
	recs := batch(0, 3)
	wide := `{"n":1` + strings.Repeat(`,"a long name":1.000000000000000000000000000`, 25_000) + `}`
	recs[1].Body = []byte(wide)
	all(t, record.Stored, write(t, client(t, c), recs[1:2]))
	require.Equal(t, wide, string(messages(t, c, "target")[0][0].Value))

	k := client(t, c, func(cfg *kafkaclient.Config) { cfg.ValueDocument = true })
	results := write(t, k, recs)
	require.Equal(t, record.Stored, results[0].Outcome)
	require.Equal(t, record.Refused, results[1].Outcome)
	require.Equal(t, record.Stored, results[2].Outcome)
	cause := results[1].Cause
	require.Equal(t, "too_many_members: the record has 25001 members, 20000 are taken; look at what writes the record", cause.Text())
	require.Equal(t, "target", cause.Index)
	require.False(t, cause.Raw)

	all(t, record.Dead, bury(t, k, 10*time.Second, letters(recs[1:2], cause)))
	letter := messages(t, c, "letters")[0][0]
	require.Equal(t, strconv.Itoa(len(wide)), header(letter, kafkaclient.HeaderDocumentBytes))
	require.True(t, strings.HasPrefix(string(letter.Value), `{"msg_body":"{\"n\":1,\"a long name`))
}
