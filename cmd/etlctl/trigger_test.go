package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/internal/standin"
)

// sourceCluster returns the address of a Kafka whose topic "logs" holds n
// records in one partition.
func sourceCluster(t *testing.T, n int) string {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "logs"))
	require.NoError(t, err)
	t.Cleanup(c.Close)
	client, err := kgo.NewClient(kgo.SeedBrokers(c.ListenAddrs()...))
	require.NoError(t, err)
	defer client.Close()
	for i := range n {
		rec := &kgo.Record{Topic: "logs", Value: fmt.Appendf(nil, `{"n":%d}`, i)}
		require.NoError(t, client.ProduceSync(t.Context(), rec).FirstErr())
	}
	return c.ListenAddrs()[0]
}

// A topic's records are in Elasticsearch when the trigger is interrupted, and
// each line that it printed is JSON.
func TestTriggerToStandIn(t *testing.T) {
	function, _, _ := build(t)
	es := standin.New()
	listener, err := es.Start()
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()

	ctx, cancel := context.WithCancel(t.Context())
	stdout := &watchedWriter{text: `"event":"batch"`, seen: cancel}
	var stderr bytes.Buffer
	code := realMain(ctx, &system{
		stdout: stdout, stderr: &stderr,
		environ: []string{"ES_Address=" + listener.URL(), "ES_Index_KeyWord=app"},
	}, []string{"trigger", "--brokers", sourceCluster(t, 20), "--topic", "logs", "--group", "g", "--position", "earliest", "--max-msg-num", "20", "--max-wait", "60s", "--function", function})
	require.Equal(t, exitOK, code, "%s", &stderr)
	assert.Len(t, es.All(), 20)

	events := map[string]map[string]any{}
	for line := range strings.Lines(stdout.String()) {
		var l map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &l), "%s", line)
		events[l["event"].(string)] = l
	}
	assert.InDelta(t, 20, events["batch"]["records"], 0)
	assert.InDelta(t, 20, events["summary"]["account"].(map[string]any)["stored"], 0)
	assert.Contains(t, events, "assigned")
	assert.Contains(t, events, "revoked")
}

// The trigger waits between the deliveries of a partition. One instance serves
// several of them: if the function waited as well, a partition that fails would
// hold up the others.
func TestTriggerHasTheFunctionNotWait(t *testing.T) {
	function, _, _ := build(t)
	es := standin.New(standin.WithCredentials(standin.Credentials{User: "u", Password: "p"}))
	listener, err := es.Start()
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	var stdout, stderr bytes.Buffer
	code := realMain(t.Context(), &system{
		stdout: &stdout, stderr: &stderr,
		environ: []string{"ES_Address=" + listener.URL(), "ES_Index_KeyWord=app"},
	}, []string{"trigger", "--verbose", "--retry", "2", "--brokers", sourceCluster(t, 1), "--topic", "logs", "--group", "g", "--position", "earliest", "--function", function})
	require.Equal(t, exitFailure, code, "%s", &stderr)
	assert.Equal(t, 3, strings.Count(stderr.String(), `"msg":"batch"`), "%s", &stderr)
	assert.NotContains(t, stderr.String(), "paced_ms")
}

func TestTriggerUsage(t *testing.T) {
	sound := []string{"trigger", "--brokers", "127.0.0.1:1", "--topic", "logs", "--group", "g", "--function", "/bin/true"}
	es := []string{"ES_Address=127.0.0.1:1", "ES_Index_KeyWord=app"}
	tests := []struct {
		name    string
		environ []string
		args    []string
		want    string
	}{
		{"nowhere to write", nil, nil, "neither ES_Address nor kafka_address is set"},
		{"no brokers", es, []string{"--brokers", ""}, "--brokers: not set"},
		{"no topic", es, []string{"--topic", ""}, "--topic: not set"},
		{"no group", es, []string{"--group", ""}, "--group: not set"},
		{"position", es, []string{"--position", "yesterday"}, "--position: got \"yesterday\""},
		{"records", es, []string{"--max-msg-num", "10001"}, "--max-msg-num: got 10001, want 1 to 10000"},
		{"wait", es, []string{"--max-wait", "61s"}, "--max-wait: got 1m1s"},
		{"retries", es, []string{"--retry", "10001"}, "--retry: got 10001"},
		{"instances", es, []string{"--instances", "-1"}, "--instances: got -1"},
		{"oversize", es, []string{"--oversize", "lose"}, `--oversize: got "lose"`},
		{"oversize topic", es, []string{"--oversize", "dead"}, "--oversize-topic: not set"},
		{"mechanism", es, []string{"--mechanism", "GSSAPI"}, `--mechanism: got "GSSAPI"`},
		{"user alone", es, []string{"--user", "u"}, "--password-env"},
		{"password is not set", es, []string{"--user", "u", "--password-env", "NONE"}, "--password-env: the variable NONE is not set"},
		{"ca without tls", es, []string{"--ca", "x"}, "--ca: has no effect without --tls"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, stderr, code := runTool(t, tt.environ, append(sound, tt.args...)...)
			assert.Equal(t, exitUsage, code)
			assert.Contains(t, stderr, tt.want)
			assert.NotContains(t, stderr, "kafka_t")
		})
	}
}

func TestTriggerCannotReadTheTopic(t *testing.T) {
	_, stderr, code := runTool(t, []string{"ES_Address=127.0.0.1:1", "ES_Index_KeyWord=app"},
		"trigger", "--brokers", sourceCluster(t, 0), "--topic", "none", "--group", "g", "--function", "/bin/true")
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, stderr, "topic none: UNKNOWN_TOPIC_OR_PARTITION")
}

func TestRecordFiles(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "events")
	args := []string{"record", "--brokers", sourceCluster(t, 5), "--topic", "logs", "--out", dir, "--max-msg-num", "3"}
	stdout, stderr, code := runTool(t, nil, args...)
	require.Equal(t, exitOK, code, stderr)
	assert.Equal(t, "2 events with 5 records\n", stderr)
	assert.Contains(t, stdout, filepath.Join(dir, "logs-0-3.json")+"\t2 records, offsets 3 to 4, ")
	text, err := os.ReadFile(filepath.Join(dir, "logs-0-3.json"))
	require.NoError(t, err)
	assert.Equal(t, `{"Records":[{"Ckafka":{"topic":"logs","partition":0,"offset":3,"msgKey":"None","msgBody":"{\"n\":3}"}},`+
		`{"Ckafka":{"topic":"logs","partition":0,"offset":4,"msgKey":"None","msgBody":"{\"n\":4}"}}]}`+"\n", string(text))

	_, stderr, code = runTool(t, nil, args...)
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, stderr, "file exists")
}

func TestRecordUsage(t *testing.T) {
	for want, args := range map[string][]string{
		"--out: not set":        {"--brokers", "127.0.0.1:1", "--topic", "t"},
		"--events: got 0":       {"--out", "x", "--brokers", "127.0.0.1:1", "--topic", "t", "--events", "0"},
		"--brokers: not set":    {"--out", "x", "--topic", "t"},
		"--max-wait: got 1m1s":  {"--out", "x", "--brokers", "127.0.0.1:1", "--topic", "t", "--max-wait", "61s"},
		`--position: got "now"`: {"--out", "x", "--brokers", "127.0.0.1:1", "--topic", "t", "--position", "now"},
	} {
		_, stderr, code := runTool(t, nil, append([]string{"record"}, args...)...)
		assert.Equal(t, exitUsage, code, want)
		assert.Contains(t, stderr, want)
	}
	assert.NoFileExists(t, "x")
}
