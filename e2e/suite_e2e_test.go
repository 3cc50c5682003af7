//go:build e2e

package e2e

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/platform"
)

func TestMain(m *testing.M) {
	// Most of the tests wait for something most of the time. The flag on the
	// command line still wins.
	if err := flag.Set("test.parallel", "6"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}

// TestElasticsearch runs one binary against every server. Two servers of a
// kind run at a time, and the next kind comes when they are gone.
func TestElasticsearch(t *testing.T) {
	kinds, err := servers.Selected(os.Getenv("E2E_SERVERS")) //nolint:forbidigo // the caller chooses
	require.NoError(t, err)
	kinds = slices.DeleteFunc(kinds, servers.Kind.IsKafka)
	if len(kinds) == 0 {
		return
	}
	require.NoError(t, servers.Require(t.Context()))
	require.NoError(t, servers.Install(t.Context(), kinds...))
	h := newHarness(t)
	h.first = kinds[0]
	for _, kind := range kinds {
		t.Run(string(kind), func(t *testing.T) { testKind(t, h, kind) })
	}
	h.checkSecrets(t)
}

// harness is what all tests share.
type harness struct {
	binary  string // the function
	secrets *secrets
	first   servers.Kind // the kind that is tested first
	// refused are the records of each recorded event that a server does not
	// take, as the first kind has it; the others agree.
	refused map[string][]string
	mu      sync.Mutex
}

func newHarness(t *testing.T) *harness {
	t.Helper()
	h := &harness{binary: filepath.Join(t.TempDir(), "main"), secrets: new(secrets), refused: make(map[string][]string)}
	require.NoError(t, platform.Build(t.Context(), "..", h.binary))
	return h
}

// suite is what the tests of one kind share.
type suite struct {
	*harness
	kind servers.Kind
	// es has default settings, which all tests leave alone: they run side by
	// side.
	es *servers.Elasticsearch
	// tight has a write queue of one place and takes requests of at most 1 MB.
	// Its tests come one after another.
	tight *servers.Elasticsearch
}

type test struct {
	name string
	run  func(*testing.T, *suite)
}

func testKind(t *testing.T, h *harness, kind servers.Kind) {
	s := &suite{harness: h, kind: kind}
	var starts sync.WaitGroup
	var errs [2]error
	starts.Go(func() { s.es, errs[0] = startServer(t, kind, nil) })
	starts.Go(func() {
		s.tight, errs[1] = startServer(t, kind, map[string]string{
			"thread_pool.write.queue_size": "1",
			"http.max_content_length":      "1mb",
		})
	})
	starts.Wait()
	require.NoError(t, errors.Join(errs[:]...))

	for _, x := range slices.Concat(longTests, recordedTests, poisonTests, indexTests, faultTests, tlsTests) {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			x.run(t, s)
		})
	}
}

func startServer(t *testing.T, kind servers.Kind, settings map[string]string) (*servers.Elasticsearch, error) {
	t.Helper()
	es, err := servers.StartElasticsearch(t.Context(), kind, servers.ElasticsearchOptions{Settings: settings})
	if err != nil {
		return nil, err
	}
	t.Cleanup(es.Close)
	keepLogs(t, es.KeepLogs)
	if kind == servers.KindES6 {
		// Five shards each, as 6.8 has it, would let chance decide which of two
		// contradicting records makes the mapping.
		status, answer, err := es.Do(t.Context(), http.MethodPut, "/_template/one-shard", `{"index_patterns":["*"],"settings":{"number_of_shards":1}}`)
		if err != nil || status != http.StatusOK {
			return nil, fmt.Errorf("one shard an index: HTTP %d: %s: %w", status, answer, err)
		}
	}
	return es, nil
}

// keepLogs has a failed test save a server's log where E2E_LOGS says.
func keepLogs(t *testing.T, keep func(dir string) error) {
	t.Helper()
	t.Cleanup(func() {
		if dir := os.Getenv("E2E_LOGS"); dir != "" && t.Failed() { //nolint:forbidigo // the caller chooses
			assert.NoError(t, keep(filepath.Join(dir, filepath.FromSlash(t.Name()))))
		}
	})
}

// keyword makes an index keyword of the test's name, for this test alone on
// its server. No keyword begins with another.
func keyword(t *testing.T) string {
	t.Helper()
	_, name, _ := strings.Cut(t.Name(), "/")
	_, name, _ = strings.Cut(name, "/")
	return strings.Map(func(c rune) rune {
		if c >= 'a' && c <= 'z' || c >= '0' && c <= '9' {
			return c
		}
		return '-'
	}, strings.ToLower(name)) + "_"
}

// within returns a context that ends with the test or after what no step of a
// test may take.
func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stepTimeout)
	t.Cleanup(cancel)
	return ctx
}
