package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/trigger"
)

// logged returns the lines of a log, each of which has to be JSON.
func logged(t require.TestingT, text string) (lines []map[string]any) {
	for line := range strings.Lines(text) {
		var l map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &l), "%s", line)
		require.Contains(t, []any{"DEBUG", "INFO", "WARN", "ERROR"}, l["level"])
		require.NotEmpty(t, l["time"])
		delete(l, "time")
		lines = append(lines, l)
	}
	return lines
}

// What happens is logged as bad as it is. An outage that lasts is not told with
// each delivery: the function tells those.
func TestServiceLogLevels(t *testing.T) {
	var out bytes.Buffer
	v := &triggerView{log: newServiceLog(&out)}
	reply := platform.Reply{RequestID: "r", Duration: 1500 * time.Millisecond, Payload: []byte(`{"records":3,"stored":2,"dead":1}`)}
	for _, tt := range []struct {
		n    trigger.Notice
		want map[string]any // nil: nothing
	}{
		{trigger.Notice{Kind: trigger.Batch, Partition: 1, Delivery: 1, Records: 3, Reply: reply}, nil},
		{trigger.Notice{Kind: trigger.Batch, Partition: 1, Offset: 4, LastOffset: 6, Delivery: 2, Records: 3, Bytes: 9, Reply: reply}, map[string]any{
			"level": "INFO", "msg": "batch", "partition": 1.0, "offset": 4.0, "last_offset": 6.0, "delivery": 2.0, "records": 3.0, "bytes": 9.0,
			"request_id": "r", "ms": 1500.0, "stored": 2.0, "duplicate": 0.0, "filtered": 0.0, "dead": 1.0,
		}},
		{trigger.Notice{Kind: trigger.Retry, Delivery: 2, Wait: time.Second, Err: errors.New("refused")}, map[string]any{
			"level": "WARN", "msg": "retry", "partition": 0.0, "offset": 0.0, "delivery": 2.0, "wait_ms": 1000.0, "cause": "refused",
		}},
		{trigger.Notice{Kind: trigger.Retry, Delivery: 3, Err: errors.New("refused")}, nil},
		{trigger.Notice{Kind: trigger.Committed, Partition: -1, Records: 3}, nil},
		{trigger.Notice{Kind: trigger.CommitFailed, Partition: -1, Err: errors.New("x")}, nil},
		{trigger.Notice{Kind: trigger.Uncertain, Partition: -1, Err: errors.New("x")}, map[string]any{"level": "WARN", "msg": "uncertain", "cause": "x"}},
		{trigger.Notice{Kind: trigger.Assigned, Partition: 2, Offset: 7}, map[string]any{"level": "INFO", "msg": "assigned", "partition": 2.0, "offset": 7.0}},
		{trigger.Notice{Kind: trigger.Gap, Records: 5, LastOffset: 4}, map[string]any{"level": "ERROR", "msg": "gap", "partition": 0.0, "offset": 0.0, "last_offset": 4.0, "records": 5.0}},
		{trigger.Notice{Kind: trigger.Stopped, Err: errors.New("x")}, map[string]any{"level": "ERROR", "msg": "stopped", "partition": 0.0, "offset": 0.0, "cause": "x"}},
	} {
		out.Reset()
		v.report(tt.n)
		lines := logged(t, out.String())
		if tt.want == nil {
			assert.Empty(t, lines, tt.n.Kind)
			continue
		}
		tt.want["component"] = "trigger"
		require.Len(t, lines, 1)
		assert.Equal(t, tt.want, lines[0])
	}
	out.Reset()
	v.log.level.Set(slog.LevelError) // Log_Level is the trigger's, too
	v.report(trigger.Notice{Kind: trigger.Assigned})
	v.progress(nil)
	assert.Empty(t, out.String())
	v.log.level.Set(slog.LevelDebug)
	v.report(trigger.Notice{Kind: trigger.Batch, Delivery: 1, Reply: reply})
	assert.Contains(t, out.String(), `"level":"DEBUG","msg":"batch"`)
}

func TestServiceLogStatus(t *testing.T) {
	var out bytes.Buffer
	v := &triggerView{log: newServiceLog(&out)}
	v.progress([]trigger.PartitionStatus{{End: 10, Settled: 4}, {End: 5, Retries: 2}, {Err: errors.New("x")}})
	line := logged(t, out.String())[0]
	for name, want := range map[string]float64{"lag": 11, "partitions": 3, "retrying": 1, "stopped": 1, "records": 0} {
		assert.InDelta(t, want, line[name], 0, name)
	}
}

// Whatever the function writes, and whatever lines for people there are, each
// line of the log is JSON, and what was JSON is as it was.
func TestServiceLogIsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var out bytes.Buffer
		log := newServiceLog(&out)
		line := rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{`{"level":"INFO","time":"x","msg":"batch"}`, `{"cut":"in the mid`, "panic: x", "[1]", "\xff"})).Draw(t, "line")
		line = strings.ReplaceAll(line, "\n", "") + "\n"
		if text := strings.TrimSpace(line); strings.HasPrefix(text, "{") && json.Valid([]byte(text)) && !strings.HasPrefix(line, `{"level"`) {
			line = "panic: " + line // an object that is none of the log's is not told apart from it
		}
		n, err := log.Write([]byte(line))
		require.NoError(t, err)
		require.Equal(t, len(line), n)
		if strings.HasPrefix(line, `{"level"`) {
			require.Equal(t, line, out.String())
		}
		n, err = textLog{log}.Write([]byte("warning: a\nb " + line))
		require.NoError(t, err)
		require.Equal(t, len(line)+13, n)
		lines := logged(t, out.String())
		require.Len(t, lines, 3)
		require.Equal(t, map[string]any{"level": "WARN", "msg": "a", "component": "trigger"}, lines[1])
		require.Equal(t, "INFO", lines[2]["level"])
	})
}
