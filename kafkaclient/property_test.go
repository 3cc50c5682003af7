package kafkaclient_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
)

// Whatever brokers answer, whether it is true and whether it arrives: a record
// has one outcome, what is stored is there, and when the trigger has delivered
// what was unsettled again, everything is there exactly once and in order, and
// only what is too large is not. What the trigger has let go is there at most
// once, and nothing is taken for it.
func TestEveryRecordOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		const limit = 4000
		var w wire
		c, err := kfake.NewCluster(kfake.NumBrokers(rapid.IntRange(1, 3).Draw(rt, "brokers")), kfake.ListenFn(w.listen))
		if err != nil {
			rt.Fatal(err)
		}
		defer c.Close()
		partitions := rapid.Int32Range(1, 5).Draw(rt, "partitions")
		if err := c.CreateTopic("target", partitions, map[string]string{"max.message.bytes": strconv.Itoa(limit)}); err != nil {
			rt.Fatal(err)
		}
		epochsByPartition(rt, c)
		k, err := kafkaclient.New(configured(c, func(cfg *kafkaclient.Config) {
			cfg.DeadLetterTopic = ""
			cfg.KeepPartition = rapid.Bool().Draw(rt, "keep")
			cfg.Compression = rapid.SampledFrom([]string{"none", "lz4", "zstd"}).Draw(rt, "compression")
		}))
		if err != nil {
			rt.Fatal(err)
		}
		defer k.Close()

		next := make(map[int32]int64)
		var recs []record.Record
		var results []record.Result
		for range rapid.IntRange(1, 2).Draw(rt, "batches") {
			first := len(recs)
			recs = append(recs, drawRecords(rt, next, partitions, limit)...)
			results = append(results, make([]record.Result, len(recs)-first)...)
			for range rapid.IntRange(0, 3).Draw(rt, "bad deliveries") {
				h := c.Fault(drawFaults(rt, partitions)...)
				w.loseAnswers.Store(rapid.Bool().Draw(rt, "lose answers"))
				w.says.Store(int32(rapid.SampledFrom(lies).Draw(rt, "lie")))
				deliver(rt, k, time.Duration(rapid.IntRange(20, 120).Draw(rt, "ms"))*time.Millisecond, recs[first:], results[first:])
				w.loseAnswers.Store(false)
				w.says.Store(0)
				h.Remove()
			}
			if rapid.IntRange(0, 3).Draw(rt, "let go") > 0 {
				deliver(rt, k, 20*time.Second, recs[first:], results[first:])
				settled(rt, results[first:])
			}
		}
		check(rt, c, recs, results, limit)
	})
}

// lies are what a broker may say of a batch that it has appended.
var lies = []int16{
	0, 0, 0, kerr.NotLeaderForPartition.Code, kerr.KafkaStorageError.Code, kerr.RequestTimedOut.Code,
	kerr.NotEnoughReplicasAfterAppend.Code, kerr.UnknownTopicOrPartition.Code, kerr.UnknownServerError.Code,
}

func settled(rt *rapid.T, results []record.Result) {
	for i, r := range results {
		if r.Outcome == record.Unsettled {
			rt.Fatalf("record %d is %v when all is well: %s", i, r.Outcome, r.Cause.Text())
		}
	}
}

func drawRecords(rt *rapid.T, next map[int32]int64, partitions int32, limit int) []record.Record {
	b := &record.Batch{Arrival: arrival}
	recs := make([]record.Record, rapid.IntRange(1, 40).Draw(rt, "records"))
	for i := range recs {
		p := rapid.Int32Range(0, min(partitions-1, 1)).Draw(rt, "source partition")
		next[p] += rapid.Int64Range(1, 2).Draw(rt, "gap")
		body := fmt.Appendf(nil, "%d/%d/", p, next[p])
		if rapid.IntRange(0, 9).Draw(rt, "large") == 0 {
			random := rapid.Uint64().Draw(rt, "seed") // what cannot be compressed
			for len(body) < limit+100 {
				random = random*6364136223846793005 + 1442695040888963407
				body = append(body, byte(random>>56))
			}
		}
		recs[i] = record.Record{Topic: "source", Partition: p, Offset: next[p], Pos: i, Batch: b, Body: body}
		if key := rapid.IntRange(0, 4).Draw(rt, "key"); key > 0 {
			recs[i].Key = []byte{byte(key)}
		}
	}
	return recs
}

func drawFaults(rt *rapid.T, partitions int32) []kfake.Fault {
	var faults []kfake.Fault
	for range rapid.IntRange(0, 3).Draw(rt, "faults") {
		f := produceFault(rapid.SampledFrom([]*kerr.Error{
			kerr.NotLeaderForPartition, kerr.NotEnoughReplicas, kerr.NotEnoughReplicasAfterAppend, kerr.RequestTimedOut,
			kerr.UnknownTopicOrPartition, kerr.TopicAuthorizationFailed, kerr.UnknownServerError,
		}).Draw(rt, "error"), rapid.IntRange(-1, 3).Draw(rt, "times"))
		if rapid.Bool().Draw(rt, "one partition") {
			f.Partitions = []int32{rapid.Int32Range(0, partitions-1).Draw(rt, "partition")}
		}
		if rapid.IntRange(0, 4).Draw(rt, "metadata") == 0 {
			f = kfake.Fault{Keys: []kmsg.Key{kmsg.Metadata}, Err: kerr.LeaderNotAvailable, Count: 2}
		}
		faults = append(faults, f)
	}
	return faults
}

// deliver writes what is not settled, as the handler does.
func deliver(rt *rapid.T, k *kafkaclient.Client, d time.Duration, recs []record.Record, results []record.Result) {
	var todo []record.Record
	var places []int
	for i := range recs {
		if results[i].Outcome == record.Unsettled {
			todo = append(todo, recs[i])
			places = append(places, i)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	got, _ := k.Write(ctx, record.Delivery{Records: todo})
	if len(got) != len(todo) {
		rt.Fatalf("%d results for %d records", len(got), len(todo))
	}
	for n, r := range got {
		if (r.Cause == nil) != (r.Outcome == record.Stored) {
			rt.Fatalf("record %d is %v, its cause is %v", places[n], r.Outcome, r.Cause)
		}
		results[places[n]] = r
	}
}

func check(rt *rapid.T, c *kfake.Cluster, recs []record.Record, results []record.Result, limit int) {
	at := make(map[string]int64) // offset of each body
	for p, msgs := range messages(rt, c, "target") {
		for _, m := range msgs {
			if _, twice := at[string(m.Value)]; twice {
				rt.Fatalf("%.20q is there twice", m.Value)
			}
			at[string(m.Value)] = int64(p)<<32 | m.Offset
		}
	}
	stored := 0
	last := make(map[string]int64) // by source and target partition
	for i, r := range results {
		where, there := at[string(recs[i].Body)]
		switch {
		case r.Outcome == record.Unsettled: // let go
			continue
		case len(recs[i].Body) > limit:
			if r.Outcome != record.Refused || there {
				rt.Fatalf("record %d is too large and %v", i, r.Outcome)
			}
			continue
		case r.Outcome != record.Stored:
			rt.Fatalf("record %d is %v: %s", i, r.Outcome, r.Cause.Text())
		case !there:
			rt.Fatalf("record %d is stored and not there", i)
		}
		stored++
		lane := fmt.Sprint(recs[i].Partition, where>>32)
		if before, ok := last[lane]; ok && before >= where {
			rt.Fatalf("record %d has overtaken one before it", i)
		}
		last[lane] = where
	}
	if stored > len(at) {
		rt.Fatalf("%d records are stored, %d messages are there", stored, len(at))
	}
}
