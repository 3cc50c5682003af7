package handler_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/config"
	"ckafka-etl/internal/lab/modelserver"
)

// mostRequests is what a server that refuses everything may cost in one
// delivery, however many records it has.
const mostRequests = 60

// outage is a server that refuses everything, in one way or in several in turn.
type outage struct {
	Phases     []modelserver.Phase
	Records    int
	FieldIDs   bool
	Deliveries int  // while it lasts
	Warm       bool // the instance has written to the index before
	BulkBytes  int
	Gzip       int
	Topic      bool // dead letters go to a topic, which works
	// Ends is how long the server is ill, or how many requests, in the midst of
	// a delivery; zero: for Deliveries.
	Ends modelserver.Phase
}

func drawOutage(t *rapid.T) outage {
	faults := rapid.SliceOfN(modelserver.RefusesEverything(deadIndex), 1, 3).Draw(t, "faults")
	o := outage{
		Records:    rapid.SampledFrom([]int{1, 1, 1, 2, 2, 3, 3, 5, 5, 8, 12, 12, 20, 40, 300, 2_000}).Draw(t, "records"),
		FieldIDs:   rapid.Bool().Draw(t, "field ids"),
		Deliveries: rapid.IntRange(1, 3).Draw(t, "deliveries"),
		Warm:       rapid.Bool().Draw(t, "warm"),
		BulkBytes:  5 << 20,
		Gzip:       rapid.SampledFrom([]int{0, 0, 1}).Draw(t, "gzip"),
	}
	if o.Records >= 300 {
		o.Deliveries = 1 // for the test's time
	}
	if slices.ContainsFunc(faults, unproved) {
		// A document that is there is a conflict where writes seem to be written:
		// the index reads documents then, and refuses those of which nobody knows
		// why for themselves.
		for i := range faults {
			faults[i].Items.Keeps = modelserver.KeepsNothing
		}
	}
	for _, f := range faults {
		o.Phases = append(o.Phases, modelserver.Phase{Fault: f, Requests: rapid.IntRange(1, 3).Draw(t, "requests")})
	}
	itemwise := slices.ContainsFunc(faults, func(f modelserver.Fault) bool { return f.How == modelserver.RefusesItems })
	if !itemwise && rapid.IntRange(0, 3).Draw(t, "small bodies") == 0 {
		o.BulkBytes = 64 << 10
	}
	return o
}

func unproved(f modelserver.Fault) bool {
	return f.Proof == modelserver.Unproved || f.Items.Refusal.Proof == modelserver.Unproved
}

// outageSeen is what became of it.
type outageSeen struct {
	during, after []delivery
	warm          delivery
	attempts      int // at dead letters
	letters       int
	docs          []modelserver.Document
	violations    []string
}

func (o *outage) ends() bool { return o.Ends.For > 0 || o.Ends.Requests > 0 }

func (o *outage) records() []sent {
	recs := make([]sent, o.Records)
	for i := range recs {
		if o.FieldIDs && i%2 == 0 {
			recs[i] = newRecord(withID, i, fmt.Sprint("id-", i), "", 0)
		} else {
			recs[i] = newRecord(plain, i, "", "", 0)
		}
	}
	return recs
}

func (o *outage) run(ctx context.Context, recs []sent) (seen outageSeen) {
	server := modelserver.New(modelserver.Traits{Latency: 2 * time.Millisecond, Credentials: [2]string{user, password}, Secret: "S3CRET"})
	s := setup{server: server, change: func(c *config.Elasticsearch) { c.BulkBytes, c.GzipLevel = o.BulkBytes, o.Gzip }}
	if o.Topic {
		s.letters = newTopicLetters()
	}
	in := s.start()
	if o.Warm {
		before := []sent{newRecord(plain, 1_000_000, "", "", 0), newRecord(plain, 1_000_001, "", "", 0)}
		seen.warm = in.deliver(ctx, payload(before, 10), time.Minute)
	}
	event := payload(recs, 100)
	server.PlanAgain(o.Phases...)
	if o.ends() {
		o.Ends.Fault = o.Phases[0].Fault
		server.Plan(o.Ends)
		o.Deliveries = 0
	}
	for range o.Deliveries {
		seen.during = append(seen.during, in.deliver(ctx, event, time.Minute))
		pause(time.Second)
	}
	if !o.ends() {
		server.Plan()
		server.Recover()
	}
	for range 20 {
		d := in.deliver(ctx, event, time.Minute)
		seen.after = append(seen.after, d)
		if d.err == nil {
			break
		}
		pause(20 * time.Second)
	}
	server.Recover()
	seen.attempts = server.Attempts(deadIndex)
	if s.letters != nil {
		seen.letters = len(s.letters.got)
	}
	seen.docs, seen.violations = server.Documents(), server.Violations()
	return seen
}

// A server that refuses everything, in any way and for any time, and says of no
// document that it is to blame, yields no dead letter and no success, whether it
// has taken others before or not; it costs some requests, however many records
// there are. When it is mended every record is stored, once.
func TestServerThatRefusesEverything(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		checkOutage(t, rt, drawOutage(rt))
	})
}

// The same, when it is mended in the midst of a delivery: what was refused while
// nothing was taken is no worse than what is taken then.
func TestServerThatRefusesEverythingForAWhile(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := drawOutage(rt)
		o.Topic = rapid.Bool().Draw(rt, "topic")
		if rapid.Bool().Draw(rt, "some requests") {
			o.Ends.Requests = rapid.IntRange(1, 12).Draw(rt, "requests")
		} else {
			o.Ends.For = time.Duration(rapid.SampledFrom([]int{10, 100, 1_000, 10_000, 100_000}).Draw(rt, "ms")) * time.Millisecond
		}
		checkOutage(t, rt, o)
	})
}

// Where dead letters go to a topic, nothing stops a record that was convicted
// wrongly from becoming one: the same holds there.
func TestServerThatRefusesEverythingBesideATopic(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		o := drawOutage(rt)
		o.Topic = true
		checkOutage(t, rt, o)
	})
}

func checkOutage(t *testing.T, rt *rapid.T, o outage) {
	t.Helper()
	recs := o.records()
	var seen outageSeen
	bubble(t, func(ctx context.Context) { seen = o.run(ctx, recs) })
	o.check(rt, recs, seen)
}

func (o *outage) check(rt require.TestingT, recs []sent, seen outageSeen) {
	if o.Warm {
		require.NoError(rt, seen.warm.err)
		seen.docs = slices.DeleteFunc(seen.docs, func(d modelserver.Document) bool { return strings.HasPrefix(key(d.Source), "mark-100000") })
	}
	require.Empty(rt, seen.violations)
	for n, d := range seen.during {
		require.Error(rt, d.err, "delivery %d: nothing is settled", n)
		err := d.unsettled(rt)
		require.Equal(rt, []int{o.Records, o.Records}, []int{err.Unsettled, err.Records}, "delivery %d: all is unsettled", n)
		require.Equal(rt, account{Records: o.Records, Unsettled: o.Records}, d.account, "delivery %d: nothing is counted as anything else", n)
		require.LessOrEqual(rt, d.requests, mostRequests, "delivery %d: requests for %d records", n, o.Records)
		requireDiscreet(rt, d.said)
	}
	require.Zero(rt, seen.letters, "dead letters in the topic")
	require.Zero(rt, seen.attempts, "attempts to write a dead letter")

	last := seen.after[len(seen.after)-1]
	require.NoError(rt, last.err, "it is mended")
	requireSum(rt, last.account)
	require.Equal(rt, o.Records, last.account.Stored+last.account.Duplicate)
	requireDiscreet(rt, last.said)
	require.Len(rt, seen.docs, o.Records, "what the server holds when it has recovered")
	there := make(map[string]bool)
	for _, d := range seen.docs {
		require.Equal(rt, today, d.Index)
		there[key(d.Source)] = true
	}
	for i := range recs {
		require.True(rt, there[recs[i].mark], recs[i].mark)
	}
}

// requireDiscreet looks for what no log, result or error may hold.
func requireDiscreet(t require.TestingT, said string) {
	require.NotContains(t, said, "S3CRET")
	require.NotContains(t, said, "mark-", "a document's content")
}
