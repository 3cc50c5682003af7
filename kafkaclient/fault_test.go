package kafkaclient_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"ckafka-etl/config"
	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
)

func produceFault(err *kerr.Error, n int) kfake.Fault {
	return kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: err, Count: n}
}

// What passes is waited for, and everything is written once and in order.
func TestFaultsThatPass(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]kfake.Fault{
		"no leader yet":            produceFault(kerr.LeaderNotAvailable, 2),
		"not the leader":           produceFault(kerr.NotLeaderForPartition, 2),
		"not there yet":            produceFault(kerr.UnknownTopicOrPartition, 6),
		"too few replicas":         produceFault(kerr.NotEnoughReplicas, 3),
		"written, too few have it": produceFault(kerr.NotEnoughReplicasAfterAppend, 3),
		"written, timed out":       produceFault(kerr.RequestTimedOut, 3),
		"disk trouble":             produceFault(kerr.KafkaStorageError, 1),
		"damaged":                  produceFault(kerr.CorruptMessage, 1),
		"unknown":                  produceFault(kerr.UnknownServerError, 1),
		"lost count":               produceFault(kerr.OutOfOrderSequenceNumber, 2),
		"forgot the producer":      produceFault(kerr.UnknownProducerID, 1),
		"topic not yet known":      {Keys: []kmsg.Key{kmsg.Metadata}, Err: kerr.UnknownTopicOrPartition, Count: 2},
		"no producer id yet":       {Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.CoordinatorLoadInProgress, Count: 2, TopLevel: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.NumBrokers(2), kfake.SeedTopics(3, "target"))
			h := c.Fault(fault)
			recs := batch(1, 300)
			all(t, record.Stored, write(t, client(t, c), recs))
			assert.Positive(t, h.Hits())
			requireInOrder(t, c, recs)
		})
	}
}

// What somebody has to change is told at once: what it is, where to look, and
// that trying again is no use.
func TestFaultsThatStay(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		fault kfake.Fault
		hint  string
	}{
		"no right to write":     {produceFault(kerr.TopicAuthorizationFailed, -1), "rights of kafka_user on kafka_topic_name (target)"},
		"no right to describe":  {kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Err: kerr.TopicAuthorizationFailed, Count: -1}, "kafka_topic_name (target)"},
		"no right on cluster":   {produceFault(kerr.ClusterAuthorizationFailed, -1), "rights of kafka_user on the cluster"},
		"compression":           {produceFault(kerr.UnsupportedCompressionType, -1), "kafka_compression"},
		"clock":                 {produceFault(kerr.InvalidTimestamp, -1), "clocks"},
		"policy":                {produceFault(kerr.PolicyViolation, -1), "policy of kafka_topic_name (target)"},
		"old message format":    {produceFault(kerr.UnsupportedForMessageFormat, -1), "message.format.version"},
		"something new, for us": {produceFault(kerr.InvalidRequest, -1), "brokers' logs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.SeedTopics(1, "target"))
			c.Fault(x.fault)
			started := time.Now()
			cause := all(t, record.Unsettled, write(t, client(t, c), batch(0, 3)))
			assert.Less(t, time.Since(started), 5*time.Second)
			assert.True(t, cause.Permanent)
			assert.Equal(t, x.fault.Err.Message, cause.Type)
			assert.Contains(t, cause.Text(), x.hint)
			assert.Equal(t, "target", cause.Index)
			assert.Zero(t, count(c, "target"))
		})
	}
}

// The cause of a time-out is what the time went into.
func TestTimeOverKeepsTheCause(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]kfake.Fault{
		"produce":  produceFault(kerr.NotEnoughReplicas, -1),
		"metadata": {Keys: []kmsg.Key{kmsg.Metadata}, Err: kerr.LeaderNotAvailable, Count: -1},
		"id":       {Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.CoordinatorNotAvailable, Count: -1, TopLevel: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.SeedTopics(1, "target"))
			c.Fault(fault)
			cause := all(t, record.Unsettled, writeWithin(t, client(t, c), 600*time.Millisecond, batch(0, 3)))
			assert.Equal(t, fault.Err.Message, cause.Type)
			assert.False(t, cause.Permanent)
		})
	}
}

func TestNoTimeAtAll(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "target"))
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	results, stats := client(t, c).Write(ctx, record.Delivery{Records: batch(0, 3)})
	cause := all(t, record.Unsettled, results)
	assert.Equal(t, "no_time_left", cause.Type)
	assert.Zero(t, stats.Requests)
}

// A record that fails for what it is must not take others along: the same good
// output wherever the bad one stands.
func TestTooLarge(t *testing.T) {
	t.Parallel()
	for name, at := range map[string]int{"first": 0, "middle": 150, "last": 299} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t)
			limit := "20000"
			require.NoError(t, c.CreateTopic("target", 2, map[string]string{"max.message.bytes": limit}))
			k := client(t, c, func(cfg *kafkaclient.Config) { cfg.Compression = "none" })
			recs := batch(0, 300)
			recs[at].Body = []byte(strings.Repeat("x", 30_000))
			results := write(t, k, recs)
			for i, r := range results {
				if i == at {
					assert.Equal(t, record.Refused, r.Outcome)
					assert.Equal(t, "MESSAGE_TOO_LARGE", r.Cause.Type)
					assert.Contains(t, r.Cause.Text(), "the message has 300")
					assert.Contains(t, r.Cause.Text(), "max.message.bytes of kafka_topic_name (target)")
				} else {
					assert.Equal(t, record.Stored, r.Outcome, "record %d", i)
				}
			}
			good := append(append([]record.Record{}, recs[:at]...), recs[at+1:]...)
			requireInOrder(t, c, good)

			// The size that the topic takes is remembered.
			_, stats := k.Write(t.Context(), record.Delivery{Records: batch(1, 300)})
			assert.Less(t, stats.Requests, 8)
		})
	}
}

// From 2.4 on brokers name the records that they do not take.
func TestRefusedRecords(t *testing.T) {
	t.Parallel()
	for name, named := range map[string]bool{"named": true, "not named": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, kfake.SeedTopics(1, "target"))
			c.ControlKey(produceKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
				c.KeepControl()
				return refuseBad(req.(*kmsg.ProduceRequest), named)
			})
			recs := batch(0, 40)
			recs[0].Body, recs[17].Body, recs[39].Body = []byte("bad"), []byte("bad"), []byte("bad")
			k := client(t, c, func(cfg *kafkaclient.Config) { cfg.Compression = "none" })
			results := write(t, k, recs)
			var good []record.Record
			for i, r := range results {
				if string(recs[i].Body) == "bad" {
					assert.Equal(t, record.Refused, r.Outcome, "record %d", i)
					assert.Equal(t, "INVALID_RECORD", r.Cause.Type)
					if named {
						assert.Equal(t, "it is bad", r.Cause.Reason)
					}
				} else {
					assert.Equal(t, record.Stored, r.Outcome, "record %d", i)
					good = append(good, recs[i])
				}
			}
			requireInOrder(t, c, good)
		})
	}
}

// refuseBad refuses a batch that holds a message with the value "bad".
func refuseBad(req *kmsg.ProduceRequest, named bool) (kmsg.Response, error, bool) {
	data := req.Topics[0].Partitions[0].Records
	var b kmsg.RecordBatch
	if err := b.ReadFrom(data); err != nil {
		return nil, err, true
	}
	p := kmsg.NewProduceResponseTopicPartition()
	p.ErrorCode = kerr.InvalidRecord.Code
	bad := false
	for rest, n := b.Records, int32(0); n < b.NumRecords; n++ {
		var r kmsg.Record
		size := recordSize(rest)
		if err := r.ReadFrom(rest[:size]); err != nil {
			return nil, err, true
		}
		rest = rest[size:]
		if string(r.Value) == "bad" {
			bad = true
			e := kmsg.NewProduceResponseTopicPartitionErrorRecord()
			e.RelativeOffset, e.ErrorMessage = n, new("it is bad")
			if named {
				p.ErrorRecords = append(p.ErrorRecords, e)
			}
		}
	}
	if !bad {
		return nil, nil, false
	}
	res := req.ResponseKind().(*kmsg.ProduceResponse)
	topic := kmsg.NewProduceResponseTopic()
	topic.Topic, topic.Partitions = req.Topics[0].Topic, append(topic.Partitions, p)
	res.Topics = append(res.Topics, topic)
	return res, nil, true
}

// recordSize returns how many bytes the first record takes, with its length.
func recordSize(b []byte) int {
	var n, shift uint
	for i, c := range b {
		n |= uint(c&0x7f) << shift
		if c < 0x80 {
			return i + 1 + int(n>>1)
		}
		shift += 7
	}
	return len(b)
}

// The promise of order: while a batch fails, nothing behind it is written, not
// even if the broker would take it.
func TestNothingOvertakesAFailedBatch(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "target"))
	k := client(t, c, func(cfg *kafkaclient.Config) { cfg.Compression = "none" })
	recs := batch(0, 400)
	for i := range recs {
		recs[i].Body = append(recs[i].Body, make([]byte, 10_000)...)
	}
	n := 0
	c.ControlKey(produceKey, func(req kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if n++; n < 2 {
			return nil, nil, false
		}
		return answerAll(req.(*kmsg.ProduceRequest), kerr.NotEnoughReplicas), nil, true
	})
	results := writeWithin(t, k, time.Second, recs)
	stored := 0
	for i, r := range results {
		if r.Outcome == record.Stored {
			require.Equal(t, stored, i, "record %d is stored, one before it is not", i)
			stored++
			continue
		}
		require.Equal(t, "NOT_ENOUGH_REPLICAS", r.Cause.Type)
	}
	assert.Positive(t, stored)
	assert.Less(t, stored, len(recs))
	requireInOrder(t, c, recs[:stored])
}

func answerAll(req *kmsg.ProduceRequest, e *kerr.Error) *kmsg.ProduceResponse {
	res := req.ResponseKind().(*kmsg.ProduceResponse)
	for _, rt := range req.Topics {
		topic := kmsg.NewProduceResponseTopic()
		topic.Topic, topic.TopicID = rt.Topic, rt.TopicID
		for _, rp := range rt.Partitions {
			p := kmsg.NewProduceResponseTopicPartition()
			p.Partition, p.ErrorCode = rp.Partition, e.Code
			topic.Partitions = append(topic.Partitions, p)
		}
		res.Topics = append(res.Topics, topic)
	}
	return res
}

// A partition that is stuck must not hold up others.
func TestOneBadPartition(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.NumBrokers(3), kfake.SeedTopics(6, "target"))
	fault := produceFault(kerr.NotEnoughReplicas, -1)
	fault.Partitions = []int32{2}
	c.Fault(fault)
	k := client(t, c)
	recs := batch(0, 600)
	results := writeWithin(t, k, time.Second, recs)
	stored, unsettled := 0, 0
	for _, r := range results {
		switch r.Outcome {
		case record.Stored:
			stored++
		case record.Unsettled:
			unsettled++
		}
	}
	assert.Positive(t, unsettled)
	assert.Equal(t, 600, stored+unsettled)
	assert.Equal(t, stored, count(c, "target"))
	assert.Zero(t, c.PartitionInfo("target", 2).HighWatermark)
}

// A topic that is deleted while it is written to is not asked for until the
// time is over.
func TestTopicGoes(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(2, "target"))
	k := client(t, c)
	all(t, record.Stored, write(t, k, batch(0, 10)))
	require.NoError(t, c.DeleteTopic("target"))
	started := time.Now()
	cause := all(t, record.Unsettled, write(t, k, batch(0, 10)))
	assert.Less(t, time.Since(started), 10*time.Second)
	assert.Equal(t, "UNKNOWN_TOPIC_OR_PARTITION", cause.Type)
	assert.True(t, cause.Permanent)
	require.NoError(t, c.CreateTopic("target", 1, nil))
	all(t, record.Stored, write(t, k, batch(0, 10)))
	requireInOrder(t, c, batch(0, 10))
}

func TestLeaderMoves(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.NumBrokers(3), kfake.SeedTopics(4, "target"))
	k := client(t, c)
	recs := batch(0, 300)
	all(t, record.Stored, write(t, k, recs[:100]))
	c.ShufflePartitionLeaders()
	for p := range int32(4) {
		require.NoError(t, c.MoveTopicPartition("target", p, (c.LeaderFor("target", p)+1)%3))
	}
	all(t, record.Stored, write(t, k, recs[100:200]))
	require.NoError(t, c.RemoveNode(2))
	all(t, record.Stored, write(t, k, recs[200:]))
	requireInOrder(t, c, recs)
}

// Kafka before 2.8 wants the cluster right IdempotentWrite, and some clusters
// know no producer ids at all.
func TestWithoutIdempotence(t *testing.T) {
	t.Parallel()
	old := kversion.V2_4_0()
	old.SetMaxKeyVersion(initProducerIDKey, -1)
	for name, x := range map[string]struct {
		opts   []kfake.Opt
		faults []kfake.Fault
	}{
		"id not allowed":      {faults: []kfake.Fault{{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.ClusterAuthorizationFailed, Count: -1, TopLevel: true}}},
		"id not supported":    {faults: []kfake.Fault{{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.UnsupportedVersion, Count: -1, TopLevel: true}}},
		"request not known":   {opts: []kfake.Opt{kfake.MaxVersions(old)}},
		"produce not allowed": {faults: []kfake.Fault{produceFault(kerr.ClusterAuthorizationFailed, 1)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := cluster(t, append(x.opts, kfake.SeedTopics(2, "target"))...)
			c.Fault(x.faults...)
			var l logs
			k := client(t, c, logTo(&l))
			recs := batch(0, 200)
			all(t, record.Stored, write(t, k, recs[:100]))
			asked := counting(c, initProducerIDKey)
			all(t, record.Stored, write(t, k, recs[100:]))
			requireInOrder(t, c, recs)
			assert.Zero(t, asked.count(), "what is known is not asked for again")
			assert.Equal(t, 1, strings.Count(l.String(), "IdempotentWrite"), l.String())
			assert.Equal(t, 1, strings.Count(l.String(), `"WARN"`), l.String())
		})
	}
}

func TestLogin(t *testing.T) {
	t.Parallel()
	c := cluster(t, kfake.SeedTopics(1, "target"), kfake.EnableSASL(),
		kfake.Superuser("PLAIN", "ckafka-1#alice", "pässword"),
		kfake.Superuser("SCRAM-SHA-256", "bob", "secret256"),
		kfake.Superuser("SCRAM-SHA-512", "carol", "secret512"))
	login := func(mechanism, user, password string) option {
		return func(cfg *kafkaclient.Config) {
			cfg.Mechanism, cfg.User, cfg.Password = mechanism, user, config.NewSecret(password)
		}
	}
	for _, x := range [][3]string{
		{"PLAIN", "ckafka-1#alice", "pässword"}, {"SCRAM-SHA-256", "bob", "secret256"}, {"SCRAM-SHA-512", "carol", "secret512"},
	} {
		t.Run(x[0], func(t *testing.T) {
			t.Parallel()
			all(t, record.Stored, write(t, client(t, c, login(x[0], x[1], x[2])), batch(0, 2)))
		})
	}
	// The fake hangs up at a wrong password, as Kafka did before 1.0.
	const wrong = "wrong-password"
	hungUp := client(t, c, login("PLAIN", "ckafka-1#alice", wrong))
	cause := all(t, record.Unsettled, writeWithin(t, hungUp, 500*time.Millisecond, batch(0, 2)))
	assert.False(t, cause.Permanent, "it may be a broker that ends")
	assert.Contains(t, cause.Text(), "kafka_password")
	assert.NotContains(t, cause.Text()+cause.Reason, wrong)

	for name, e := range map[string]*kerr.Error{
		"kafka_password":       kerr.SaslAuthenticationFailed,
		"kafka_sasl_mechanism": kerr.UnsupportedSaslMechanism,
	} {
		refuses := cluster(t, kfake.SeedTopics(1, "target"), kfake.EnableSASL(), kfake.Superuser("PLAIN", "dave", "right"))
		refuses.ControlKey(int16(kmsg.SASLAuthenticate), func(req kmsg.Request) (kmsg.Response, error, bool) {
			refuses.KeepControl()
			res := req.ResponseKind().(*kmsg.SASLAuthenticateResponse)
			res.ErrorCode = e.Code
			return res, nil, true
		})
		cause := all(t, record.Unsettled, write(t, client(t, refuses, login("PLAIN", "dave", wrong)), batch(0, 2)))
		assert.True(t, cause.Permanent)
		assert.Equal(t, e.Message, cause.Type)
		assert.Contains(t, cause.Text(), name)
		assert.NotContains(t, cause.Text()+cause.Reason, wrong)
	}
}
