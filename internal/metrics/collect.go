package metrics

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"ckafka-etl/internal/trigger"
)

// Trigger is asked when it is scraped. *trigger.Trigger is one.
type Trigger interface {
	Status() []trigger.PartitionStatus
	Memory() trigger.Memory
	Ready() error
}

// Functions says what the instances of the function take.
type Functions interface {
	Instances() Instances
}

// Instances are those of the function.
type Instances struct {
	Running int
	Started int           // so far
	CPU     time.Duration // of all, those that are gone included
	PeakRSS int64         // bytes of the largest
}

// Watch has the metrics tell what t and f say when they are scraped. It is
// called once.
func (m *Metrics) Watch(topic string, t Trigger, f Functions) {
	of := prometheus.WrapRegistererWith(prometheus.Labels{"topic": topic}, m.Registry)
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	of.MustRegister(&collector{
		t: t, f: f,
		lag:       desc("partition_lag", "Offsets that can be read and are not handled.", "partition"),
		age:       desc("partition_oldest_age_seconds", "Age of the oldest record that is not handled, by its timestamp; 0 without such. Left out while no record of those that wait was read.", "partition"),
		committed: desc("partition_committed_offset", "Offset that a successor would begin at.", "partition"),
		failing:   desc("partition_failed_deliveries", "Deliveries in a row that failed, of the batch in hand.", "partition"),
		stopped:   desc("partition_stopped", "1 if the partition is read no further.", "partition"),
		states:    desc("partitions", "Partitions that are assigned, by state: waiting, delivering, retrying or stopped.", "state"),
		ready:     desc("ready", "1 if /health/ready says so."),
		budget:    desc("memory_budget_bytes", "The memory budget, for records and events."),
		used:      desc("memory_used_bytes", "What is taken of the memory budget, by what for: read (records that wait) or delivery (events).", "part"),
		running:   desc("function_instances", "Instances of the function that are there."),
		started:   desc("function_starts_total", "Instances of the function that were started."),
		cpu:       desc("function_cpu_seconds_total", "CPU time of all instances of the function."),
		rss:       desc("function_peak_rss_bytes", "Largest resident memory of an instance of the function."),
	})
}

type collector struct {
	t Trigger
	f Functions

	lag, age, committed, failing, stopped, states *prometheus.Desc
	ready, budget, used                           *prometheus.Desc
	running, started, cpu, rss                    *prometheus.Desc
}

// Describe is for the registry.
func (c *collector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		c.lag, c.age, c.committed, c.failing, c.stopped, c.states, c.ready, c.budget, c.used, c.running, c.started, c.cpu, c.rss,
	} {
		to <- d
	}
}

// Collect asks.
func (c *collector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	counter := func(d *prometheus.Desc, v float64) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v)
	}
	states := map[string]int{"waiting": 0, "delivering": 0, "retrying": 0, "stopped": 0}
	for _, s := range c.t.Status() {
		p := strconv.Itoa(int(s.Partition))
		states[s.State]++
		gauge(c.lag, float64(s.Lag()), p)
		if age, ok := ageOf(&s, time.Now()); ok {
			gauge(c.age, age.Seconds(), p)
		}
		gauge(c.committed, float64(s.Committed), p)
		gauge(c.failing, float64(s.Retries), p)
		gauge(c.stopped, number(s.Err != nil), p)
	}
	for state, n := range states {
		gauge(c.states, float64(n), state)
	}
	gauge(c.ready, number(c.t.Ready() == nil))
	memory := c.t.Memory()
	gauge(c.budget, float64(memory.Budget))
	gauge(c.used, float64(memory.Read), "read")
	gauge(c.used, float64(memory.Delivery), "delivery")
	instances := c.f.Instances()
	gauge(c.running, float64(instances.Running))
	counter(c.started, float64(instances.Started))
	counter(c.cpu, instances.CPU.Seconds())
	gauge(c.rss, float64(instances.PeakRSS))
}

// ageOf returns the age of a partition's oldest record that is not handled. It
// reports false if that is not known.
func ageOf(s *trigger.PartitionStatus, now time.Time) (time.Duration, bool) {
	switch {
	case s.Lag() == 0:
		return 0, true
	case s.Oldest.IsZero():
		return 0, false
	default:
		return max(0, now.Sub(s.Oldest)), true // clocks differ
	}
}

func number(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
