package metrics_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/metrics"
	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/trigger"
)

// storing is a function that stores everything but what is of partition 2, which
// it refuses, and waits with partition 3.
type storing struct{}

func (storing) Invoke(ctx context.Context, payload []byte) (platform.Reply, error) {
	<-time.After(100 * time.Millisecond)
	reply := platform.Reply{RequestID: "r", Duration: 100 * time.Millisecond}
	var e struct {
		Records []struct {
			Ckafka struct {
				Partition int `json:"partition"`
			}
		}
	}
	if err := json.Unmarshal(payload, &e); err != nil {
		return reply, err
	}
	switch n := len(e.Records); e.Records[0].Ckafka.Partition {
	case 2:
		return reply, errors.New("refused")
	case 3:
		<-ctx.Done()
		return reply, ctx.Err()
	default:
		reply.Payload = fmt.Appendf(nil, `{"records":%d,"stored":%d,"duplicate":1,"dead":2}`, n, n-3)
		return reply, nil
	}
}

// A run as it is scraped: what was stored, what is missing, what stands still and
// how old what waits is. What a partition had is gone when the group takes it away.
func TestRun(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var network kfake.VirtualNetwork
		c, err := kfake.NewCluster(kfake.Ports(9092), kfake.NumBrokers(1), kfake.ListenFn(network.Listen), kfake.SeedTopics(4, "logs"))
		require.NoError(t, err)
		defer c.Close()
		opts := []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...), kgo.Dialer(network.DialContext)}
		client, err := kgo.NewClient(append(opts, kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
		require.NoError(t, err)
		for p, n := range []int{100, 60, 10, 5} {
			for range n {
				rec := &kgo.Record{Topic: "logs", Partition: int32(p), Value: []byte("x"), Timestamp: time.Now().Add(-time.Hour)}
				require.NoError(t, client.ProduceSync(t.Context(), rec).FirstErr())
			}
		}
		commitStart(t, client, c.TopicInfo("logs").TopicID)
		require.NoError(t, c.DeleteRecords("logs", 1, 50))

		m := metrics.New("logs", []string{"elasticsearch"})
		tr, err := trigger.New(trigger.Config{
			Client: opts, Topic: "logs", Group: "etl", Position: trigger.Earliest(), MaxWait: time.Second,
			Functions: []trigger.Function{storing{}, storing{}, storing{}, storing{}}, Grace: time.Second, Report: m.Report,
		})
		require.NoError(t, err)
		m.Watch("logs", tr, fakeFunctions{})
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- tr.Run(ctx) }()
		<-time.After(time.Minute)

		got := scrape(t, m.Registry)
		for name, want := range map[string]float64{
			"records_total{outcome=stored,sink=elasticsearch}":    97 + 7, // of 100 and 10
			"records_total{outcome=duplicate,sink=elasticsearch}": 2,
			"records_total{outcome=dead,sink=elasticsearch}":      4,
			"records_total{outcome=filtered,sink=elasticsearch}":  0,
			"gap_records_total":                         50,
			"deliveries_total{result=settled}":          2,
			"deliveries_total{result=failed}":           1,
			"stops_total":                               1,
			"commits_total{result=failed}":              0,
			"partition_changes_total{change=assigned}":  4,
			"partition_lag{partition=0}":                0,
			"partition_lag{partition=1}":                0,
			"partition_lag{partition=2}":                10,
			"partition_lag{partition=3}":                5,
			"partition_oldest_age_seconds{partition=0}": 0,
			"partition_oldest_age_seconds{partition=1}": 0,
			"partition_committed_offset{partition=0}":   100,
			"partition_committed_offset{partition=1}":   60,
			"partition_stopped{partition=2}":            1,
			"partition_stopped{partition=3}":            0,
			"partitions{state=waiting}":                 2,
			"partitions{state=delivering}":              1,
			"partitions{state=stopped}":                 1,
			"batch_seconds sum":                         0.2,
			"memory_budget_bytes":                       trigger.DefaultMemoryBudget,
			"ready":                                     1,
		} {
			assert.InDelta(t, want, got[name], 1e-9, name)
		}
		for _, p := range []string{"2", "3"} { // a minute and an hour
			assert.InDelta(t, 3660, got["partition_oldest_age_seconds{partition="+p+"}"], 1, p)
		}
		assert.Positive(t, got["commits_total{result=committed}"])
		assert.Positive(t, got["memory_used_bytes{part=delivery}"])
		assert.Positive(t, got["event_bytes_total"])

		cancel()
		require.ErrorContains(t, <-done, "50 records were deleted before they were read")
		got = scrape(t, m.Registry)
		for _, name := range []string{"partition_lag{partition=0}", "partition_oldest_age_seconds{partition=3}", "partition_stopped{partition=2}"} {
			assert.NotContains(t, got, name)
		}
		assert.InDelta(t, 3, got["partition_changes_total{change=revoked}"], 0) // it was said of the other that it stopped
		client.Close()
	})
}

// commitStart commits offset 0 of partition 1.
func commitStart(t *testing.T, client *kgo.Client, id [16]byte) {
	t.Helper()
	req := kmsg.NewPtrOffsetCommitRequest()
	req.Group = "etl"
	rt := kmsg.NewOffsetCommitRequestTopic()
	rt.Topic, rt.TopicID = "logs", id
	rp := kmsg.NewOffsetCommitRequestTopicPartition()
	rp.Partition, rp.LeaderEpoch = 1, -1
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), client)
	require.NoError(t, err)
	require.NoError(t, kerr.ErrorForCode(resp.Topics[0].Partitions[0].ErrorCode))
}
