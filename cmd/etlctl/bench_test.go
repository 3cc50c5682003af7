package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"ckafka-etl/internal/benchmark"
	"ckafka-etl/internal/standin"
)

// measured is the stand-in with what bench asks of a server besides: settings
// of a new index, how many documents were written, and searches page by page.
type measured struct {
	*standin.Server
	mu      sync.Mutex
	scrolls map[string][]standin.Document
}

func (m *measured) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	index, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	answer := func(v any) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(v)
	}
	switch {
	case r.Method == http.MethodPut && rest == "":
		_, _ = io.Copy(io.Discard, r.Body)
		r.Body, r.ContentLength = http.NoBody, 0
		r.Header.Del("Content-Type")
		m.Server.ServeHTTP(w, r)
	case rest == "_stats/indexing":
		total := 0
		for _, d := range m.Documents(index) {
			total += d.Writes
		}
		answer(map[string]any{"_all": map[string]any{"primaries": map[string]any{"indexing": map[string]any{"index_total": total}}}})
	case rest == "_search":
		answer(m.page(index, m.Documents(index)))
	case r.Method == http.MethodPost && r.URL.Path == "/_search/scroll":
		var body struct {
			ID string `json:"scroll_id"`
		}
		_ = json.NewDecoder(r.Body).Decode(&body)
		m.mu.Lock()
		docs := m.scrolls[body.ID]
		m.mu.Unlock()
		answer(m.page(body.ID, docs))
	case r.URL.Path == "/_search/scroll":
		answer(map[string]bool{"succeeded": true})
	default:
		m.Server.ServeHTTP(w, r)
	}
}

func (m *measured) page(scroll string, docs []standin.Document) any {
	const size = 7 // so that there are several
	hits := []map[string]any{}
	for _, d := range docs[:min(size, len(docs))] {
		hits = append(hits, map[string]any{"_id": d.ID, "_source": json.RawMessage(d.Source)})
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.scrolls[scroll] = docs[min(size, len(docs)):]
	return map[string]any{"_scroll_id": scroll, "hits": map[string]any{"hits": hits}}
}

// benchTool is this test's binary under the name that makes it etlctl, in a
// process of its own.
func benchTool(t *testing.T, environ []string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	self, err := os.Executable()
	require.NoError(t, err)
	tool := filepath.Join(t.TempDir(), "etlctl")
	if os.Link(self, tool) != nil { // another file system
		text, err := os.ReadFile(self)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(tool, text, 0o700))
	}
	cmd := exec.CommandContext(t.Context(), tool, append([]string{"bench"}, args...)...)
	cmd.Env = append(append(os.Environ(), "GORACE=atexit_sleep_ms=0"), environ...) // else each process takes a second more with -race
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err = cmd.Run()
	return out.String(), errOut.String(), err
}

func newMeasured(t *testing.T) (*measured, string) {
	t.Helper()
	m := &measured{Server: standin.New(), scrolls: map[string][]standin.Document{}}
	s := httptest.NewServer(m)
	t.Cleanup(s.Close)
	return m, s.URL
}

// All of a run with little: what it counts, what it leaves behind.
func TestBench(t *testing.T) {
	function, _, _ := build(t)
	es, url := newMeasured(t)
	kafka, err := kfake.NewCluster(kfake.NumBrokers(1))
	require.NoError(t, err)
	t.Cleanup(kafka.Close)
	profiles := filepath.Join(t.TempDir(), "profiles")
	stdout, stderr, err := benchTool(t, []string{"ES_Address=" + url}, "--brokers", kafka.ListenAddrs()[0], "--function", function,
		"--records", "300", "--rounds", "2", "--warmup", "0", "--partitions", "3", "--max-msg-num", "20", "--instances", "2",
		"--faults", "down,429,conflict", "--fault-records", "300", "--fault-time", "200ms", "--profile", profiles, "--json")
	require.NoError(t, err, "%s", stderr)
	var report benchmark.Report
	require.NoError(t, json.Unmarshal([]byte(stdout), &report), "%s", stdout)
	t.Log(stderr)
	assert.NotContains(t, stderr, "not removed")

	turns := map[string]int{}
	for _, turn := range report.Turns {
		turns[turn.Contender]++
		assert.Equal(t, benchmark.Counts{Records: 300, Documents: 300}, turn.Counts, turn.Contender)
		assert.Positive(t, turn.CPU, turn.Contender)
	}
	assert.Equal(t, map[string]int{"bodies-by-event": 2, "function": 2, "bodies": 2, "trigger": 2}, turns)
	require.Len(t, report.Summary, 4)
	for _, s := range report.Summary {
		assert.Positive(t, s.Ratio.Median, s.Contender)
	}
	require.Len(t, report.Faults, 3)
	for _, f := range report.Faults {
		want := &benchmark.FaultRow{Fault: f.Fault, Contender: "trigger", Seconds: f.Seconds, Counts: benchmark.Counts{Records: 300, Documents: 300}}
		if f.Fault == "conflict" {
			want.Documents, want.DeadLetters = 299, 1
		}
		assert.Equal(t, want, f)
	}
	assert.Contains(t, report.Command, "--records 300")
	assert.Empty(t, es.Indices(), "everything is removed")
	written, err := filepath.Glob(filepath.Join(profiles, "*.pprof"))
	require.NoError(t, err)
	assert.NotEmpty(t, written)
}

func TestBenchWithoutKafka(t *testing.T) {
	function, _, _ := build(t)
	_, url := newMeasured(t)
	stdout, stderr, err := benchTool(t, []string{"ES_Address=" + url}, "--function", function, "--records", "50", "--rounds", "1", "--warmup", "1")
	require.NoError(t, err, "%s", stderr)
	assert.Contains(t, stderr, "warm-up: function: ")
	assert.Contains(t, stdout, "Events, one after the other")
	assert.Contains(t, stdout, "a whole invocation takes ")
	assert.NotContains(t, stdout, "Kafka to Elasticsearch")
	assert.NotContains(t, stdout, "Faults")
}

// What a server says without storing is not taken for documents.
func TestBenchFindsWhatIsLost(t *testing.T) {
	function, _, _ := build(t)
	m := &measured{Server: standin.New(), scrolls: map[string][]standin.Document{}}
	lossy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/_bulk") { // the last document goes missing
			body, _ := io.ReadAll(r.Body)
			lines := bytes.SplitAfter(body, []byte("\n"))
			r.Body = io.NopCloser(bytes.NewReader(bytes.Join(lines[:len(lines)-3], nil)))
			answer := httptest.NewRecorder()
			m.ServeHTTP(answer, r)
			_, id, _ := bytes.Cut(lines[len(lines)-3], []byte(`"_id":"`))
			id, _, _ = bytes.Cut(id, []byte(`"`))
			w.Header().Set("Content-Type", "application/json")
			_, _ = fmt.Fprintf(w, `%s,{"create":{"_id":"%s","status":201}}]}`, strings.TrimSuffix(strings.TrimSpace(answer.Body.String()), "]}"), id)
			return
		}
		m.ServeHTTP(w, r)
	}))
	t.Cleanup(lossy.Close)
	stdout, stderr, err := benchTool(t, []string{"ES_Address=" + lossy.URL}, "--function", function, "--records", "50", "--rounds", "1", "--warmup", "0", "--json")
	require.Error(t, err)
	assert.Contains(t, stderr, "records were lost or doubled by the function")
	var report benchmark.Report
	require.NoError(t, json.Unmarshal([]byte(stdout), &report), "%s", stdout)
	require.NotEmpty(t, report.Turns)
	for _, turn := range report.Turns {
		assert.Positive(t, turn.Lost, turn.Contender)
	}
}

func TestBenchUsage(t *testing.T) {
	tests := []struct {
		name    string
		environ []string
		args    []string
		want    string
	}{
		{"no address", nil, nil, "ES_Address: not set"},
		{"two addresses", []string{"ES_Address=a,b"}, nil, "ES_Address: bench wants one address without a path"},
		{"a path", []string{"ES_Address=http://a/es"}, nil, "ES_Address: bench wants one address without a path"},
		{"no address at all", []string{"ES_Address=http://"}, nil, "ES_Address"},
		{"password without user", []string{"ES_Address=a", "ES_Password=s3cret"}, nil, "ES_User"},
		{"an API key", []string{"ES_Address=a", "ES_ApiKey=s3cret"}, nil, "ES_ApiKey: not for bench"},
		{"records", []string{"ES_Address=a"}, []string{"--records", "0", "--rounds", "0"}, "--records: got 0, want at least 1\n--rounds: got 0"},
		{"faults", []string{"ES_Address=a"}, []string{"--brokers", "b", "--faults", "fire"}, `--faults: got "fire"`},
		{"an argument", []string{"ES_Address=a"}, []string{"x"}, "unknown command"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			stdout, stderr, code := runTool(t, tt.environ, append([]string{"bench"}, tt.args...)...)
			assert.Equal(t, exitUsage, code)
			assert.Contains(t, stderr, tt.want)
			assert.NotContains(t, stderr, "s3cret")
			assert.Empty(t, stdout)
		})
	}
}
