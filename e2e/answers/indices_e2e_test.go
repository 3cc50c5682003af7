//go:build e2e

package answers

import (
	"net/http"
	"testing"

	"ckafka-etl/e2e/servers"
)

var (
	lacksOn6  = map[servers.Kind]string{servers.KindES6: "no such setting"}
	lackingIn = func(why string, kinds ...servers.Kind) map[servers.Kind]string {
		lacks := map[servers.Kind]string{}
		for _, k := range kinds {
			lacks[k] = why
		}
		return lacks
	}
)

// blocked has the index there with a setting that blocks it.
func blocked(setting string) func(t *testing.T, l *lab, index string) {
	return func(_ *testing.T, l *lab, index string) {
		l.put(l.plain, "/"+index, "")
		l.put(l.plain, "/"+index+"/_settings", `{"`+setting+`":true}`)
	}
}

// indexCases are refusals for what an index is, or an alias.
var indexCases = []refusal{
	{name: "closed", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: func(_ *testing.T, l *lab, index string) {
		l.put(l.plain, "/"+index, "")
		l.call(l.plain, http.MethodPost, "/"+index+"/_close", "")
	}},
	{name: "routing-required", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: mapped(`{"_routing":{"required":true}}`)},
	{name: "default-pipeline-missing", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: made(`{"index.default_pipeline":"missing"}`, `{}`)},
	{name: "final-pipeline-missing", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: made(`{"index.final_pipeline":"missing"}`, `{}`), lacks: lacksOn6},
	{name: "pipeline-missing", class: ofIndex, verdict: unsettled, path: "/_bulk?pipeline=missing", bulk: docs(`{"n":1}`, `{"n":2}`)},
	{name: "block-read-only-allow-delete", class: ofServer, verdict: again, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: blocked("index.blocks.read_only_allow_delete")},
	{name: "block-write", class: ofServer, verdict: again, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: blocked("index.blocks.write")},
	{name: "no-shard", class: ofServer, verdict: again, path: "/_bulk?timeout=1ms", bulk: docs(`{"n":1}`, `{"n":2}`), prepare: func(_ *testing.T, l *lab, index string) {
		l.put(l.plain, "/"+index+"?wait_for_active_shards=0", `{"settings":{"index.routing.allocation.include._name":"nobody"}}`)
	}},
	{name: "name-upper-case", class: ofIndex, verdict: unsettled, bulk: func(l *lab, _ string) []string { return docs(`{"n":1}`, `{"n":2}`)(l, "R-name-Upper") }},
	{name: "name-with-blank", class: ofIndex, verdict: unsettled, bulk: func(l *lab, _ string) []string { return docs(`{"n":1}`, `{"n":2}`)(l, "r name blank") }},
	{name: "name-of-two", class: ofIndex, verdict: unsettled, bulk: func(l *lab, index string) []string { return docs(`{"n":1}`, `{"n":2}`)(l, index+"-*") }},
	{name: "alias-without-write-index", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: func(_ *testing.T, l *lab, index string) {
		l.put(l.plain, "/"+index+"-1", `{"aliases":{"`+index+`":{"is_write_index":false}}}`)
	}},
	{name: "alias-of-two-indices", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: func(_ *testing.T, l *lab, index string) {
		l.put(l.plain, "/"+index+"-1", `{"aliases":{"`+index+`":{}}}`)
		l.put(l.plain, "/"+index+"-2", `{"aliases":{"`+index+`":{}}}`)
	}},
	{name: "alias-with-routing", class: ofIndex, verdict: unsettled, bulk: func(l *lab, index string) []string {
		return []string{l.action("index", index, "1", `"routing":"b"`), `{"n":1}`}
	}, prepare: func(_ *testing.T, l *lab, index string) {
		l.put(l.plain, "/"+index+"-1", `{"aliases":{"`+index+`":{"index_routing":"a"}}}`)
	}},
	{name: "create-conflict", class: ofDocument, verdict: conflict, prepare: after(`{"n":1}`), bulk: func(l *lab, index string) []string {
		return []string{l.action("create", index, "0"), `{"n":1}`, l.action("create", index, "1"), `{"n":2}`}
	}},
	{name: "version-conflict", class: ofDocument, verdict: conflict, prepare: func(_ *testing.T, l *lab, index string) {
		l.put(l.plain, "/"+index+"/_doc/0?version=7&version_type=external", `{"n":1}`)
	}, bulk: func(l *lab, index string) []string {
		return []string{
			l.action("index", index, "0", `"version":6`, `"version_type":"external"`), `{"n":1}`,
			l.action("index", index, "0", `"version":7`, `"version_type":"external"`), `{"n":1}`,
			l.action("index", index, "0", `"version":8`, `"version_type":"external"`), `{"n":2}`,
		}
	}},
	{name: "create-with-version", class: ofRequest, verdict: unsettled, bulk: func(l *lab, index string) []string {
		return []string{l.action("create", index, "0", `"version":6`, `"version_type":"external"`), `{"n":1}`}
	}},
}
