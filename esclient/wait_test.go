package esclient_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// A day's index had a shard that no node could hold. The server waits a minute
// for such a shard before it says so, the function 30 seconds for an answer:
// so it learnt nothing, not even of the other days' records in the same
// request, and every delivery ended with all of them unsettled.
func TestServerAnswersBeforeWeStopWaiting(t *testing.T) {
	for _, c := range []struct {
		name          string
		request, left time.Duration
		want          time.Duration
	}{
		{"half of the request's time", 20 * time.Second, time.Minute, 10 * time.Second},
		{"half of what is left", 30 * time.Second, 8 * time.Second, 4 * time.Second},
	} {
		t.Run(c.name, func(t *testing.T) {
			var waits time.Duration
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				waits, _ = time.ParseDuration(r.URL.Query().Get("timeout"))
				_, _ = io.WriteString(w, `{"items":[{"create":{"_id":"t-e0000000000000000-0-00000000","status":201}}]}`)
			}))
			defer server.Close()
			cfg, err := config.Load([]string{
				"ES_Address=" + server.URL, "ES_Index_KeyWord=k", "ES_Request_Timeout=" + c.request.String(),
			})
			require.NoError(t, err)
			program, err := transform.New(transform.Options{})
			require.NoError(t, err)
			client, err := esclient.New(esclient.Config{Elasticsearch: *cfg.ES, Program: program})
			require.NoError(t, err)
			defer client.Close()
			ctx, cancel := context.WithTimeout(t.Context(), c.left)
			defer cancel()
			results, _ := client.Write(ctx, record.Delivery{Records: []record.Record{{Topic: "t", Partition: record.Unknown, Batch: &record.Batch{}}}})
			require.Equal(t, record.Stored, results[0].Outcome)
			assert.InDelta(t, c.want, waits, float64(time.Second))
		})
	}
}
