package kafkaclient_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
)

// A leader lost its place, or its disk, after it had appended a batch. The answer
// was an error, the call's time was over, and the trigger let the batch go. The
// next records were sent under the same numbers: the broker took them for those
// it had, they counted as stored, and were nowhere.
func TestNumberOfAnErrorIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	for _, e := range []*kerr.Error{
		kerr.NotLeaderForPartition, kerr.KafkaStorageError, kerr.UnknownTopicOrPartition, kerr.NotEnoughReplicas,
		kerr.TopicAuthorizationFailed, kerr.InvalidRequiredAcks,
	} {
		t.Run(e.Message, func(t *testing.T) {
			t.Parallel()
			var w wire
			c := wired(t, &w)
			k := client(t, c, func(cfg *kafkaclient.Config) { cfg.KeepPartition = true })
			recs := batch(0, 70)
			all(t, record.Stored, write(t, k, recs[:10]))
			w.says.Store(int32(e.Code))
			all(t, record.Unsettled, writeWithin(t, k, 150*time.Millisecond, recs[10:40]))
			w.says.Store(0)
			all(t, record.Stored, write(t, k, recs[40:70]))
			requireInOrder(t, c, recs)
		})
	}
}

// Ten records came, the first of them was refused, and of the other nine the
// answer was lost. The place for dead letters was down as well, so that all ten
// came again: they were another batch than the nine, and those were written twice.
func TestUnknownBatchBehindARefusedRecord(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]int{"first": 0, "in the middle": 4, "last": 9} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w wire
			c := wired(t, &w)
			require.NoError(t, c.CreateTopic("small", 1, map[string]string{"max.message.bytes": "5000"}))
			k := client(t, c, func(cfg *kafkaclient.Config) { cfg.Topic, cfg.Compression = "small", "none" })
			recs := batch(0, 10)
			recs[at].Body = []byte(strings.Repeat("x", 6000))
			w.says.Store(int32(kerr.RequestTimedOut.Code))
			results := writeWithin(t, k, 500*time.Millisecond, recs)
			w.says.Store(0)
			unsettled := 0
			for _, r := range results {
				if r.Outcome == record.Unsettled {
					unsettled++
				}
			}
			assert.GreaterOrEqual(t, unsettled, 1)
			results = write(t, k, recs)
			for i, r := range results {
				assert.Equal(t, i == at, r.Outcome == record.Refused, "record %d is %v", i, r.Outcome)
			}
			got := make(map[string]int)
			for _, m := range messages(t, c, "small")[0] {
				got[string(m.Value)]++
			}
			assert.Len(t, got, 9)
			for body, n := range got {
				assert.Equal(t, 1, n, body)
			}
		})
	}
}

// A way of one source partition to a target partition was forgotten with a batch
// of unknown fate when there were many: each delivery wrote it once more. And a
// producer id was kept, so that numbers began from 0 again under it: the broker
// would have called new records duplicates.
func TestManyPartitionsWhileATargetTakesNothing(t *testing.T) {
	t.Parallel()
	var w wire
	c := cluster(t, kfake.ListenFn(w.listen), kfake.NumBrokers(1), kfake.SeedTopics(40, "target"))
	k := client(t, c, func(cfg *kafkaclient.Config) { cfg.DeadLetterTopic = "" })
	const sources, each = 300, 60 // 300 x 40 ways are more than are kept
	recs := make([][]record.Record, sources)
	for p := range recs {
		recs[p] = batch(int32(p), each)
		for i := range recs[p] {
			recs[p][i].Key = fmt.Appendf(nil, "key-%d", i)
		}
	}
	w.says.Store(int32(kerr.NotEnoughReplicasAfterAppend.Code))
	for p := range recs[:20] {
		all(t, record.Unsettled, writeWithin(t, k, 40*time.Millisecond, recs[p]))
	}
	w.says.Store(0)
	var want []record.Record
	for p := range recs[20:] {
		all(t, record.Stored, write(t, k, recs[20+p]))
		want = append(want, recs[20+p]...)
	}
	for p := range recs[:20] {
		all(t, record.Stored, write(t, k, recs[p]))
		want = append(want, recs[p]...)
	}
	requireInOrder(t, c, want)
	// Those that were forgotten begin anew, and lose nothing.
	for p := range recs[20:60] {
		next := batch(int32(20+p), 2*each)[each:]
		all(t, record.Stored, write(t, k, next))
		want = append(want, next...)
	}
	requireInOrder(t, c, want)
}

// Kafka 1.1.1 calls a record without a key, in a compacted topic, a damaged
// message, and names none. It was sent again and again, and its partition stood.
func TestCorruptMessage(t *testing.T) {
	t.Parallel()
	for name, settings := range map[string]bool{"settings are told": true, "settings are secret": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t)
			require.NoError(t, c.CreateTopic("target", 1, map[string]string{"cleanup.policy": "compact"}))
			c.ControlKey(int16(kmsg.ApiVersions), oldBroker(c, 1))
			if !settings {
				c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.DescribeConfigs}, Err: kerr.TopicAuthorizationFailed, Count: -1})
			}
			c.ControlKey(produceKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				produce, _ := req.(*kmsg.ProduceRequest)
				if keyless(t, produce) {
					return answerAll(produce, kerr.CorruptMessage), nil, true
				}
				return nil, nil, false
			})
			recs := batch(0, 60)
			for i := range recs {
				recs[i].Key = []byte("key")
			}
			for _, i := range []int{0, 1, 29, 59} {
				recs[i].Key = nil
			}
			k := client(t, c, func(cfg *kafkaclient.Config) { cfg.Compression = "none" })
			var good []record.Record
			for i, r := range write(t, k, recs) {
				if recs[i].Key == nil {
					assert.Equal(t, record.Refused, r.Outcome, "record %d", i)
					assert.Equal(t, "CORRUPT_MESSAGE", r.Cause.Type)
					assert.Contains(t, r.Cause.Text(), "cleanup.policy of kafka_topic_name (target)")
				} else {
					assert.Equal(t, record.Stored, r.Outcome, "record %d", i)
					good = append(good, recs[i])
				}
			}
			requireInOrder(t, c, good)
		})
	}
}

// A broker that finds everything damaged says nothing about the records.
func TestEverythingCorrupt(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "target"))
	h := c.Fault(produceFault(kerr.CorruptMessage, -1))
	recs := batch(0, 1000)
	cause := all(t, record.Unsettled, write(t, client(t, c), recs))
	assert.Equal(t, "CORRUPT_MESSAGE", cause.Type)
	assert.Less(t, h.Hits(), 60)
	h.Remove()
	all(t, record.Stored, write(t, client(t, c), recs))
	requireInOrder(t, c, recs)
}

// keyless reports whether a batch has a record without a key.
func keyless(t *testing.T, req *kmsg.ProduceRequest) bool {
	t.Helper()
	var b kmsg.RecordBatch
	require.NoError(t, b.ReadFrom(req.Topics[0].Partitions[0].Records))
	for rest, n := b.Records, int32(0); n < b.NumRecords; n++ {
		var r kmsg.Record
		size := recordSize(rest)
		require.NoError(t, r.ReadFrom(rest[:size]))
		rest = rest[size:]
		if r.Key == nil {
			return true
		}
	}
	return false
}
