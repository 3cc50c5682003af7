package standin

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// The endpoints that read and change whole indices.

// info answers GET /, and HEAD. (The 8.17 that was recorded lacks it; this is
// the 7.17 one with its number.)
func (c *call) info() *response {
	v := c.server.version
	version := map[string]any{"number": v.number(), "build_flavor": "default", "build_type": "standin", "build_hash": "standin", "build_date": "2020-01-01T00:00:00.000Z", "build_snapshot": false, "lucene_version": "8.0.0", "minimum_wire_compatibility_version": "6.8.0", "minimum_index_compatibility_version": "6.0.0"}
	tagline := "You Know, for Search"
	if v == OpenSearch2 {
		version["distribution"], tagline = "opensearch", "The OpenSearch Project: https://opensearch.org/"
		delete(version, "build_flavor")
	}
	return c.answer(http.StatusOK, map[string]any{"name": "standin", "cluster_name": "standin", "cluster_uuid": uuid("cluster"), "version": version, "tagline": tagline})
}

// nodes answers GET /_nodes/_local with what tells the version.
func (c *call) nodes() *response {
	return c.answer(http.StatusOK, map[string]any{
		"_nodes": shards{Total: 1, Successful: 1}, "cluster_name": "standin",
		"nodes": map[string]any{uuid("node"): map[string]any{"name": "standin", "version": c.server.version.number(), "host": "127.0.0.1", "ip": "127.0.0.1"}},
	})
}

// expression is the index expression of the path, "" for all.
func (c *call) expression() string {
	for _, s := range c.segments {
		if !strings.HasPrefix(s, "_") || s == "_all" {
			if s != "indices" {
				return s
			}
		}
	}
	return ""
}

// withIndices calls f with the names of the path's expression.
func (c *call) withIndices(f func(names []string) *response) *response {
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	names, failed := c.server.resolve(c.expression())
	if failed != nil {
		return c.failed(failed)
	}
	return f(names)
}

func (c *call) count() *response {
	if f := c.onlyMatchAll(); f != nil {
		return c.failed(f)
	}
	return c.withIndices(func(names []string) *response {
		n := 0
		for _, name := range names {
			n += c.server.indices[name].live
		}
		return c.answer(http.StatusOK, map[string]any{"count": n, "_shards": shards{Total: len(names), Successful: len(names), Skipped: new(int)}})
	})
}

func (c *call) refresh() *response {
	return c.withIndices(func(names []string) *response {
		return c.answer(http.StatusOK, map[string]any{"_shards": shards{Total: 2 * len(names), Successful: len(names)}})
	})
}

func (c *call) getMapping() *response {
	return c.withIndices(func(names []string) *response {
		out := map[string]any{}
		for _, name := range names {
			ix := c.server.indices[name]
			out[name] = map[string]any{"mappings": ix.mapping.render(c.server.version, ix.typ)}
		}
		return c.answer(http.StatusOK, out)
	})
}

func (c *call) indexExists() *response {
	resp := c.withIndices(func([]string) *response { return c.answer(http.StatusOK, struct{}{}) })
	resp.plain = true
	return resp
}

func (c *call) createIndex() *response {
	if len(c.body) > 0 {
		return c.failed(unsupported("a body for PUT /{index}"))
	}
	c.server.mu.Lock()
	defer c.server.mu.Unlock()
	name := c.segments[0]
	if f := checkIndexName(c.server.version, name); f != nil {
		return c.failed(f)
	}
	if c.server.indices[name] != nil {
		f := fail(400, "resource_already_exists_exception", "index [%s/%s] already exists", name, uuid(name))
		f.Index, f.IndexUUID = name, uuid(name)
		return c.failed(f)
	}
	c.server.newIndex(name)
	return c.answer(http.StatusOK, map[string]any{"acknowledged": true, "shards_acknowledged": true, "index": name})
}

// deleteIndex: 8.17 takes no wildcards here, as it comes.
func (c *call) deleteIndex() *response {
	if e := c.expression(); c.server.version == ES817 && (strings.Contains(e, "*") || e == "_all") {
		return c.failed(illegalArgument("Wildcard expressions or all indices are not allowed"))
	}
	if strings.HasPrefix(c.segments[0], "_") && c.segments[0] != "_all" {
		return c.failed(invalidIndexName(c.segments[0], "must not start with '_'."))
	}
	return c.withIndices(func(names []string) *response {
		for _, name := range names {
			if f := c.server.indices[name].blocked(c.server.version, true); f != nil {
				return c.failed(f)
			}
		}
		for _, name := range names {
			delete(c.server.indices, name)
		}
		return c.answer(http.StatusOK, map[string]bool{"acknowledged": true})
	})
}

// catIndices answers GET /_cat/indices, as JSON only.
func (c *call) catIndices() *response {
	if c.query["format"] != "json" {
		return c.failed(unsupported("GET /_cat/indices without format=json"))
	}
	return c.withIndices(func(names []string) *response {
		columns := []string{"health", "status", "index", "uuid", "pri", "rep", "docs.count", "docs.deleted", "store.size", "pri.store.size"}
		if h := c.query["h"]; h != "" {
			columns = strings.Split(h, ",")
		}
		switch by := c.query["s"]; by {
		case "", "index", "index:asc":
		case "index:desc":
			slices.Reverse(names)
		default:
			return c.failed(unsupported("s=" + by))
		}
		rows := make([]map[string]string, 0, len(names))
		for _, name := range names {
			ix := c.server.indices[name]
			size := 0
			for _, e := range ix.docs {
				size += len(e.source)
			}
			values := map[string]string{"health": "yellow", "status": "open", "index": name, "uuid": uuid(name), "pri": "1", "rep": "1", "docs.count": itoa(ix.live), "docs.deleted": itoa(ix.deleted), "store.size": itoa(size) + "b", "pri.store.size": itoa(size) + "b"}
			row := map[string]string{}
			for _, column := range columns {
				value, known := values[column]
				if !known {
					return c.failed(unsupported("the column " + column))
				}
				row[column] = value
			}
			rows = append(rows, row)
		}
		return c.answer(http.StatusOK, rows)
	})
}

// putSettings changes the blocks and the limit of fields, nothing else.
func (c *call) putSettings() *response {
	if len(c.body) == 0 {
		return c.failed(fail(400, "parse_exception", "request body is required"))
	}
	var body map[string]any
	if err := json.Unmarshal(c.body, &body); err != nil {
		return c.failed(fail(400, "json_parse_exception", "the settings are not a JSON object"))
	}
	if inner, ok := body["settings"].(map[string]any); ok {
		body = inner
	}
	settings := map[string]string{}
	flatten("", body, settings)
	if len(settings) == 0 {
		return c.failed(fail(400, "action_request_validation_exception", "Validation Failed: 1: no settings to update;"))
	}
	change := func(*index) {}
	for name, value := range settings {
		next, f := changeSetting(name, value, c.server.maxFields)
		if f != nil {
			return c.failed(f)
		}
		before := change
		change = func(ix *index) { before(ix); next(ix) }
	}
	return c.withIndices(func(names []string) *response {
		for _, name := range names {
			change(c.server.indices[name])
		}
		return c.answer(http.StatusOK, map[string]bool{"acknowledged": true})
	})
}

func changeSetting(name, value string, maxFields int) (func(*index), *failure) {
	if name == "index.mapping.total_fields.limit" {
		n, err := strconv.Atoi(cmp.Or(value, itoa(maxFields)))
		switch {
		case err != nil:
			return nil, illegalArgument("Failed to parse value [%s] for setting [%s]", value, name).causedBy(exception{Type: "number_format_exception", Reason: "For input string: \"" + value + "\""})
		case n < 0:
			return nil, illegalArgument("Failed to parse value [%s] for setting [%s] must be >= 0", value, name)
		}
		return func(ix *index) { ix.maxFields = n }, nil
	}
	var field func(*index) *bool
	switch name {
	case "index.blocks.write":
		field = func(ix *index) *bool { return &ix.write }
	case "index.blocks.read_only":
		field = func(ix *index) *bool { return &ix.readOnly }
	case "index.blocks.read_only_allow_delete":
		field = func(ix *index) *bool { return &ix.readOnlyAllowDelete }
	default:
		return nil, illegalArgument("unknown setting [%s] please check that any required plugins are installed, or check the breaking changes documentation for removed settings", name)
	}
	if value != "" && value != "true" && value != "false" {
		return nil, illegalArgument("Failed to parse value [%s] as only [true] or [false] are allowed.", value)
	}
	return func(ix *index) { *field(ix) = value == "true" }, nil
}

// flatten writes nested settings with dots; null, which means the default, is
// the empty string.
func flatten(prefix string, v any, out map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		for name, below := range v {
			flatten(prefix+name+".", below, out)
		}
		return
	case nil:
		out[settingName(prefix)] = ""
	case string:
		out[settingName(prefix)] = v
	default:
		out[settingName(prefix)] = string(bytes.TrimSpace(encode(v)))
	}
}

func settingName(prefix string) string {
	name := strings.TrimSuffix(prefix, ".")
	if !strings.HasPrefix(name, "index.") {
		name = "index." + name
	}
	return name
}
