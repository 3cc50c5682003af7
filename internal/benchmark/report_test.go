package benchmark

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

// golden compares text with a file in testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o600))
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	assert.Equal(t, string(want), got)
}

func TestRangeOf(t *testing.T) {
	assert.Equal(t, Range{}, rangeOf(nil))
	assert.Equal(t, Range{3, 3, 3}, rangeOf([]float64{3}))
	assert.Equal(t, Range{2.5, 1, 4}, rangeOf([]float64{4, 1, 3, 2}))
	assert.Equal(t, Range{2, 1, 9}, rangeOf([]float64{9, 1, 2}))
}

// oneTurn is a turn of 1,000 records.
func oneTurn(contender string, round int, perSecond, cpu float64) *Turn {
	return &Turn{
		Contender: contender, Round: round, PerSecond: perSecond, Seconds: 1000 / perSecond, CPU: cpu / 1000, PeakRSS: 20 << 20, ServerCPU: cpu / 100,
		Counts: Counts{Records: 1000, Documents: 1000},
	}
}

// exampleReport is a report of two rounds.
func exampleReport() *Report {
	b := &bench{cfg: Config{Brokers: []string{"k:9092"}, Python: "python", Rsyslogd: "rsyslogd"}}
	r := &Report{
		Time: time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC), Machine: "a machine", Versions: []string{"Elasticsearch 7.17.28", "go1.26"},
		Settings: map[string]string{"records": "1000", rsyslog: "queue"}, Command: "etlctl bench",
	}
	for round, speeds := range [][]float64{{1000, 990, 500, 40_000, 38_000, 50_000, 20_000}, {2000, 1800, 600, 20_000, 17_000, 25_000, 10_000}} {
		for i, c := range b.contenders() {
			t := oneTurn(c.name, round+1, speeds[i], float64(i+round))
			if c.name == trigger {
				t.FunctionCPU, t.FunctionPeakRSS = 0.001, 10<<20
			}
			if c.name == rsyslog && round == 1 {
				t.Lost, t.Documents = 2, 998
			}
			r.Turns = append(r.Turns, t)
		}
	}
	r.summarize(b.contenders())
	r.Faults = []*FaultRow{
		{Fault: faultDown, Contender: trigger, Seconds: 20.4, Counts: Counts{Records: 1000, Documents: 1000}},
		{Fault: faultConflict, Contender: python, Seconds: 70, Unfinished: true, Counts: Counts{Records: 1000, Documents: 2100, Lost: 400, Twice: 500, Extra: 1500}},
	}
	return r
}

// Ratios are taken within a round: the median of the ratios is not that of the
// speeds.
func TestReport(t *testing.T) {
	r := exampleReport()
	s, ok := r.of(trigger)
	require.True(t, ok)
	assert.Equal(t, Range{0.9, 0.85, 0.95}, Range{round2(s.Ratio.Median), round2(s.Ratio.Min), round2(s.Ratio.Max)})
	var out strings.Builder
	require.NoError(t, r.Print(&out))
	golden(t, "report.txt", out.String())

	text, err := json.Marshal(r)
	require.NoError(t, err)
	var back Report
	require.NoError(t, json.Unmarshal(text, &back))
	assert.Equal(t, r, &back, "the JSON holds all of it")
}

func round2(v float64) float64 { return float64(int(v*100+0.5)) / 100 }

func TestReportIsSound(t *testing.T) {
	assert.True(t, exampleReport().Sound(), "what others lose is not our fault")
	for name, spoil := range map[string]func(r *Report){
		"a turn that lost":     func(r *Report) { r.Turns[1].Lost = 1 },
		"a turn that doubled":  func(r *Report) { r.Turns[4].Extra = 1 },
		"a fault that lost":    func(r *Report) { r.Faults[0].Lost = 1 },
		"a fault that doubled": func(r *Report) { r.Faults[0].Extra = 1 },
		"a fault without end":  func(r *Report) { r.Faults[0].Unfinished = true },
	} {
		r := exampleReport()
		spoil(r)
		assert.False(t, r.Sound(), name)
	}
}

func TestReportOfNothing(t *testing.T) {
	var out strings.Builder
	r := &Report{Machine: "a machine"}
	r.summarize((&bench{}).contenders())
	require.NoError(t, r.Print(&out))
	assert.NotContains(t, out.String(), "reached")
	assert.NotContains(t, out.String(), "MISSED")
}

func TestSpan(t *testing.T) {
	at := func(ms int) time.Time { return time.UnixMilli(int64(ms)) }
	assert.Zero(t, span{}.perSecond())
	assert.Zero(t, span{moment{at(1), 5}, moment{at(1), 5}}.perSecond())
	assert.InDelta(t, 90, span{moment{at(1000), 10}, moment{at(2000), 100}}.perSecond(), 1e-9)
}
