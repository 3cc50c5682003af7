// Package metrics tells Prometheus what a trigger does. It is fed by what the
// trigger reports and by the function's log, and asks the rest, such as the lag,
// when it is scraped.
//
// A series has no more labels than the topic, the partition, and words of a few
// choices. Counters are never taken back, so they are not counted by partition;
// what is told of a partition is told only while it is assigned.
package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"ckafka-etl/internal/outcome"
	"ckafka-etl/internal/trigger"
)

const namespace = "ckafka_etl"

// Values of the label outcome.
const (
	stored    = "stored"
	duplicate = "duplicate"
	filtered  = "filtered"
	dead      = "dead"
	unsettled = "unsettled"
)

// Values of the label result.
const (
	settled   = "settled"
	failed    = "failed"
	committed = "committed"
)

// seconds are the histograms' buckets: an invocation takes milliseconds, or up
// to 15 minutes. A batch that fails for long is in the last one.
//
//nolint:gochecknoglobals // a table that is never written
var seconds = []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 900}

// Metrics counts what it is told. It is safe for concurrent use.
type Metrics struct {
	// Registry has the metrics, those of the process included.
	Registry *prometheus.Registry

	sinks []string
	only  string // the name of the sink if there is one alone

	records     *prometheus.CounterVec // sink, outcome
	bytes       prometheus.Counter
	deliveries  *prometheus.CounterVec   // result
	invocations *prometheus.HistogramVec // result
	batches     prometheus.Histogram
	retries     prometheus.Counter
	unaccounted prometheus.Counter
	commits     *prometheus.CounterVec // result
	gaps        prometheus.Counter
	rewinds     prometheus.Counter
	oversize    prometheus.Counter
	troubles    prometheus.Counter
	stops       prometheus.Counter
	changes     *prometheus.CounterVec // change

	mu    sync.Mutex
	begun map[int32]time.Time // when the first delivery of a batch began that failed, by partition
}

// New returns the metrics of a trigger that reads a topic for a function with
// these sinks, by the names that its accounts have for them.
func New(topic string, sinks []string) *Metrics {
	m := &Metrics{Registry: prometheus.NewRegistry(), sinks: sinks, begun: make(map[int32]time.Time)}
	if len(sinks) == 1 {
		m.only = sinks[0]
	}
	m.Registry.MustRegister(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewGoCollector(), collectors.NewBuildInfoCollector())
	of := prometheus.WrapRegistererWith(prometheus.Labels{"topic": topic}, m.Registry)
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help})
		of.MustRegister(c)
		return c
	}
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
		of.MustRegister(c)
		return c
	}
	m.records = counters("records_total", "Records by sink and by what became of them: stored, duplicate, filtered or dead, counted once, when their batch is settled; or unsettled, with each delivery that failed.", "sink", "outcome")
	m.bytes = counter("event_bytes_total", "Bytes of the events whose records are settled.")
	m.deliveries = counters("deliveries_total", "Deliveries of a batch to the function, by result: settled or failed.", "result")
	m.retries = counter("retries_total", "Deliveries of a batch that had failed before.")
	m.unaccounted = counter("unaccounted_batches_total", "Batches that the function took without saying what became of the records.")
	m.commits = counters("commits_total", "Commits of offsets, by result: committed or failed. That some fail while the group changes is usual.", "result")
	m.gaps = counter("gap_records_total", "Records that were deleted from the log before they were read.")
	m.rewinds = counter("rewinds_total", "Times that a partition went back because the log lost its tail or was made anew.")
	m.oversize = counter("oversize_records_total", "Records that fit into no event and were left out, or produced to the topic for such.")
	m.troubles = counter("troubles_total", "Errors of reading and of the group that were said. The same is said once in ten minutes.")
	m.stops = counter("stops_total", "Partitions that were stopped.")
	m.changes = counters("partition_changes_total", "Partitions that were assigned, revoked in good order, or lost.", "change")
	m.invocations = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Namespace: namespace, Name: "invocation_seconds", Buckets: seconds,
		Help: "How long the function took for a delivery, by result.",
	}, []string{"result"})
	m.batches = prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: namespace, Name: "batch_seconds", Buckets: seconds,
		Help: "How long a batch took from its first delivery until it was settled, pauses between its deliveries included.",
	})
	of.MustRegister(m.invocations, m.batches)
	m.begin()
	return m
}

// begin has the counters begin at 0, so that the first thing that happens is
// seen as an increase.
func (m *Metrics) begin() {
	for _, sink := range m.sinks {
		for _, o := range []string{stored, duplicate, filtered, dead, unsettled} {
			m.records.WithLabelValues(sink, o)
		}
	}
	for _, result := range []string{settled, failed} {
		m.deliveries.WithLabelValues(result)
		m.invocations.WithLabelValues(result)
	}
	m.commits.WithLabelValues(committed)
	m.commits.WithLabelValues(failed)
	for _, k := range []trigger.Kind{trigger.Assigned, trigger.Revoked, trigger.Lost} {
		m.changes.WithLabelValues(string(k))
	}
}

// Report takes what the trigger reports.
func (m *Metrics) Report(n trigger.Notice) {
	switch n.Kind {
	case trigger.Batch:
		m.delivered(n, settled)
		m.bytes.Add(float64(n.Bytes))
		m.batches.Observe(m.took(n).Seconds())
		m.account(n.Reply.Payload)
	case trigger.Retry:
		m.delivered(n, failed)
		m.failed(n)
	case trigger.Stopped:
		m.stops.Inc()
		if n.Delivery > 0 {
			m.delivered(n, failed)
		}
		m.forget(n.Partition)
	case trigger.Assigned, trigger.Revoked, trigger.Lost:
		m.changes.WithLabelValues(string(n.Kind)).Inc()
		m.forget(n.Partition)
	case trigger.Committed:
		m.commits.WithLabelValues(committed).Inc()
	case trigger.CommitFailed:
		m.commits.WithLabelValues(failed).Inc()
	case trigger.Dropped:
		m.oversize.Add(float64(n.Records))
	case trigger.Gap:
		m.gaps.Add(float64(n.Records))
	case trigger.Rewound:
		m.rewinds.Inc()
		m.forget(n.Partition)
	case trigger.Trouble:
		m.troubles.Inc()
	case trigger.Uncertain: // CommitFailed counts them
	}
}

func (m *Metrics) delivered(n trigger.Notice, result string) {
	m.deliveries.WithLabelValues(result).Inc()
	m.invocations.WithLabelValues(result).Observe(n.Reply.Duration.Seconds())
	if n.Delivery > 1 {
		m.retries.Inc()
	}
}

// account counts the records of a batch that is settled.
func (m *Metrics) account(result []byte) {
	a, err := outcome.Read(result)
	if err != nil {
		m.unaccounted.Inc()
		return
	}
	if len(a.Sinks) == 0 && m.only != "" {
		m.count(m.only, a.Counts)
	}
	for _, sink := range m.sinks {
		m.count(sink, a.Sinks[sink])
	}
}

func (m *Metrics) count(sink string, c outcome.Counts) {
	for _, x := range []struct {
		outcome string
		n       int64
	}{{stored, c.Stored}, {duplicate, c.Duplicate}, {filtered, c.Filtered}, {dead, c.Dead}} {
		m.add(sink, x.outcome, x.n)
	}
}

// add counts records. What a function says may be nonsense, and a counter that is
// taken back ends the process.
func (m *Metrics) add(sink, outcome string, n int64) {
	if n > 0 {
		m.records.WithLabelValues(sink, outcome).Add(float64(n))
	}
}

// Write takes a line of the function's log: it alone has how many records of a
// delivery that failed are unsettled.
func (m *Metrics) Write(line []byte) (int, error) {
	batch, ok := outcome.ReadLine(line)
	if !ok {
		return len(line), nil
	}
	if m.only != "" {
		m.add(m.only, unsettled, batch.Unsettled)
		return len(line), nil
	}
	for _, sink := range m.sinks {
		m.add(sink, unsettled, batch.Sinks[sink])
	}
	return len(line), nil
}

// failed remembers when the first delivery of a batch began.
func (m *Metrics) failed(n trigger.Notice) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, ok := m.begun[n.Partition]; !ok || n.Delivery == 1 {
		m.begun[n.Partition] = time.Now().Add(-n.Reply.Duration)
	}
}

// took returns how long a batch took that is settled.
func (m *Metrics) took(n trigger.Notice) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.begun[n.Partition]
	delete(m.begun, n.Partition)
	if !ok || n.Delivery == 1 {
		return n.Reply.Duration
	}
	return time.Since(at)
}

// forget takes note that the batch in hand of a partition does not come again
// here, or as another one.
func (m *Metrics) forget(partition int32) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.begun, partition)
}
