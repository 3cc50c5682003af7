package handler_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/config"
	"ckafka-etl/internal/lab/modelserver"
)

// after is a server that refuses everything while ES_Dead_Letter_After is set.
type after struct {
	Fault   modelserver.Fault
	After   int
	Records int
	Topic   bool
}

// run delivers a batch After times and then some, or until it is settled.
func (a *after) run(ctx context.Context, recs []sent) (seen []delivery, server *modelserver.Server, letters *topicLetters) {
	server = modelserver.New(modelserver.Traits{Latency: 2 * time.Millisecond, Key: key, Secret: "S3CRET"})
	server.Plan(modelserver.Phase{Fault: a.Fault})
	s := setup{server: server, change: func(c *config.Elasticsearch) { c.DeadLetterAfter = a.After }}
	if a.Topic {
		letters = newTopicLetters()
		s.letters = letters
	}
	in := s.start()
	for range a.After + 4 {
		d := in.deliver(ctx, payload(recs, 100), time.Minute)
		seen = append(seen, d)
		if d.err == nil {
			break
		}
		pause(time.Second)
	}
	return seen, server, letters
}

func drawAfter(t *rapid.T, faults []modelserver.Fault) after {
	a := after{
		Fault:   rapid.SampledFrom(faults).Draw(t, "fault"),
		After:   rapid.IntRange(1, 3).Draw(t, "after"),
		Records: rapid.IntRange(1, 12).Draw(t, "records"),
		Topic:   rapid.Bool().Draw(t, "topic"),
	}
	a.Fault.Spares = deadIndex
	return a
}

// With ES_Dead_Letter_After a batch that has failed so often goes on: what is
// refused without proof is a dead letter from then on, and not before.
func TestDeadLettersWithoutProof(t *testing.T) {
	faults := slices.DeleteFunc(modelserver.EveryRefusal(), func(f modelserver.Fault) bool {
		return !unproved(f) || f.Items.Refusal.Status >= 500 || f.How == modelserver.BreaksInBody // a small one
	})
	rapid.Check(t, func(rt *rapid.T) {
		a := drawAfter(rt, faults)
		var seen []delivery
		var server *modelserver.Server
		var letters *topicLetters
		recs := plains(a.Records)
		bubble(t, func(ctx context.Context) { seen, server, letters = a.run(ctx, recs) })
		require.Empty(rt, server.Violations())
		for n, d := range seen {
			requireDiscreet(rt, d.said)
			require.LessOrEqual(rt, d.requests, mostRequests)
			if n < a.After {
				require.Error(rt, d.err, "delivery %d", n)
				require.Equal(rt, account{Records: a.Records, Unsettled: a.Records}, d.account, "delivery %d", n)
			}
		}
		require.Len(rt, seen, a.After+1)
		last := seen[a.After]
		require.NoError(rt, last.err)
		require.Equal(rt, account{Records: a.Records, Dead: a.Records}, last.account)
		if a.Topic {
			require.Len(rt, letters.got, a.Records)
		} else {
			require.Len(rt, server.In(deadIndex), a.Records)
		}
		require.Empty(rt, server.In(today))
	})
}

// A server that is overloaded, ill or not there refuses no record: whatever
// ES_Dead_Letter_After says, there is no dead letter for its sake.
func TestIllServerMakesNoDeadLetters(t *testing.T) {
	faults := slices.DeleteFunc(modelserver.EveryRefusal(), func(f modelserver.Fault) bool {
		switch f.How {
		case modelserver.Replies:
			return f.Reply.Status < 500 && f.Reply.Status != 429 && f.Reply.Status != 200
		case modelserver.RefusesItems:
			r := f.Items.Refusal
			return r.Proof != modelserver.ProvesNothing || r.Status < 500 && r.Status != 429 || r.Type == "illegal_state_exception" // of an alias
		case modelserver.BreaksInBody:
			return true
		default:
			return false
		}
	})
	rapid.Check(t, func(rt *rapid.T) {
		a := drawAfter(rt, faults)
		var seen []delivery
		var server *modelserver.Server
		var letters *topicLetters
		recs := plains(a.Records)
		bubble(t, func(ctx context.Context) { seen, server, letters = a.run(ctx, recs) })
		require.Empty(rt, server.Violations())
		require.Len(rt, seen, a.After+4)
		for n, d := range seen {
			require.Equal(rt, account{Records: a.Records, Unsettled: a.Records}, d.account, "delivery %d", n)
		}
		require.Zero(rt, server.Attempts(deadIndex))
		if a.Topic {
			require.Empty(rt, letters.got)
		}
	})
}
