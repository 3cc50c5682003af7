//go:build e2e

package answers

import (
	"fmt"
	"testing"

	"ckafka-etl/e2e/servers"
)

// templated has a template that makes creating the index impossible.
func templated(body string) func(t *testing.T, l *lab, index string) {
	return func(_ *testing.T, l *lab, index string) { l.template(index, body) }
}

// legacy has templates of the old kind, in this order, which a server joins.
func legacy(bodies ...string) func(t *testing.T, l *lab, index string) {
	return func(_ *testing.T, l *lab, index string) {
		for i, body := range bodies {
			l.put(l.plain, fmt.Sprintf("/_template/%s-%d", index, i), fmt.Sprintf(`{"order":%d,"index_patterns":["%s*"],%s}`, i+10, index, body))
		}
	}
}

// contradicting has two templates, each sound, that together are not.
func contradicting(one, two string) func(t *testing.T, l *lab, index string) {
	return func(t *testing.T, l *lab, index string) { legacy(l.mappings(one), l.mappings(two))(t, l, index) }
}

func atPut(kinds ...servers.Kind) map[servers.Kind]string {
	return lackingIn("it refuses the template itself", kinds...)
}

// templateCases are refusals for what a template makes of a new index. Not
// among them is what every server refuses when the template is put: an unknown
// setting, codec or tokenizer, too many shards.
var templateCases = []refusal{
	{name: "template-second-write-index", lacks: lackingIn("it passes over is_write_index in a template", servers.KindES6), class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: func(_ *testing.T, l *lab, index string) {
		l.template(index, `"aliases":{"all-of-`+index+`":{"is_write_index":true}}`)
		l.put(l.plain, "/"+index+"-yesterday", "")
	}},
	{name: "template-sort-field", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: templated(`"settings":{"index.sort.field":"missing"}`)},
	{name: "template-text-sort-field", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: func(t *testing.T, l *lab, index string) {
		legacy(`"settings":{"index.sort.field":"s"},`+l.mappings(field("s", `{"type":"keyword"}`)), l.mappings(field("s", `{"type":"text"}`)))(t, l, index)
	}},
	{
		name: "template-mapping", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`),
		prepare: contradicting(field("f", `{"type":"keyword","ignore_above":10}`), field("f", `{"type":"long"}`)),
	},
	{name: "template-field-limit", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: func(t *testing.T, l *lab, index string) {
		legacy(l.mappings(`{"properties":{"a":{"type":"long"},"b":{"type":"long"}}}`), `"settings":{"index.mapping.total_fields.limit":1}`)(t, l, index)
	}},
	{
		name: "template-routing-shards", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`),
		prepare: legacy(`"settings":{"index.number_of_shards":3}`, `"settings":{"index.number_of_routing_shards":4}`), lacks: atPut(servers.KindES6),
	},
	{
		name: "template-partition-size", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`),
		prepare: legacy(`"settings":{"index.number_of_shards":4}`, `"settings":{"index.routing_partition_size":4}`),
	},
	{name: "template-taken-alias", class: ofIndex, verdict: unsettled, bulk: docs(`{"n":1}`, `{"n":2}`), prepare: func(_ *testing.T, l *lab, index string) {
		l.template(index, `"aliases":{"taken-by-`+index+`":{}}`)
		l.put(l.plain, "/taken-by-"+index, "")
	}},
	{name: "template-dynamic", class: ofIndex, verdict: unsettled, lacks: atPut(servers.KindES8, servers.KindES819, servers.KindES9), bulk: docs(`{"f":"a"}`, `{"f":"b"}`), prepare: func(_ *testing.T, l *lab, index string) {
		l.template(index, l.mappings(`{"dynamic_templates":[{"s":{"match_mapping_type":"string","mapping":{"type":"text","analyzer":"missing"}}}]}`))
	}},
}
