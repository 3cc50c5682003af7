//go:build e2e

package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/platform"
)

// A data node's disk fills up while a batch is written. The server answers
// each document with 500 i_o_exception, and to the same document, sent again,
// with 409: it is in the node's memory, from where it goes when the shard has
// to be recovered. The function once took those 409 for duplicates and
// returned success, and the documents were lost. Two nodes, because one whose
// only disk is full does not answer at all.
func TestDiskFull(t *testing.T) {
	if !chosen(t, servers.KindES7) {
		return
	}
	t.Run("disk", func(t *testing.T) {
		for name, warm := range map[string]bool{"the same process delivers again": true, "another process delivers again": false} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				diskFull(t, warm)
			})
		}
	})
}

// chosen reports whether E2E_SERVERS asks for the kind, and fails at once if
// this machine cannot start it.
func chosen(t *testing.T, kind servers.Kind) bool {
	t.Helper()
	kinds, err := servers.Selected(os.Getenv("E2E_SERVERS")) //nolint:forbidigo // the caller chooses
	require.NoError(t, err)
	if !slices.Contains(kinds, kind) {
		return false
	}
	require.NoError(t, servers.Require(t.Context(), kind))
	return true
}

func diskFull(t *testing.T, warm bool) {
	disk := newDisk(t, 48)
	nodes, err := servers.StartElasticsearchCluster(t.Context(), servers.KindES7,
		servers.ElasticsearchOptions{},
		servers.ElasticsearchOptions{Settings: map[string]string{"path.data": disk.dir}})
	require.NoError(t, err)
	for _, n := range nodes {
		t.Cleanup(n.Close)
		keepLogs(t, n.KeepLogs)
	}
	s := &suite{harness: newHarness(t), kind: servers.KindES7, es: nodes[0]}
	// A refresh would have the server notice that the shard is broken.
	s.call(t, http.MethodPut, "/"+today(t), `{"settings":{"number_of_shards":1,"number_of_replicas":0,
		"index.refresh_interval":-1,"index.routing.allocation.require._name":"e2e-1"}}`)
	seen := newWitness(t, nodes[0])
	env := s.vars(t, nodes[0]).with("ES_Address", seen.addr)
	f := s.startAs(t, platform.Function{Env: env, Timeout: 8 * time.Second})
	before := eventOf(numbered(-1))
	f.settle(t, before)

	disk.fill(t)
	payload := eventOf(padded(200)...)
	out := f.refuse(t, payload)
	t.Logf("with a full disk: %+v after %v, %d requests, %q", out.counts, out.took.Round(time.Millisecond), out.requests, out.err.Message)
	assert.Equal(t, counts{Records: 200, Unsettled: 200}, out.counts, "nothing says that anything is stored")
	t.Logf("the server answered %v", seen)
	require.Contains(t, seen.String(), "create 500 i_o_exception", "the disk was full")
	require.Contains(t, seen.String(), "create 409 version_conflict_engine_exception", "and the documents were in its memory")

	disk.free(t)
	s.call(t, http.MethodPost, "/_cluster/reroute?retry_failed=true", "")
	s.call(t, http.MethodGet, "/_cluster/health/"+today(t)+"?wait_for_status=green&timeout=60s", "")
	if !warm {
		f.Stop()
		f = s.start(t, env)
	}
	out = f.settle(t, payload)
	assert.Equal(t, 200, out.present())
	t.Logf("when there was space again: %+v", out.counts)

	there := read(t, nodes[0], env)
	assert.Empty(t, there.letters)
	all := append(want(t, env, before), want(t, env, payload)...)
	assert.Len(t, there.docs, len(all), "0 lost, 0 twice")
	for _, w := range all {
		assert.Equal(t, w.source, string(there.docs[w.index+"/"+w.id].Source))
	}
}

// padded returns documents that fill a disk sooner.
func padded(n int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = fmt.Sprintf(`{%s,"n":%d,"text":%q}`, at, i, strings.Repeat("x", 1000))
	}
	return bodies
}

// disk is a small file system of its own.
type disk struct{ dir, ballast string }

func newDisk(t *testing.T, megabytes int) *disk {
	t.Helper()
	dir := t.TempDir()
	err := unix.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%dm", megabytes))
	require.NoError(t, err, "mounting a small disk: it needs root (CAP_SYS_ADMIN) and a kernel with tmpfs")
	// What still writes there must not hold up the test's end.
	t.Cleanup(func() { assert.NoError(t, unix.Unmount(dir, unix.MNT_DETACH)) })
	return &disk{dir: dir, ballast: filepath.Join(dir, "ballast")}
}

// fill leaves no space.
func (d *disk) fill(t *testing.T) {
	t.Helper()
	file, err := os.Create(d.ballast)
	require.NoError(t, err)
	defer func() { require.NoError(t, file.Close()) }()
	for block := make([]byte, 4096); err == nil; {
		_, err = file.Write(block)
	}
	require.True(t, errors.Is(err, unix.ENOSPC), "%v", err)
}

func (d *disk) free(t *testing.T) {
	t.Helper()
	require.NoError(t, os.Remove(d.ballast))
}

// witness passes everything on to a server and counts what its items were
// answered: "500 i_o_exception".
type witness struct {
	addr string
	mu   sync.Mutex
	seen map[string]int
}

func newWitness(t *testing.T, es *servers.Elasticsearch) *witness {
	t.Helper()
	target, err := url.Parse(es.URL())
	require.NoError(t, err)
	w := &witness{seen: make(map[string]int)}
	proxy := httptest.NewServer(&httputil.ReverseProxy{
		Rewrite:        func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ModifyResponse: w.look,
	})
	t.Cleanup(proxy.Close)
	w.addr = proxy.Listener.Addr().String()
	return w
}

func (w *witness) look(resp *http.Response) error {
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	resp.Body = io.NopCloser(bytes.NewReader(body))
	var answer struct {
		Items []map[string]struct {
			Status int `json:"status"`
			Error  struct {
				Type string `json:"type"`
			} `json:"error"`
		} `json:"items"`
	}
	_ = json.Unmarshal(body, &answer) // a refusal has no items
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, ops := range answer.Items {
		for op, item := range ops {
			w.seen[strings.TrimSpace(fmt.Sprintf("%s %d %s", op, item.Status, item.Error.Type))]++
		}
	}
	return nil
}

func (w *witness) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return fmt.Sprint(w.seen)
}
