//go:build e2e

package e2e

import (
	"encoding/json"
	"maps"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/platform"
)

// vars are a function's variables.
type vars map[string]string

// with returns the variables and more, as name, value, name, value.
func (v vars) with(pairs ...string) vars {
	v = maps.Clone(v)
	for i := 0; i < len(pairs); i += 2 {
		v[pairs[i]] = pairs[i+1]
	}
	return v
}

// vars are those of a function that writes to es under an index keyword of
// the test's own. No stamp, and event times of any age: the same event makes
// the same documents whenever the tests run.
func (s *suite) vars(t *testing.T, es *servers.Elasticsearch) vars {
	t.Helper()
	return vars{
		"ES_Address": es.Addr(), "ES_Index_KeyWord": keyword(t), "Log_Level": "debug",
		"ES_Time_Field": "none", "ES_Index_TimeField": "@timestamp", "ES_Index_TimeWindow": "36500d,36500d",
	}
}

// function is one process of the function.
type function struct {
	*platform.Instance
	env  vars
	said *transcript
}

func (h *harness) start(t *testing.T, env vars) *function {
	t.Helper()
	return h.startAs(t, platform.Function{Env: env, Timeout: time.Minute})
}

// startAs starts a process with settings of its own.
func (h *harness) startAs(t *testing.T, settings platform.Function) *function {
	t.Helper()
	f := &function{env: settings.Env, said: h.secrets.newTranscript()}
	if settings.Env["Retry_Pace"] == "" { // the tests deliver again when they want to
		settings.Env = maps.Clone(settings.Env)
		settings.Env["Retry_Pace"] = "0"
	}
	settings.Path, settings.KeepLongLines = h.binary, true
	settings.Stdout, settings.Stderr = f.said, f.said
	var err error
	f.Instance, err = platform.Start(within(t), settings)
	require.NoError(t, err)
	t.Cleanup(func() {
		f.Stop()
		for line := range strings.SplitSeq(f.said.String(), "\n") {
			assert.LessOrEqual(t, len(line), 8<<10, "the platform cuts longer lines")
		}
		if t.Failed() {
			t.Logf("the function said:\n%s", f.said)
		}
	})
	return f
}

// counts are a batch's account.
type counts struct {
	Records   int `json:"records"`
	Stored    int `json:"stored"`
	Duplicate int `json:"duplicate"`
	Filtered  int `json:"filtered"`
	Dead      int `json:"dead"`
	Unsettled int `json:"unsettled"`
}

// outcome is what came of an invocation.
type outcome struct {
	counts          // as the log has them, and the result too if there is one
	retries  int    // bulk requests that repeated something
	requests int    // bulk requests
	result   string // "" after an error
	err      *platform.FunctionError
	took     time.Duration
}

// present is how many records are in the index after the invocation.
func (o *outcome) present() int { return o.Stored + o.Duplicate }

// invocation is one that is under way.
type invocation struct {
	f     *function
	done  chan struct{}
	reply platform.Reply
	err   error // there was no answer
}

// begin sends an event. The caller waits for its end.
func (f *function) begin(t *testing.T, payload []byte) *invocation {
	t.Helper()
	i := &invocation{f: f, done: make(chan struct{})}
	ctx := t.Context()
	go func() {
		defer close(i.done)
		i.reply, i.err = f.Invoke(ctx, payload)
	}()
	return i
}

// wait returns what came of the invocation, which must have been answered.
func (i *invocation) wait(t *testing.T) *outcome {
	t.Helper()
	<-i.done
	require.NoError(t, i.err)
	return i.f.judge(t, i.reply)
}

// failed returns why there was no answer.
func (i *invocation) failed(t *testing.T) error {
	t.Helper()
	<-i.done
	require.Error(t, i.err)
	_, err := i.f.said.Write([]byte(i.err.Error()))
	require.NoError(t, err)
	return i.err
}

// settle sends an event all of whose records the function has to settle.
func (f *function) settle(t *testing.T, payload []byte) *outcome {
	t.Helper()
	out := f.begin(t, payload).wait(t)
	require.Nil(t, out.err)
	assert.Zero(t, out.Unsettled)
	return out
}

// refuse sends an event that the function has to answer with an error whose
// text holds what the operator needs to read.
func (f *function) refuse(t *testing.T, payload []byte, texts ...string) *outcome {
	t.Helper()
	out := f.begin(t, payload).wait(t)
	out.mustFail(t, texts...)
	return out
}

func (o *outcome) mustFail(t *testing.T, texts ...string) {
	t.Helper()
	require.NotNil(t, o.err, "the result was %s", o.result)
	assert.Equal(t, "UnsettledError", o.err.Type)
	assert.NotZero(t, o.Unsettled)
	for _, text := range texts {
		assert.Contains(t, o.err.Message, text)
	}
}

// judge reads an answer, checks that the account comes out even and that the
// log says the same.
func (f *function) judge(t *testing.T, reply platform.Reply) *outcome {
	t.Helper()
	out := &outcome{err: reply.Error, result: string(reply.Payload), took: reply.Duration}
	said := out.result
	if out.err != nil {
		said = out.err.Error()
	}
	_, err := f.said.Write([]byte(said))
	require.NoError(t, err)
	if out.err != nil && out.err.Type != "UnsettledError" {
		return out // of an event or a configuration that cannot be read there is no account
	}
	line, err := await(within(t), f.said, func(lines []string) (batchLine, bool) { return findBatch(lines, reply.RequestID) })
	require.NoError(t, err)
	out.counts, out.requests, out.retries = line.counts, line.Requests, line.Retries
	assert.Equal(t, out.Records, out.Stored+out.Duplicate+out.Filtered+out.Dead+out.Unsettled, "the account must come out even")
	if out.err == nil {
		var result counts
		require.NoError(t, json.Unmarshal(reply.Payload, &result))
		assert.Equal(t, line.counts, result, "log and result must agree")
	}
	return out
}

// batchLine is the log's line with the account.
type batchLine struct {
	counts
	Message   string `json:"msg"`
	RequestID string `json:"request_id"`
	Requests  int    `json:"requests"`
	Retries   int    `json:"retries"`
}

func findBatch(lines []string, requestID string) (batchLine, bool) {
	for _, line := range lines {
		var b batchLine
		if json.Unmarshal([]byte(line), &b) == nil && b.Message == "batch" && b.RequestID == requestID {
			return b, true
		}
	}
	return batchLine{}, false
}

// awaitBulks returns when countBulks does not return less than n.
func (f *function) awaitBulks(t *testing.T, n int, ok func(bulkLine) bool) {
	t.Helper()
	_, err := await(within(t), f.said, func(lines []string) (int, bool) {
		got := countBulks(lines, ok)
		return got, got >= n
	})
	require.NoError(t, err)
}

// countBulks is how many bulk requests of the process so far satisfy ok.
func (f *function) countBulks(ok func(bulkLine) bool) int {
	return countBulks(strings.Split(f.said.String(), "\n"), ok)
}

func countBulks(lines []string, ok func(bulkLine) bool) (n int) {
	for _, line := range lines {
		var b bulkLine
		if json.Unmarshal([]byte(line), &b) == nil && b.Message == "bulk request" && ok(b) {
			n++
		}
	}
	return n
}

// bulkLine is the log's line on one bulk request.
type bulkLine struct {
	Message string `json:"msg"`
	Status  int    `json:"status"` // 0: there was no answer
}

func answered(b bulkLine) bool   { return b.Status != 0 }
func unanswered(b bulkLine) bool { return b.Status == 0 }

// kill ends the process as a crash does.
func (f *function) kill(t *testing.T) {
	t.Helper()
	require.NoError(t, syscall.Kill(f.PID(), syscall.SIGKILL))
}
