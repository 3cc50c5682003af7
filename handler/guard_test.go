package handler

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/sample"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// The guards watch what the path of a record costs, event to bulk body, with
// measures that are the same on every machine: allocations, and CPU time as a
// multiple of what a well-known function takes for the same bytes. Clocks say
// nothing on a busy machine.

// recordPath is the path of a record without sinks.
type recordPath struct {
	decoder event.Decoder
	worker  *transform.Worker
	recs    []record.Record
	body    []byte
}

func newRecordPath(t *testing.T) *recordPath {
	t.Helper()
	program, err := transform.New(transform.Options{
		Ignore: []string{"token", "password", "user.password", "**.secret"}, TimeField: "time", IndexPrefix: "app",
		TimeFields: []string{"@timestamp", "time_iso8601"}, WindowBack: 720 * time.Hour, WindowAhead: 24 * time.Hour,
		IDField: "log_id",
	})
	require.NoError(t, err)
	return &recordPath{worker: program.NewWorker()}
}

func (p *recordPath) run(payload []byte) error {
	arrival := time.Date(2026, 11, 24, 8, 0, 0, 0, time.UTC)
	var err error
	p.recs, err = p.decoder.Decode(payload, arrival, p.recs[:0])
	p.body = p.body[:0]
	for i := range p.recs {
		doc := p.worker.Do(&p.recs[i])
		p.body = append(append(p.body, doc.Index...), doc.ID...)
		p.body = append(doc.AppendSource(p.body), '\n')
	}
	return err
}

// guarded are the kinds of records.
func guarded() map[string]func(records int) []byte {
	return map[string]func(int) []byte{
		"access":  sample.AccessEvent,
		"nested":  sample.NestedEvent,
		"message": sample.MessageEvent,
		"tiny":    sample.TinyEvent,
		"text":    sample.TextEvent,
	}
}

func TestGuardAllocations(t *testing.T) {
	const records = 1_000
	for name, makeEvent := range guarded() {
		t.Run(name, func(t *testing.T) {
			payload, path := makeEvent(records), newRecordPath(t)
			require.NoError(t, path.run(payload)) // buffers grow
			allocs := testing.AllocsPerRun(3, func() { _ = path.run(payload) })
			assert.LessOrEqual(t, allocs/records, 0.1, "allocations a record")
		})
	}
}

func TestGuardCPUTime(t *testing.T) {
	// The path and json.Valid take turns, and the best of each counts: what
	// else the machine does can only add. Twice the usual is allowed.
	const records, rounds, room = 250, 9, 2
	for name, makeEvent := range guarded() {
		t.Run(name, func(t *testing.T) {
			payload, path := makeEvent(records), newRecordPath(t)
			require.NoError(t, path.run(payload))
			ours, yardstick := time.Duration(math.MaxInt64), time.Duration(math.MaxInt64)
			valid := true
			for range rounds {
				start := cpuTime()
				for range runsPerRound {
					_ = path.run(payload)
				}
				ours = min(ours, cpuTime()-start)
				start = cpuTime()
				for range runsPerRound {
					valid = valid && json.Valid(payload)
				}
				yardstick = min(yardstick, cpuTime()-start)
			}
			require.True(t, valid)
			ratio := float64(ours) / float64(yardstick)
			t.Logf("%.2f times the CPU time of json.Valid", ratio)
			assert.LessOrEqual(t, ratio, room*usualRatios()[name], "CPU time over that of json.Valid")
		})
	}
}
