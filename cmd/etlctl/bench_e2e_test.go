//go:build e2e

package main

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/benchmark"
)

// On real servers ours loses and doubles nothing under any of the faults, and
// everything that bench makes is removed.
func TestBenchReal(t *testing.T) {
	if len(selectedServers(t, servers.KindES7)) == 0 || len(selectedServers(t, servers.KindKafka)) == 0 {
		return // not chosen
	}
	function, _, _ := build(t)
	es, err := servers.StartElasticsearch(t.Context(), servers.KindES7, servers.ElasticsearchOptions{})
	require.NoError(t, err)
	t.Cleanup(es.Close)
	kafka, err := servers.StartKafka(t.Context(), servers.KafkaOptions{})
	require.NoError(t, err)
	t.Cleanup(kafka.Close)

	stdout, stderr, err := benchTool(t, []string{"ES_Address=" + es.URL()}, "--brokers", strings.Join(kafka.Brokers(), ","), "--function", function,
		"--records", "3000", "--rounds", "1", "--warmup", "0", "--max-msg-num", "200", "--fault-records", "6000", "--fault-time", "1s", "--json")
	t.Log(stderr)
	require.NoError(t, err)
	assert.NotContains(t, stderr, "not removed")
	var report benchmark.Report
	require.NoError(t, json.Unmarshal([]byte(stdout), &report), "%s", stdout)
	require.Len(t, report.Turns, 4)
	for _, turn := range report.Turns {
		assert.Equal(t, benchmark.Counts{Records: 3000, Documents: 3000}, turn.Counts, turn.Contender)
	}
	require.Len(t, report.Faults, len(benchmark.Faults()))
	for _, f := range report.Faults {
		assert.True(t, f.Sound(), "%+v", f)
		assert.False(t, f.Unfinished, f.Fault)
	}
	assert.Contains(t, report.Versions[0], "Elasticsearch 7.17")
	assert.Empty(t, indices(t, es))
}
