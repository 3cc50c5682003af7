package trigger_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/internal/trigger"
)

func functions(fs ...*function) (list []trigger.Function) {
	for _, f := range fs {
		list = append(list, f)
	}
	return list
}

func TestEveryRecordIsDeliveredOnceAndInOrder(t *testing.T) {
	for _, eager := range []bool{false, true} {
		t.Run(fmt.Sprintf("eager %v", eager), func(t *testing.T) {
			c := cluster(t, 3)
			produce(t, c, 3, 0, 250)
			a, b := newFunction(nil), newFunction(nil)
			r := run(t, c, trigger.Config{MaxMsgNum: 100, Position: trigger.Earliest(), Functions: functions(a, b), Eager: eager, Grace: limit})
			for p := range int32(3) {
				r.await(t, func(n trigger.Notice) bool {
					return n.Kind == trigger.Batch && n.Partition == p && n.LastOffset == 249
				})
			}
			require.NoError(t, r.end())
			assert.Equal(t, []int64{250, 250, 250}, committed(t, c, 3))
			for _, f := range []*function{a, b} {
				for _, d := range f.got {
					assert.LessOrEqual(t, d.records, 100)
				}
				for p := range f.counts() {
					one := newFunction(nil)
					one.handled[0], one.faults = f.handled[p], f.faults
					one.mustHave(t, 1, 0, 250)
				}
			}
			assert.Len(t, a.counts(), 3-len(b.counts()), "a partition stays with its function")
		})
	}
}

// The commit is what a trigger goes on from.
func TestStartsAgainAtTheCommit(t *testing.T) {
	c := cluster(t, 2)
	produce(t, c, 2, 0, 10)
	f := newFunction(nil)
	r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
	f.awaitHandled(t, 20)
	require.NoError(t, r.end())
	produce(t, c, 2, 10, 10)
	r = run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
	f.awaitHandled(t, 40)
	require.NoError(t, r.end())
	f.mustHave(t, 2, 0, 20)
}

// A group that starts at the end and is stopped before its first batch must
// not pass over what is written meanwhile.
func TestLatestIsCommittedAtOnce(t *testing.T) {
	c := cluster(t, 1)
	produce(t, c, 1, 0, 5)
	f := newFunction(nil)
	r := run(t, c, trigger.Config{Functions: functions(f), Grace: limit})
	r.await(t, isKind(trigger.Assigned))
	require.NoError(t, r.end())
	assert.Equal(t, []int64{5}, committed(t, c, 1))
	produce(t, c, 1, 5, 5)
	r = run(t, c, trigger.Config{Functions: functions(f), Grace: limit})
	f.awaitHandled(t, 5)
	require.NoError(t, r.end())
	f.mustHave(t, 1, 5, 5)
}

func TestPositionOfATime(t *testing.T) {
	begin := time.UnixMilli(1_700_000_000_000)
	tests := []struct {
		name  string
		since time.Time
		first int64
	}{
		{"before all", begin.Add(-time.Hour), 0},
		{"at one", begin.Add(3 * time.Second), 3},
		{"between two", begin.Add(3500 * time.Millisecond), 4},
		{"behind all", begin.Add(time.Hour), 6},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := cluster(t, 1)
			for i := range 6 {
				produceAll(t, c, &kgo.Record{Topic: topic, Value: fmt.Appendf(nil, "0-%d", i), Timestamp: begin.Add(time.Duration(i) * time.Second)})
			}
			f := newFunction(nil)
			r := run(t, c, trigger.Config{Position: trigger.Since(tt.since), Functions: functions(f), Grace: limit})
			r.await(t, isKind(trigger.Assigned))
			produce(t, c, 1, 6, 1)
			f.awaitHandled(t, 7-int(tt.first))
			require.NoError(t, r.end())
			f.mustHave(t, 1, tt.first, 7-tt.first)
		})
	}
}

func TestFailedBatchComesAgainUnchanged(t *testing.T) {
	c := cluster(t, 1)
	produce(t, c, 1, 0, 10)
	failures := 2
	f := newFunction(func(context.Context, delivery) error {
		if failures--; failures >= 0 {
			return errors.New("busy")
		}
		return nil
	})
	r := run(t, c, trigger.Config{MaxMsgNum: 10, MaxWait: time.Minute, Retry: 2, Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
	n := r.await(t, isKind(trigger.Batch))
	assert.Equal(t, 3, n.Delivery)
	require.NoError(t, r.end())
	assert.Equal(t, []delivery{{0, 0, 9, 10}, {0, 0, 9, 10}, {0, 0, 9, 10}}, f.got)
	assert.Equal(t, 2, r.count(trigger.Retry))
	f.mustHave(t, 1, 0, 10)
}

// What cannot be settled stops its partition, and that one only. Nothing is
// passed over.
func TestPartitionStopsAfterTheLastRetry(t *testing.T) {
	c := cluster(t, 2)
	produce(t, c, 2, 0, 30)
	f := newFunction(func(_ context.Context, d delivery) error {
		if d.partition == 0 && d.last >= 15 {
			return errors.New("a reason")
		}
		return nil
	})
	cfg := trigger.Config{MaxMsgNum: 10, Retry: 1, Position: trigger.Earliest(), Functions: functions(f), Grace: limit}
	r := run(t, c, cfg)
	n := r.await(t, isKind(trigger.Stopped))
	assert.Equal(t, int32(0), n.Partition)
	assert.Equal(t, int64(10), n.Offset)
	produce(t, c, 2, 30, 10)
	f.await(t, func() bool { return len(f.handled[1]) == 40 })
	status := r.awaitStatus(t, func(list []trigger.PartitionStatus) bool { return list[0].End == 40 })
	require.Len(t, status, 2)
	require.Error(t, status[0].Err)
	assert.Equal(t, "stopped", status[0].State)
	assert.Equal(t, status[0].Err.Error(), status[0].Reason)
	assert.Equal(t, int64(30), status[0].Lag())
	err := r.end()
	require.ErrorContains(t, err, "partition 0: records 10 to 19 were delivered 2 times and are not settled: a reason")
	assert.Equal(t, []int64{10, 40}, committed(t, c, 2))
}

func TestEndsWhenAllPartitionsStopped(t *testing.T) {
	c := cluster(t, 2)
	produce(t, c, 2, 0, 1)
	f := newFunction(func(context.Context, delivery) error { return errors.New("never") })
	r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
	<-r.done
	require.ErrorContains(t, r.err, "partition 0: ")
	require.ErrorContains(t, r.err, "partition 1: ")
	assert.NotContains(t, r.err.Error(), "all partitions stopped")
}

func TestEndLetsTheBatchInFlightEnd(t *testing.T) {
	c := cluster(t, 1)
	produce(t, c, 1, 0, 1)
	entered, leave := make(chan struct{}), make(chan struct{})
	f := newFunction(func(ctx context.Context, _ delivery) error {
		close(entered)
		select {
		case <-leave:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	})
	r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
	<-entered
	r.cancel()
	close(leave)
	<-r.done
	require.NoError(t, r.err)
	assert.Equal(t, []int64{1}, committed(t, c, 1))
}

func TestEndGivesUpAfterTheGrace(t *testing.T) {
	c := cluster(t, 1)
	produce(t, c, 1, 0, 1)
	entered := make(chan struct{})
	f := newFunction(func(ctx context.Context, _ delivery) error {
		close(entered)
		<-ctx.Done()
		return ctx.Err()
	})
	r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: time.Millisecond})
	<-entered
	require.NoError(t, r.end())
	assert.Equal(t, []int64{0}, committed(t, c, 1), "what is not handled is not committed")
}

func TestOversize(t *testing.T) {
	huge := strings.Repeat("x", 6<<20)
	values := []string{"0-0", huge, "0-2"}
	tests := []struct {
		name            string
		how             trigger.Oversize
		handled         []int64
		committed       int64
		dropped, buried int
		err             string
	}{
		{"stop", trigger.OversizeStop, []int64{0}, 1, 0, 0, "record logs-0-1 makes an event of "},
		{"skip", trigger.OversizeSkip, []int64{0, 2}, 3, 1, 0, ""},
		{"dead", trigger.OversizeDead, []int64{0, 2}, 3, 1, 1, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := cluster(t, 1)
			for _, v := range values {
				produceAll(t, c, &kgo.Record{Topic: topic, Key: []byte("k"), Value: []byte(v)})
			}
			f := newFunction(nil)
			cfg := trigger.Config{Oversize: tt.how, Position: trigger.Earliest(), Functions: functions(f), Grace: limit}
			if tt.how == trigger.OversizeDead {
				cfg.OversizeTopic = "oversize"
			}
			r := run(t, c, cfg)
			if tt.err != "" {
				<-r.done
				require.ErrorContains(t, r.err, tt.err)
			} else {
				f.awaitHandled(t, len(tt.handled))
				require.NoError(t, r.end())
			}
			assert.Equal(t, tt.handled, f.handled[0])
			assert.Equal(t, []int64{tt.committed}, committed(t, c, 1))
			assert.Equal(t, tt.dropped, r.count(trigger.Dropped))
			if tt.buried > 0 {
				rec := readOne(t, c, "oversize")
				assert.Len(t, rec.Value, len(huge))
				assert.Equal(t, "k", string(rec.Key))
				assert.Equal(t, []kgo.RecordHeader{
					{Key: "source.topic", Value: []byte(topic)}, {Key: "source.partition", Value: []byte("0")}, {Key: "source.offset", Value: []byte("1")},
				}, rec.Headers)
			}
		})
	}
}

// An oversize record at the end of a partition is done with too. A trigger that
// was told to end right after it had dropped one did not commit that, and the
// next one stopped at it, or buried it again.
func TestOversizeAloneIsCommitted(t *testing.T) {
	c := cluster(t, 1)
	produceAll(t, c, &kgo.Record{Topic: topic, Value: make([]byte, 6<<20)})
	r := run(t, c, trigger.Config{Oversize: trigger.OversizeSkip, Position: trigger.Earliest(), Functions: functions(newFunction(nil)), Grace: limit})
	r.await(t, isKind(trigger.Dropped))
	require.NoError(t, r.end())
	require.Equal(t, []int64{1}, committed(t, c, 1))
	f := newFunction(nil)
	r = run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
	produceAll(t, c, &kgo.Record{Topic: topic, Value: []byte("0-1")})
	f.awaitHandled(t, 1)
	require.NoError(t, r.end())
	f.mustHave(t, 1, 1, 1)
}

func readOne(t *testing.T, c interface{ ListenAddrs() []string }, topic string) *kgo.Record {
	t.Helper()
	cl, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...), kgo.ConsumeTopics(topic))
	require.NoError(t, err)
	defer cl.Close()
	fetches := cl.PollFetches(within(t))
	require.NoError(t, fetches.Err())
	require.Equal(t, 1, fetches.NumRecords())
	return fetches.Records()[0]
}

func TestMissingTopic(t *testing.T) {
	c := cluster(t, 1)
	tr, err := trigger.New(trigger.Config{
		Client: []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}, Topic: "none", Group: group, Functions: functions(newFunction(nil)),
	})
	require.NoError(t, err)
	require.ErrorIs(t, tr.Run(within(t)), kerr.UnknownTopicOrPartition)
}

// A second member gets its share, a batch in flight ends first, and when it
// leaves its share comes back. No record is handled twice.
func TestRebalance(t *testing.T) {
	for _, eager := range []bool{false, true} {
		t.Run(fmt.Sprintf("eager %v", eager), func(t *testing.T) {
			c := cluster(t, 4)
			produce(t, c, 4, 0, 100)
			entered := make(chan struct{}, 1000)
			gate := make(chan struct{}, 1000)
			slow := func(context.Context, delivery) error {
				entered <- struct{}{}
				<-gate
				return nil
			}
			// Both share what they got: it has to fit together.
			f := newFunction(slow)
			cfg := trigger.Config{MaxMsgNum: 10, Position: trigger.Earliest(), Functions: functions(f, f, f, f), Grace: limit, Eager: eager}
			first := run(t, c, cfg)
			for range 4 {
				<-entered
			}
			second := run(t, c, cfg)
			// The first member may give nothing back while its batches are in
			// flight, and it has to hear of the rebalance only at a heartbeat.
			var open sync.WaitGroup
			open.Go(func() {
				for range 40 + 40 {
					gate <- struct{}{}
				}
			})
			second.await(t, isKind(trigger.Assigned))
			produce(t, c, 4, 100, 100)
			f.awaitHandled(t, 800)
			open.Wait()
			require.NoError(t, second.end())
			for range 1000 - len(gate) {
				gate <- struct{}{}
			}
			produce(t, c, 4, 200, 50)
			f.awaitHandled(t, 1000)
			require.NoError(t, first.end())
			f.mustHave(t, 4, 0, 250)
			assert.Equal(t, []int64{250, 250, 250, 250}, committed(t, c, 4))
			assert.Zero(t, first.count(trigger.Lost)+second.count(trigger.Lost))
		})
	}
}

// A partition that is held up keeps no other waiting, and only so much of it
// is read ahead.
func TestBackPressure(t *testing.T) {
	c := cluster(t, 2)
	const each, size = 400, 30_000
	random := rand.NewChaCha8([32]byte{}) // no compression makes it smaller
	var recs []*kgo.Record
	for p := range int32(2) {
		for range each {
			value := make([]byte, size)
			_, _ = random.Read(value)
			recs = append(recs, &kgo.Record{Topic: topic, Partition: p, Value: value})
		}
	}
	for some := range slices.Chunk(recs, 20) { // no batch larger than a broker takes
		produceAll(t, c, some...)
	}
	leave := make(chan struct{})
	f := newFunction(func(ctx context.Context, d delivery) error {
		if d.partition == 0 {
			select {
			case <-leave:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	r := run(t, c, trigger.Config{MaxMsgNum: 10, Position: trigger.Earliest(), Functions: functions(f, f)})
	f.await(t, func() bool { return len(f.handled[1]) == each })
	status := r.awaitStatus(t, func(list []trigger.PartitionStatus) bool { return list[0].Queued > 0 })
	assert.Equal(t, int64(each), status[0].Lag())
	assert.Less(t, status[0].Queued*size, 9<<20)
	assert.Positive(t, status[0].Queued)
	close(leave)
	f.await(t, func() bool { return len(f.handled[0]) == each })
	require.NoError(t, r.end())
	f.mustHave(t, 2, 0, each)
}
