package handler_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"ckafka-etl/config"
	"ckafka-etl/internal/lab/modelserver"
)

// hosts are the addresses of a cluster.
var hosts = []string{"127.0.0.1:9200", "127.0.0.2:9200"}

// mixture is a batch, a server, what goes wrong with it for a while, and after
// which deliveries the instance is lost.
type mixture struct {
	Records  []sent
	Offset   int64
	Phases   []modelserver.Phase
	Lost     []bool
	Midnight bool // the day ends while the batch is delivered

	Conflict   modelserver.Refusal
	Traits     modelserver.Traits // but for functions
	Addresses  int
	BulkBytes  int
	Concurrent int
	Gzip       int
	OpType     config.OpType
	Topic      bool
	Limit      time.Duration // of an invocation
}

func drawMixture(t *rapid.T) mixture {
	m := mixture{
		Offset:     int64(rapid.IntRange(0, 1000).Draw(t, "offset")),
		Conflict:   rapid.SampledFrom(modelserver.RecordRefusals()).Draw(t, "conflict"),
		Addresses:  rapid.SampledFrom([]int{1, 1, 2}).Draw(t, "addresses"),
		BulkBytes:  rapid.SampledFrom([]int{300, 1_000, 5 << 20, 5 << 20}).Draw(t, "bulk bytes"),
		Concurrent: rapid.IntRange(1, 3).Draw(t, "concurrency"),
		Gzip:       rapid.SampledFrom([]int{0, 0, 1}).Draw(t, "gzip"),
		OpType:     rapid.SampledFrom([]config.OpType{config.OpAuto, config.OpAuto, config.OpIndex}).Draw(t, "op type"),
		Topic:      rapid.IntRange(0, 3).Draw(t, "dead letters in a topic") == 0,
		Limit:      rapid.SampledFrom([]time.Duration{time.Minute, 15 * time.Second}).Draw(t, "limit"),
	}
	m.drawTraits(t)
	m.Records = m.drawRecords(t)
	if m.needsOthers() {
		// These are known by what becomes of others in the same request.
		m.BulkBytes = 5 << 20
	}
	faults := modelserver.AnyFault(deadIndex, hosts[:m.Addresses]...)
	m.Phases = rapid.SliceOfN(modelserver.Lasting(faults), 0, 8).Draw(t, "phases")
	m.Lost = rapid.SliceOfN(rapid.SampledFrom([]bool{false, false, true}), 0, 12).Draw(t, "instance lost")
	m.Midnight = !slices.Contains(m.Lost, true) && rapid.Bool().Draw(t, "midnight")
	return m
}

// drawTraits draws what the server is.
func (m *mixture) drawTraits(t *rapid.T) {
	m.Traits = modelserver.Traits{
		Latency: 2 * time.Millisecond, Secret: "S3CRET", Ordinary: deadIndex,
		Types:         rapid.SampledFrom([]modelserver.Types{modelserver.TypesOptional, modelserver.TypesOptional, modelserver.TypesRequired, modelserver.TypesForbidden}).Draw(t, "types"),
		IgnoresFilter: rapid.Bool().Draw(t, "ignores filter"),
		Form:          rapid.SampledFrom([]modelserver.Form{modelserver.Plain, modelserver.Plain, modelserver.Marked, modelserver.Compressed, modelserver.Chunked}).Draw(t, "form"),
		Bans: []modelserver.Ban{
			{Mark: poisonIs, Reply: modelserver.Reply{Status: 400, Body: `{"error":{"type":"parse_exception","reason":"cannot read {escaped}"},"status":400}`}},
			{Mark: banMark, Reply: modelserver.Reply{Status: 403, Body: "<html><body>request blocked, event 4711</body></html>"}},
		},
	}
	switch rapid.IntRange(0, 7).Draw(t, "trait") {
	case 0:
		m.Traits.FailureStore = rapid.SampledFrom([]modelserver.Burial{modelserver.NewIDs, modelserver.KeptIDs}).Draw(t, "failure store")
	case 1:
		m.Traits.RewritesIDs = true
	case 2, 3:
		m.Traits.MaxBody = maxBody
		m.Traits.TooLarge = rapid.SampledFrom([]modelserver.Fault{
			{How: modelserver.Replies, Reply: modelserver.Reply{Status: 413}},
			{How: modelserver.Replies, Reply: modelserver.Reply{Status: 413, Body: "<html>too large</html>", Pad: 64_000}},
			{How: modelserver.Replies, Reply: modelserver.Reply{Status: 400, Body: `{"error":{"type":"x_content_parse_exception","reason":"too much"},"status":400}`}},
			{How: modelserver.Replies, Reply: modelserver.Reply{Status: 403, Body: "<html>request blocked, event 9</html>"}},
			{How: modelserver.BreaksInBody},
		}).Draw(t, "too large")
		if m.Traits.TooLarge.How == modelserver.BreaksInBody {
			m.Traits.MaxBody *= 5 // only of a large body it says something
		}
	}
	if m.Gzip > 0 && rapid.Bool().Draw(t, "refuses gzip") {
		m.Traits.RefusesGzip = &modelserver.Reply{Status: 400, Body: `{"error":{"root_cause":[],"type":"json_parse_exception","reason":"Illegal character ((CTRL-CHAR, code 31)): only regular white space (\\r, \\n, \\t) is allowed between tokens"},"status":400}`}
	}
}

// drawRecords draws a batch. Records that are known by what becomes of others
// have some.
func (m *mixture) drawRecords(t *rapid.T) []sent {
	kinds := []kind{
		plain, plain, plain, withID, withID, withID, bulky, text, phrase, conflict, conflict, conflicID, conflicID,
		odd, trips, poison, banned, longID, malformed, immense,
	}
	limit := m.Traits.MaxBody
	if limit > 0 {
		kinds[len(kinds)-1] = tooLarge
	}
	n := rapid.IntRange(0, 14).Draw(t, "n")
	recs := make([]sent, 0, n+1)
	need := false
	for i := range n {
		k := rapid.SampledFrom(kinds).Draw(t, "kind")
		id := fmt.Sprint("id", rapid.IntRange(0, 2).Draw(t, "id"))
		saying := ""
		if k == phrase || rapid.IntRange(0, 2).Draw(t, "says something") == 0 {
			saying = rapid.SampledFrom(modelserver.Phrases()).Draw(t, "phrase")
		}
		long := 0
		switch {
		case k == tooLarge:
			long = 3 * limit
		case k == conflict && limit == 0 && rapid.IntRange(0, 7).Draw(t, "is long") == 0:
			long = 200_000
		}
		recs = append(recs, newRecord(k, i, id, saying, long))
		_, others := k.needsOthers()
		need = need || others
	}
	if need {
		at := rapid.IntRange(0, n).Draw(t, "a sound one at")
		recs = slices.Insert(recs, at, newRecord(plain, n, "", "", 0))
	}
	return recs
}

func (m *mixture) needsOthers() bool {
	return slices.ContainsFunc(m.Records, func(r sent) bool {
		inRequest, _ := r.kind.needsOthers()
		return inRequest
	})
}

func (m *mixture) event() []byte { return payload(m.Records, m.Offset) }

// mixtureSeen is what became of it.
type mixtureSeen struct {
	deliveries []delivery
	lost       int
	server     *modelserver.Server
	letters    *topicLetters
}

// mostDeliveries is how often a batch may come before it is settled: all faults
// are over by then for long.
const mostDeliveries = 60

func (m *mixture) run(ctx context.Context) (seen mixtureSeen) {
	if m.Midnight {
		pause(24*time.Hour - time.Second)
	}
	traits := m.Traits
	traits.Key, traits.Refuse, traits.Credentials = key, refuse(m.Conflict), [2]string{user, password}
	seen.server = modelserver.New(traits)
	seen.server.Plan(m.Phases...)
	s := setup{server: seen.server, change: m.configure}
	if m.Topic {
		seen.letters = newTopicLetters()
		s.letters = seen.letters
	}
	event := m.event()
	in := s.start()
	for n := range mostDeliveries {
		d := in.deliver(ctx, event, m.Limit)
		seen.deliveries = append(seen.deliveries, d)
		if d.err == nil {
			break
		}
		if n < len(m.Lost) && m.Lost[n] {
			// Another instance does not know which writes have failed. The
			// shards have recovered by the time it gets the batch.
			seen.server.Recover()
			seen.lost++
			in = s.start()
		}
		pause(min(time.Duration(n+1)*2*time.Second, 30*time.Second))
	}
	seen.server.Recover()
	return seen
}

func (m *mixture) configure(c *config.Elasticsearch) {
	c.BulkBytes, c.BulkConcurrency, c.GzipLevel, c.OpType = m.BulkBytes, m.Concurrent, m.Gzip, m.OpType
	c.Addresses = nil
	for _, host := range hosts[:m.Addresses] {
		c.Addresses = append(c.Addresses, address(host))
	}
}

// Whatever an event holds, whatever goes wrong on the way and at the server,
// however often the batch is delivered again to the same instance or to a new
// one: after the last delivery the account is what the server holds when it has
// recovered. Each record is stored once, or is a dead letter once and was
// refused for itself; records of one id are as if written one after another; no
// text holds a secret or anything of a document.
func TestEveryRecordHasOneOutcome(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		m := drawMixture(rt)
		var seen mixtureSeen
		bubble(t, func(ctx context.Context) { seen = m.run(ctx) })
		m.check(rt, seen)
	})
}

// describe says what a mixture is, for a failure.
func (m *mixture) describe() string {
	var b strings.Builder
	for i := range m.Records {
		fmt.Fprintf(&b, "%d %s %.8s %s\n", m.Offset+int64(i), m.Records[i].kind, m.Records[i].id, m.Records[i].mark)
	}
	for _, p := range m.Phases {
		fmt.Fprintf(&b, "%v host %q spares %q worked %v of %d: %d requests, %v\n", p.Fault, p.Fault.Host, p.Fault.Spares, p.Fault.Worked, p.Fault.Items.Of, p.Requests, p.For)
	}
	return b.String()
}
