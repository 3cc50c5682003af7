package trigger_test

import (
	"context"
	"fmt"
	"net"
	"sync"
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

// observe counts the commits and the partitions in them.
func observe(c *fakeKafka) *seenCommits {
	s := new(seenCommits)
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Observe: true, TopLevel: true, Count: -1, When: func(req kmsg.Request) bool {
		return s.see(req.(*kmsg.OffsetCommitRequest))
	}})
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Observe: true, Count: -1, When: func(req kmsg.Request) bool {
		return s.see(req.(*kmsg.OffsetCommitRequest))
	}})
	return s
}

type seenCommits struct {
	mu       sync.Mutex
	requests map[*kmsg.OffsetCommitRequest]bool
	sizes    []int
}

func (s *seenCommits) see(req *kmsg.OffsetCommitRequest) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.requests == nil {
		s.requests = make(map[*kmsg.OffsetCommitRequest]bool)
	}
	if !s.requests[req] {
		s.requests[req] = true
		s.sizes = append(s.sizes, len(req.Topics[0].Partitions))
	}
	return true
}

func (s *seenCommits) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sizes)
}

// Each batch waited for its own commit: 1,000 commits one after another took
// 20 s, in which nothing was delivered. All that is handled is committed in one
// request a second.
func TestOneCommitForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const partitions = 100
		c := virtual(t, partitions)
		f := newFunction(nil)
		r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f, f), Grace: limit})
		r.await(t, func(n trigger.Notice) bool { return n.Kind == trigger.Assigned && n.Partition == partitions-1 })
		seen := observe(c)
		for i := range 30 {
			produce(t, c, partitions, i, 1)
			f.awaitHandled(t, partitions*(i+1))
			<-time.After(100 * time.Millisecond)
		}
		require.NoError(t, r.end())
		assert.LessOrEqual(t, seen.count(), 3+2+2)
		for _, offset := range committed(t, c, partitions) {
			assert.Equal(t, int64(30), offset)
		}
		assert.Positive(t, r.count(trigger.Committed))
	})
}

// A commit that fails is made up for by the next one, and is told as the group's
// trouble and not as partition 0's.
func TestCommitFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 2)
		f := newFunction(nil)
		r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
		r.await(t, isKind(trigger.Assigned))
		fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Topic: topic, Err: kerr.InvalidCommitOffsetSize, Count: 20})
		produce(t, c, 2, 0, 10)
		f.awaitHandled(t, 20)
		n := r.await(t, isKind(trigger.Uncertain))
		assert.Equal(t, int32(-1), n.Partition)
		require.ErrorContains(t, n.Err, "group etl: INVALID_COMMIT_OFFSET_SIZE")
		require.NoError(t, fault.Wait(within(t), 20))
		r.awaitStatus(t, func(list []trigger.PartitionStatus) bool { return list[0].Committed == 10 && list[1].Committed == 10 })
		require.NoError(t, r.end())
		assert.Equal(t, []int64{10, 10}, committed(t, c, 2))
		assert.Equal(t, 1, r.count(trigger.Uncertain), "once for a cause")
	})
}

// That commits are refused while the group changes is usual.
func TestCommitIsRefusedDuringARebalance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 1)
		f := newFunction(nil)
		r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
		r.await(t, isKind(trigger.Assigned))
		fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.OffsetCommit}, Topic: topic, Err: kerr.RebalanceInProgress, Count: 5})
		produce(t, c, 1, 0, 10)
		require.NoError(t, fault.Wait(within(t), 5))
		r.awaitStatus(t, func(list []trigger.PartitionStatus) bool { return list[0].Committed == 10 })
		require.NoError(t, r.end())
		assert.Zero(t, r.count(trigger.Uncertain))
	})
}

// Brokers before 2.1 forget the commit of an idle partition.
func TestIdlePartitionIsCommittedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 3)
		r := run(t, c, trigger.Config{Functions: functions(newFunction(nil)), Grace: limit})
		r.await(t, isKind(trigger.Assigned))
		seen := observe(c)
		<-time.After(time.Hour)
		require.NoError(t, r.end())
		assert.InDelta(t, 6, seen.count(), 1)
		for _, n := range seen.sizes {
			assert.Equal(t, 3, n)
		}
	})
}

// What the group must not do ends the run, and says whose it is.
func TestGroupIsDenied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 1)
		c.Fault(kfake.Fault{Group: group, Keys: []kmsg.Key{kmsg.JoinGroup}, TopLevel: true, Err: kerr.GroupAuthorizationFailed, Count: -1})
		r := run(t, c, trigger.Config{Functions: functions(newFunction(nil)), Grace: limit})
		<-r.done
		require.ErrorContains(t, r.err, "group etl: GROUP_AUTHORIZATION_FAILED")
	})
}

// Trouble of the group is told once, without a partition, and goes by.
func TestGroupTrouble(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := virtual(t, 1)
		c.Fault(kfake.Fault{Group: group, Keys: []kmsg.Key{kmsg.JoinGroup}, TopLevel: true, Err: kerr.UnknownServerError, Count: 5})
		r := run(t, c, trigger.Config{Functions: functions(newFunction(nil)), Grace: limit})
		n := r.await(t, isKind(trigger.Trouble))
		assert.Equal(t, int32(-1), n.Partition)
		require.ErrorContains(t, n.Err, "group etl: ")
		r.await(t, isKind(trigger.Assigned))
		require.NoError(t, r.end())
		assert.Equal(t, 1, r.count(trigger.Trouble))
	})
}

// One of two bootstrap brokers is dead: trigger gave up in 4 of 6 starts.
func TestOneOfTwoBrokersIsDead(t *testing.T) {
	dead, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	address := dead.Addr().String()
	require.NoError(t, dead.Close())
	c := cluster(t, 1)
	produce(t, c, 1, 0, 1)
	c.opts = []kgo.Opt{kgo.SeedBrokers(address, c.ListenAddrs()[0])}
	for range 10 {
		f := newFunction(nil)
		r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f), Grace: limit})
		r.await(t, isKind(trigger.Assigned))
		require.NoError(t, r.end())
	}
}

// A broker that takes connections and says nothing is as good as a dead one.
func TestOneOfTwoBrokersHangs(t *testing.T) {
	hangs, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = hangs.Close() }()
	c := cluster(t, 1)
	c.opts = []kgo.Opt{kgo.SeedBrokers(hangs.Addr().String(), c.ListenAddrs()[0])}
	r := run(t, c, trigger.Config{Functions: functions(newFunction(nil)), Grace: limit})
	r.await(t, isKind(trigger.Assigned))
	require.NoError(t, r.end())
}

// No broker at all: it is said after a few tries, not after the first.
func TestNoBroker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		dial := func(context.Context, string, string) (net.Conn, error) {
			tries++
			return nil, fmt.Errorf("dial: %w", net.ErrClosed)
		}
		tr, err := trigger.New(trigger.Config{
			Client: []kgo.Opt{kgo.SeedBrokers("127.0.0.1:1"), kgo.Dialer(dial)}, Topic: topic, Group: group, Functions: functions(newFunction(nil)),
		})
		require.NoError(t, err)
		began := time.Now()
		require.ErrorIs(t, tr.Run(t.Context()), net.ErrClosed)
		assert.Greater(t, tries, 3)
		assert.LessOrEqual(t, time.Since(began), 25*time.Second)
	})
}

// Ctrl-C took 60 s at a grace of 3 s while a broker hung.
func TestEndWithABrokerThatHangs(t *testing.T) {
	for _, hung := range []string{"from the start", "while it delivers", "in a rebalance"} {
		t.Run(hung, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := virtual(t, 2)
				produce(t, c, 2, 0, 10)
				wire := newWire(c)
				entered := make(chan struct{}, 10)
				f := newFunction(func(ctx context.Context, _ delivery) error {
					entered <- struct{}{}
					<-ctx.Done()
					return ctx.Err()
				})
				if hung == "from the start" {
					wire.cut()
				}
				r := run(t, c, trigger.Config{Position: trigger.Earliest(), Functions: functions(f, f), Grace: 3 * time.Second, Timeout: time.Minute})
				switch hung {
				case "while it delivers":
					<-entered
					<-entered
					wire.cut()
				case "in a rebalance":
					<-entered
					<-entered
					second := client(t, c, kgo.ConsumerGroup(group), kgo.ConsumeTopics(topic), kgo.Balancers(kgo.CooperativeStickyBalancer()))
					<-time.After(2 * time.Second) // the second has joined and waits for a partition
					wire.cut()
					defer second.CloseAllowingRebalance()
				}
				<-time.After(time.Second)
				began := time.Now()
				_ = r.end()
				assert.LessOrEqual(t, time.Since(began), 3*time.Second+3*time.Second)
				wire.mend()
			})
		})
	}
}
