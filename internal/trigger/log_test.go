package trigger_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/trigger"
)

// commitAs commits offsets as somebody else does, when nobody is in the group.
func commitAs(t *testing.T, c *fakeKafka, metadata string, offsets ...int64) {
	t.Helper()
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group = group
	rt := kmsg.NewOffsetCommitRequestTopic()
	rt.Topic, rt.TopicID = topic, c.TopicInfo(topic).TopicID
	for p, offset := range offsets {
		rp := kmsg.NewOffsetCommitRequestTopicPartition()
		rp.Partition, rp.Offset, rp.LeaderEpoch, rp.Metadata = int32(p), offset, -1, &metadata
		rt.Partitions = append(rt.Partitions, rp)
	}
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(within(t), client(t, c))
	require.NoError(t, err)
	for _, p := range resp.Topics[0].Partitions {
		require.NoError(t, kerr.ErrorForCode(p.ErrorCode))
	}
}

// A group was at 0 when the log began at 500: nothing was said of the 500
// records that nobody has read.
func TestGap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 1)
		produce(t, c, 1, 0, 1000)
		commitAs(t, c, "", 0)
		require.NoError(t, c.DeleteRecords(topic, 0, 500))
		f := newFunction(nil)
		r := run(t, c, trigger.Config{Functions: functions(f), Grace: limit})
		f.awaitHandled(t, 500)
		gap := r.await(t, isKind(trigger.Gap))
		assert.Equal(t, trigger.Notice{Kind: trigger.Gap, Partition: 0, Offset: 0, LastOffset: 499, Records: 500}, gap)
		assert.Equal(t, int64(500), r.Status()[0].Gaps)
		assert.Equal(t, int64(500), r.Gaps())
		require.ErrorContains(t, r.end(), "500 records were deleted before they were read")
		f.mustHave(t, 1, 500, 500)
	})
}

// The same while a partition is read: its records are deleted in the middle.
func TestGapWhileReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 1)
		produce(t, c, 1, 0, 10)
		gate := make(chan struct{})
		f := newFunction(func(ctx context.Context, _ delivery) error {
			select {
			case <-gate:
			case <-ctx.Done():
			}
			return ctx.Err()
		})
		r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
		f.await(t, func() bool { return len(f.got) == 1 })
		<-time.After(time.Second) // what there is was read
		// Fetching has to fail while records are written and deleted.
		fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: topic, Err: kerr.NotLeaderForPartition, Count: -1})
		produce(t, c, 1, 10, 20)
		require.NoError(t, c.DeleteRecords(topic, 0, 25))
		fault.Remove()
		close(gate)
		f.awaitHandled(t, 15)
		gap := r.await(t, isKind(trigger.Gap))
		assert.Equal(t, []int64{10, 24}, []int64{gap.Offset, gap.LastOffset})
		require.Error(t, r.end())
		assert.Equal(t, int64(9), f.handled[0][9])
		assert.Equal(t, int64(25), f.handled[0][10])
		assert.Equal(t, []int64{30}, committed(t, c, 1))
	})
}

// A commit beyond the end is another log's: 1,000 of 1,000 records were missing.
func TestCommitBehindTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 1)
		produce(t, c, 1, 0, 10)
		commitAs(t, c, "", 500)
		f := newFunction(nil)
		r := run(t, c, trigger.Config{Functions: functions(f), Grace: limit})
		f.awaitHandled(t, 10)
		n := r.await(t, isKind(trigger.Rewound))
		assert.Equal(t, []int64{0, 500}, []int64{n.Offset, n.LastOffset})
		require.NoError(t, r.end())
		f.mustHave(t, 1, 0, 10)
		assert.Equal(t, []int64{10}, committed(t, c, 1))
	})
}

// A topic is deleted and made anew, with more records than it had. The identity
// says that it is another one.
func TestTopicMadeAnew(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprintf("while it runs %v", running), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := virtual(t, 2)
				produce(t, c, 2, 0, 100)
				f := newFunction(nil)
				cfg := trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit}
				r := run(t, c, cfg)
				f.awaitHandled(t, 200)
				r.awaitStatus(t, func(list []trigger.PartitionStatus) bool { return list[0].Committed == 100 && list[1].Committed == 100 })
				if !running {
					require.NoError(t, r.end())
				}
				require.NoError(t, c.DeleteTopic(topic))
				require.NoError(t, c.CreateTopic(topic, 2, nil))
				produce(t, c, 2, 0, 150)
				if !running {
					r = run(t, c, cfg)
				}
				f.awaitHandled(t, 200+300)
				if running {
					r.await(t, func(n trigger.Notice) bool {
						return n.Kind == trigger.Rewound && n.Partition == 1 && n.Offset == 0 && n.LastOffset == 100
					})
				}
				require.NoError(t, r.end())
				assert.Equal(t, []int64{150, 150}, committed(t, c, 2))
				assert.Len(t, f.handled[0], 250)
				assert.Len(t, f.handled[1], 250)
				assert.Empty(t, f.faults)
			})
		})
	}
}

// A topic is made anew with fewer partitions than it had. The one that is gone
// held up all others: nothing was delivered any more, for as long as it ran.
func TestTopicMadeAnewWithFewerPartitions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 3)
		produce(t, c, 3, 0, 100)
		f := newFunction(nil)
		r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
		f.awaitHandled(t, 300)
		r.awaitStatus(t, func(list []trigger.PartitionStatus) bool { return list[2].Committed == 100 })
		require.NoError(t, c.DeleteTopic(topic))
		require.NoError(t, c.CreateTopic(topic, 2, nil))
		began := time.Now()
		produce(t, c, 2, 0, 50)
		f.awaitHandled(t, 300+100)
		assert.Less(t, time.Since(began), time.Minute)

		addPartitions(t, c, 3)
		produceAll(t, c, &kgo.Record{Topic: topic, Partition: 2, Value: []byte("new")})
		f.awaitHandled(t, 300+100+1)
		require.NoError(t, r.end())
		assert.Equal(t, []int64{50, 50, 1}, committed(t, c, 3))
	})
}

// Brokers before 2.8 do not tell a topic from another one of the same name. What
// was handled does.
func TestTopicMadeAnewWithoutIdentity(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 1)
		c.forgetIdentities()
		produce(t, c, 1, 0, 100)
		f := newFunction(nil)
		cfg := trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit}
		r := run(t, c, cfg)
		f.awaitHandled(t, 100)
		require.NoError(t, r.end())
		metadata := remark(t, c)
		require.NoError(t, c.DeleteTopic(topic))
		require.NoError(t, c.CreateTopic(topic, 1, nil))
		var others []*kgo.Record
		for i := range 150 {
			others = append(others, &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "another %090d", i)})
		}
		produceAll(t, c, others...)
		commitAs(t, c, metadata, 100) // kfake forgot it with the topic; Kafka 2.4 may not
		r = run(t, c, cfg)
		f.awaitHandled(t, 250)
		n := r.await(t, isKind(trigger.Rewound))
		assert.Equal(t, []int64{0, 100}, []int64{n.Offset, n.LastOffset})
		require.NoError(t, r.end())
	})
}

// forgetIdentities has brokers answer as those before 2.8.
func (c *fakeKafka) forgetIdentities() {
	c.opts = append(c.opts, kgo.MaxVersions(oldVersions()))
}

// remark returns what the commit of partition 0 says beside the offset.
func remark(t *testing.T, c *fakeKafka) string {
	t.Helper()
	metadata := ""
	for _, p := range fetchOffsets(t, c, 1) {
		metadata = *p.Metadata
	}
	require.True(t, json.Valid([]byte(metadata)), metadata)
	return metadata
}

// addPartitions has the topic have so many.
func addPartitions(t *testing.T, c *fakeKafka, n int32) {
	t.Helper()
	req := kmsg.NewPtrCreatePartitionsRequest()
	rt := kmsg.NewCreatePartitionsRequestTopic()
	rt.Topic, rt.Count = topic, n
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(within(t), client(t, c))
	require.NoError(t, err)
	require.NoError(t, kerr.ErrorForCode(resp.Topics[0].ErrorCode))
}

// A partition that is added is read from its start, whatever the position is,
// also by a member that knows of it only from the group.
func TestPartitionIsAdded(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprintf("while it runs %v", running), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := virtual(t, 1)
				produce(t, c, 1, 0, 50) // before the group
				f := newFunction(nil)
				cfg := trigger.Config{Functions: functions(f), Grace: limit}
				r := run(t, c, cfg)
				r.await(t, isKind(trigger.Assigned))
				if !running {
					require.NoError(t, r.end())
				}
				addPartitions(t, c, 2)
				var recs []*kgo.Record
				for i := range 20 {
					recs = append(recs, &kgo.Record{Topic: topic, Partition: 1, Value: fmt.Appendf(nil, "1-%d", i)})
				}
				produceAll(t, c, recs...)
				began := time.Now()
				if !running {
					r = run(t, c, cfg)
				}
				f.awaitHandled(t, 20)
				assert.Less(t, time.Since(began), time.Minute)
				require.NoError(t, r.end())
				assert.Len(t, f.handled[1], 20)
				assert.Empty(t, f.handled[0], "it was there when the group began")
				assert.Equal(t, []int64{50, 20}, committed(t, c, 2))
			})
		})
	}
}

// The first members of a group come one after another. Who is second finds
// commits, but none for its partitions: they were there when the group began.
func TestSecondMemberOfANewGroup(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 2)
		produce(t, c, 2, 0, 50)
		commitAs(t, c, `{"partitions":2}`, 50) // of partition 0 only
		f := newFunction(nil)
		r := run(t, c, trigger.Config{Functions: functions(f), Grace: limit})
		r.await(t, func(n trigger.Notice) bool { return n.Kind == trigger.Assigned && n.Partition == 1 && n.Offset == 50 })
		require.NoError(t, r.end())
		assert.Equal(t, []int64{50, 50}, committed(t, c, 2))
	})
}

// A group that others began: a partition without a commit came later.
func TestGroupOfOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 2)
		produce(t, c, 2, 0, 50)
		commitAs(t, c, "consumer-1", 50)
		f := newFunction(nil)
		r := run(t, c, trigger.Config{Functions: functions(f), Grace: limit})
		f.awaitHandled(t, 50)
		require.NoError(t, r.end())
		assert.Len(t, f.handled[1], 50)
		assert.Empty(t, f.handled[0])
	})
}

// A deleted topic, or one damaged byte, made 12,000 lines a second for ever, and
// exit 0. Each is said once, and then ends the run within a minute.
func TestErrorsOfTheLog(t *testing.T) {
	tests := []struct {
		name  string
		fault *kerr.Error
	}{
		{"damaged", kerr.CorruptMessage},
		{"denied", kerr.TopicAuthorizationFailed},
		{"disk", kerr.KafkaStorageError},
		{"unknown topic", kerr.UnknownTopicOrPartition},
		{"anything else", kerr.UnknownServerError},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := virtual(t, 2)
				produce(t, c, 2, 0, 10)
				f := newFunction(nil)
				r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
				f.awaitHandled(t, 20)
				began := time.Now()
				fault := kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: topic, Partitions: []int32{0}, Err: tt.fault, Count: -1}
				handle := c.Fault(fault)
				stopped := r.await(t, isKind(trigger.Stopped))
				assert.Less(t, time.Since(began), time.Minute)
				assert.Equal(t, []int64{0, 10}, []int64{int64(stopped.Partition), stopped.Offset})
				require.ErrorIs(t, stopped.Err, tt.fault)
				assert.Equal(t, 1, r.count(trigger.Trouble))
				assert.Less(t, handle.Hits(), 50)
				status := r.Status()
				assert.Equal(t, "stopped", status[0].State)
				assert.Contains(t, status[0].Reason, tt.fault.Message)
				assert.Equal(t, "waiting", status[1].State)
				produceTo(t, c, 1, 10, 5)
				f.awaitHandled(t, 25) // the other one goes on

				fault.Partitions = nil
				c.Fault(fault)
				<-r.done
				require.ErrorContains(t, r.err, "partition 0: "+tt.fault.Message)
				require.ErrorContains(t, r.err, "partition 1: "+tt.fault.Message)
			})
		})
	}
}

func produceTo(t *testing.T, c *fakeKafka, partition int32, first, n int) {
	t.Helper()
	var recs []*kgo.Record
	for i := range n {
		recs = append(recs, &kgo.Record{Topic: topic, Partition: partition, Value: fmt.Appendf(nil, "%d-%d", partition, first+i)})
	}
	produceAll(t, c, recs...)
}

// The topic goes away for good.
func TestTopicIsDeleted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 30)
		r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(newFunction(nil)), Grace: limit})
		r.await(t, func(n trigger.Notice) bool { return n.Kind == trigger.Assigned && n.Partition == 29 })
		require.NoError(t, c.DeleteTopic(topic))
		began := time.Now()
		<-r.done
		assert.Less(t, time.Since(began), time.Minute)
		require.ErrorIs(t, r.err, kerr.UnknownTopicOrPartition)
	})
}

// A leader that moves, and one that is away for an hour, are no reason to stop,
// nor to say more than once that something is amiss.
func TestLeadersMove(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 3)
		produce(t, c, 3, 0, 10)
		f := newFunction(nil)
		r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
		f.awaitHandled(t, 30)
		for i := range 5 {
			for p := range int32(3) {
				require.NoError(t, c.MoveTopicPartition(topic, p, (c.LeaderFor(topic, p)+1)%3))
			}
			produce(t, c, 3, 10+i, 1)
			f.awaitHandled(t, 30+3*(i+1))
		}
		fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch}, Topic: topic, Err: kerr.NotLeaderForPartition, Count: -1})
		produce(t, c, 3, 15, 10)
		<-time.After(time.Hour)
		assert.Less(t, fault.Hits(), 3*3600)
		fault.Remove()
		f.awaitHandled(t, 75)
		require.NoError(t, r.end())
		f.mustHave(t, 3, 0, 25)
		assert.Zero(t, r.count(trigger.Rewound)+r.count(trigger.Gap)+r.count(trigger.Stopped))
		assert.LessOrEqual(t, r.count(trigger.Trouble), 3)
	})
}

// The lag of a topic with transactions was never 0: markers were never handled.
func TestLagOfTransactions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 1)
		producer := client(t, c, kgo.TransactionalID("tx"), kgo.RecordPartitioner(kgo.ManualPartitioner()))
		transaction := func(n int, how kgo.TransactionEndTry) {
			require.NoError(t, producer.BeginTransaction())
			for range n {
				require.NoError(t, producer.ProduceSync(within(t), &kgo.Record{Topic: topic, Value: make([]byte, 100)}).FirstErr())
			}
			require.NoError(t, producer.EndTransaction(within(t), how))
		}
		transaction(5, kgo.TryCommit)
		transaction(5, kgo.TryAbort)
		transaction(5, kgo.TryCommit)
		transaction(3, kgo.TryAbort)
		f := newFunction(nil)
		r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
		f.awaitHandled(t, 10)
		end := int64(5 + 5 + 5 + 3 + 4)
		status := r.awaitStatus(t, func(list []trigger.PartitionStatus) bool { return list[0].Settled == end })
		assert.Equal(t, end, status[0].End)
		assert.Zero(t, status[0].Lag())
		require.NoError(t, producer.BeginTransaction())
		require.NoError(t, producer.ProduceSync(within(t), &kgo.Record{Topic: topic, Value: make([]byte, 100)}).FirstErr())
		<-time.After(10 * time.Second)
		assert.Zero(t, r.Status()[0].Lag(), "what is in an open transaction cannot be read yet")
		require.NoError(t, producer.EndTransaction(within(t), kgo.TryCommit))
		f.awaitHandled(t, 11)
		require.NoError(t, r.end())
		assert.Equal(t, []int64{end + 2}, committed(t, c, 1))
		assert.Len(t, f.handled[0], 11)
	})
}

// A batch that makes more of the memory than there is stops its partition by
// name, and not the process. The other partition goes on.
func TestBatchTooLarge(t *testing.T) {
	for name, codec := range map[string]kgo.CompressionCodec{
		"gzip": kgo.GzipCompression(), "snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression(),
	} {
		t.Run(name, func(t *testing.T) {
			c := cluster(t, 2)
			produceTo(t, c, 0, 0, 3)
			producer := client(t, c, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchCompression(codec), kgo.ProducerBatchMaxBytes(64<<20), kgo.ProducerLinger(time.Second))
			var recs []*kgo.Record
			for range 9 {
				recs = append(recs, &kgo.Record{Topic: topic, Value: make([]byte, 1<<20)})
			}
			require.NoError(t, producer.ProduceSync(within(t), recs...).FirstErr())
			f := newFunction(nil)
			r := run(t, c, trigger.Config{MemoryBudget: trigger.MinMemoryBudget, Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
			stopped := r.await(t, isKind(trigger.Stopped))
			assert.Equal(t, int64(3), stopped.Offset)
			require.ErrorContains(t, stopped.Err, "decompresses to more than the limit of 8388608 bytes, a quarter of memory-budget (offset 3)")
			produceTo(t, c, 1, 0, 3)
			f.awaitHandled(t, 6)
			require.ErrorContains(t, r.end(), "partition 0: ")
			assert.Equal(t, []int64{3, 3}, committed(t, c, 2))
		})
	}
}
