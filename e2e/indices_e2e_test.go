//go:build e2e

package e2e

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/platform"
)

// What an index is, or the cluster, must delay records and not bury them.
var indexTests = []test{
	{"read-only until released", func(t *testing.T, s *suite) { released(t, s, "index.blocks.read_only_allow_delete") }},
	{"write block until released", func(t *testing.T, s *suite) { released(t, s, "index.blocks.write") }},
	{"read-only", readOnly},
	{"closed", closed},
	{"red", noShard},
	{"no pipeline", func(t *testing.T, s *suite) { noPipeline(t, s, false) }},
	{"no default pipeline", func(t *testing.T, s *suite) { noPipeline(t, s, true) }},
	{"alias without a write index", alias},
	{"template with a taken alias", takenAlias},
	{"templates that contradict", contradiction},
}

// today is the index that the tests' events go to.
func today(t *testing.T) string { return keyword(t) + "-" + day }

// block sets or, with nil, releases a block of the day's index.
func (s *suite) block(t *testing.T, setting string, value any) {
	t.Helper()
	if err := s.es.PutSettings(within(t), today(t), map[string]any{setting: value}); err != nil {
		t.Fatal(err)
	}
}

// released has the index blocked when the invocation begins. It waits, and
// stores everything when the block goes.
func released(t *testing.T, s *suite, setting string) {
	env := s.vars(t, s.es)
	f := s.start(t, env)
	before, payload := eventOf(numbered(-1)), eventOf(numberedTo(300)...)
	f.settle(t, before)
	s.block(t, setting, true)
	bulks := f.countBulks(answered)
	under := f.begin(t, payload)
	f.awaitBulks(t, bulks+2, answered) // neither of which can have written anything
	s.block(t, setting, nil)
	out := under.wait(t)
	assert.Nil(t, out.err)
	assert.Equal(t, counts{Records: 300, Stored: 300}, out.counts)
	assert.NotZero(t, out.retries)
	there := read(t, s.es, env)
	there.mustHoldAll(t, append(want(t, env, before), want(t, env, payload)...)...)
}

// readOnly has one of two days blocked for longer than the invocation may take.
// The other day's records are stored, none is buried, and the next delivery
// stores the rest.
func readOnly(t *testing.T, s *suite) {
	env := s.vars(t, s.es)
	const timeout = 5 * time.Second
	f := s.startAs(t, platform.Function{Env: env, Timeout: timeout})
	before := eventOf(numbered(-1))
	f.settle(t, before)
	s.block(t, "index.blocks.read_only_allow_delete", true)
	payload := eventOf(numbered(0), `{"@timestamp":"2026-11-19T12:00:00Z","n":1}`, numbered(2))
	out := f.refuse(t, payload, "cluster_block_exception", "index.blocks")
	assert.Contains(t, f.said.String(), `"index":"`+today(t)+`"`)
	assert.Equal(t, counts{Records: 3, Stored: 1, Unsettled: 2}, out.counts)
	assert.Less(t, out.took, timeout, "it is not killed in the middle of a request")
	s.block(t, "index.blocks.read_only_allow_delete", nil)
	assert.Equal(t, counts{Records: 3, Stored: 3}, f.settle(t, payload).counts)
	there := read(t, s.es, env)
	there.mustHoldAll(t, append(want(t, env, before), want(t, env, payload)...)...)
}

func closed(t *testing.T, s *suite) {
	held(t, s, nil,
		func() { s.call(t, http.MethodPost, "/"+today(t)+"/_close", "") },
		func() { s.call(t, http.MethodPost, "/"+today(t)+"/_open", "") },
		"index_closed_exception", "open it")
}

// held has something amiss with a day's index that exists already.
func held(t *testing.T, s *suite, pairs []string, amiss, mend func(), texts ...string) {
	t.Helper()
	env := s.vars(t, s.es).with(pairs...)
	before := eventOf(numbered(-1))
	s.start(t, s.vars(t, s.es)).settle(t, before)
	amiss()
	payload := mendable(t, s, s.start(t, env), mend, texts...)
	there := read(t, s.es, env)
	there.rewritten = true // a pipeline does so, even an empty one
	there.mustHoldAll(t, append(want(t, env, before), want(t, env, payload)...)...)
}

// mendable delivers an event to a server with something amiss: at once, and
// without burying anything, the function has to say what. When it is mended
// the event is delivered to a new process.
func mendable(t *testing.T, s *suite, f *function, mend func(), texts ...string) (payload []byte) {
	t.Helper()
	payload = eventOf(numberedTo(100)...)
	out := f.refuse(t, payload, texts...)
	assert.Contains(t, f.said.String(), keyword(t), "the index")
	assert.Equal(t, counts{Records: 100, Unsettled: 100}, out.counts)
	assert.Less(t, out.took, 10*time.Second, "waiting would not help")
	f.Stop()
	mend()
	out = s.start(t, f.env).settle(t, payload)
	assert.Equal(t, counts{Records: 100, Stored: 100}, out.counts)
	return payload
}

// noShard has a day whose shard no node may hold, as after a crash or with a
// disk that is full: the server can neither take nor refuse its records. The
// other days' are stored meanwhile.
func noShard(t *testing.T, s *suite) {
	env := s.vars(t, s.es)
	s.call(t, http.MethodPut, "/"+today(t)+"?wait_for_active_shards=0",
		`{"settings":{"index.routing.allocation.include._name":"nobody"}}`)
	f := s.startAs(t, platform.Function{Env: env, Timeout: 6 * time.Second})
	// The server quotes a document that is alone in its shard's share of a
	// request. No log may do so.
	alone := eventOf(`{"` + marker + `":3,"log_id":"1",` + at + `}`)
	f.refuse(t, alone, "unavailable_shards_exception", today(t))
	payload := eventOf(numbered(0), `{"@timestamp":"2026-11-19T12:00:00Z","n":1}`, numbered(2))
	out := f.refuse(t, payload, "unavailable_shards_exception", today(t))
	assert.Equal(t, counts{Records: 3, Stored: 1, Unsettled: 2}, out.counts)
	s.block(t, "index.routing.allocation.include._name", nil)
	out = s.start(t, env).settle(t, payload)
	assert.Equal(t, 3, out.present())
	there := read(t, s.es, env)
	there.mustHold(t, 1, want(t, env, payload)...)
}

// noPipeline has a pipeline missing that the function or the index names.
func noPipeline(t *testing.T, s *suite, ofIndex bool) {
	name := keyword(t) + "-missing"
	create := func() { s.call(t, http.MethodPut, "/_ingest/pipeline/"+name, `{"processors":[]}`) }
	if ofIndex {
		held(t, s, nil, func() { s.block(t, "index.default_pipeline", name) }, create, "pipeline", "default pipeline")
	} else {
		held(t, s, []string{"ES_Pipeline", name}, func() {}, create, "pipeline", "ES_Pipeline")
	}
}

// alias has an alias for two indices in the day's place.
func alias(t *testing.T, s *suite) {
	env := s.vars(t, s.es)
	one, two := "behind-"+keyword(t)+"1", "behind-"+keyword(t)+"2"
	for _, index := range []string{one, two} {
		s.call(t, http.MethodPut, "/"+index, `{"aliases":{"`+today(t)+`":{}}}`)
	}
	payload := mendable(t, s, s.start(t, env), func() {
		s.call(t, http.MethodPost, "/_aliases",
			`{"actions":[{"add":{"index":"`+two+`","alias":"`+today(t)+`","is_write_index":true}}]}`)
	}, "is_write_index")
	there := read(t, s.es, env)
	assert.Len(t, there.docs, len(want(t, env, payload)))
	for _, d := range there.docs {
		assert.Equal(t, two, d.Index)
	}
}

// takenAlias has a template that makes creating the day's index impossible.
func takenAlias(t *testing.T, s *suite) {
	env, name := s.vars(t, s.es), keyword(t)+".taken"
	s.call(t, http.MethodPut, "/_template/"+name, `{"index_patterns":["`+keyword(t)+`-*"],"aliases":{"`+name+`":{}}}`)
	s.call(t, http.MethodPut, "/"+name, "")
	payload := mendable(t, s, s.start(t, env), func() {
		s.call(t, http.MethodDelete, "/_template/"+name, "")
	}, "invalid_alias_name_exception", "template")
	there := read(t, s.es, env)
	there.mustHoldAll(t, want(t, env, payload)...)
}

// contradiction has two templates, each sound, that together are not.
func contradiction(t *testing.T, s *suite) {
	env, name := s.vars(t, s.es), keyword(t)
	for order, mapping := range []string{`{"type":"keyword","ignore_above":10}`, `{"type":"long"}`} {
		mapping = `{"properties":{"n":` + mapping + `}}`
		if s.kind == servers.KindES6 {
			mapping = `{"_doc":` + mapping + `}`
		}
		s.call(t, http.MethodPut, fmt.Sprintf("/_template/%s%d", name, order),
			fmt.Sprintf(`{"index_patterns":["%s-*"],"order":%d,"mappings":%s}`, name, order, mapping))
	}
	payload := mendable(t, s, s.start(t, env), func() {
		s.call(t, http.MethodDelete, "/_template/"+name+"0", "")
	}, "mapper_parsing_exception", "template")
	there := read(t, s.es, env)
	there.mustHoldAll(t, want(t, env, payload)...)
}
