package main

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/sample"
)

// The largest event fits the smallest function, 64 MB, with room to spare.
const maxRSS = 56_000_000

func TestPeakMemory(t *testing.T) {
	_, url := startStandin(t)
	in, err := platform.Start(t.Context(), platform.Function{
		Path: buildFunction(t), MemoryMB: 64,
		Env: map[string]string{"ES_Address": url, "ES_Index_KeyWord": "k", "ES_Log_IgnoreWord": "token,**.password", "ES_Index_TimeField": "@timestamp"},
	})
	require.NoError(t, err)
	payload := sample.AccessEvent(10_000)
	for range 5 { // the first one makes the buffers grow, the others meet them
		reply, err := in.Invoke(t.Context(), payload)
		require.NoError(t, err)
		require.Nil(t, reply.Error)
		var account counts
		require.NoError(t, json.Unmarshal(reply.Payload, &account))
		require.Equal(t, 10_000, account.Stored+account.Duplicate)
	}
	in.Stop()
	require.LessOrEqual(t, in.Usage().PeakRSS, int64(maxRSS), "peak of the resident set, bytes")
	t.Logf("peak of the resident set: %.1f MB", float64(in.Usage().PeakRSS)/1e6)
}
