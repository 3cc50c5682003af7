package standin

func requestCases() []realCase {
	requests := []struct{ method, path, body string }{
		{"GET", "/", ""}, {"HEAD", "/", ""}, {"POST", "/", ""},
		{"GET", "/_bulk", ""}, {"DELETE", "/_bulk", ""}, {"HEAD", "/_bulk", ""}, {"GET", "/i/_bulk", ""}, {"PATCH", "/_bulk", ""},
		{"GET", "/i/_count", ""}, {"POST", "/i/_count", ""}, {"GET", "/i,j/_count", ""}, {"GET", "/*/_count", ""}, {"GET", "/_count", ""}, {"GET", "/none/_count", ""}, {"GET", "/none*/_count", ""}, {"GET", "/i/_count?foo=1", ""}, {"GET", "/i,none/_count", ""}, {"GET", "/i/_count", `{"query":{"match_all":{}}}`}, {"GET", "/_all/_count", ""}, {"PUT", "/i/_count", ""}, {"DELETE", "/i/_count", ""}, {"GET", "/i*,-i/_count", ""},
		{"GET", "/i/_search", ""}, {"POST", "/i,j/_search", `{"query":{"match_all":{}},"size":1,"from":1}`}, {"POST", "/i/_search", `{"sort":["_id"]}`}, {"POST", "/i/_search", `{"sort":[{"_id":"asc"}]}`}, {"POST", "/i/_search", `{"sort":"_doc"}`}, {"POST", "/*/_search?size=1", ""}, {"POST", "/_search", `{}`}, {"GET", "/none/_search", ""}, {"GET", "/none*/_search", ""}, {"GET", "/i/_search?size=x", ""}, {"GET", "/i/_search?size=-2", ""}, {"POST", "/i/_search", `{"foo":1}`}, {"POST", "/i/_search", `[]`}, {"POST", "/i/_search", `{"size":10001}`}, {"POST", "/i/_search", `{"from":10000,"size":1}`}, {"POST", "/i/_search", `{"size":"2"}`}, {"POST", "/i/_search?foo=1", ``}, {"POST", "/i/_search?filter_path=hits.hits._source", ``}, {"POST", "/i/_search", `{"size":0}`}, {"PUT", "/i/_search", `{}`}, {"POST", "/i/_search?rest_total_hits_as_int=true", ""}, {"POST", "/i/_search", `{"track_total_hits":true}`},
		{"GET", "/i/_doc/1", ""}, {"GET", "/i/_doc/9", ""}, {"HEAD", "/i/_doc/1", ""}, {"HEAD", "/i/_doc/9", ""}, {"GET", "/none/_doc/1", ""}, {"GET", "/i/_doc", ""}, {"GET", "/i*/_doc/1", ""}, {"GET", "/i/_doc/1?foo=1", ""},
		{"HEAD", "/i", ""}, {"HEAD", "/none", ""}, {"HEAD", "/i,none", ""}, {"HEAD", "/i*", ""}, {"HEAD", "/none*", ""},
		{"DELETE", "/i", ""}, {"DELETE", "/none", ""}, {"DELETE", "/i,j", ""}, {"DELETE", "/i,none", ""}, {"DELETE", "/none*", ""}, {"DELETE", "/i*", ""}, {"DELETE", "/i?foo=1", ""}, {"DELETE", "/_x", ""}, {"DELETE", "/_all", ""},
		{"DELETE", "/i/_doc/1", ""}, {"DELETE", "/i/_doc/9", ""}, {"DELETE", "/none/_doc/1", ""}, {"DELETE", "/i/_doc/1?refresh=true", ""}, {"DELETE", "/i/_doc/1?foo=1", ""}, {"DELETE", "/i/_doc", ""},
		{"GET", "/_cat/indices?format=json&h=index,docs.count,status&s=index", ""}, {"GET", "/_cat/indices/i?format=json&h=index,docs.count,docs.deleted,pri,rep", ""}, {"GET", "/_cat/indices/none?format=json", ""}, {"GET", "/_cat/indices?foo=1", ""}, {"GET", "/_cat/indices/none*?format=json", ""}, {"GET", "/_cat/indices?format=json&h=index&s=index:desc", ""}, {"GET", "/_cat/indices/i,j?format=json&h=index,health", ""},
		{"POST", "/_refresh", ""}, {"GET", "/_refresh", ""}, {"POST", "/i/_refresh", ""}, {"POST", "/none/_refresh", ""}, {"PUT", "/_refresh", ""}, {"DELETE", "/_refresh", ""}, {"POST", "/_refresh?foo=1", ""},
		{"GET", "/_foo", ""}, {"POST", "/_foo", ""}, {"GET", "/i/_foo", ""}, {"GET", "/a/b/c/d", ""}, {"GET", "/i/_doc/1/2", ""}, {"POST", "/i", "{}"}, {"PUT", "/k", ""}, {"PUT", "/i", ""}, {"PUT", "/_k", ""}, {"PUT", "/K", ""},
		{"PUT", "/i/_settings", `{"index.blocks.write":true}`}, {"PUT", "/i/_settings", `{"index":{"blocks":{"write":"true"}}}`}, {"PUT", "/i/_settings", `{"index":{"blocks.write":null}}`}, {"PUT", "/i/_settings", `{"settings":{"index.blocks.write":true}}`}, {"PUT", "/none/_settings", `{"index.blocks.write":true}`}, {"PUT", "/i/_settings", `{"index.foo":1}`}, {"PUT", "/i/_settings", `{"blocks.write":false}`}, {"PUT", "/i/_settings", ``}, {"PUT", "/i/_settings", `{}`}, {"PUT", "/i/_settings", `{"index.blocks.write":"x"}`}, {"PUT", "/*/_settings", `{"index.blocks.read_only_allow_delete":true}`}, {"PUT", "/_settings", `{"index.blocks.read_only_allow_delete":null}`}, {"PUT", "/_all/_settings", `{"index.blocks.read_only_allow_delete":false}`}, {"PUT", "/i/_settings", `{"index.mapping.total_fields.limit":5}`}, {"PUT", "/i/_settings", `{"index.blocks.read_only":false}`}, {"POST", "/i/_settings", `{"index.blocks.write":true}`}, {"PUT", "/i/_settings", `{"index.mapping.total_fields.limit":-1}`}, {"PUT", "/i/_settings", `{"index.mapping.total_fields.limit":"x"}`},
		{"GET", "/i/_mapping", ""}, {"GET", "/_mapping", ""}, {"GET", "/none/_mapping", ""}, {"GET", "/i,j/_mapping", ""},
	}
	setup := bulk(lines(action("index", "i", "1"), `{"a":1}`, action("index", "j", "2"), `{"a":2}`)).quietly()
	var out []realCase
	for _, r := range requests {
		name := r.method + " " + r.path
		if r.body != "" {
			name += " " + r.body
		}
		out = append(out, realCase{name: name, steps: []exchange{setup, request("POST", "/_refresh", "").quietly(), request(r.method, r.path, r.body)}})
	}
	return inGroup("request", out)
}
