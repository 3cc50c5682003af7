package handler_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/config"
	"ckafka-etl/internal/lab/modelserver"
)

func createOnly(c *config.Elasticsearch) { c.OpType = config.OpCreate }

// The connection was reset instead of the first answer; ids come from a field,
// and ES_Op_Type is create. The second try met the documents of the first and
// made a dead letter of each: stored and dead.
func TestOwnLostAnswerIsNoConflict(t *testing.T) {
	for _, f := range []modelserver.Fault{
		{How: modelserver.Reset, Worked: true},
		{How: modelserver.CutAnswer},
		{How: modelserver.ShortAnswer},
		{How: modelserver.Stalls, Worked: true},
		{How: modelserver.Replies, Worked: true, Reply: modelserver.Reply{Status: 200, Body: "<html>busy</html>"}},
	} {
		t.Run(f.String(), func(t *testing.T) {
			play(t, nil, createOnly, func(t *testing.T, s *scene) {
				s.server.Plan(modelserver.Phase{Fault: f, Requests: 1})
				recs := withIDs(plains(20))
				d := s.settle(t, recs)
				require.Zero(t, d.account.Dead)
				require.Equal(t, 20, d.account.Stored+d.account.Duplicate)
				s.requireThere(t, recs)
				require.Zero(t, s.server.Attempts(deadIndex))
			})
		})
	}
}

// Somebody else's document is a conflict that no lost answer of ours explains.
func TestSomebodyElsesDocumentIsAConflict(t *testing.T) {
	play(t, nil, createOnly, func(t *testing.T, s *scene) {
		s.server.Put(today, "a1", `{"theirs":true}`)
		recs := withIDs(plains(3))
		d := s.once(t, recs)
		require.Equal(t, account{Records: 3, Stored: 2, Dead: 1}, d.account)
		require.Len(t, s.server.In(deadIndex), 1)
	})
}

// lostAnswers is a batch with ids of a field under create, and what happens to
// its requests: answers are lost, or a disk is full.
type lostAnswers struct {
	Records    int
	Phases     []modelserver.Phase
	BulkBytes  int
	Concurrent int
	Limit      time.Duration
}

func drawLostAnswers(t *rapid.T) lostAnswers {
	faults := rapid.OneOf(modelserver.LosesAnswers(), modelserver.LosesAnswers(), rapid.Custom(func(t *rapid.T) modelserver.Fault {
		f := items(diskFull, modelserver.KeepsVisible)
		f.Items.Of = rapid.IntRange(1, 3).Draw(t, "one of")
		return f
	}))
	return lostAnswers{
		Records:    rapid.IntRange(1, 12).Draw(t, "records"),
		Phases:     rapid.SliceOfN(modelserver.Lasting(faults), 1, 6).Draw(t, "phases"),
		BulkBytes:  rapid.SampledFrom([]int{300, 1_000, 5 << 20}).Draw(t, "bulk bytes"),
		Concurrent: rapid.IntRange(1, 3).Draw(t, "concurrency"),
		Limit:      rapid.SampledFrom([]time.Duration{10 * time.Second, time.Minute}).Draw(t, "limit"),
	}
}

// Whatever answers an instance loses, and however often it gets the batch again,
// its own writes are no conflicts: nothing is a dead letter, and when all is
// well and the shards have recovered every record is there.
func TestOwnLostAnswersAreNoConflicts(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		l := drawLostAnswers(rt)
		recs := withIDs(plains(l.Records))
		var last delivery
		var server *modelserver.Server
		bubble(t, func(ctx context.Context) {
			server = modelserver.New(modelserver.Traits{Latency: 2 * time.Millisecond, Key: key})
			server.Plan(l.Phases...)
			in := setup{server: server, change: func(c *config.Elasticsearch) {
				createOnly(c)
				c.BulkBytes, c.BulkConcurrency = l.BulkBytes, l.Concurrent
			}}.start()
			for n := range mostDeliveries {
				if last = in.deliver(ctx, payload(recs, 100), l.Limit); last.err == nil {
					break
				}
				pause(min(time.Duration(n+1)*2*time.Second, 30*time.Second))
				if n > 20 {
					// Behind a 5xx a conflict is no proof, and index is not
					// allowed: only the recovery tells.
					server.Plan()
					server.Recover()
				}
			}
			server.Recover()
		})
		require.NoError(rt, last.err, "the batch never settles")
		require.Empty(rt, server.Violations())
		require.Zero(rt, server.Attempts(deadIndex), "attempts to write a dead letter")
		require.Equal(rt, l.Records, last.account.Stored+last.account.Duplicate)
		there := make(map[string]bool)
		for _, d := range server.In(today) {
			there[key(d.Source)] = true
		}
		require.Len(rt, there, l.Records)
	})
}
