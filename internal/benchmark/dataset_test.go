package benchmark

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/sample"
)

// newTestBench returns a run that has made nothing yet.
func newTestBench(t *testing.T) *bench {
	t.Helper()
	cfg := sound(t)
	cfg.Brokers = nil
	return &bench{cfg: cfg, dir: t.TempDir(), name: "etlctl-bench-test", index: "etlctl-bench-test-" + recordsDay, es: &elasticsearch{server: cfg.Elasticsearch}}
}

// place is where a record stands in its topic.
type place struct {
	partition int32
	offset    int64
}

// readEvents returns the bodies of all events of a folder by their place, and
// the numbers of records in the events.
func readEvents(t *testing.T, dir string) (bodies map[place]string, sizes []int) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, "*.json"))
	require.NoError(t, err)
	bodies = map[place]string{}
	for _, name := range names {
		payload, err := os.ReadFile(name)
		require.NoError(t, err)
		var decoder event.Decoder
		recs, err := decoder.Decode(payload, time.Now(), nil)
		require.NoError(t, err)
		sizes = append(sizes, len(recs))
		for _, r := range recs {
			bodies[place{r.Partition, r.Offset}] = string(r.Body)
		}
	}
	return bodies, sizes
}

// Events and ready-made bodies hold the same records, each once, with the ids
// that the function gives them.
func TestDatasetHoldsEachRecordOnce(t *testing.T) {
	b := newTestBench(t)
	d, err := b.dataset(t.Context(), "records", b.cfg.Records, false)
	require.NoError(t, err)
	require.Equal(t, b.cfg.Records, d.want())

	events, sizes := readEvents(t, d.events)
	assert.Equal(t, []int{4, 4, 4, 4, 4, 4, 1}, sizes)
	require.Len(t, events, b.cfg.Records)
	for i, body := range sample.AccessBodies(b.cfg.Records) {
		assert.Equal(t, string(body), events[place{int32(i % 3), int64(i / 3)}])
	}

	names, err := filepath.Glob(filepath.Join(d.bodies, "*.ndjson"))
	require.NoError(t, err)
	seen := map[string]bool{}
	for _, name := range names {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		lines := bytes.Split(bytes.TrimSuffix(text, []byte("\n")), []byte("\n"))
		require.Zero(t, len(lines)%2)
		for i := 0; i < len(lines); i += 2 {
			assert.Regexp(t, `^\{"create":\{"_index":"etlctl-bench-test-2026-11-20","_id":"etlctl-bench-test-records-[0-2]-[0-8]-[0-9a-f]{8}"\}\}$`, string(lines[i]))
			assert.Contains(t, d.ids, requestID(lines[i+1]))
			seen[requestID(lines[i+1])] = true
		}
	}
	assert.Len(t, seen, b.cfg.Records)
}

func TestRemoveIDs(t *testing.T) {
	got := removeIDs([]byte(`{"create":{"_index":"a","_id":"t-0-1-x"}}` + "\n" + `{"a":{"b":1},"_id":"2"}` + "\n"))
	assert.Equal(t, `{"create":{"_index":"a"}}`+"\n"+`{"a":{"b":1},"_id":"2"}`+"\n", string(got))
}

func TestPoisonedDatasetHasOneBadRecord(t *testing.T) {
	b := newTestBench(t)
	d, err := b.dataset(t.Context(), "poisoned", 20, true)
	require.NoError(t, err)
	assert.Equal(t, 19, d.want())
	events, _ := readEvents(t, d.events)
	require.Len(t, events, 20)
	bad := 0
	for _, body := range events {
		if bytes.Contains([]byte(body), []byte(`"status":{"is":"no number"}`)) {
			assert.NotContains(t, d.ids, requestID([]byte(body)))
			bad++
		}
	}
	assert.Equal(t, 1, bad)
}
