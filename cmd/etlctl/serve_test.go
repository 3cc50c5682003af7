package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/metrics"
	"ckafka-etl/internal/standin"
	"ckafka-etl/internal/trigger"
)

// Without an address only this machine can see the metrics.
func TestHTTPAddress(t *testing.T) {
	for text, want := range map[string]string{
		"9090": "127.0.0.1:9090", ":9090": "127.0.0.1:9090", " 9090 ": "127.0.0.1:9090", "0": "127.0.0.1:0",
		"0.0.0.0:9090": "0.0.0.0:9090", "10.0.0.1:80": "10.0.0.1:80", "[::]:9090": "[::]:9090", "[::1]:65535": "[::1]:65535", "localhost:9090": "localhost:9090",
	} {
		got, err := httpAddress(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got)
	}
	for _, text := range []string{"here", "host", "host:", "host:http", ":", "::1", "[::1]", "1:2:3", "65536", "-1", "+80", "080", "http://127.0.0.1:9090", "127.0.0.1:9090/metrics", "*"} {
		_, err := httpAddress(text)
		assert.ErrorContains(t, err, "want a port such as 9090", text)
	}
}

// stoppedTrigger is a trigger that is not ready for a reason.
type stoppedTrigger struct{ reason error }

func (s *stoppedTrigger) Status() []trigger.PartitionStatus { return nil }
func (s *stoppedTrigger) Ready() error                      { return s.reason }

func TestHealth(t *testing.T) {
	state := &stoppedTrigger{errors.New("all stopped\nfor a reason")}
	h := handlerOf(metrics.New("logs", []string{"elasticsearch"}), state)
	ask := func(method, path string) (int, string) {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
		return w.Code, w.Body.String()
	}
	for _, tt := range []struct {
		method, path string
		status       int
		want         string
	}{
		{http.MethodGet, livePath, 200, "ok\n"},
		{http.MethodGet, readyPath, 503, "all stopped; for a reason\n"},
		{http.MethodHead, readyPath, 503, ""},
		{http.MethodGet, "/", 200, "/metrics\n/health/live\n/health/ready\n"},
		{http.MethodPost, readyPath, 405, "Method Not Allowed\n"},
		{http.MethodGet, "/debug/pprof/", 404, "404 page not found\n"},
	} {
		status, body := ask(tt.method, tt.path)
		assert.Equal(t, tt.status, status, tt.path)
		if tt.method != http.MethodHead {
			assert.Equal(t, tt.want, body, tt.path)
		}
	}
	state.reason = nil
	status, body := ask(http.MethodGet, readyPath)
	assert.Equal(t, "200 ok\n", fmt.Sprint(status, " ", body))
	status, body = ask(http.MethodGet, metricsPath)
	assert.Equal(t, 200, status)
	assert.Contains(t, body, `ckafka_etl_records_total{outcome="dead",sink="elasticsearch",topic="logs"} 0`)
}

// startService starts a trigger as a service is started, with no flag, and returns it
// and where it serves. Its log is at its stderr.
func startService(t *testing.T, es, brokers string, more ...string) (*tool, string) {
	t.Helper()
	function, _, _ := build(t)
	settings := filepath.Join(t.TempDir(), "service.env")
	require.NoError(t, os.WriteFile(settings, []byte("ETLCTL_TRIGGER_TOPIC=logs\nETLCTL_TRIGGER_GROUP=g\nETLCTL_TRIGGER_POSITION=earliest\nETLCTL_TRIGGER_MAX_WAIT=100ms\n"), 0o600))
	r := startTool(t, []string{"trigger"}, append([]string{
		"ES_Address=" + es, "ES_Index_KeyWord=app", "ETLCTL_TRIGGER_ENV_FILE=" + settings, "ETLCTL_TRIGGER_BROKERS=" + brokers,
		"ETLCTL_TRIGGER_FUNCTION=" + function, "ETLCTL_TRIGGER_HTTP=127.0.0.1:0", "ETLCTL_TRIGGER_LOG_FORMAT=json",
	}, more...)...)
	var address []string
	require.Eventually(t, func() bool {
		address = regexp.MustCompile(`"msg":"serving".*"address":"([^"]*)"`).FindStringSubmatch(r.stderr.String())
		return address != nil
	}, time.Minute, 10*time.Millisecond)
	return r, "http://" + address[1]
}

// get returns what is served, as long as anything is.
func get(t *testing.T, url string) (status int, body string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		return 0, ""
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(text)
}

// A service from its start to its end: it says when it is ready and what it does,
// SIGTERM lets the batch in flight end, and every line of its log is JSON.
func TestServiceIsTerminated(t *testing.T) {
	es := newHeldServer(t)
	r, url := startService(t, es.URL, sourceCluster(t, 20), "ES_Gzipp=1")
	<-es.arrived // the function is in the middle of the batch
	status, body := get(t, url+readyPath)
	assert.Equal(t, "200 ok\n", fmt.Sprint(status, " ", body))
	_, body = get(t, url+metricsPath)
	for _, want := range []string{`ckafka_etl_partition_lag{partition="0",topic="logs"} 20`, `ckafka_etl_partitions{state="delivering",topic="logs"} 1`, `ckafka_etl_ready{topic="logs"} 1`, `ckafka_etl_function_instances{topic="logs"} 1`} {
		assert.Contains(t, body, want)
	}

	require.NoError(t, r.cmd.Process.Signal(syscall.SIGTERM))
	require.Eventually(t, func() bool { status, body = get(t, url+readyPath); return status == 503 }, time.Minute, 10*time.Millisecond)
	assert.Equal(t, "it is ending: the batches in flight are finished\n", body)
	status, _ = get(t, url+livePath)
	assert.Equal(t, 200, status)
	es.release()
	require.NoError(t, r.cmd.Wait(), "%s", r.stderr)
	status, _ = get(t, url+livePath)
	assert.Zero(t, status)

	lines := map[string]map[string]any{}
	for line := range strings.Lines(r.stderr.String()) {
		var l map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &l), "%s", line)
		assert.Contains(t, l, "time")
		assert.Contains(t, l, "level")
		lines[l["msg"].(string)] = l
	}
	assert.InDelta(t, 20, lines["batch"]["stored"], 0, "the function's own line")
	assert.NotContains(t, lines["batch"], "component")
	assert.InDelta(t, 20, lines["summary"]["stored"], 0)
	assert.Equal(t, "trigger", lines["summary"]["component"])
	assert.InDelta(t, 20, lines["revoked"]["offset"], 0)
	assert.Equal(t, "WARN", lines["ES_Gzipp: ignored: unknown variable; did you mean ES_Gzip?"]["level"])
}

// A batch that does not end is given up after the grace, and comes again.
func TestServiceIsTerminatedWithinGrace(t *testing.T) {
	es := newHeldServer(t)
	r, url := startService(t, es.URL, sourceCluster(t, 20), "ETLCTL_TRIGGER_GRACE=300ms")
	<-es.arrived
	_, body := get(t, url+metricsPath)
	assert.Contains(t, body, `ckafka_etl_deliveries_total{result="settled",topic="logs"} 0`)
	begin := time.Now()
	require.NoError(t, r.cmd.Process.Signal(syscall.SIGTERM))
	require.NoError(t, r.cmd.Wait(), "%s", r.stderr)
	assert.Less(t, time.Since(begin), 30*time.Second, "a minute is what the function might take")
	assert.Contains(t, r.stderr.String(), `"msg":"revoked","component":"trigger","partition":0,"offset":0}`)
}

// /metrics after a run: each record by what became of it, and nothing waits.
func TestMetricsOfARun(t *testing.T) {
	es := standin.New()
	listener, err := es.Start()
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	r, url := startService(t, listener.URL(), sourceCluster(t, 50))
	var body string
	require.Eventually(t, func() bool {
		_, body = get(t, url+metricsPath)
		return strings.Contains(body, `records_total{outcome="stored",sink="elasticsearch",topic="logs"} 50`) &&
			strings.Contains(body, `partition_committed_offset{partition="0",topic="logs"} 50`)
	}, time.Minute, 50*time.Millisecond)
	for _, want := range []string{
		`ckafka_etl_partition_lag{partition="0",topic="logs"} 0`, `ckafka_etl_partition_oldest_age_seconds{partition="0",topic="logs"} 0`,
		`ckafka_etl_partition_stopped{partition="0",topic="logs"} 0`, `ckafka_etl_gap_records_total{topic="logs"} 0`,
		`ckafka_etl_records_total{outcome="unsettled",sink="elasticsearch",topic="logs"} 0`, `ckafka_etl_memory_budget_bytes{topic="logs"} 1.34217728e+08`,
		"process_resident_memory_bytes", "go_goroutines",
	} {
		assert.Contains(t, body, want)
	}
	require.NoError(t, r.cmd.Process.Signal(os.Interrupt))
	require.NoError(t, r.cmd.Wait())
}

// Where nothing can be served, nothing is read.
func TestHTTPAddressIsTaken(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	_, stderr, code := runTool(t, []string{"ES_Address=127.0.0.1:1", "ES_Index_KeyWord=app"}, "trigger", "--brokers", "127.0.0.1:1", "--topic", "logs", "--group", "g",
		"--function", "/bin/true", "--http", l.Addr().String())
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, "etlctl: --http: listen tcp4 "+l.Addr().String()+": bind: address already in use")
}

// What fails before anything is read is in the log, too, and said once.
func TestServiceLogHasErrors(t *testing.T) {
	stdout, stderr, code := runTool(t, []string{"ES_Address=127.0.0.1:1", "ES_Index_KeyWord=app"}, "trigger", "--log-format", "json", "--brokers", sourceCluster(t, 0), "--topic", "none", "--group", "g", "--function", "/bin/true")
	assert.Equal(t, exitFailure, code)
	assert.Empty(t, stdout)
	var last map[string]any
	for line := range strings.Lines(stderr) {
		last = nil
		require.NoError(t, json.Unmarshal([]byte(line), &last), "%s", line)
	}
	assert.Equal(t, "ERROR", last["level"])
	assert.Contains(t, last["msg"], "topic none: UNKNOWN_TOPIC_OR_PARTITION")
	assert.Equal(t, 1, strings.Count(stderr, "UNKNOWN_TOPIC"))

	_, stderr, code = runTool(t, nil, "trigger", "--log-format", "json", "--brokers", "x")
	assert.Equal(t, exitUsage, code)
	assert.Contains(t, stderr, `"level":"ERROR","msg":"--`)
}

// --log-format text is for people without a terminal: nothing of it is JSON.
func TestLogFormatText(t *testing.T) {
	function, _, _ := build(t)
	es := standin.New()
	listener, err := es.Start()
	require.NoError(t, err)
	defer func() { _ = listener.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	stderr := &watchedWriter{text: "read from offset 0", seen: cancel}
	var stdout bytes.Buffer
	code := realMain(ctx, &system{stdout: &stdout, stderr: stderr, environ: []string{"ES_Address=" + listener.URL(), "ES_Index_KeyWord=app"}},
		[]string{"trigger", "--log-format", "text", "--http", "0", "--brokers", sourceCluster(t, 1), "--topic", "logs", "--group", "g", "--position", "earliest", "--function", function})
	assert.Equal(t, exitOK, code)
	assert.Contains(t, stderr.String(), "serving http://127.0.0.1:")
	assert.NotContains(t, stdout.String()+stderr.String(), "{")
	assert.Contains(t, stdout.String(), "read from")
}
