package standin

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

const ndjson = "application/x-ndjson"

// realCases are all cases that real servers have answered.
func realCases() []realCase {
	return slices.Concat(bulkCases(), actionCases(), queryCases(), sourceCases(), indexNameCases(), requestCases(), blockCases(), mappingCases(), conflictCases())
}

// lines is a bulk body of these lines.
func lines(l ...string) string { return strings.Join(l, "\n") + "\n" }

// action is an action line; without an id the server makes one.
func action(op, index, id string) string {
	quote := func(s string) string {
		b, _ := json.Marshal(s)
		return string(b)
	}
	if id == "" {
		return fmt.Sprintf(`{%q:{"_index":%s%s}}`, op, quote(index), typeMark)
	}
	return fmt.Sprintf(`{%q:{"_index":%s,"_id":%s%s}}`, op, quote(index), quote(id), typeMark)
}

// one is a bulk body with one small document.
func one() string { return lines(action("index", "i", "1"), `{"a":1}`) }

func bulkTo(path, body string) exchange {
	return exchange{method: "POST", path: path, body: body, contentType: ndjson}
}

func bulk(body string) exchange { return bulkTo("/_bulk", body) }

func request(method, path, body string) exchange {
	e := exchange{method: method, path: path, body: body}
	if body != "" {
		e.contentType = "application/json"
	}
	return e
}

func get(path string) exchange { return request("GET", path, "") }

func indices() exchange { return get("/_cat/indices?format=json&h=index&s=index") }

func (e exchange) quietly() exchange { e.quiet = true; return e }

func (e exchange) briefly() exchange { e.brief = true; return e }

func (e exchange) wholly() exchange { e.whole = true; return e }

func nest(open, inner, end string, n int) string {
	return strings.Repeat(open, n) + inner + strings.Repeat(end, n)
}

// members is an object with n members prefix0, prefix1 …
func members(prefix, value string, from, n int) string {
	m := make([]string, n)
	for i := range m {
		m[i] = fmt.Sprintf(`"%s%d":%s`, prefix, from+i, value)
	}
	return "{" + strings.Join(m, ",") + "}"
}

func bulkCases() []realCase {
	ok := one()
	long := func(n int) string { return strings.Repeat("x", n) }
	typed := func(id, typ string) string {
		return lines(`{"index":{"_index":"i","_id":"`+id+`","_type":"`+typ+`"}}`, `{"a":1}`)
	}
	cases := []realCase{
		{name: "results", steps: []exchange{
			bulk(lines(action("index", "i", "1"), `{"a":1}`, action("create", "i", "2"), `{"a":2}`, action("create", "i", "2"), `{"a":3}`, action("index", "i", "1"), `{"a":4}`,
				action("delete", "i", "2"), action("delete", "i", "2"), action("delete", "i", "none"), action("create", "i", "2"), `{"a":5}`, action("index", "i", ""), `{"a":6}`)).wholly(),
			get("/i/_doc/1").wholly(), get("/i/_doc/2"), get("/i/_doc/3"), get("/none/_doc/3").wholly(),
		}},
		{name: "put", steps: []exchange{{method: "PUT", path: "/_bulk", body: ok, contentType: ndjson}}},
		{name: "url index", steps: []exchange{bulkTo("/i/_bulk", lines(`{"index":{"_id":"1"`+typeMark+`}}`, `{"a":1}`, action("index", "j", "1"), `{"a":1}`))}},
		{name: "url index and type", steps: []exchange{bulkTo("/i/_doc/_bulk", lines(`{"index":{"_id":"1"}}`, `{"a":1}`))}},
		{name: "url index bad", steps: []exchange{bulkTo("/_x/_bulk", lines(`{"index":{"_id":"1"`+typeMark+`}}`, `{"a":1}`))}},
		{name: "no newline at the end", steps: []exchange{bulk(strings.TrimSuffix(ok, "\n")), indices()}},
		{name: "no newline after a delete", steps: []exchange{bulk(action("delete", "i", "1"))}},
		{name: "last source missing", steps: []exchange{bulk(ok + action("index", "i", "2") + "\n"), indices()}},
		{name: "only an action", steps: []exchange{bulk(action("index", "i", "2") + "\n")}},
		{name: "empty body", steps: []exchange{bulk("")}},
		{name: "newline only", steps: []exchange{bulk("\n")}},
		{name: "spaces only", steps: []exchange{bulk("  \n")}},
		{name: "newlines around", steps: []exchange{bulk("\n" + ok + "\n")}},
		{name: "spaces for an action", steps: []exchange{bulk("  \n" + ok)}},
		{name: "blank source", steps: []exchange{bulk(lines(action("index", "i", "1"), "", action("index", "i", "2"), `{"a":1}`))}},
		{name: "spaces for a source", steps: []exchange{bulk(lines(action("index", "i", "1"), "  ", action("index", "i", "2"), `{"a":1}`))}},
		{name: "carriage returns", steps: []exchange{bulk(strings.ReplaceAll(ok, "\n", "\r\n")), get("/i/_doc/1")}},
		{name: "type missing", steps: []exchange{bulk(lines(`{"index":{"_index":"i","_id":"1"}}`, `{"a":1}`, `{"index":{"_index":"i","_id":"2"}}`, `{"a":1}`))}},
		{name: "type present", steps: []exchange{bulk(typed("1", "_doc"))}},
		{name: "type custom", steps: []exchange{bulk(typed("1", "log"))}},
		{name: "type of the second action", steps: []exchange{bulk(ok + typed("2", "_doc"))}},
		{name: "malformed second action", steps: []exchange{bulk(ok + lines(`{"index":`, `{"a":1}`)), indices()}},
		{name: "delete from a missing index", steps: []exchange{bulk(lines(action("delete", "none", "1"))), indices()}},
		{name: "delete without id", steps: []exchange{bulk(lines(action("delete", "i", "")))}},
		{name: "create without id", steps: []exchange{bulk(lines(action("create", "i", ""), `{"a":1}`))}},
		{name: "several things invalid", steps: []exchange{bulk(lines(`{"index":{"_id":"1"`+typeMark+`}}`, `{"a":1}`, `{"delete":{"_index":"i"`+typeMark+`}}`, `{"index":{"_index":"i","_id":"`+long(513)+`"`+typeMark+`}}`, `{"a":1}`))}},
		{name: "long id among good", steps: []exchange{bulk(ok + lines(action("create", "i", long(513)), `{"a":1}`)), indices()}},
	}
	for _, id := range [][2]string{
		{"empty", `""`},
		{"number", `5`},
		{"null", `null`},
		{"boolean", `true`},
		{"float", `1.50`},
		{"object", `{}`},
		{"array", `[1]`},
		{"of 512 bytes", `"` + long(512) + `"`},
		{"of 513 bytes", `"` + long(513) + `"`},
		{"of 256 letters in 512 bytes", `"` + strings.Repeat("é", 256) + `"`},
		{"of 257 letters in 514 bytes", `"` + strings.Repeat("é", 257) + `"`},
		{"underscore", `"_x"`},
		{"spaces", `" a/b "`},
		{"nul", `"a\u0000b"`},
		{"lone surrogate", `"a\ud800b"`},
	} {
		cases = append(cases, realCase{name: "id " + id[0], steps: []exchange{bulk(lines(`{"index":{"_index":"i","_id":`+id[1]+typeMark+`}}`, `{"a":1}`))}})
	}
	header := func(name string, e exchange) {
		e.method, e.path, e.body = "POST", "/_bulk", ok
		cases = append(cases, realCase{name: name, steps: []exchange{e}})
	}
	for _, ct := range []string{ndjson, "application/json", "application/json; charset=utf-8", "application/x-ndjson;charset=UTF-8", "Application/JSON", "text/plain", "application/octet-stream", "application/x-www-form-urlencoded", "", "garbage", "application/json; foo=bar", "application/json; charset=latin1"} {
		header("content type "+ct, exchange{contentType: ct})
	}
	const vnd = "application/vnd.elasticsearch+"
	for _, h := range [][2]string{{vnd + "json;compatible-with=7", ""}, {vnd + "x-ndjson; compatible-with=8", ""}, {vnd + "x-ndjson; compatible-with=8", vnd + "json; compatible-with=8"}, {ndjson, vnd + "json; compatible-with=8"}, {vnd + "x-ndjson; compatible-with=9", vnd + "json; compatible-with=9"}, {ndjson, "application/json"}, {ndjson, "*/*"}, {ndjson, "text/html"}, {ndjson, "text/html, application/json"}} {
		header("content type "+h[0]+" accept "+h[1], exchange{contentType: h[0], accept: h[1]})
	}
	for _, e := range []string{"gzip gz", "gzip", " gz", "gzip cut", "br", "identity", "x-gzip gz", "deflate", "GZIP gz"} {
		header("content encoding "+e, exchange{contentType: ndjson, encoding: e})
	}
	return inGroup("bulk", cases)
}

func inGroup(group string, cases []realCase) []realCase {
	for i := range cases {
		cases[i].group = group
	}
	return cases
}

func actionCases() []realCase {
	cases := []struct{ name, action string }{
		{"text", `hello`},
		{"array", `[]`},
		{"number", `1`},
		{"empty object", `{}`},
		{"index number", `{"index":1}`},
		{"index array", `{"index":[]}`},
		{"index string", `{"index":"x"}`},
		{"index null", `{"index":null}`},
		{"index true", `{"index":true}`},
		{"unknown operation", `{"foo":{"_index":"i"}}`},
		{"operation in capitals", `{"INDEX":{"_index":"i"` + typeMark + `}}`},
		{"unknown parameter", `{"index":{"_index":"i","_id":"1"` + typeMark + `,"foo":1}}`},
		{"unknown parameter null", `{"index":{"_index":"i","_id":"1"` + typeMark + `,"foo":null}}`},
		{"unknown object", `{"index":{"_index":"i","_id":"1"` + typeMark + `,"foo":{"a":1}}}`},
		{"unknown array", `{"index":{"_index":"i","_id":"1"` + typeMark + `,"foo":[1]}}`},
		{"index name object", `{"index":{"_index":{}` + typeMark + `}}`},
		{"index name array", `{"index":{"_index":["a"]` + typeMark + `}}`},
		{"index name number", `{"index":{"_index":1` + typeMark + `}}`},
		{"index name null", `{"index":{"_index":null` + typeMark + `}}`},
		{"index name true", `{"index":{"_index":true` + typeMark + `}}`},
		{"index name empty", `{"index":{"_index":""` + typeMark + `}}`},
		{"index name missing", `{"index":{"_id":"1"` + typeMark + `}}`},
		{"all missing", `{"index":{}}`},
		{"text behind", `{"index":{"_index":"i","_id":"1"` + typeMark + `}} x`},
		{"object behind", `{"index":{"_index":"i","_id":"1"` + typeMark + `}}{}`},
		{"second operation", `{"index":{"_index":"i","_id":"1"` + typeMark + `},"x":{}}`},
		{"trailing comma", `{"index":{"_index":"i","_id":"1"` + typeMark + `,}}`},
		{"cut", `{"index":{"_index":"i","_id":"1"` + typeMark},
		{"one brace missing", `{"index":{"_index":"i","_id":"1"` + typeMark + `}`},
		{"duplicate parameter", `{"index":{"_index":"i","_index":"j","_id":"1"` + typeMark + `}}`},
		{"spaces", `  { "index" : { "_index" : "i" , "_id" : "1"` + typeMark + ` } }  `},
		{"bad UTF-8", "{\"index\":{\"_index\":\"i\",\"_id\":\"\xff\"" + typeMark + "}}"},
		{"control character", "{\"index\":{\"_index\":\"i\",\"_id\":\"\x01\"" + typeMark + "}}"},
		{"byte order mark", "\ufeff" + `{"index":{"_index":"i","_id":"1"` + typeMark + `}}`},
		{"pipeline", `{"index":{"_index":"i","_id":"1","pipeline":"x"` + typeMark + `}}`},
		{"pipeline _none", `{"index":{"_index":"i","_id":"1","pipeline":"_none"` + typeMark + `}}`},
		{"pipeline empty", `{"index":{"_index":"i","_id":"1","pipeline":""` + typeMark + `}}`},
	}
	var out []realCase
	for _, c := range cases {
		out = append(out, realCase{name: c.name, steps: []exchange{bulk(lines(c.action, `{"a":1}`)), indices()}})
	}
	return inGroup("action", out)
}

func queryCases() []realCase {
	var out []realCase
	for _, q := range []string{
		"foo=1", "foo=1&bar=2", "pretty", "pretty=true", "pretty=x", "human", "human=x", "error_trace=true", "format=json",
		"refresh", "refresh=true", "refresh=false", "refresh=wait_for", "refresh=xyz", "timeout=1m", "timeout=500ms", "timeout=1.5s", "timeout=xyz", "timeout=10", "timeout=", "timeout=1w",
		"pipeline=x", "pipeline=_none", "pipeline=", "type=_doc", "op_type=create", "filter_pat=errors", "id=3", "timeouts=1m", "refreshh=true", "pipelin=x", "master_timeout=1s", "default_index=x", "prety",
		"filter_path=errors", "filter_path=took", "filter_path=errors,items.*.status,items.*.error", "filter_path=items.*.error", "filter_path=items.create", "filter_path=items.*.error.type", "filter_path=items.**.type", "filter_path=**.status", "filter_path=**", "filter_path=*", "filter_path=none", "filter_path=", "filter_path=items.*._*", "filter_path=-items", "filter_path=-items.*._shards,-items.*.result", "filter_path=items.*.error,-items.*.error.reason", "filter_path=er*s,it*.*._i*", "filter_path=items", "filter_path=items.*.*", "filter_path=errors,items.*._shards.successful", "filter_path=errors.x", "filter_path=items.index._id,items.create._id", "filter_path=**.reason,errors", "filter_path=errors&filter_path=took", "filter_path=items.*.error.**", "filter_path=took,,errors", "filter_path=+errors+,+took", "filter_path=-**.reason",
	} {
		out = append(out, realCase{name: q, steps: []exchange{bulkTo("/_bulk?"+q, lines(action("index", "i", "1"), `{"a":1}`, action("create", "i", "1"), `{"a":2}`))}})
	}
	return inGroup("query", out)
}

func indexNameCases() []realCase {
	var out []realCase
	for _, n := range []string{"Upper", "_x", "-x", "+x", `a\b`, "a/b", "a*b", "a?b", `a"b`, "a<b", "a>b", "a|b", "a b", "a,b", "a#b", "a:b", ".", "..", ".x", "...", strings.Repeat("a", 255), strings.Repeat("a", 256), strings.Repeat("é", 127), strings.Repeat("é", 128), "日志-2026", "É", "ǅ", "_all", "*", "-", "a\tb", "a\u0001b", "_", "_Upper", "-Upper*", "Upper#", "#", "X" + strings.Repeat("a", 256)} {
		out = append(out, realCase{name: fmt.Sprintf("%.40q of %d bytes", n, len(n)), steps: []exchange{bulk(lines(action("index", n, "1"), `{"a":1}`))}})
	}
	return inGroup("indexname", out)
}

func blockCases() []realCase {
	all := lines(action("index", "i", "1"), `{"a":2}`, action("create", "i", "2"), `{"a":2}`, action("delete", "i", "1"), action("index", "j", "1"), `{"a":1}`)
	var out []realCase
	for _, b := range []string{"write", "read_only_allow_delete", "read_only"} {
		out = append(out, realCase{name: b, steps: []exchange{
			bulk(one()).quietly(), request("POST", "/_refresh", "").quietly(), request("PUT", "/i/_settings", `{"index.blocks.`+b+`":true}`), bulk(all), get("/i/_doc/1"), get("/i/_count"), request("DELETE", "/i/_doc/1", ""),
			request("PUT", "/i/_settings", `{"index.blocks.`+b+`":null}`), bulk(all), request("PUT", "/i/_settings", `{"index.blocks.`+b+`":true}`), request("DELETE", "/i", ""),
		}})
	}
	out = append(out, realCase{name: "auto create off", options: []Option{AutoCreate(false)}, steps: []exchange{
		request("PUT", "/i", "").quietly(), request("PUT", "/_cluster/settings", `{"transient":{"action.auto_create_index":"false"}}`).quietly(),
		bulk(one() + lines(action("create", "new", "1"), `{"a":1}`, action("index", "Upper", "1"), `{"a":1}`, action("delete", "new", "1"))),
		request("PUT", "/_cluster/settings", `{"transient":{"action.auto_create_index":null}}`).quietly(),
	}})
	return inGroup("block", out)
}
