//go:build e2e

package servers_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
)

// selected returns what E2E_SERVERS chooses, and fails at once if this machine
// cannot start it.
func selected(t *testing.T) []servers.Kind {
	t.Helper()
	kinds, err := servers.Selected(os.Getenv("E2E_SERVERS")) //nolint:forbidigo // the caller chooses
	require.NoError(t, err)
	require.NoError(t, servers.Require(t.Context(), kinds...))
	require.NoError(t, servers.Install(t.Context(), kinds...))
	return kinds
}

// keepLogs saves the server's log of a failed test where E2E_LOGS says.
func keepLogs(t *testing.T, keep func(dir string) error) {
	t.Helper()
	if dir := os.Getenv("E2E_LOGS"); dir != "" && t.Failed() { //nolint:forbidigo // the caller chooses
		assert.NoError(t, keep(filepath.Join(dir, filepath.Base(t.Name()))))
	}
}

// timed logs how long a step of the test takes.
func timed(t *testing.T, what string, step func() error) {
	t.Helper()
	begin := time.Now()
	require.NoError(t, step())
	t.Logf("%s: %s", what, time.Since(begin).Round(time.Millisecond))
}

func startElasticsearch(t *testing.T, kind servers.Kind, opts servers.ElasticsearchOptions) *servers.Elasticsearch {
	t.Helper()
	es, err := servers.StartElasticsearch(t.Context(), kind, opts)
	require.NoError(t, err)
	t.Cleanup(es.Close)
	t.Cleanup(func() { keepLogs(t, es.KeepLogs) })
	return es
}

// put stores a document in the index, as every version takes it.
func put(ctx context.Context, t *testing.T, es *servers.Elasticsearch, index, id, doc string) {
	t.Helper()
	status, answer, err := es.Do(ctx, http.MethodPut, "/"+index+"/_doc/"+id, doc)
	require.NoError(t, err)
	require.Equal(t, http.StatusCreated, status, "%s", answer)
}

func TestElasticsearchLifecycle(t *testing.T) {
	for _, kind := range searchServers(t) {
		t.Run(string(kind), func(t *testing.T) {
			ctx := t.Context()
			var es *servers.Elasticsearch
			timed(t, "start", func() error {
				es = startElasticsearch(t, kind, servers.ElasticsearchOptions{})
				return nil
			})

			var nodes struct {
				Nodes map[string]struct {
					Version string `json:"version"`
				} `json:"nodes"`
			}
			status, answer, err := es.Do(ctx, http.MethodGet, "/_nodes/_local", "")
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status)
			require.NoError(t, json.Unmarshal(answer, &nodes))
			require.Len(t, nodes.Nodes, 1)
			for _, n := range nodes.Nodes {
				assert.Equal(t, kind.Version(), n.Version)
			}

			put(ctx, t, es, "kept", "a", `{"n":1}`)
			url, pid := es.URL(), es.PID()
			timed(t, "restart", func() error { return es.Restart(ctx) })
			assert.Equal(t, url, es.URL())
			assert.NotEqual(t, pid, es.PID())

			put(ctx, t, es, "kept", "b", `{"n":2}`)
			es.Kill()
			assert.Zero(t, es.PID())
			_, _, err = es.Do(ctx, http.MethodGet, "/", "")
			require.Error(t, err, "a killed server must not answer")
			timed(t, "start after kill", func() error { return es.Restart(ctx) })

			require.NoError(t, es.Refresh(ctx, "kept"))
			count, err := es.Count(ctx, "kept")
			require.NoError(t, err)
			assert.Equal(t, 2, count)
			docs, err := es.Documents(ctx, "kept")
			require.NoError(t, err)
			require.Len(t, docs, 2)
			assert.JSONEq(t, `{"n":1}`, string(docs["kept/a"].Source))
			assert.JSONEq(t, `{"n":2}`, string(docs["kept/b"].Source))

			require.NoError(t, es.PutSettings(ctx, "kept", map[string]any{"index.blocks.read_only_allow_delete": true}))
			status, _, err = es.Do(ctx, http.MethodPut, "/kept/_doc/c", `{}`)
			require.NoError(t, err)
			assert.Contains(t, []int{http.StatusForbidden, http.StatusTooManyRequests}, status)

			timed(t, "stop", es.Stop)
			assert.FileExists(t, es.Log())
			kept := t.TempDir()
			require.NoError(t, es.KeepLogs(kept))
			log, err := os.ReadFile(filepath.Join(kept, filepath.Base(es.Log())))
			require.NoError(t, err)
			assert.Contains(t, string(log), "started http ")
			es.Close()
			assert.NoFileExists(t, es.Log())
		})
	}
}

// searchServers returns the chosen kinds but Kafka; none if only that was
// chosen.
func searchServers(t *testing.T) []servers.Kind {
	t.Helper()
	return slices.DeleteFunc(selected(t), servers.Kind.IsKafka)
}

func TestElasticsearchDocumentsAreAll(t *testing.T) {
	for _, kind := range searchServers(t) {
		t.Run(string(kind), func(t *testing.T) {
			es := startElasticsearch(t, kind, servers.ElasticsearchOptions{})
			path := "/_bulk?refresh=true"
			if kind == servers.KindES6 {
				path = "/many-1/_doc" + path
			}
			const n = 12_000 // more than one answer holds
			var bulk strings.Builder
			for id := range n {
				fmt.Fprintf(&bulk, `{"index":{"_index":"many-%d","_id":"%d"}}`+"\n"+`{"n":%d}`+"\n", 1+id%2, id/2, id)
			}
			status, answer, err := es.Do(t.Context(), http.MethodPost, path, bulk.String())
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status, "%s", answer)
			docs, err := es.Documents(t.Context(), "many-*")
			require.NoError(t, err)
			require.Len(t, docs, n)
			for id := range n {
				key := fmt.Sprintf("many-%d/%d", 1+id%2, id/2)
				require.JSONEq(t, fmt.Sprintf(`{"n":%d}`, id), string(docs[key].Source))
			}
			docs, err = es.Documents(t.Context(), "none-*")
			require.NoError(t, err)
			assert.Empty(t, docs)
			_, err = es.Documents(t.Context(), "none")
			require.ErrorContains(t, err, "HTTP 404")
		})
	}
}

func TestElasticsearchOptions(t *testing.T) {
	kinds := searchServers(t)
	if len(kinds) == 0 {
		return
	}
	ctx, opts := t.Context(), servers.ElasticsearchOptions{Dir: t.TempDir(), FullJIT: true, Heap: "300m"}
	es := startElasticsearch(t, kinds[0], opts)
	put(ctx, t, es, "kept", "a", `{"n":1}`)
	es.Close()

	opts.Settings = map[string]string{"action.auto_create_index": "false"}
	es = startElasticsearch(t, kinds[0], opts)
	docs, err := es.Documents(ctx, "kept")
	require.NoError(t, err)
	assert.Contains(t, docs, "kept/a", "another server in the same folder has its data")
	status, _, err := es.Do(ctx, http.MethodPut, "/new/_doc/a", `{}`)
	require.NoError(t, err)
	assert.Equal(t, http.StatusNotFound, status)
	command, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", es.PID()))
	require.NoError(t, err)
	assert.Contains(t, string(command), "-Xmx300m")
	assert.NotContains(t, string(command), "TieredStopAtLevel")
}

func TestElasticsearchPause(t *testing.T) {
	kinds := searchServers(t)
	if len(kinds) == 0 {
		return
	}
	es := startElasticsearch(t, kinds[0], servers.ElasticsearchOptions{})
	require.NoError(t, es.Pause())
	answered := make(chan error, 1)
	go func() {
		_, _, err := es.Do(t.Context(), http.MethodGet, "/_cluster/health", "")
		answered <- err
	}()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", es.PID()))
	require.NoError(t, err)
	assert.Contains(t, string(stat), ") T ", "the server must be stopped")
	assert.Empty(t, answered)
	require.NoError(t, es.Resume())
	require.NoError(t, <-answered)

	require.NoError(t, es.Pause())
	require.NoError(t, es.Stop(), "a paused server stops too")
}
