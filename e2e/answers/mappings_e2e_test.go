//go:build e2e

package answers

import (
	"fmt"
	"strings"
)

// conflicting is a case of one field that is mapped to a type.
func conflicting(name, mapping, value string) refusal {
	return refusal{
		name: name, class: ofDocument, verdict: dead,
		prepare: mapped(field("f", mapping)),
		bulk:    docs(`{"n":1}`, `{"n":2,"f":`+value+`}`),
	}
}

// fields returns that many.
func fields(n int) string {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf(`"f%d":%d`, i, i)
	}
	return strings.Join(names, ",")
}

// mappingCases are documents that do not fit the index that they go to.
var mappingCases = []refusal{
	conflicting("text-into-long", `{"type":"long"}`, `"no number"`),
	conflicting("object-into-long", `{"type":"long"}`, `{"a":1}`),
	conflicting("value-into-object", `{"properties":{"a":{"type":"long"}}}`, `"no object"`),
	conflicting("value-into-nested", `{"type":"nested"}`, `"no object"`),
	conflicting("too-large-for-long", `{"type":"long"}`, `9223372036854775808`),
	conflicting("infinite-for-float", `{"type":"float"}`, `1e400`),
	conflicting("bad-date", `{"type":"date"}`, `"yesterday"`),
	conflicting("bad-ip", `{"type":"ip"}`, `"10.0.0.256"`),
	conflicting("bad-boolean", `{"type":"boolean"}`, `"yes"`),
	conflicting("bad-geo-point", `{"type":"geo_point"}`, `"nowhere, at all"`),
	conflicting("immense-term", `{"type":"keyword"}`, `"`+x(40_000)+`"`),
	conflicting("long-quote", `{"type":"long"}`, `"`+x(200_000)+`"`),
	{
		name: "detected-date", class: ofDocument, verdict: dead,
		prepare: after(`{"f":"2026-11-20"}`),
		bulk:    docs(`{"n":1}`, `{"n":2,"f":"no date"}`),
	},
	{
		name: "dotted-into-value", class: ofDocument, verdict: dead,
		prepare: after(`{"f":1}`),
		bulk:    docs(`{"n":1}`, `{"n":2,"f.a":3}`),
	},
	{
		name: "conflict-within-a-request", class: ofDocument, verdict: dead,
		bulk: docs(`{"f":1}`, `{"f":{"a":2}}`, `{"f":3}`),
	},
	{
		name: "field-limit", class: ofDocument, verdict: dead,
		prepare: made(`{"index.mapping.total_fields.limit":5}`, `{}`),
		bulk:    docs(`{"n":1}`, `{`+fields(10)+`}`),
	},
	{
		name: "depth-limit", class: ofDocument, verdict: dead,
		prepare: made(`{"index.mapping.depth.limit":2}`, `{}`),
		bulk:    docs(`{"n":1}`, `{"a":{"b":{"c":{"d":1}}}}`),
	},
	{
		name: "field-name-length-limit", class: ofDocument, verdict: dead,
		prepare: made(`{"index.mapping.field_name_length.limit":30}`, `{}`),
		bulk:    docs(`{"n":1}`, `{"a_field_with_a_name_of_more_than_30":1}`),
		lacks:   lacksOn6,
	},
	{
		name: "nested-objects-limit", class: ofDocument, verdict: dead,
		prepare: made(`{"index.mapping.nested_objects.limit":2}`, field("f", `{"type":"nested"}`)),
		bulk:    docs(`{"n":1}`, `{"f":[{"a":1},{"a":2},{"a":3}]}`),
		lacks:   lacksOn6,
	},
	{
		name: "strict", class: ofDocument, verdict: dead,
		prepare: mapped(`{"dynamic":"strict","properties":{"n":{"type":"long"},"@timestamp":{"type":"date"}}}`),
		bulk:    docs(`{"n":1}`, `{"n":2,"colour":"red"}`),
	},
	{
		name: "strict-object", class: ofDocument, verdict: dead,
		prepare: mapped(`{"properties":{"n":{"type":"long"},"o":{"dynamic":"strict","properties":{"a":{"type":"long"}}}}}`),
		bulk:    docs(`{"n":1}`, `{"n":2,"o":{"colour":"red"}}`),
	},
	{
		// The function stamps each document with this field.
		name: "strict-own-stamp", class: ofIndex, verdict: unsettled,
		prepare: mapped(`{"dynamic":"strict","properties":{"n":{"type":"long"}}}`),
		bulk:    docs(`{"n":1,"@timestamp":"2026-11-20T12:00:00.000Z"}`, `{"n":2,"@timestamp":"2026-11-20T12:00:00.000Z"}`),
	},
	{
		name: "field-alias", class: ofDocument, verdict: dead,
		prepare: mapped(`{"properties":{"n":{"type":"long"},"f":{"type":"alias","path":"n"}}}`),
		bulk:    docs(`{"n":1}`, `{"n":2,"f":3}`),
	},
}
