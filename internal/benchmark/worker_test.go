package benchmark

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/standin"
)

func standIn(t *testing.T, options ...standin.Option) (es *standin.Server, url string) {
	t.Helper()
	es = standin.New(options...)
	l, err := es.Start()
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return es, l.URL()
}

func TestWorkPostsEachBodyOnce(t *testing.T) {
	for _, byEvent := range []bool{false, true} {
		es, url := standIn(t, standin.WithCredentials(standin.Credentials{User: "u", Password: "p"}))
		b := newTestBench(t)
		d, err := b.dataset(t.Context(), "records", b.cfg.Records, false)
		require.NoError(t, err)
		text, err := json.Marshal(job{
			Server: Server{URL: url, User: "u", Password: "p"}, Dir: d.bodies, Records: b.cfg.Records, InFlight: 2, ByEvent: byEvent,
		})
		require.NoError(t, err)
		var out bytes.Buffer
		require.NoError(t, Work(t.Context(), bytes.NewReader(text), &out))
		assert.Len(t, es.All(), b.cfg.Records)
		assert.Empty(t, es.Twice())
		var res result
		require.NoError(t, json.Unmarshal(out.Bytes(), &res))
		assert.Positive(t, res.Seconds)
	}
}

func TestWorkFails(t *testing.T) {
	es, url := standIn(t)
	b := newTestBench(t)
	d, err := b.dataset(t.Context(), "records", b.cfg.Records, false)
	require.NoError(t, err)
	work := func(j job) error {
		text, err := json.Marshal(j)
		require.NoError(t, err)
		return Work(t.Context(), bytes.NewReader(text), &bytes.Buffer{})
	}
	good := job{Server: Server{URL: url}, Dir: d.bodies, Records: b.cfg.Records, InFlight: 2}

	require.ErrorContains(t, Work(t.Context(), strings.NewReader(""), &bytes.Buffer{}), "no job on stdin")
	bad := good
	bad.Dir = t.TempDir()
	require.ErrorContains(t, work(bad), "no files in ")
	es.Script(standin.Sequence(standin.Reject()))
	require.ErrorContains(t, work(good), "429")
	require.ErrorContains(t, work(good), "of 25 documents were stored", "the others are there already")
	bad = good
	bad.Dir, bad.Function = d.events, "/does/not/exist"
	require.ErrorContains(t, work(bad), "/does/not/exist")
}
