package kafkaclient_test

import (
	"bytes"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
)

// versionsOf are the versions of Kafka that the tests stand in for.
func versionsOf(major int) *kversion.Versions {
	switch major {
	case -1:
		return kversion.V0_9_0()
	case 0:
		return kversion.V0_10_2()
	case 1:
		return kversion.V1_1_0()
	default:
		return kversion.V2_8_0()
	}
}

// oldBroker has a cluster say that it is an old one.
func oldBroker(c *kfake.Cluster, major int) func(kmsg.Request) (kmsg.Response, error, bool) {
	return func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		res, _ := req.ResponseKind().(*kmsg.ApiVersionsResponse)
		if req.GetVersion() > 0 { // of which it has not heard
			res.ErrorCode, res.Version = kerr.UnsupportedVersion.Code, 0
		}
		versionsOf(major).EachMaxKeyVersion(func(key, version int16) {
			k := kmsg.NewApiVersionsResponseApiKey()
			k.ApiKey, k.MaxVersion = key, version
			res.ApiKeys = append(res.ApiKeys, k)
		})
		return res, nil, true
	}
}

// setBroker keeps what is produced to it as sets of messages, as Kafka 0.10 does.
type setBroker struct {
	mu   sync.Mutex
	got  []*kgo.Record
	bad  []string // what is wrong with requests
	asks []int    // topics asked for in each metadata request
}

func newSetBroker(t *testing.T) (*setBroker, *kfake.Cluster) {
	t.Helper()
	b := &setBroker{}
	c := cluster(t, kfake.NumBrokers(1), kfake.SeedTopics(1, "target", "letters"), kfake.AllowAutoTopicCreation())
	c.ControlKey(int16(kmsg.ApiVersions), oldBroker(c, 0))
	c.ControlKey(metadataKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		m, _ := req.(*kmsg.MetadataRequest)
		b.mu.Lock()
		defer b.mu.Unlock()
		b.asks = append(b.asks, len(m.Topics))
		return nil, nil, false
	})
	c.ControlKey(produceKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		p, _ := req.(*kmsg.ProduceRequest)
		b.take(p)
		return answerAll(p, &kerr.Error{}), nil, true
	})
	return b, c
}

func (b *setBroker) take(req *kmsg.ProduceRequest) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if req.Version != 2 || req.Acks != -1 {
		b.bad = append(b.bad, "not a request of version 2 for all replicas")
	}
	for _, t := range req.Topics {
		for _, p := range t.Partitions {
			if p.Records[16] != 1 {
				b.bad = append(b.bad, "not a message of format 1")
			}
			read := kmsg.NewFetchResponseTopicPartition()
			read.RecordBatches = bytes.Clone(p.Records)
			got, _ := kgo.ProcessFetchPartition(kgo.ProcessFetchPartitionOpts{Topic: t.Topic, Offset: -1}, &read, kgo.DefaultDecompressor(), nil)
			if got.Err != nil {
				b.bad = append(b.bad, got.Err.Error())
			}
			b.got = append(b.got, got.Records...)
		}
	}
}

// CKafka still sells 0.10.2. Nothing could be written there, while check said
// that all was well.
func TestBrokerBeforeHeaders(t *testing.T) {
	t.Parallel()
	for _, compression := range []string{"none", "gzip", "snappy", "lz4"} {
		t.Run(compression, func(t *testing.T) {
			t.Parallel()
			b, c := newSetBroker(t)
			var l logs
			k := client(t, c, logTo(&l), func(cfg *kafkaclient.Config) { cfg.Compression = compression })
			recs := batch(0, 500)
			recs[3].Body, recs[4].Body = []byte{}, bytes.Repeat([]byte("long "), 50_000)
			all(t, record.Stored, write(t, k, recs))
			all(t, record.Stored, write(t, k, batch(0, 510)[500:]))
			require.Empty(t, b.bad)
			require.Len(t, b.got, 510)
			for i, r := range b.got[:500] {
				require.Equal(t, recs[i].Key, r.Key, i)
				require.Equal(t, recs[i].Body, r.Value, i)
				require.True(t, r.Timestamp.Equal(arrival), r.Timestamp)
			}
			assert.Equal(t, 1, strings.Count(l.String(), `"WARN"`), l.String())
			assert.Contains(t, l.String(), "older than Kafka 0.11")
			for _, n := range b.asks {
				assert.Zero(t, n, "a question for a topic makes it")
			}
		})
	}
}

// A letter without its headers could not be told from a record, nor redriven.
func TestLettersNeedHeaders(t *testing.T) {
	t.Parallel()
	b, c := newSetBroker(t)
	for _, r := range bury(t, client(t, c), waitLong, letters(batch(0, 2), &record.Cause{Type: "x"})) {
		assert.Equal(t, record.Unsettled, r.Outcome)
		assert.True(t, r.Cause.Permanent)
		assert.Contains(t, r.Cause.Text(), "kafka_dead_letter_topic")
	}
	assert.Empty(t, b.got)
}

// What brokers cannot do is said by version before anything is written.
func TestTooOld(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		major       int
		compression string
		says        string
	}{
		"before times": {-1, "none", "older than Kafka 0.10"},
		"before zstd":  {1, "zstd", "Kafka 2.1 know no zstd; look at kafka_compression"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.SeedTopics(1, "target"))
			c.ControlKey(int16(kmsg.ApiVersions), oldBroker(c, x.major))
			produced := counting(c, produceKey)
			k := client(t, c, func(cfg *kafkaclient.Config) { cfg.Compression = x.compression })
			cause := all(t, record.Unsettled, write(t, k, batch(0, 1)))
			assert.True(t, cause.Permanent, cause.Text())
			assert.Contains(t, cause.Text(), x.says)
			assert.Zero(t, produced.count())
		})
	}
}

// Topics of brokers before 3.0 may keep an older format than the brokers know.
// Such a broker fails on headers without a word that says so.
func TestTopicWithoutHeaders(t *testing.T) {
	t.Parallel()
	for name, told := range map[string]bool{"its settings are told": true, "it says so when it is written to": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.SeedTopics(1, "target", "letters"))
			c.ControlKey(int16(kmsg.ApiVersions), oldBroker(c, 2))
			c.ControlKey(int16(kmsg.DescribeConfigs), func(req kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				if !told {
					return nil, nil, false
				}
				return formatSetting(req, "0.10.2-IV0"), nil, true
			})
			c.ControlKey(produceKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				p, _ := req.(*kmsg.ProduceRequest)
				var b kmsg.RecordBatch
				if err := b.ReadFrom(p.Topics[0].Partitions[0].Records); err != nil {
					return nil, err, true
				}
				if b.ProducerID >= 0 {
					return answerAll(p, kerr.UnsupportedForMessageFormat), nil, true
				}
				return nil, nil, false
			})
			var l logs
			k := client(t, c, logTo(&l))
			all(t, record.Stored, write(t, k, batch(0, 300)))
			all(t, record.Stored, write(t, k, batch(1, 10)))
			for _, m := range messages(t, c, "target")[0] {
				require.Empty(t, m.Headers)
			}
			assert.Equal(t, 310, count(c, "target"))
			assert.Equal(t, 1, strings.Count(l.String(), `"WARN"`), l.String())
			assert.Contains(t, l.String(), "message.format.version")
			for _, r := range bury(t, k, waitLong, letters(batch(0, 1), &record.Cause{Type: "x"})) {
				assert.Equal(t, "no_headers", r.Cause.Type)
			}
		})
	}
}

// formatSetting is the answer about a topic that keeps messages in a format.
func formatSetting(req kmsg.Request, version string) kmsg.Response {
	resp, _ := req.ResponseKind().(*kmsg.DescribeConfigsResponse)
	r := kmsg.NewDescribeConfigsResponseResource()
	c := kmsg.NewDescribeConfigsResponseResourceConfig()
	c.Name, c.Value = "message.format.version", &version
	r.Configs = append(r.Configs, c)
	resp.Resources = append(resp.Resources, r)
	return resp
}
