package trigger_test

import (
	"context"
	"errors"
	"sync/atomic"
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

// Who starts instances and takes them away asks whether one does its part: it is
// a member of the group, also one that waits for partitions as a reserve.
func TestReady(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 1)
		f := newFunction(nil)
		join := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, TopLevel: true, Err: kerr.CoordinatorLoadInProgress, Count: -1})
		r := run(t, c, trigger.Config{Functions: functions(f), Grace: limit})
		<-time.After(5 * time.Second)
		require.EqualError(t, r.Ready(), "group etl has not assigned it partitions: it waits for the brokers or for a rebalance")
		join.Remove()
		r.await(t, isKind(trigger.Assigned))
		require.NoError(t, r.Ready())

		reserve := run(t, c, trigger.Config{Functions: functions(f), Grace: limit})
		<-time.After(30 * time.Second) // a rebalance
		require.NoError(t, reserve.Ready())
		require.NoError(t, r.Ready())
		assert.Len(t, append(r.Status(), reserve.Status()...), 1)
		require.NoError(t, reserve.end())

		// The brokers forget the member, and take it up again later.
		join = c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.JoinGroup}, TopLevel: true, Err: kerr.CoordinatorLoadInProgress, Count: -1})
		c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Heartbeat}, TopLevel: true, Err: kerr.UnknownMemberID, Count: 1})
		r.await(t, isKind(trigger.Lost))
		require.ErrorContains(t, r.Ready(), "has not assigned it partitions")
		join.Remove()
		<-time.After(30 * time.Second)
		require.NoError(t, r.Ready())

		require.NoError(t, r.end())
		require.EqualError(t, r.Ready(), "it is ending: the batches in flight are finished")
	})
}

// Before Run there is nothing to be ready for.
func TestReadyBeforeItRuns(t *testing.T) {
	tr, err := trigger.New(trigger.Config{Topic: topic, Group: group, Functions: functions(newFunction(nil))})
	require.NoError(t, err)
	require.ErrorContains(t, tr.Ready(), "group etl has not assigned it partitions")
	assert.Empty(t, tr.Status())
	assert.Equal(t, trigger.Memory{Budget: trigger.DefaultMemoryBudget}, tr.Memory())
}

// One stopped partition is no reason to take an instance away, all are. How old
// what waits there is, is known although nothing of it is kept.
func TestReadyWhilePartitionsStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 2)
		written := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
		var recs []*kgo.Record
		for p := range int32(2) {
			recs = append(recs, &kgo.Record{Topic: topic, Partition: p, Value: []byte("0-0"), Timestamp: written})
		}
		produceAll(t, c, recs...)
		release := make(chan struct{})
		f := newFunction(func(_ context.Context, d delivery) error {
			if d.partition == 1 {
				<-release
			}
			return errors.New("refused")
		})
		var r *running
		var stops atomic.Int64
		atStop := make([]error, 3)
		status := make([]trigger.PartitionStatus, 3)
		began := make(chan struct{})
		r = run(t, c, trigger.Config{
			Position: trigger.Earliest(), Functions: functions(f, f), Grace: limit, Report: func(n trigger.Notice) {
				if n.Kind == trigger.Stopped {
					<-began
					i := stops.Add(1)
					atStop[i] = r.Ready()
					status[i] = r.Status()[n.Partition]
				}
			},
		})
		close(began)
		r.await(t, isKind(trigger.Stopped))
		f.await(t, func() bool { return f.busy[1] })
		require.NoError(t, atStop[1])
		assert.Positive(t, r.Memory().Delivery, "of partition 1")
		close(release)
		<-r.done
		require.EqualError(t, atStop[2], "all of its 2 partitions are stopped; partition 0: records 0 to 0 were delivered 1 times and are not settled: refused")
		for _, s := range status[1:] {
			assert.Equal(t, "stopped", s.State)
			assert.Zero(t, s.Queued)
			assert.Equal(t, int64(1), s.Lag())
			assert.Equal(t, written, s.Oldest)
		}
		require.ErrorContains(t, r.err, "partition 0: records 0 to 0 were delivered 1 times")
		assert.Equal(t, trigger.Memory{Budget: trigger.DefaultMemoryBudget}, r.Memory())
	})
}

// A commit that fails is told once for its cause, and counted each time.
func TestCommitsThatFailAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 1)
		f := newFunction(nil)
		fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Topic: topic, Err: kerr.GroupAuthorizationFailed, Count: 3})
		produce(t, c, 1, 0, 1)
		r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
		f.awaitHandled(t, 1)
		<-time.After(10 * time.Second)
		fault.Remove()
		require.NoError(t, r.end())
		assert.Equal(t, 3, r.count(trigger.CommitFailed))
		assert.Equal(t, 1, r.count(trigger.Uncertain))
		assert.Equal(t, []int64{1}, committed(t, c, 1))
	})
}
