package handler_test

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/internal/lab/modelserver"
)

var update = flag.Bool("update", false, "write the golden files anew")

// Every recorded event and every case by hand gives, byte for byte, the bulk
// bodies and the account that stand in testdata/golden.
func TestGolden(t *testing.T) {
	var files []string
	for _, dir := range []string{"events", "bad"} {
		found, err := filepath.Glob(filepath.Join("..", "testdata", dir, "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, found)
		files = append(files, found...)
	}
	for _, file := range files {
		dir, name := filepath.Base(filepath.Dir(file)), strings.TrimSuffix(filepath.Base(file), ".json")
		t.Run(dir+"/"+name, func(t *testing.T) {
			event, err := os.ReadFile(file)
			require.NoError(t, err)
			got := replay(t, event)
			golden := filepath.Join("..", "testdata", "golden", dir, name+".ndjson")
			if *update {
				require.NoError(t, os.MkdirAll(filepath.Dir(golden), 0o755))
				require.NoError(t, os.WriteFile(golden, got, 0o644))
			}
			want, err := os.ReadFile(golden)
			require.NoError(t, err, "go test ./handler -run TestGolden -update writes it")
			if !bytes.Equal(want, got) {
				require.Equal(t, strings.Split(string(want), "\n"), strings.Split(string(got), "\n"))
			}
			requireNoSecret(t, string(got))
		})
	}
}

// replay returns what an event makes the function send, request after request,
// and the result.
func replay(t *testing.T, event []byte) []byte {
	t.Helper()
	server := modelserver.New(modelserver.Traits{KeepBodies: true})
	in := setup{
		server: server, hourly: true,
		now: func() time.Time { return time.Date(2026, 11, 20, 4, 0, 0, 0, time.UTC) },
		change: func(c *config.Elasticsearch) {
			c.BulkConcurrency = 1
			c.TimeFields = []string{"@timestamp", "event.created", "ts", "time"}
		},
	}.start()
	in.net.Begin(time.Now().Add(time.Hour))
	result, err := in.Invoke(t.Context(), event)
	in.net.End()
	require.Empty(t, server.Violations(), "the model takes every body")
	out := bytes.Clone(server.Bodies())
	if err != nil {
		return append(out, "error: "+err.Error()+"\n"...)
	}
	return append(append(out, result...), '\n')
}

// requireNoSecret looks for the markers that stand where ignored fields do.
func requireNoSecret(t *testing.T, text string) {
	t.Helper()
	require.Empty(t, secretMarker.FindAllString(text, -1))
}

var secretMarker = regexp.MustCompile(`S3CRET-?\w*`)

// The look-out for secrets sees one when there is one.
func TestTheLookOutForSecretsSeesThem(t *testing.T) {
	event, err := os.ReadFile(filepath.Join("..", "testdata", "bad", "secrets-everywhere.json"))
	require.NoError(t, err)
	require.Greater(t, len(secretMarker.FindAllString(string(event), -1)), 50)
}
