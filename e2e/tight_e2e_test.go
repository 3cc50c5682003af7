//go:build e2e

package e2e

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/event"
	"ckafka-etl/internal/sample"
)

// longTests begin first, since they take longest.
var longTests = []test{{"tight", onTight}, {"thaw", thaw}}

// onTight runs the tests that need a server to themselves: they change its
// settings, or end it.
func onTight(t *testing.T, s *suite) {
	s = &suite{harness: s.harness, kind: s.kind, es: s.tight}
	tests := []test{
		{"413", tooLarge},
		{"429", tooMany},
		{"no automatic indices", noIndices},
		{"server stopped and started", func(t *testing.T, s *suite) { restarted(t, s, s.es.Stop) }},
		{"server killed and started", func(t *testing.T, s *suite) { restarted(t, s, func() error { s.es.Kill(); return nil }) }},
		{"thaw after a restart", thawAfterRestart},
		{"shard limit", shardLimit},
	}
	if s.kind == servers.KindES6 {
		tests = tests[:len(tests)-1] // 6.8 only warns of the limit
	}
	for _, x := range tests {
		t.Run(x.name, func(t *testing.T) { x.run(t, s) })
	}
}

// One record of 3 MB is more than the server takes in a request. It becomes a
// dead letter with the beginning of its document; the others are stored.
func tooLarge(t *testing.T, s *suite) {
	bodies := append(numberedTo(200), sampleTexts(3000)...)
	large := `{` + at + `,"n":1,"text":"` + strings.Repeat("large ", 500_000) + `"}`
	const place = 100
	bodies = slices.Insert(bodies, place, large)
	payload := eventOf(bodies...)
	env := s.vars(t, s.es).with("ES_Bulk_Concurrency", "1") // makes large requests
	f := s.start(t, env)
	out := f.settle(t, payload)
	assert.Equal(t, counts{Records: len(bodies), Stored: len(bodies) - 1, Dead: 1}, out.counts)
	// The culprit, and again alone when others were taken; its letter whole and by
	// half, and good records that were too many for one request.
	assert.Equal(t, 5, f.countBulks(tooLong))
	records := want(t, env, payload)
	there := read(t, s.es, env)
	dead := there.mustHold(t, 1, records...)
	l := dead[records[place].letter]
	assert.Equal(t, http.StatusRequestEntityTooLarge, l.Error.Status)
	assert.True(t, l.Truncated)
	assert.Equal(t, len(records[place].source), l.Bytes)
	assert.Greater(t, len(l.Document), 500_000, "as much as the server takes")

	// The same process knows now how many are too many.
	again := f.settle(t, payload)
	assert.Equal(t, counts{Records: len(bodies), Duplicate: len(bodies) - 1, Dead: 1}, again.counts)
	assert.Equal(t, 5+4, f.countBulks(tooLong))
	there = read(t, s.es, env)
	there.mustHold(t, 2, records...)
}

func tooLong(b bulkLine) bool { return b.Status == http.StatusRequestEntityTooLarge }

func sampleTexts(n int) []string {
	bodies := make([]string, n)
	for i, b := range sample.AccessBodies(n) {
		bodies[i] = string(b)
	}
	return bodies
}

// Four instances with eight requests each in flight meet a write queue of one
// place.
func tooMany(t *testing.T, s *suite) {
	const instances, records = 4, 2000
	env := s.vars(t, s.es).with("ES_Bulk_Bytes", "64KiB", "ES_Bulk_Concurrency", "8")
	fs, payloads := make([]*function, instances), make([][]byte, instances)
	var all []wanted
	for i := range instances {
		recs := make([]event.Record, records)
		for n, body := range sample.AccessBodies(records) {
			recs[n] = event.Record{Topic: topic, Partition: int32(i), Offset: int64(n), Body: body}
		}
		fs[i], payloads[i] = s.start(t, env), event.Append(nil, recs)
		all = append(all, want(t, env, payloads[i])...)
	}
	before := s.rejected(t)
	under := make([]*invocation, instances)
	for i, f := range fs {
		under[i] = f.begin(t, payloads[i])
	}
	retries := 0
	for _, u := range under {
		out := u.wait(t)
		assert.Nil(t, out.err)
		assert.Equal(t, counts{Records: records, Stored: records}, out.counts)
		retries += out.retries
	}
	refused := s.rejected(t) - before
	t.Logf("%d writes refused, %d requests repeated", refused, retries)
	assert.Positive(t, refused)
	assert.Positive(t, retries)
	there := read(t, s.es, env)
	there.mustHoldAll(t, all...)
}

// rejected is how many writes the server has refused for want of room.
func (s *suite) rejected(t *testing.T) int {
	t.Helper()
	n, err := strconv.Atoi(strings.TrimSpace(s.call(t, http.MethodGet, "/_cat/thread_pool/write?h=rejected", "")))
	require.NoError(t, err)
	return n
}

// set sets a setting of the cluster, or resets it with null.
func (s *suite) set(t *testing.T, setting, value string) {
	t.Helper()
	s.call(t, http.MethodPut, "/_cluster/settings", `{"persistent":{"`+setting+`":`+value+`}}`)
}

// Nobody may create an index by writing to it.
func noIndices(t *testing.T, s *suite) {
	const setting = "action.auto_create_index"
	s.set(t, setting, `"false"`)
	env := s.vars(t, s.es)
	payload := mendable(t, s, s.start(t, env), func() { s.set(t, setting, "null") },
		"index_not_found_exception", "action.auto_create_index")
	there := read(t, s.es, env)
	there.mustHoldAll(t, want(t, env, payload)...)
}

// The cluster has as many shards as it may have.
func shardLimit(t *testing.T, s *suite) {
	const setting = "cluster.max_shards_per_node"
	s.set(t, setting, "1")
	env := s.vars(t, s.es)
	payload := mendable(t, s, s.start(t, env), func() { s.set(t, setting, "null") },
		"validation_exception", "cluster.max_shards_per_node")
	there := read(t, s.es, env)
	there.mustHoldAll(t, want(t, env, payload)...)
}
