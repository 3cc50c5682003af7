//go:build e2e

package e2e

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
)

var (
	noTimeSeries = without("no time series", servers.KindES6, servers.KindES710, servers.KindES7, servers.KindOpenSearch2, servers.KindOpenSearch3)
	noStreams    = without("no data streams, or not without a module that is not published", servers.KindES6, servers.KindES710, servers.KindES7)
)

// indexFaults speak of an index, a template, an alias or the cluster.
var indexFaults = []refusalTest{
	// Every day's index wants to be the alias's write index. The server answers
	// 500 for each document, and the function once buried the whole day.
	{"is_write_index in a template", fault{
		amiss: func(t *testing.T, r *refusing) {
			r.template(t, `"aliases":{"`+keyword(t)+`.all":{"is_write_index":true}}`, false)
			r.call(t, http.MethodPut, "/"+keyword(t)+"-2026-11-19", "")
		},
		mend: untemplated, texts: []string{"is_write_index"},
	}.holds, without("it passes over is_write_index in a template", servers.KindES6)},
	{"index sort field unknown", fault{
		amiss: templated(`"settings":{"index.sort.field":"missing"}`), mend: untemplated, texts: []string{"template"},
	}.holds, nil},
	{"field limit in a template", fault{
		amiss: func(t *testing.T, r *refusing) {
			for i, body := range []string{
				`"mappings":` + r.typed(`{"properties":{"a":{"type":"long"},"b":{"type":"long"}}}`),
				`"settings":{"index.mapping.total_fields.limit":1}`,
			} {
				r.call(t, http.MethodPut, fmt.Sprintf("/_template/%s%d", keyword(t), i), fmt.Sprintf(`{"order":%d,"index_patterns":["%s*"],%s}`, i+9, keyword(t), body))
			}
		},
		mend:  func(t *testing.T, r *refusing) { r.call(t, http.MethodDelete, "/_template/"+keyword(t)+"1", "") },
		texts: []string{"index.mapping.total_fields.limit"},
	}.holds, nil},
	{"routing required", fault{
		amiss: mapped(`{}`, `{"_routing":{"required":true}}`), mend: deleted, texts: []string{"_routing.required"},
	}.holds, nil},
	{"no auto create", fault{
		amiss: clusterSetting("action.auto_create_index", "false"), mend: clusterSetting("action.auto_create_index", "null"),
		texts: []string{"action.auto_create_index"},
	}.holds, nil},
	{"shard limit", fault{
		amiss: clusterSetting("cluster.max_shards_per_node", "1"), mend: clusterSetting("cluster.max_shards_per_node", "null"),
		texts: []string{"cluster.max_shards_per_node"},
	}.holds, without("it only warns", servers.KindES6)},
	{"closed index", fault{
		amiss: func(t *testing.T, r *refusing) {
			r.call(t, http.MethodPut, "/"+today(t), "")
			r.call(t, http.MethodPost, "/"+today(t)+"/_close", "")
		},
		mend:  func(t *testing.T, r *refusing) { r.call(t, http.MethodPost, "/"+today(t)+"/_open", "") },
		texts: []string{"index_closed_exception", "open it"},
	}.holds, nil},
	// The stamp is the function's own, so no record is to blame.
	{"strict mapping without the stamp", fault{
		amiss: mapped(`{}`, `{"dynamic":"strict","properties":{"ts":{"type":"date"},"n":{"type":"long"},"host":{"type":"keyword"}}}`), mend: deleted,
		vars: []string{"ES_Time_Field", "@timestamp"}, texts: []string{"ES_Time_Field"},
	}.holds, nil},
	{"time series", fault{
		amiss: mapped(`{"index":{"mode":"time_series","routing_path":["host"],
			"time_series":{"start_time":"2026-11-01T00:00:00Z","end_time":"2026-12-01T00:00:00Z"}}}`,
			`{"properties":{"@timestamp":{"type":"date"},"host":{"type":"keyword","time_series_dimension":true},"n":{"type":"long"}}}`),
		mend: deleted, vars: []string{"ES_Time_Field", "@timestamp"}, texts: []string{"time_series", "ids"},
	}.holds, noTimeSeries},
	{"data stream without its time", fault{
		amiss: func(t *testing.T, r *refusing) {
			r.call(t, http.MethodPut, "/_index_template/"+keyword(t), `{"priority":900,"index_patterns":["`+keyword(t)+`*"],"data_stream":{}}`)
		},
		mended: []string{"ES_Time_Field", "@timestamp"},
		texts:  []string{"@timestamp", "ES_Time_Field"},
	}.holds, noStreams},
	{"no explicit index", explicitIndex, nil},
}

// explicitIndex has a server that takes no index names in bulk bodies: it
// refuses the whole request, with 400.
func explicitIndex(t *testing.T, r *refusing) {
	f := r.start(t, r.env(t, r.odd))
	for range 2 {
		out := f.refuse(t, r.event(), "rest.action.multi.allow_explicit_index")
		assert.Equal(t, counts{Records: refusedRecords, Unsettled: refusedRecords}, out.counts)
		assert.LessOrEqual(t, out.requests, 25)
	}
}

// documentFaults speak of a document: its neighbours are stored.
var documentFaults = []refusalTest{
	{"content too long", contentTooLong, nil},
	{"strict mapping", strictMapping, nil},
	{"keyword template", keywords, nil},
	{"phrases of other refusals", phrases, nil},
	{"credentials in a quotation", credentials, nil},
}

// some are good records with others among them.
func some(others ...string) []byte {
	bodies := make([]string, 10, 10+len(others))
	for i := range bodies {
		bodies[i] = logged(fmt.Sprintf(`"n":%d`, i))
	}
	return eventOf(append(bodies, others...)...)
}

// buries has the function store the good records and make letters of the
// others, and the same again in a new process.
func buries(t *testing.T, r *refusing, env vars, before []string, payload []byte, dead int) (*function, map[string]letter) {
	t.Helper()
	f := r.start(t, env)
	var all []wanted
	if len(before) > 0 {
		f.settle(t, eventOf(before...))
		all = want(t, env, eventOf(before...))
	}
	all = append(all, want(t, env, payload)...)
	good := len(all) - len(before) - dead
	out := f.settle(t, payload)
	assert.Equal(t, counts{Records: good + dead, Stored: good, Dead: dead}, out.counts)
	again := r.start(t, env)
	out = again.settle(t, payload)
	assert.Equal(t, counts{Records: good + dead, Duplicate: good, Dead: dead}, out.counts)
	there := read(t, r.es, env)
	there.proven = true
	letters := there.mustHold(t, 1, all...)
	require.Len(t, letters, dead)
	return f, letters
}

// A megabyte is what the server takes at a time. What is larger alone becomes
// a letter with the beginning of the document.
func contentTooLong(t *testing.T, r *refusing) {
	bodies := make([]string, 24)
	for i := range bodies {
		bodies[i] = logged(fmt.Sprintf(`"n":%d,"text":%q`, i, strings.Repeat("long ", 10_000)))
	}
	bodies = append(bodies, logged(fmt.Sprintf(`"n":24,"text":%q`, marker+strings.Repeat(" long", 300_000))))
	_, letters := buries(t, r, r.env(t, r.es), nil, eventOf(bodies...), 1)
	for _, l := range letters {
		assert.Equal(t, http.StatusRequestEntityTooLarge, l.Error.Status)
		assert.True(t, l.Truncated)
	}
}

// The record's own fields are its own fault.
func strictMapping(t *testing.T, r *refusing) {
	r.call(t, http.MethodPut, "/"+today(t), `{"mappings":`+r.typed(`{"dynamic":"strict","properties":{
		"@timestamp":{"type":"date"},"ts":{"type":"date"},"n":{"type":"long"}}}`)+`}`)
	_, letters := buries(t, r, r.env(t, r.es), nil, some(logged(`"n":1,"colour":"`+marker+`"`), logged(`"hue":2`)), 2)
	for _, l := range letters {
		assert.Equal(t, "strict_dynamic_mapping_exception", l.Error.Type)
	}
}

// keywords has a template that makes a keyword of every string, in all indices,
// so that the letters on long values are refused as the values were.
func keywords(t *testing.T, r *refusing) {
	r.template(t, `"mappings":`+r.typed(`{"dynamic_templates":[{"s":{"match_mapping_type":"string","mapping":{"type":"keyword"}}}]}`), true)
	var immense []string
	for _, text := range []string{"中", "x", `\"`} {
		immense = append(immense, logged(`"sql":"`+marker+strings.Repeat(text, 40_000)+`"`))
	}
	_, letters := buries(t, r, r.env(t, r.es), nil, some(immense...), 3)
	for _, l := range letters {
		assert.True(t, l.Truncated)
		assert.NotEmpty(t, l.Document, "as much as a keyword holds")
	}
}

// phrases has records that read like the refusals of an index.
func phrases(t *testing.T, r *refusing) {
	names := []string{
		"pipeline with id [" + marker + "] does not exist", "no write index is defined for alias [" + marker + "]",
		"Failed to parse mapping [_doc]: " + marker, "index_not_found_exception", "explicit index in bulk is not allowed",
	}
	var before, odd []string
	for _, name := range names {
		before = append(before, logged(fmt.Sprintf(`%q:1`, name)))
		odd = append(odd, logged(fmt.Sprintf(`%q:"no number"`, name)), logged(fmt.Sprintf(`"n":%q`, name)))
	}
	before = append(before, logged(`"n":1`))
	env := r.env(t, r.es)
	f, _ := buries(t, r, env, before, some(odd...), len(odd))
	for _, name := range names {
		if name != "index_not_found_exception" && name != "explicit index in bulk is not allowed" {
			f.mustNotSay(t, name)
		}
	}
}

// Elasticsearch 7.10 quotes the buffer that it found a duplicate key in: the
// request with its header.
func credentials(t *testing.T, r *refusing) {
	password := r.secrets.addLogin("writer")
	env := r.env(t, r.es).with("ES_User", "writer", "ES_Password", password)
	_, letters := buries(t, r, env, nil, some(logged(`"o":{"a":1,"b":2,"a":3}`)), 1)
	for _, l := range letters {
		assert.NotContains(t, l.Error.Reason, base64.StdEncoding.EncodeToString([]byte("writer:"+password)))
		assert.NotContains(t, l.Error.Reason, "Authorization")
	}
}
