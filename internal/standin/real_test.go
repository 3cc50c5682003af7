package standin

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// record names a real server whose answers to the cases are written to
// testdata/real: -record 7.17.28=http://127.0.0.1:9200. All its indices are
// deleted. Without it the stand-in is compared with what is there.
var record = flag.String("record", "", "record the answers of a real server, all of whose indices are deleted: version=URL")

// An exchange is one request of a case.
type exchange struct {
	method, path, body            string
	contentType, encoding, accept string

	quiet bool // its answer is not written down
	whole bool // its answer is written down as it is, all members of all items
	brief bool // of items only the statuses and the types of errors are written down
}

// A realCase is a sequence of requests to an empty server.
type realCase struct {
	group, name string
	steps       []exchange
	options     []Option // of the stand-in, where the real server is set up by a request
}

// typeMark stands in action lines where 6.x demands a type.
const typeMark = "¤"

// golden is the answers of real servers: group, case name, version.
type golden map[string]map[string]map[string]string

func readGolden(t *testing.T) golden {
	t.Helper()
	files, err := filepath.Glob("testdata/real/*.txt")
	require.NoError(t, err)
	out := golden{}
	for _, f := range files {
		data, err := os.ReadFile(f)
		require.NoError(t, err)
		group := map[string]map[string]string{}
		for block := range strings.SplitSeq(string(data), "=== ") {
			name, block, _ := strings.Cut(block, "\n")
			for part := range strings.SplitSeq(block, "--- ") {
				names, text, _ := strings.Cut(part, "\n")
				for v := range strings.SplitSeq(names, ", ") {
					if v != "" {
						if group[name] == nil {
							group[name] = map[string]string{}
						}
						group[name][v] = text
					}
				}
			}
		}
		out[strings.TrimSuffix(filepath.Base(f), ".txt")] = group
	}
	return out
}

// write writes the answers, those that are equal for several versions once.
func (g golden) write(t *testing.T, cases []realCase) {
	t.Helper()
	files := map[string]*bytes.Buffer{}
	for _, c := range cases {
		b := files[c.group]
		if b == nil {
			b = new(bytes.Buffer)
			files[c.group] = b
		}
		fmt.Fprintf(b, "=== %s\n", c.name)
		answers := g[c.group][c.name]
		done := map[string]bool{}
		for _, v := range slices.Sorted(maps.Keys(answers)) {
			text := answers[v]
			if done[text] {
				continue
			}
			done[text] = true
			var same []string
			for _, w := range slices.Sorted(maps.Keys(answers)) {
				if answers[w] == text {
					same = append(same, w)
				}
			}
			fmt.Fprintf(b, "--- %s\n%s", strings.Join(same, ", "), text)
		}
	}
	for group, b := range files {
		require.NoError(t, os.WriteFile(filepath.Join("testdata", "real", group+".txt"), b.Bytes(), 0o644))
	}
}

// recordReal asks a real server and writes its answers down.
func recordReal(t *testing.T) {
	t.Helper()
	version, base, ok := strings.Cut(*record, "=")
	require.True(t, ok)
	if strings.HasPrefix(version, "6.") { // five shards would give every document its own sequence
		ask(t, base, version, request("PUT", "/_template/one", `{"index_patterns":["*"],"settings":{"number_of_shards":1}}`))
	}
	all := readGolden(t)
	cases := realCases()
	for _, c := range cases {
		clean(t, base)
		if all[c.group] == nil {
			all[c.group] = map[string]map[string]string{}
		}
		if all[c.group][c.name] == nil {
			all[c.group][c.name] = map[string]string{}
		}
		all[c.group][c.name][version] = run(t, base, version, c)
	}
	clean(t, base)
	all.write(t, cases)
}

// clean deletes every index.
func clean(t *testing.T, base string) {
	t.Helper()
	resp, err := http.Get(base + "/_cat/indices?format=json&h=index")
	require.NoError(t, err)
	var rows []struct{ Index string }
	require.NoError(t, json.NewDecoder(resp.Body).Decode(&rows))
	require.NoError(t, resp.Body.Close())
	for _, row := range rows {
		index := "/" + url.PathEscape(row.Index)
		for _, block := range []string{"read_only_allow_delete", "read_only", "write"} {
			ask(t, base, "", request("PUT", index+"/_settings", `{"index.blocks.`+block+`":null}`))
		}
		got := ask(t, base, "", request("DELETE", index, ""))
		require.True(t, strings.HasPrefix(got, "200 "), got)
	}
}

// run writes down the answers to a case.
func run(t *testing.T, base, version string, c realCase) string {
	t.Helper()
	var out strings.Builder
	for _, step := range c.steps {
		got := ask(t, base, version, step)
		if !step.quiet {
			out.WriteString(got)
		}
	}
	return out.String()
}

// ask sends a request and writes down the answer: a line with the status and
// headers, and the body, without what differs from run to run.
func ask(t *testing.T, base, version string, step exchange) string {
	t.Helper()
	mark := ""
	if strings.HasPrefix(version, "6.") {
		mark = `,"_type":"_doc"`
	}
	body := strings.ReplaceAll(step.body, typeMark, mark)
	encoding, packed, _ := strings.Cut(step.encoding, " ")
	if packed != "" {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, err := w.Write([]byte(body))
		require.NoError(t, err)
		require.NoError(t, w.Close())
		body = b.String()
		if packed == "cut" {
			body = body[:len(body)/2]
		}
	}
	req, err := http.NewRequest(step.method, base+step.path, strings.NewReader(body))
	require.NoError(t, err)
	for name, v := range map[string]string{"Content-Type": step.contentType, "Content-Encoding": encoding, "Accept": step.accept} {
		if v != "" {
			req.Header.Set(name, v)
		}
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		return "no answer\n"
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return writeDown(t, resp, data, step)
}

func writeDown(t *testing.T, resp *http.Response, data []byte, step exchange) string {
	t.Helper()
	var out strings.Builder
	fmt.Fprintf(&out, "%d ", resp.StatusCode)
	for _, name := range []string{"Content-Type", "X-Elastic-Product", "Allow", "Location"} {
		v := resp.Header.Get(name)
		if name == "Allow" {
			methods := strings.Split(v, ",")
			slices.Sort(methods)
			v = strings.Join(methods, ",")
		}
		if v == "" || name != "Allow" && !step.whole && (strings.HasPrefix(v, "application/json") || name == "X-Elastic-Product") {
			continue
		}
		fmt.Fprintf(&out, " %s=%s", name, v)
	}
	out.WriteByte('\n')
	var v any
	if json.Unmarshal(data, &v) != nil {
		for line := range strings.Lines(string(data)) {
			fmt.Fprintf(&out, "%s\n", strings.TrimRight(line, " \n"))
		}
		return out.String()
	}
	v = settle(v, "")
	m, _ := v.(map[string]any)
	items, _ := m["items"].([]any)
	switch {
	case step.whole:
		fmt.Fprintf(&out, "%s\n", compact(t, v))
	case items != nil:
		for _, it := range items {
			fmt.Fprintf(&out, "%s\n", item(t, it.(map[string]any), step.brief))
		}
		delete(m, "items")
		fmt.Fprintf(&out, "%s\n", compact(t, v))
	case keys(m) == "error status" && cause(m["error"]) != "" && m["status"] == float64(resp.StatusCode):
		fmt.Fprintf(&out, "%s\n", cause(m["error"]))
	default:
		fmt.Fprintf(&out, "%s\n", compact(t, v))
	}
	return out.String()
}

func keys(m map[string]any) string {
	return strings.Join(slices.Sorted(maps.Keys(m)), " ")
}

// item is an item of a bulk answer in few words, if it has just the usual members.
func item(t *testing.T, it map[string]any, brief bool) string {
	t.Helper()
	for op, v := range it {
		m, ok := v.(map[string]any)
		if !ok {
			break
		}
		name := fmt.Sprintf("%s %v/%v", op, m["_index"], m["_id"])
		if typ, ok := m["_type"]; ok && typ != "_doc" {
			name = fmt.Sprintf("%s %v/%v/%v", op, m["_index"], typ, m["_id"])
		}
		delete(m, "_type")
		quoted := strconv.Quote(name)
		name = fmt.Sprintf("%s %v", quoted[1:len(quoted)-1], m["status"])
		switch keys(m) {
		case "_id _index _primary_term _seq_no _shards _version result status":
			if compact(t, m["_shards"]) == `{"failed":0,"successful":1,"total":2}` && m["_primary_term"] == 1.0 {
				if brief {
					return name
				}
				return fmt.Sprintf("%s %v v%v s%v", name, m["result"], m["_version"], m["_seq_no"])
			}
		case "_id _index error status":
			if c := cause(m["error"]); c != "" {
				if brief {
					c = reason.ReplaceAllString(c, "")
				}
				return name + " " + c
			}
		}
	}
	return compact(t, it)
}

// cause is an error in few words.
func cause(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	out := fmt.Sprintf("%v: %q", m["type"], m["reason"])
	for _, k := range slices.Sorted(maps.Keys(m)) {
		switch k {
		case "type", "reason", "failed_shards", "grouped", "phase":
		case "caused_by":
			out += " <- " + cause(m[k])
		case "root_cause":
			roots, _ := m[k].([]any)
			if len(roots) != 1 {
				out += fmt.Sprintf(" %d root causes", len(roots))
				continue
			}
			root := roots[0].(map[string]any)
			if root["type"] != m["type"] || root["reason"] != m["reason"] {
				out += " ROOT " + cause(root)
			}
		default:
			out += fmt.Sprintf(" %s=%v", k, m[k])
		}
	}
	return out
}

func compact(t *testing.T, v any) string {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	require.NoError(t, enc.Encode(v))
	return strings.TrimSuffix(buf.String(), "\n")
}

var (
	autoID   = regexp.MustCompile(`^[A-Za-z0-9_-]{20}$`)
	uuid22   = regexp.MustCompile(`/[A-Za-z0-9_-]{22}\]`)
	position = regexp.MustCompile(`\[\d+:\d+\] `)
	source   = regexp.MustCompile(`(?s)\n at \[Source.*`)
	reason   = regexp.MustCompile(`: "(?:[^"\\]|\\.)*"`)
	document = regexp.MustCompile(`(?s)with id '.*?'(\. Preview of field's value: )?.*`)
)

// settle replaces what differs from run to run, and shortens.
func settle(v any, key string) any {
	switch v := v.(type) {
	case map[string]any:
		if v["type"] == "text" && len(v) == 2 {
			return "text+keyword"
		}
		if typ, ok := v["type"].(string); ok && len(v) == 1 {
			return typ
		}
		if uuid, ok := v["index_uuid"]; ok && uuid != "" {
			delete(v, "index_uuid")
		}
		for k, x := range v {
			v[k] = settle(x, k)
		}
	case []any:
		for i, x := range v {
			v[i] = settle(x, key)
		}
	case float64:
		if key == "took" || key == "ingest_took" {
			return 0
		}
	case string:
		switch {
		case key == "_id" && autoID.MatchString(v):
			return "<auto>"
		case key == "cluster_uuid", key == "cluster_name", key == "name", strings.HasPrefix(key, "build_"), strings.HasPrefix(key, "minimum_"), key == "lucene_version", key == "uuid":
			return "<" + key + ">"
		}
		v = uuid22.ReplaceAllString(v, "/<uuid>]")
		v = document.ReplaceAllString(v, "with id '<id>'$1")
		v = source.ReplaceAllString(position.ReplaceAllString(v, ""), "")
		if len(v) > 300 {
			v = fmt.Sprintf("%.160s<and %d bytes>", v, len(v)-160)
		}
		return v
	}
	return v
}
