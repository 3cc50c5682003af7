//go:build e2e

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/handler"
	"ckafka-etl/pipeline"
)

// invoke has the function handle records [from, to) of partition 1, whose
// bodies body makes, and returns its account.
func invoke(t *testing.T, environ []string, from, to int, body func(n int) string) string {
	t.Helper()
	h := &handler.Handler{Environ: func() []string { return environ }, Build: pipeline.Build, Log: io.Discard}
	type ckafka struct {
		Topic     string `json:"topic"`
		Partition int    `json:"partition"`
		Offset    int    `json:"offset"`
		Key       string `json:"msgKey"`
		Body      string `json:"msgBody"`
	}
	var event struct{ Records []map[string]ckafka }
	for n := from; n < to; n++ {
		event.Records = append(event.Records, map[string]ckafka{"Ckafka": {"app", 1, n, fmt.Sprintf("key-%d", n), body(n)}})
	}
	payload, err := json.Marshal(event)
	require.NoError(t, err)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	answer, err := h.Invoke(ctx, payload)
	require.NoError(t, err)
	return string(answer)
}

// redriveTool runs the command and shows what it said.
func redriveTool(t *testing.T, want int, environ []string, args ...string) string {
	t.Helper()
	out, errOut, code := runTool(t, environ, append([]string{"redrive"}, args...)...)
	t.Log("\n" + out + errOut)
	require.Equal(t, want, code)
	assert.NotContains(t, out+errOut, "secret", "no document is shown")
	return out
}

// numberMapping makes an index whose field n has a type.
func numberMapping(t *testing.T, es *servers.Elasticsearch, index, kind string) {
	t.Helper()
	mapping := `{"properties":{"n":{"type":"` + kind + `"}}}`
	if es.Kind() == servers.KindES6 {
		mapping = `{"_doc":` + mapping + `}`
	}
	put(t, es, "/"+index, `{"mappings":`+mapping+`}`)
}

// count counts what is in an index, now.
func count(t *testing.T, es *servers.Elasticsearch, index string) int {
	t.Helper()
	require.NoError(t, es.Refresh(t.Context(), index))
	n, err := es.Count(t.Context(), index)
	require.NoError(t, err)
	return n
}

// conflicting are bodies of which none fits a number. Each third brings an id.
func conflicting(day time.Time) func(n int) string {
	return func(n int) string {
		id := ""
		if n%3 == 0 {
			id = fmt.Sprintf(`,"log_id":"own-%d"`, n)
		}
		return fmt.Sprintf(`{"ts":%q,"n":"secret-%d"%s}`, day.Format(time.RFC3339), n, id)
	}
}

// A mapping conflict makes letters. They stay while it is there; once the
// mapping is mended all come into place, and the dead-letter index is empty.
func TestRedriveIndexReal(t *testing.T) {
	day := time.Now().UTC().AddDate(0, 0, -2)
	index := "log-" + day.Format(time.DateOnly)
	for _, kind := range selectedServers(t, servers.SearchKinds()...) {
		t.Run(string(kind), func(t *testing.T) {
			es := startServer(t, kind, nil)
			environ := []string{"ES_Address=" + es.URL(), "ES_Index_KeyWord=log", "ES_Index_TimeField=ts", "Log_Level=error"}
			out := redriveTool(t, exitOK, environ)
			assert.Contains(t, out, "0 letters read", "an index that is not there holds none")

			numberMapping(t, es, index, "long")
			const letters = 450
			assert.Contains(t, invoke(t, environ, 0, letters, conflicting(day)), `"dead":450,`)
			require.Equal(t, letters, count(t, es, "dead-letter-log"))

			out = redriveTool(t, exitOK, environ, "--dry-run")
			assert.Contains(t, out, "would be sent  450")
			out = redriveTool(t, exitFailure, environ)
			assert.Contains(t, out, "refused again, left  450")
			require.Equal(t, letters, count(t, es, "dead-letter-log"), "none more, none less")
			require.Zero(t, count(t, es, index))

			// To another index, some of them.
			numberMapping(t, es, index+"-mended", "keyword")
			out = redriveTool(t, exitOK, environ, "--to-index", "{index}-mended", "--limit", "50")
			assert.Contains(t, out, "stored and removed  50")
			assert.Equal(t, 50, count(t, es, index+"-mended"))
			require.Equal(t, letters-50, count(t, es, "dead-letter-log"))

			// To the same, with another mapping.
			status, answer, err := es.Do(t.Context(), http.MethodDelete, "/"+index, "")
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status, "%s", answer)
			numberMapping(t, es, index, "keyword")
			out = redriveTool(t, exitOK, environ, "--since", time.Now().Add(-time.Hour).Format(time.RFC3339), "--cause", "*_parsing_exception", "--json")
			assert.Contains(t, out, `"stored":400`)
			require.Zero(t, count(t, es, "dead-letter-log"))

			// As the function writes them when nothing is wrong.
			require.NoError(t, es.Refresh(t.Context(), index+"*"))
			got, err := es.Documents(t.Context(), index+"*")
			require.NoError(t, err)
			require.Equal(t, letters, len(got))
			sound := append(environ, "ES_Index_KeyWord=sound", "ES_Dead_Letter_Index=none")
			assert.Contains(t, invoke(t, sound, 0, letters, conflicting(day)), `"stored":450,`)
			require.NoError(t, es.Refresh(t.Context(), "sound-*"))
			want, err := es.Documents(t.Context(), "sound-*")
			require.NoError(t, err)
			require.Equal(t, letters, len(want))
			for name, doc := range want {
				other, ok := got[strings.Replace(name, "sound-"+day.Format(time.DateOnly), index, 1)]
				if !ok {
					other, ok = got[strings.Replace(name, "sound-"+day.Format(time.DateOnly), index+"-mended", 1)]
				}
				require.True(t, ok, name)
				assert.Equal(t, withoutTime(t, doc.Source), withoutTime(t, other.Source))
				assert.Equal(t, 1, other.Version, "%s was written once", name)
			}
		})
	}
}

// withoutTime is a document without the stamp of its arrival.
func withoutTime(t *testing.T, doc []byte) map[string]any {
	t.Helper()
	var m map[string]any
	require.NoError(t, json.Unmarshal(doc, &m))
	require.NotEmpty(t, m["@timestamp"])
	delete(m, "@timestamp")
	return m
}

// Killed again and again in the middle, and run again each time: no letter is
// lost, no document is there twice.
func TestRedriveKilledReal(t *testing.T) {
	kinds := selectedServers(t, servers.KindES7, servers.KindKafka)
	if len(kinds) < 2 {
		return // not chosen
	}
	es := startServer(t, servers.KindES7, nil)
	k, err := servers.StartKafka(t.Context(), servers.KafkaOptions{Brokers: 1})
	require.NoError(t, err)
	t.Cleanup(k.Close)
	require.NoError(t, k.CreateTopic(t.Context(), "letters", 2, nil))
	tool := filepath.Join(t.TempDir(), "etlctl")
	text, err := exec.CommandContext(t.Context(), "go", "build", "-o", tool, ".").CombinedOutput()
	require.NoError(t, err, "%s", text)

	day := time.Now().UTC().AddDate(0, 0, -2)
	for _, from := range []string{fromIndex, fromTopic} {
		t.Run(from, func(t *testing.T) {
			const letters = 4000
			word := "killed-" + from
			index := word + "-" + day.Format(time.DateOnly)
			environ := []string{
				"ES_Address=" + es.URL(), "ES_Index_KeyWord=" + word, "ES_Index_TimeField=ts", "Log_Level=error",
				"kafka_address=" + strings.Join(k.Brokers(), ","), "kafka_dead_letter_topic=letters",
			}
			numberMapping(t, es, index, "long")
			for n := 0; n < letters; n += 1000 {
				assert.Contains(t, invoke(t, environ, n, n+1000, conflicting(day)), `"dead":1000,`)
			}
			require.Equal(t, letters, count(t, es, "dead-letter-"+word))
			status, answer, err := es.Do(t.Context(), http.MethodDelete, "/"+index, "")
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, status, "%s", answer)
			numberMapping(t, es, index, "keyword")

			// Ids from a field are overwritten when they come again, so that
			// only ours tell by their version whether a document came twice.
			kills := 0
			var first []string // the killed ones have committed before they sent anything
			if from == fromTopic {
				first = []string{"--from-start"}
			}
			for lines := 100; ; lines += 250 {
				cmd := exec.CommandContext(t.Context(), tool, append([]string{"redrive", "--from", from, "--group", "g-" + from, "--verbose"}, first...)...)
				cmd.Env = environ
				stdout, err := cmd.StdoutPipe()
				require.NoError(t, err)
				var errOut strings.Builder
				cmd.Stderr = &errOut
				require.NoError(t, cmd.Start())
				first = nil
				seen := 0
				var last string
				for scan := bufio.NewScanner(stdout); scan.Scan(); {
					last = scan.Text()
					if seen++; seen == lines {
						require.NoError(t, cmd.Process.Kill())
						kills++
					}
				}
				if cmd.Wait() == nil {
					break
				}
				require.GreaterOrEqual(t, seen, lines, "it ended by itself, and not well: %s\n%s", last, errOut.String())
			}
			assert.Greater(t, kills, 2)
			require.NoError(t, es.Refresh(t.Context(), index))
			docs, err := es.Documents(t.Context(), index)
			require.NoError(t, err)
			require.Equal(t, letters, len(docs))
			for name, doc := range docs {
				if !strings.Contains(name, "/own-") {
					require.Equal(t, 1, doc.Version, name)
				}
			}
			if from == fromIndex {
				require.Zero(t, count(t, es, "dead-letter-"+word))
			}
			out, _, code := runTool(t, environ, "redrive", "--from", from, "--group", "g-"+from)
			assert.Equal(t, exitOK, code)
			assert.Contains(t, out, "0 letters read")
		})
	}
}
