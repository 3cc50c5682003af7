package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/sample"
	"ckafka-etl/internal/standin"
)

// The largest event fits the smallest function, 64 MB, with room to spare.
const maxRSS = 56_000_000

func TestPeakMemory(t *testing.T) {
	_, url := startStandin(t)
	in, err := platform.Start(t.Context(), platform.Function{
		Path: buildFunction(t), MemoryMB: 64, Timeout: 5 * time.Minute,
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

// Ten partitions that failed took 65 to 128 MB: what was remembered of each
// record was a hundred times what is needed. Thirty of them, with dead letters
// among them, still fit the smallest function, however often they fail.
func TestPeakMemoryWhileManyPartitionsFail(t *testing.T) {
	s, url := startStandin(t)
	s.Script(func(*standin.Attempt) standin.Fault {
		return standin.Fault{Item: func(i standin.Item) *standin.ItemError {
			switch {
			case strings.HasPrefix(i.Index, "dead-letter-") || i.N%10 == 0:
				return nil
			case i.N%50 == 1:
				return &standin.ItemError{Status: 400, Type: "mapper_parsing_exception", Reason: "failed to parse field [status] of type [long]"}
			}
			return &standin.ItemError{Status: 404, Type: "index_not_found_exception", Reason: "no such index [" + i.Index + "]"}
		}}
	})
	in, err := platform.Start(t.Context(), platform.Function{
		Path: buildFunction(t), MemoryMB: 64, Timeout: 5 * time.Minute,
		Env: map[string]string{"ES_Address": url, "ES_Index_KeyWord": "k", "ES_Log_IgnoreWord": "token,**.password", "Retry_Pace": "0"},
	})
	require.NoError(t, err)
	defer in.Stop()
	const partitions, records = 30, 10_000
	recs := make([]event.Record, 0, records)
	for i, body := range sample.AccessBodies(records) {
		recs = append(recs, event.Record{Topic: "access-log", Offset: int64(i), Body: body})
	}
	for round := range 2 {
		for p := range partitions {
			for i := range recs {
				recs[i].Partition = int32(p)
			}
			reply, err := in.Invoke(t.Context(), event.Append(nil, recs))
			require.NoError(t, err)
			require.NotNil(t, reply.Error, "round %d, partition %d", round, p)
			require.Equal(t, "UnsettledError", reply.Error.Type)
		}
	}
	in.Stop()
	require.LessOrEqual(t, in.Usage().PeakRSS, int64(maxRSS), "peak of the resident set, bytes")
	require.Positive(t, s.Count("dead-letter-k"))
	t.Logf("peak of the resident set: %.1f MB", float64(in.Usage().PeakRSS)/1e6)
}
