//go:build e2e

package answers

import (
	"fmt"
	"strings"
	"testing"

	"ckafka-etl/e2e/servers"
)

// docs returns a body that writes these documents, with ids of their own.
func docs(sources ...string) func(l *lab, index string) []string {
	return func(l *lab, index string) []string {
		var lines []string
		for i, source := range sources {
			lines = append(lines, l.action("index", index, fmt.Sprint(i+1)), source)
		}
		return lines
	}
}

// mapped has the index there, with a mapping.
func mapped(mapping string) func(t *testing.T, l *lab, index string) {
	return made("{}", mapping)
}

// made has the index there, with settings and a mapping.
func made(settings, mapping string) func(t *testing.T, l *lab, index string) {
	return func(_ *testing.T, l *lab, index string) {
		l.put(l.plain, "/"+index, `{"settings":`+settings+`,`+l.mappings(mapping)+`}`)
	}
}

// after has the index there with a document that made its mapping.
func after(source string) func(t *testing.T, l *lab, index string) {
	return func(_ *testing.T, l *lab, index string) {
		l.put(l.plain, "/"+index+"/_doc/0", source)
	}
}

// field has one field of a type.
func field(name, mapping string) string {
	return fmt.Sprintf(`{"properties":{%q:%s}}`, name, mapping)
}

func x(n int) string { return strings.Repeat("x", n) }

// documentCases are what a document cannot be in any index.
var documentCases = []refusal{
	{name: "id-too-long", class: ofDocument, verdict: dead, bulk: func(l *lab, index string) []string {
		return []string{l.action("index", index, "1"), `{"n":1}`, l.action("index", index, x(513)), `{"n":2}`}
	}},
	{name: "empty-id", class: ofDocument, verdict: dead, bulk: func(l *lab, index string) []string {
		return []string{l.action("index", index, "1"), `{"n":1}`, l.action("index", index, "", `"_id":""`), `{"n":2}`}
	}},
	{name: "duplicate-key", class: ofDocument, verdict: dead, bulk: docs(`{"n":1}`, `{"n":2,"o":{"a":1,"b":2,"a":3}}`)},
	{name: "empty-field-name", class: ofDocument, verdict: dead, bulk: docs(`{"n":1}`, `{"n":2,"":3}`)},
	{
		name: "blank-field-name", class: ofDocument, verdict: dead, bulk: docs(`{"n":1}`, `{"n":2," ":3}`),
		lacks: lackingIn("it takes it", servers.KindES6, servers.KindES710, servers.KindES7, servers.KindOpenSearch2, servers.KindOpenSearch3),
	},
	{name: "dots-field-name", class: ofDocument, verdict: dead, bulk: docs(`{"n":1}`, `{"n":2,"...":3}`)},
	{name: "dot-leads-field-name", class: ofDocument, verdict: dead, bulk: docs(`{"n":1}`, `{"n":2,".a":3}`)},
	{name: "dots-within-field-name", class: ofDocument, verdict: dead, bulk: docs(`{"n":1}`, `{"n":2,"a..b":3}`)},
	{name: "metadata-id", class: ofDocument, verdict: dead, bulk: docs(`{"n":1}`, `{"n":2,"_id":"a"}`)},
	{name: "broken-json", class: ofDocument, verdict: dead, bulk: docs(`{"n":1}`, `{"n":2,"a":`)},
	{name: "no-object", class: ofDocument, verdict: dead, bulk: docs(`{"n":1}`, `[1]`)},
	{name: "text-behind", class: ofDocument, verdict: dead, bulk: docs(`{"n":1}`, `{"n":2} more`)},
	{name: "nested-too-deep", class: ofDocument, verdict: dead, bulk: docs(`{"n":1}`, `{"n":2,"o":`+strings.Repeat(`{"o":`, 25)+`1`+strings.Repeat(`}`, 26))},
	{
		name: "arrays-too-deep", class: ofDocument, verdict: dead, bulk: docs(`{"n":1}`, `{"n":2,"o":`+strings.Repeat(`[`, 1100)+strings.Repeat(`]`, 1100)+`}`),
		lacks: lackingIn("it takes it", servers.KindES6, servers.KindES710, servers.KindES7),
	},
	{name: "number-too-long", class: ofDocument, verdict: dead, bulk: docs(`{"n":1}`, `{"n":2,"o":`+strings.Repeat(`1`, 1100)+`}`)},
}

// phrases are what classifications look for in a reason.
var phrases = []struct{ name, text string }{
	{"pipeline", `pipeline with id [x] does not exist`},
	{"alias", `no write index is defined for alias [x]`},
	{"mapping", `Failed to parse mapping [_doc]: x`},
	{"missing-index", `index_not_found_exception`},
	{"json", `","type":"index_not_found_exception","reason":"no such index [x]`},
	{"two-lines", "a\nno such index [x]"},
}

// phraseCases are documents whose content reads like the refusal of an index:
// in a field's name, and in a value.
var phraseCases = func() (cases []refusal) {
	for _, p := range phrases {
		name, phrase := p.name, p.text
		cases = append(cases,
			refusal{
				name: "phrase-in-value-" + name, class: ofDocument, verdict: dead,
				prepare: mapped(field("n", `{"type":"long"}`)),
				bulk:    docs(`{"n":1}`, fmt.Sprintf(`{"n":%q}`, phrase)),
			},
			refusal{
				name: "phrase-in-name-" + name, class: ofDocument, verdict: dead,
				prepare: after(fmt.Sprintf(`{%q:1}`, phrase)),
				bulk:    docs(`{"n":1}`, fmt.Sprintf(`{%q:"no number"}`, phrase)),
			},
		)
	}
	return cases
}()
