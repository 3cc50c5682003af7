package standin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"hash/fnv"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// The endpoints that read and delete documents.

// uuid is a name's own, as long as the server's.
func uuid(name string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(name)) // never fails
	const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	b := make([]byte, 22)
	for i, n := range b {
		_, _ = h.Write([]byte{n})
		b[i] = letters[h.Sum64()%64]
	}
	return string(b)
}

// entryOf finds a document by the path /{index}/_doc/{id}.
func (c *call) entryOf() (*index, *entry, *failure) {
	ix := c.server.indices[c.segments[0]]
	if ix == nil {
		return nil, nil, singleIndexNotFound(c.server.version, c.segments[0])
	}
	return ix, ix.docs[c.segments[2]], nil
}

func (c *call) getDocument() *response {
	if _, given := c.query["refresh"]; given {
		return c.failed(unsupported("refresh for reading a document"))
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	_, e, f := c.entryOf()
	if f != nil {
		return c.failed(f)
	}
	out := map[string]any{"_index": c.segments[0], "_id": c.segments[2], "found": false}
	status := http.StatusNotFound
	if c.server.version.namesTypes() {
		out["_type"] = "_doc"
	}
	if e != nil && e.source != nil {
		status = http.StatusOK
		out["found"], out["_version"], out["_seq_no"], out["_primary_term"], out["_source"] = true, e.version, e.seqNo, 1, json.RawMessage(e.source)
	}
	return c.answer(status, out)
}

func (c *call) deleteDocument() *response {
	refresh, f := c.bulkParameters()
	if f != nil {
		return c.failed(f)
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	a, f := c.server.apply(&operation{op: "delete", index: c.segments[0], id: c.segments[2], hasIndex: true, hasID: true})
	if f != nil {
		return c.failed(f)
	}
	status := a.Status
	a.Index, a.ID, a.Refreshed, a.Status = c.segments[0], &c.segments[2], refresh, 0
	if c.server.version.namesTypes() {
		a.Type = "_doc"
	}
	return c.answer(status, a)
}

// A searchBody is what of a search request the stand-in knows.
type searchBody struct {
	Query          map[string]json.RawMessage `json:"query"`
	Size           json.RawMessage            `json:"size"`
	From           json.RawMessage            `json:"from"`
	Sort           json.RawMessage            `json:"sort"`
	TrackTotalHits *bool                      `json:"track_total_hits"`
	SearchAfter    []int64                    `json:"search_after"`
	SeqNos         bool                       `json:"seq_no_primary_term"`
	Source         *bool                      `json:"_source"`
}

// readSearch reads a search or count request's body.
func (c *call) readSearch() (searchBody, *failure) {
	var body searchBody
	if len(c.body) == 0 {
		return body, nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(c.body, &members) != nil {
		f := fail(400, "parsing_exception", "Expected [START_OBJECT] but found [%s]", "START_ARRAY")
		f.Line, f.Col = 1, 1
		return body, f
	}
	for name, value := range members {
		switch name {
		case "query", "size", "from", "sort", "track_total_hits", "search_after", "seq_no_primary_term", "_source":
		default:
			f := fail(400, "parsing_exception", "Unknown key for a %s in [%s].", valueName(value), name)
			f.Line, f.Col = 1, 1+max(bytes.Index(c.body, value), 0)
			return body, f
		}
	}
	if err := json.Unmarshal(c.body, &body); err != nil {
		return body, unsupported("this search request")
	}
	_, all := body.Query["match_all"]
	_, ranged := body.Query["range"]
	if body.Query != nil && (!all && !ranged || len(body.Query) > 1) {
		return body, unsupported("queries other than match_all and range")
	}
	return body, nil
}

func valueName(value json.RawMessage) string {
	name := "VALUE_NUMBER"
	switch value[0] {
	case '{', '[', '"', 'n':
		name = tokenName(jsontext.Kind(value[0]), nil)
	case 't', 'f':
		name = "VALUE_BOOLEAN"
	}
	return name
}

func (c *call) onlyMatchAll() *failure {
	body, f := c.readSearch()
	if f == nil && (body.Size != nil || body.From != nil || body.Sort != nil || body.TrackTotalHits != nil || body.SearchAfter != nil || body.SeqNos || body.Source != nil || body.Query["range"] != nil) {
		return fail(400, "parsing_exception", "request does not support [size], [from], [sort], [track_total_hits]")
	}
	return f
}

const maxResultWindow = 10_000

// search answers with documents in the order of ids, or of writing for the sorts
// _doc and _seq_no.
func (c *call) search() *response {
	body, f := c.readSearch()
	if f != nil {
		return c.failed(f)
	}
	size, f := c.number("size", body.Size, 10)
	if f != nil {
		return c.failed(f)
	}
	from, f := c.number("from", body.From, 0)
	if f != nil {
		return c.failed(f)
	}
	field, descending, f := parseSort(body.Sort)
	if f != nil {
		return c.failed(f)
	}
	within, f := parseRange(body.Query["range"])
	if f != nil {
		return c.failed(f)
	}
	if body.SearchAfter != nil && (field != "_seq_no" || descending) {
		return c.failed(unsupported("search_after without a sort that begins with _seq_no, ascending"))
	}
	if field == "_id" && c.server.version == ES817 {
		return c.shardsFailed("Fielddata access on the _id field is disallowed, you can re-enable it by updating the dynamic cluster setting: indices.id_field_data.enabled")
	}
	if from+size > maxResultWindow {
		return c.shardsFailed("Result window is too large, from + size must be less than or equal to: [10000] but was [" + itoa(from+size) + "]. See the scroll api for a more efficient way to request large data sets. This limit can be set by changing the [index.max_result_window] index level setting.")
	}
	return c.withIndices(func(names []string) *response {
		var found []Document
		for _, name := range names {
			found = append(found, c.server.indices[name].documents()...)
		}
		switch field {
		case "_doc", "_seq_no":
			slices.SortStableFunc(found, bySeqNo)
		default:
			slices.SortStableFunc(found, func(a, b Document) int { return cmp.Compare(a.ID, b.ID) })
		}
		if descending {
			slices.Reverse(found)
		}
		found = slices.DeleteFunc(found, func(d Document) bool { return !within(d.Source) })
		total := len(found)
		if after := body.SearchAfter; after != nil { // one shard: numbers are unique
			found = slices.DeleteFunc(found, func(d Document) bool { return d.SeqNo <= after[0] })
		}
		return c.hits(names, found[min(from, len(found)):min(from+size, len(found))], field, total, body)
	})
}

func (c *call) hits(names []string, page []Document, field string, found int, body searchBody) *response {
	var total any = found
	if c.server.version != ES68 && c.query["rest_total_hits_as_int"] != "true" {
		total = map[string]any{"value": found, "relation": "eq"}
	}
	hits := make([]map[string]any, 0, len(page))
	for _, d := range page {
		hit := map[string]any{"_index": d.Index, "_id": d.ID, "_score": 1.0, "_source": json.RawMessage(d.Source)}
		if c.server.version.namesTypes() {
			hit["_type"] = "_doc"
		}
		switch field {
		case "_id":
			hit["_score"], hit["sort"] = nil, []string{d.ID}
		case "_doc", "_seq_no":
			hit["_score"], hit["sort"] = nil, sortValues(body.Sort, d)
		}
		if body.SeqNos {
			hit["_seq_no"], hit["_primary_term"] = d.SeqNo, 1
		}
		if body.Source != nil && !*body.Source {
			delete(hit, "_source")
		}
		hits = append(hits, hit)
	}
	var score any
	switch {
	case field == "" && len(hits) > 0:
		score = 1.0
	case field == "" && (len(names) == 0 || c.server.version == ES68):
		score = 0.0
	}
	return c.answer(http.StatusOK, map[string]any{
		"took": 0, "timed_out": false, "_shards": shards{Total: len(names), Successful: len(names), Skipped: new(int)},
		"hits": map[string]any{"total": total, "max_score": score, "hits": hits},
	})
}

// number reads size or from: of the URL, else of the body.
func (c *call) number(name string, inBody json.RawMessage, otherwise int) (int, *failure) {
	text, given := c.query[name]
	if !given {
		if inBody == nil {
			return otherwise, nil
		}
		text = string(inBody)
		if unquoted, err := strconv.Unquote(text); err == nil {
			text = unquoted
		}
	}
	n, err := strconv.Atoi(text)
	switch {
	case err != nil:
		return 0, illegalArgument("Failed to parse int parameter [%s] with value [%s]", name, text).causedBy(exception{Type: "number_format_exception", Reason: "For input string: \"" + text + "\""})
	case n < 0:
		return 0, illegalArgument("[%s] parameter cannot be negative, found [%d]", name, n)
	}
	return n, nil
}

// parseSort reads "_id", ["_id"], [{"_id":"asc"}], [{"_id":{"order":"desc"}}].
func parseSort(raw json.RawMessage) (field string, descending bool, _ *failure) {
	if raw == nil {
		return "", false, nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	order := "asc"
	var named map[string]json.RawMessage
	var long struct{ Order string }
	switch {
	case len(list) > 1 && !bytes.Contains(list[0], []byte(`"_seq_no"`)), len(list) == 0:
		return "", false, unsupported("sorting by several fields of which _seq_no is not the first")
	case json.Unmarshal(list[0], &field) == nil:
	case json.Unmarshal(list[0], &named) == nil && len(named) == 1:
		for name, how := range named {
			field = name
			if json.Unmarshal(how, &order) != nil && json.Unmarshal(how, &long) == nil {
				order = cmp.Or(long.Order, "asc")
			}
		}
	}
	if field != "_id" && field != "_doc" && field != "_seq_no" || order != "asc" && order != "desc" {
		return "", false, unsupported("sorting by anything but _id, _doc, _seq_no")
	}
	return field, order == "desc", nil
}

// sortValues are those that a hit has for a sort that begins with _seq_no or
// _doc: numbers of the document, or the largest there is where it has none.
func sortValues(raw json.RawMessage, d Document) []int64 {
	values := []int64{d.SeqNo}
	var list []map[string]json.RawMessage
	if json.Unmarshal(raw, &list) != nil || len(list) < 2 {
		return values
	}
	for _, one := range list[1:] {
		for path := range one {
			value := int64(math.MaxInt64)
			if found := valueAt(d.Source, path); found != nil && json.Unmarshal(found, &value) != nil {
				value = math.MaxInt64
			}
			values = append(values, value)
		}
	}
	return values
}

// valueAt finds the value of a path of names; nil = there is none.
func valueAt(source json.RawMessage, path string) json.RawMessage {
	for name := range strings.SplitSeq(path, ".") {
		var members map[string]json.RawMessage
		if json.Unmarshal(source, &members) != nil {
			return nil
		}
		source = members[name]
	}
	return source
}

// parseRange reads a range query of times: {"field":{"gte":"…","lt":"…"}}.
func parseRange(raw json.RawMessage) (within func(source []byte) bool, _ *failure) {
	if raw == nil {
		return func([]byte) bool { return true }, nil
	}
	var query map[string]map[string]time.Time
	if json.Unmarshal(raw, &query) != nil || len(query) != 1 {
		return nil, unsupported("a range of anything but times of RFC 3339")
	}
	for field, bounds := range query {
		for name := range bounds {
			if name != "gte" && name != "lt" {
				return nil, unsupported("a range with " + name)
			}
		}
		from, until := bounds["gte"], bounds["lt"]
		within = func(source []byte) bool {
			var t time.Time
			if found := valueAt(source, field); found == nil || json.Unmarshal(found, &t) != nil {
				return false
			}
			return !t.Before(from) && (until.IsZero() || t.Before(until))
		}
	}
	return within, nil
}

// shardsFailed is the answer to a search that every shard refuses.
func (c *call) shardsFailed(reason string) *response {
	inner := exception{Type: "illegal_argument_exception", Reason: reason}
	f := fail(400, "search_phase_execution_exception", "all shards failed").causedBy(exception{Type: inner.Type, Reason: reason, CausedBy: &inner})
	f.root = &inner
	if c.server.version == ES68 {
		f.status, f.CausedBy, inner.Type = http.StatusInternalServerError, nil, "query_phase_execution_exception"
	}
	return c.failed(f)
}
