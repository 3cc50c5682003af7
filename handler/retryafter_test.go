package handler_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/config"
	"ckafka-etl/internal/lab/modelserver"
)

// busy is a server that wants to be left alone now and then.
type busy struct {
	Phases     []modelserver.Phase
	Records    int
	BulkBytes  int
	Concurrent int
	Limit      time.Duration
	Conflict   bool // there is a dead letter to write as well
}

func drawBusy(t *rapid.T) busy {
	refusal := rapid.Custom(func(t *rapid.T) modelserver.Phase {
		r := rapid.SampledFrom(modelserver.Pages()).Draw(t, "page")
		r.Status = rapid.SampledFrom([]int{429, 503}).Draw(t, "status")
		r.RetryAfter = time.Duration(rapid.IntRange(1, 180).Draw(t, "seconds")) * time.Second
		r.AsDate = rapid.Bool().Draw(t, "as a date")
		return modelserver.Phase{
			Fault:    modelserver.Fault{How: modelserver.Replies, Reply: r},
			Requests: rapid.IntRange(1, 3).Draw(t, "requests"),
		}
	})
	fine := rapid.Custom(func(t *rapid.T) modelserver.Phase {
		return modelserver.Phase{Requests: rapid.IntRange(1, 3).Draw(t, "fine requests")}
	})
	return busy{
		Phases:     rapid.SliceOfN(rapid.OneOf(refusal, refusal, fine), 1, 4).Draw(t, "phases"),
		Records:    rapid.IntRange(1, 12).Draw(t, "records"),
		BulkBytes:  rapid.SampledFrom([]int{300, 1_000, 5 << 20}).Draw(t, "bulk bytes"),
		Concurrent: rapid.IntRange(1, 3).Draw(t, "concurrency"),
		Limit:      rapid.SampledFrom([]time.Duration{10 * time.Second, time.Minute}).Draw(t, "limit"),
		Conflict:   rapid.Bool().Draw(t, "conflict"),
	}
}

// A server says in seconds or as a date how long it wants to be left alone: no
// request comes before, within a delivery or in one that follows on the same
// instance, not even with a dead letter. And it does not have to wait for ever.
func TestRetryAfter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		b := drawBusy(rt)
		recs := plains(b.Records)
		sound := len(recs)
		if b.Conflict {
			recs = append(recs, newRecord(conflict, sound, "", "", 0))
		}
		var last delivery
		var server *modelserver.Server
		var took time.Duration
		bubble(t, func(ctx context.Context) {
			server = modelserver.New(modelserver.Traits{
				Latency: 2 * time.Millisecond, Key: key, Refuse: refuse(modelserver.RecordRefusals()[0]),
			})
			server.Plan(b.Phases...)
			in := setup{server: server, change: func(c *config.Elasticsearch) {
				c.BulkBytes, c.BulkConcurrency = b.BulkBytes, b.Concurrent
			}}.start()
			began := time.Now()
			for range 500 {
				if last = in.deliver(ctx, payload(recs, 100), b.Limit); last.err == nil {
					break
				}
				pause(5 * time.Second)
			}
			took = time.Since(began)
		})
		require.Empty(rt, server.Violations())
		require.NoError(rt, last.err, "the batch never settles")
		require.Equal(rt, sound, last.account.Stored+last.account.Duplicate)
		require.Len(rt, server.In(today), sound)
		require.LessOrEqual(rt, took, b.asked()+10*time.Minute, "the time that the server asked for, and some")
	})
}

// Whichever request of a delivery it is that is answered so, one for documents,
// one that looks for a culprit, one for a dead letter: nothing comes before the
// end of what the server has asked for.
func TestRetryAfterAtAnyRequest(t *testing.T) {
	bans := func(tr *modelserver.Traits) {
		tr.Bans = []modelserver.Ban{{Mark: banMark, Reply: modelserver.Reply{Status: 403, Body: "<html>request blocked, event 4711</html>"}}}
	}
	for name, recs := range map[string][]sent{
		"one that nobody knows": {newRecord(odd, 0, "", "", 0)},
		"of each kind": append(plains(4),
			newRecord(odd, 4, "", "", 0), newRecord(banned, 5, "", "", 0), newRecord(conflict, 6, "", "", 0), newRecord(trips, 7, "", "", 0)),
	} {
		for fine := range 30 {
			t.Run(fmt.Sprint(name, " behind ", fine), func(t *testing.T) {
				play(t, bans, nil, func(t *testing.T, s *scene) {
					s.once(t, plains(3))
					busy := modelserver.Fault{How: modelserver.Replies, Reply: modelserver.Reply{Status: 429, RetryAfter: 30 * time.Second}}
					s.server.Plan(modelserver.Phase{Requests: fine}, modelserver.Phase{Fault: busy, Requests: 1})
					if fine == 0 {
						s.server.Plan(modelserver.Phase{Fault: busy, Requests: 1})
					}
					for range 4 {
						d := s.in.deliver(t.Context(), payload(recs, 200), 10*time.Second)
						requireDiscreet(t, d.said)
						pause(2 * time.Second)
					}
				})
			})
		}
	}
}

// asked is the time that the server wants to be left alone for in all.
func (b *busy) asked() (d time.Duration) {
	for _, p := range b.Phases {
		d += p.Fault.Reply.RetryAfter * time.Duration(p.Requests)
	}
	return d
}

// The first answer that says that the server is overloaded, or that there is
// none, ends what the round still had to send: a batch in fifty requests does
// not knock fifty times.
func TestFirstRefusalEndsTheRound(t *testing.T) {
	for _, f := range []modelserver.Fault{
		{How: modelserver.Replies, Reply: modelserver.Reply{Status: 429, RetryAfter: 50 * time.Second}},
		{How: modelserver.Replies, Reply: modelserver.Reply{Status: 503, RetryAfter: 50 * time.Second, AsDate: true}},
		{How: modelserver.Replies, Reply: modelserver.Reply{Status: 429}},
		{How: modelserver.Replies, Reply: modelserver.Reply{Status: 503}},
		{How: modelserver.NoConnection},
	} {
		t.Run(fmt.Sprint(f, f.Reply.RetryAfter), func(t *testing.T) {
			play(t, nil, func(c *config.Elasticsearch) { c.BulkBytes = 2_000 }, func(t *testing.T, s *scene) {
				s.server.Plan(modelserver.Phase{Fault: f})
				recs := plains(500)
				most := mostRequests
				if f.Reply.RetryAfter > 0 {
					most = 2 // as many as were on their way
				}
				d := s.in.deliver(t.Context(), payload(recs, 100), 45*time.Second)
				require.Equal(t, 500, d.unsettled(t).Unsettled)
				require.LessOrEqual(t, d.requests, most)
				s.server.Plan()
				pause(10 * time.Second)
				s.settle(t, recs)
				s.requireThere(t, recs)
			})
		})
	}
}

// One of two addresses gives no answer, ever: it gets its share of the time and
// not all of it, and the other one settles the batch in the same delivery.
func TestOneAddressIsSilent(t *testing.T) {
	for _, host := range hosts {
		t.Run(host, func(t *testing.T) {
			change := func(c *config.Elasticsearch) { c.Addresses = []config.Address{address(hosts[0]), address(hosts[1])} }
			play(t, nil, change, func(t *testing.T, s *scene) {
				s.server.Plan(modelserver.Phase{Fault: modelserver.Fault{How: modelserver.Stalls, Host: host}})
				recs := plains(50)
				for n := range 3 {
					d := s.in.deliver(t.Context(), payload(recs, int64(100*(n+1))), 20*time.Second)
					require.NoError(t, d.err)
					require.Equal(t, 50, d.account.Stored)
				}
			})
		})
	}
}
