package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"pgregory.net/rapid"

	"ckafka-etl/handler"
	"ckafka-etl/internal/redrive"
	"ckafka-etl/internal/standin"
	"ckafka-etl/pipeline"
)

// refusing starts a stand-in of which the function is refused n documents, and
// a Kafka, so that n letters are in an index and in a topic. It returns the
// function's variables.
func refusing(t *testing.T, n int, options ...standin.Option) (*standin.Server, []string) {
	t.Helper()
	es := standin.New(options...)
	listener, err := es.Start()
	require.NoError(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	k, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "letters"))
	require.NoError(t, err)
	t.Cleanup(k.Close)
	environ := []string{
		"ES_Address=" + listener.URL(), "ES_Index_KeyWord=log", "ES_User=writer", "ES_Password=hunter2", "Log_Level=error",
		"kafka_address=" + strings.Join(k.ListenAddrs(), ","), "kafka_dead_letter_topic=letters",
	}
	es.Script(func(*standin.Attempt) standin.Fault {
		return standin.Fault{Item: func(i standin.Item) *standin.ItemError {
			if strings.HasPrefix(i.Index, "dead-") {
				return nil
			}
			return &standin.ItemError{Status: 400, Type: "mapper_parsing_exception", Reason: "failed to parse field [n] of type [long]: 'secret'"}
		}}
	})
	defer es.Script(nil)
	var event bytes.Buffer
	for i := range n {
		fmt.Fprintf(&event, `,{"Ckafka":{"topic":"app","partition":0,"offset":%d,"msgKey":"k","msgBody":"{\"n\":\"secret\"}"}}`, i)
	}
	h := &handler.Handler{Environ: func() []string { return environ }, Build: pipeline.Build, Log: io.Discard}
	answer, err := h.Invoke(t.Context(), []byte(`{"Records":[`+event.String()[1:]+`]}`))
	require.NoError(t, err)
	require.Contains(t, string(answer), fmt.Sprintf(`"dead":%d,`, n))
	return es, environ
}

func TestRedrive(t *testing.T) {
	t.Parallel()
	for _, from := range []string{fromIndex, fromTopic} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			es, environ := refusing(t, 3, standin.WithCredentials(standin.Credentials{User: "writer", Password: "hunter2"}))
			first, done := []string{"--from-start"}, "stored, passed over"
			if from == fromIndex {
				first, done = nil, "stored and removed"
			}
			tool := func(want int, args ...string) string {
				out, errOut, code := runTool(t, environ, append([]string{"redrive", "--from", from}, args...)...)
				require.Equal(t, want, code, "%s%s", out, errOut)
				assert.NotContains(t, out+errOut, "secret")
				assert.NotContains(t, out+errOut, "hunter2")
				if !slices.Contains(args, "--json") && !slices.Contains(args, "--verbose") {
					requireNarrow(t, out)
				}
				return out + errOut
			}
			out := tool(exitOK, append(first, "--dry-run", "--verbose")...)
			assert.Contains(t, out, "sendable\t")
			assert.Contains(t, out, "\tmapper_parsing_exception\tfrom app/0/2\n")
			assert.Contains(t, out, ": 3 letters read\n  would be sent  3\n")
			assert.Contains(t, out, "letters  outcome   cause, source topic and target\n      3  sendable  mapper_parsing_exception  from app\n                   to elasticsearch log-")
			assert.Contains(t, tool(exitOK, append(first, "--topic", "other")...), "  not chosen  3\n")

			es.Script(func(*standin.Attempt) standin.Fault {
				return standin.Fault{Item: func(i standin.Item) *standin.ItemError {
					if i.N == 0 && i.Op != "delete" {
						return &standin.ItemError{Status: 400, Type: "mapper_parsing_exception", Reason: "failed to parse field [n] of type [long]: 'secret'"}
					}
					return nil
				}}
			})
			out = tool(exitFailure)
			es.Script(nil)
			assert.Contains(t, out, fmt.Sprintf("  %-19s  2\n  refused again, left  1\n", done))
			assert.Contains(t, out, "refused: 1 × mapper_parsing_exception (HTTP 400): the value of this field does\n  not fit its type: n (long)\n")
			assert.Contains(t, out, "etlctl: 1 letter could not be redriven\n")

			lines := strings.Split(strings.TrimSpace(tool(exitOK, "--json", "--verbose")), "\n")
			require.Len(t, lines, 2)
			var letter, end map[string]any
			require.NoError(t, json.Unmarshal([]byte(lines[0]), &letter))
			require.NoError(t, json.Unmarshal([]byte(lines[1]), &end))
			assert.Equal(t, []any{"letter", "stored", "app", 0.0, "mapper_parsing_exception"},
				[]any{letter["event"], letter["outcome"], letter["topic"], letter["offset"], letter["cause"]})
			assert.Equal(t, []any{"end", 1.0, map[string]any{"stored": 1.0}}, []any{end["event"], end["read"], end["outcomes"]})
			assert.Contains(t, tool(exitOK), ": 0 letters read\n")
			assert.Empty(t, es.Twice())

			_, errOut, code := runTool(t, append(environ, "ES_Password=wrong"), "redrive", "--from", fromIndex)
			assert.Equal(t, exitFailure, code)
			assert.Contains(t, errOut, "look at ES_User and ES_Password")
		})
	}
}

// Ctrl-C lets the batch in flight end. The next run goes on.
func TestRedriveInterrupted(t *testing.T) {
	t.Parallel()
	for _, from := range []string{fromIndex, fromTopic} {
		t.Run(from, func(t *testing.T) {
			t.Parallel()
			es, environ := refusing(t, 500)
			var first []string
			if from == fromTopic {
				first = []string{"--from-start"}
			}
			ctx, cancel := context.WithCancel(t.Context())
			stdout := &watchedWriter{text: "stored\t", seen: cancel}
			stderr := new(watchedWriter)
			code := realMain(ctx, &system{stdout: stdout, stderr: stderr, environ: environ}, append([]string{"redrive", "--from", from, "--verbose"}, first...))
			assert.Equal(t, exitFailure, code)
			assert.Contains(t, stderr.String(), "finishing the batch in flight\n")
			assert.Contains(t, stderr.String(), "etlctl: interrupted: run it again to go on\n")
			assert.Contains(t, stdout.String(), ": 200 letters read\n  stored")
			assert.Contains(t, stdout.String(), "  200\n")

			out, _, code := runTool(t, environ, "redrive", "--from", from)
			assert.Equal(t, exitOK, code)
			assert.Contains(t, out, "  300\n")
			assert.Empty(t, es.Twice())
		})
	}
}

// Without an offset of the group nothing is sent, and the error says what to do:
// it is the command line that has to be mended.
func TestRedriveAFirstRun(t *testing.T) {
	t.Parallel()
	es, environ := refusing(t, 3)
	for _, args := range [][]string{nil, {"--dry-run"}} {
		out, errOut, code := runTool(t, environ, append([]string{"redrive", "--from", "topic"}, args...)...)
		assert.Equal(t, exitUsage, code)
		assert.Empty(t, out)
		assert.Equal(t, "etlctl: no committed offset of group etlctl-redrive for partition 0 of letters: it may have expired, and letters that were redriven before would be sent again; "+
			"--from-start sends all of them, which is right for a first run, and with --since TIME only those that arrived since\n", errOut)
	}
	out, _, code := runTool(t, environ, "redrive", "--from", "topic", "--json")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, out, `"read":0,`)
	assert.Contains(t, out, `"error":"no committed offset of group etlctl-redrive`)
	assert.Zero(t, len(es.All())-es.Count("dead-letter-log"))

	out, _, code = runTool(t, environ, "redrive", "--from", "topic", "--from-start", "--keep")
	assert.Equal(t, exitOK, code)
	assert.Contains(t, out, "  stored, passed over  3\n")
	out, _, code = runTool(t, environ, "redrive", "--from", "topic")
	assert.Equal(t, exitOK, code)
	assert.Contains(t, out, "note: 3 offsets were deleted from letters: each partition begins with its first\n  letter that stays\n")
}

// Many groups, long names and large numbers: the text stays narrow and short.
func TestRedriveTextIsNarrow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := &redrive.Report{
			Read: rapid.IntRange(0, 1<<40).Draw(t, "read"), Outcomes: map[string]int{redrive.Stored: 1 << 40, redrive.Left: 3},
			Groups: make(map[redrive.Group]int), Reasons: map[string]map[string]int{redrive.Refused: {}},
		}
		name := rapid.StringMatching(`[a-z._-]{0,255}`)
		for range rapid.IntRange(0, 30).Draw(t, "groups") {
			g := redrive.Group{
				Cause: name.Draw(t, "cause"), Topic: name.Draw(t, "topic"), Target: name.Draw(t, "target"),
				Sink: "elasticsearch", Outcome: rapid.SampledFrom([]string{redrive.Stored, redrive.Unsettled}).Draw(t, "outcome"),
			}
			r.Groups[g] = rapid.IntRange(1, 1<<40).Draw(t, "letters")
			r.Reasons[redrive.Refused][name.Draw(t, "reason")+" and more"] = 7
		}
		r.Notes = []string{strings.Repeat("many words ", rapid.IntRange(1, 30).Draw(t, "words"))}
		var b strings.Builder
		view := newRedriveView(&system{stdout: io.Discard, stderr: io.Discard}, &redriveFlags{from: fromTopic}, "topic letters (group g)")
		view.text(&b, r)
		requireNarrow(t, b.String())
		require.LessOrEqual(t, strings.Count(b.String(), "\n"), 150)
	})
}
