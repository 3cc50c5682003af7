package metrics_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/internal/metrics"
	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/trigger"
)

// fakeTrigger is a trigger of which is known what it says.
type fakeTrigger struct {
	status []trigger.PartitionStatus
	memory trigger.Memory
	ready  error
}

func (f *fakeTrigger) Status() []trigger.PartitionStatus { return f.status }
func (f *fakeTrigger) Memory() trigger.Memory            { return f.memory }
func (f *fakeTrigger) Ready() error                      { return f.ready }

type fakeFunctions metrics.Instances

func (f fakeFunctions) Instances() metrics.Instances { return metrics.Instances(f) }

// scrape returns what is scraped, by name and labels; of a histogram how much was
// observed how many times. What is Go's and the process's is left out.
func scrape(t require.TestingT, r *prometheus.Registry) map[string]float64 {
	families, err := r.Gather()
	require.NoError(t, err)
	values := make(map[string]float64)
	for _, f := range families {
		if !strings.HasPrefix(f.GetName(), "ckafka_etl_") {
			continue
		}
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				if l.GetName() == "topic" {
					assert.Equal(t, "logs", l.GetValue())
					continue
				}
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			name := strings.TrimPrefix(f.GetName(), "ckafka_etl_")
			if labels != nil {
				name += "{" + strings.Join(labels, ",") + "}"
			}
			switch {
			case m.GetHistogram() != nil:
				values[name+" count"] = float64(m.GetHistogram().GetSampleCount())
				values[name+" sum"] = m.GetHistogram().GetSampleSum()
			case m.GetCounter() != nil:
				values[name] = m.GetCounter().GetValue()
			default:
				values[name] = m.GetGauge().GetValue()
			}
		}
	}
	return values
}

// changed returns what is not 0.
func changed(values map[string]float64) map[string]float64 {
	values = maps.Clone(values)
	maps.DeleteFunc(values, func(_ string, v float64) bool { return v == 0 })
	return values
}

func batch(partition int32, delivery, records, bytes int, took time.Duration, result string) trigger.Notice {
	return trigger.Notice{
		Kind: trigger.Batch, Partition: partition, Records: records, Bytes: bytes, Delivery: delivery,
		Reply: platform.Reply{Duration: took, Payload: []byte(result)},
	}
}

func failure(kind trigger.Kind, partition int32, delivery int, took time.Duration) trigger.Notice {
	return trigger.Notice{Kind: kind, Partition: partition, Delivery: delivery, Reply: platform.Reply{Duration: took}}
}

const account = `{"records":10,"stored":4,"duplicate":3,"filtered":2,"dead":1,"unsettled":0}`

func TestReports(t *testing.T) {
	for name, tt := range map[string]struct {
		sinks []string
		tell  func(m *metrics.Metrics)
		want  map[string]float64
	}{
		"nothing": {[]string{"elasticsearch"}, func(*metrics.Metrics) {}, map[string]float64{}},
		"a batch": {[]string{"elasticsearch"}, func(m *metrics.Metrics) {
			m.Report(batch(0, 1, 10, 100, 2*time.Second, account))
		}, map[string]float64{
			"records_total{outcome=stored,sink=elasticsearch}":    4,
			"records_total{outcome=duplicate,sink=elasticsearch}": 3,
			"records_total{outcome=filtered,sink=elasticsearch}":  2,
			"records_total{outcome=dead,sink=elasticsearch}":      1,
			"event_bytes_total":                        100,
			"deliveries_total{result=settled}":         1,
			"invocation_seconds{result=settled} count": 1,
			"invocation_seconds{result=settled} sum":   2,
			"batch_seconds count":                      1,
			"batch_seconds sum":                        2,
		}},
		"two sinks": {[]string{"elasticsearch", "kafka"}, func(m *metrics.Metrics) {
			m.Report(batch(0, 1, 2, 100, time.Second, `{"records":2,"stored":1,"dead":1,"sinks":{`+
				`"elasticsearch":{"records":2,"stored":1,"dead":1},"kafka":{"records":2,"stored":2}}}`))
			line := `{"msg":"batch","records":5,"unsettled":3,"elasticsearch_unsettled":3,"kafka_unsettled":1}` + "\n"
			n, err := m.Write([]byte(line))
			assert.NoError(t, err)
			assert.Len(t, line, n)
		}, map[string]float64{
			"records_total{outcome=stored,sink=elasticsearch}":    1,
			"records_total{outcome=dead,sink=elasticsearch}":      1,
			"records_total{outcome=unsettled,sink=elasticsearch}": 3,
			"records_total{outcome=stored,sink=kafka}":            2,
			"records_total{outcome=unsettled,sink=kafka}":         1,
			"event_bytes_total":                        100,
			"deliveries_total{result=settled}":         1,
			"invocation_seconds{result=settled} count": 1,
			"invocation_seconds{result=settled} sum":   1,
			"batch_seconds count":                      1,
			"batch_seconds sum":                        1,
		}},
		"no account": {[]string{"kafka"}, func(m *metrics.Metrics) {
			m.Report(batch(0, 1, 1, 10, 0, `"done"`))
			for _, line := range []string{"", "panic: x", `{"msg":"batch","unsettled":0}`, `{"msg":"batch","unsettled":`, `{"msg":"records are unsettled","count":3}`} {
				n, err := m.Write([]byte(line))
				assert.NoError(t, err)
				assert.Len(t, line, n)
			}
		}, map[string]float64{
			"event_bytes_total": 10, "deliveries_total{result=settled}": 1, "unaccounted_batches_total": 1,
			"invocation_seconds{result=settled} count": 1, "batch_seconds count": 1,
		}},
		"numbers that cannot be": {[]string{"kafka"}, func(m *metrics.Metrics) {
			m.Report(batch(0, 1, 1, 10, 0, `{"records":1,"stored":-1,"dead":2,"unsettled":-9}`))
			_, _ = m.Write([]byte(`{"msg":"batch","unsettled":-3}`))
		}, map[string]float64{
			"event_bytes_total": 10, "deliveries_total{result=settled}": 1, "records_total{outcome=dead,sink=kafka}": 2,
			"invocation_seconds{result=settled} count": 1, "batch_seconds count": 1,
		}},
		"what happens to partitions": {[]string{"kafka"}, func(m *metrics.Metrics) {
			for _, n := range []trigger.Notice{
				{Kind: trigger.Assigned},
				{Kind: trigger.Assigned, Partition: 1},
				{Kind: trigger.Revoked},
				{Kind: trigger.Lost, Partition: 1},
				{Kind: trigger.Committed, Partition: -1, Records: 7},
				{Kind: trigger.CommitFailed, Partition: -1},
				{Kind: trigger.Uncertain, Partition: -1},
				{Kind: trigger.Dropped, Records: 1},
				{Kind: trigger.Gap, Records: 500},
				{Kind: trigger.Rewound},
				{Kind: trigger.Trouble},
				{Kind: trigger.Stopped}, // for an error of the log
			} {
				m.Report(n)
			}
		}, map[string]float64{
			"partition_changes_total{change=assigned}": 2, "partition_changes_total{change=revoked}": 1, "partition_changes_total{change=lost}": 1,
			"commits_total{result=committed}": 1, "commits_total{result=failed}": 1,
			"oversize_records_total": 1, "gap_records_total": 500, "rewinds_total": 1, "troubles_total": 1, "stops_total": 1,
		}},
		"a partition that fails until it stops": {[]string{"elasticsearch"}, func(m *metrics.Metrics) {
			m.Report(failure(trigger.Retry, 0, 1, time.Second))
			_, _ = m.Write([]byte(`{"msg":"batch","records":10,"unsettled":10}`))
			m.Report(failure(trigger.Stopped, 0, 2, 2*time.Second))
		}, map[string]float64{
			"deliveries_total{result=failed}": 2, "retries_total": 1, "stops_total": 1,
			"records_total{outcome=unsettled,sink=elasticsearch}": 10,
			"invocation_seconds{result=failed} count":             2, "invocation_seconds{result=failed} sum": 3,
		}},
	} {
		t.Run(name, func(t *testing.T) {
			m := metrics.New("logs", tt.sinks)
			tt.tell(m)
			assert.Equal(t, tt.want, changed(scrape(t, m.Registry)))
		})
	}
}

// Everything that will be counted is there from the beginning: what comes into
// being with its first value is no increase.
func TestCountersBeginAtZero(t *testing.T) {
	m := metrics.New("logs", []string{"elasticsearch", "kafka"})
	before := slices.Sorted(maps.Keys(scrape(t, m.Registry)))
	for _, kind := range []trigger.Kind{
		trigger.Batch, trigger.Retry, trigger.Stopped, trigger.Assigned, trigger.Revoked, trigger.Lost, trigger.Committed,
		trigger.CommitFailed, trigger.Uncertain, trigger.Dropped, trigger.Gap, trigger.Rewound, trigger.Trouble,
	} {
		m.Report(trigger.Notice{Kind: kind, Delivery: 1, Records: 1})
	}
	assert.Equal(t, before, slices.Sorted(maps.Keys(scrape(t, m.Registry))))
}

// How long a batch took includes its failures and the pauses between them. Of one
// that went on somewhere else, or was taken over, it is the last delivery's.
func TestBatchSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := metrics.New("logs", []string{"kafka"})
		took := func() float64 {
			v := scrape(t, m.Registry)
			return v["batch_seconds sum"]
		}
		<-time.After(time.Second)
		m.Report(failure(trigger.Retry, 0, 1, time.Second)) // it began at 0 s
		<-time.After(time.Minute)
		m.Report(failure(trigger.Retry, 0, 2, time.Second))
		m.Report(batch(1, 1, 10, 1, 2*time.Second, account)) // another partition
		assert.InDelta(t, 2, took(), 0)
		<-time.After(time.Minute)
		m.Report(batch(0, 3, 10, 1, time.Second, account)) // at 121 s
		assert.InDelta(t, 2+121, took(), 0)
		m.Report(batch(0, 1, 10, 1, 3*time.Second, account))
		assert.InDelta(t, 2+121+3, took(), 0)

		for i, n := range []trigger.Notice{{Kind: trigger.Revoked}, {Kind: trigger.Lost}, {Kind: trigger.Rewound}, {Kind: trigger.Assigned}} {
			m.Report(failure(trigger.Retry, 0, 1, time.Second))
			<-time.After(time.Minute)
			m.Report(n)
			m.Report(batch(0, 2, 10, 1, 4*time.Second, account))
			assert.InDelta(t, 126+4*(i+1), took(), 0)
		}
	})
}

func TestCollect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTrigger{
			memory: trigger.Memory{Budget: 128, Read: 40, Delivery: 2},
			status: []trigger.PartitionStatus{
				{Partition: 0, State: "waiting", Committed: 7, Settled: 9, End: 9, Oldest: time.Now().Add(-time.Hour)},
				{Partition: 3, State: "retrying", Committed: 10, Settled: 10, End: 25, Retries: 4, Oldest: time.Now().Add(-90 * time.Second)},
				{Partition: 4, State: "stopped", Committed: 1, Settled: 1, End: 2, Err: fmt.Errorf("damaged")},
				{Partition: 5, State: "delivering", End: 1, Oldest: time.Now().Add(time.Hour)}, // by another clock
			},
		}
		m := metrics.New("logs", []string{"kafka"})
		m.Watch("logs", f, fakeFunctions{Running: 2, Started: 3, CPU: 1500 * time.Millisecond, PeakRSS: 50})
		got := scrape(t, m.Registry)
		maps.DeleteFunc(got, func(name string, _ float64) bool {
			return !strings.HasPrefix(name, "partition_") && !strings.HasPrefix(name, "partitions{") && !strings.HasPrefix(name, "memory_") &&
				!strings.HasPrefix(name, "function_") && name != "ready" || strings.HasPrefix(name, "partition_changes")
		})
		assert.Equal(t, map[string]float64{
			"partition_lag{partition=0}": 0, "partition_lag{partition=3}": 15, "partition_lag{partition=4}": 1, "partition_lag{partition=5}": 1,
			"partition_oldest_age_seconds{partition=0}": 0, "partition_oldest_age_seconds{partition=3}": 90, "partition_oldest_age_seconds{partition=5}": 0,
			"partition_committed_offset{partition=0}": 7, "partition_committed_offset{partition=3}": 10, "partition_committed_offset{partition=4}": 1, "partition_committed_offset{partition=5}": 0,
			"partition_failed_deliveries{partition=0}": 0, "partition_failed_deliveries{partition=3}": 4, "partition_failed_deliveries{partition=4}": 0, "partition_failed_deliveries{partition=5}": 0,
			"partition_stopped{partition=0}": 0, "partition_stopped{partition=3}": 0, "partition_stopped{partition=4}": 1, "partition_stopped{partition=5}": 0,
			"partitions{state=waiting}": 1, "partitions{state=delivering}": 1, "partitions{state=retrying}": 1, "partitions{state=stopped}": 1,
			"ready": 1, "memory_budget_bytes": 128, "memory_used_bytes{part=read}": 40, "memory_used_bytes{part=delivery}": 2,
			"function_instances": 2, "function_starts_total": 3, "function_cpu_seconds_total": 1.5, "function_peak_rss_bytes": 50,
		}, got)

		// What is told of a partition goes with it.
		f.status, f.ready = f.status[:1], fmt.Errorf("ending")
		got = scrape(t, m.Registry)
		assert.Zero(t, got["ready"])
		for name := range got {
			assert.NotContains(t, name, "partition=3")
		}
		assert.Contains(t, got, "partition_lag{partition=0}")
		assert.Contains(t, got, "partitions{state=stopped}")
	})
}

// Whatever is told in whatever order: each record of a settled batch is counted
// once, each delivery and each invocation too, and no series comes with it.
func TestReportsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := metrics.New("logs", []string{"kafka"})
		series := len(scrape(t, m.Registry))
		var records, settled, failed, retries float64
		for range rapid.IntRange(0, 50).Draw(t, "notices") {
			p, delivery := rapid.Int32Range(0, 1000).Draw(t, "partition"), rapid.IntRange(1, 3).Draw(t, "delivery")
			again := 0.0
			if delivery > 1 {
				again = 1
			}
			switch kind := rapid.SampledFrom([]trigger.Kind{trigger.Batch, trigger.Retry, trigger.Stopped, trigger.Revoked, trigger.Gap, trigger.Assigned}).Draw(t, "kind"); kind {
			case trigger.Batch:
				var n [4]int
				sum := 0
				for i := range n {
					n[i] = rapid.IntRange(0, 10_000).Draw(t, "records")
					sum += n[i]
				}
				m.Report(batch(p, delivery, sum, 1, time.Second, fmt.Sprintf(`{"records":%d,"stored":%d,"duplicate":%d,"filtered":%d,"dead":%d,"unsettled":0}`, sum, n[0], n[1], n[2], n[3])))
				records, settled, retries = records+float64(sum), settled+1, retries+again
			case trigger.Retry, trigger.Stopped:
				m.Report(failure(kind, p, delivery, time.Second))
				failed, retries = failed+1, retries+again
			default:
				m.Report(trigger.Notice{Kind: kind, Partition: p, Records: 1})
			}
		}
		got := scrape(t, m.Registry)
		require.Len(t, got, series)
		sum := 0.0
		for name, v := range got {
			if strings.HasPrefix(name, "records_total{") {
				sum += v
			}
		}
		require.InDelta(t, records, sum, 0)
		require.InDelta(t, settled, got["deliveries_total{result=settled}"], 0)
		require.InDelta(t, failed, got["deliveries_total{result=failed}"], 0)
		require.InDelta(t, retries, got["retries_total"], 0)
		require.InDelta(t, settled, got["batch_seconds count"], 0)
		require.InDelta(t, failed, got["invocation_seconds{result=failed} count"], 0)
	})
}
