//go:build e2e

package kafka

import (
	"context"
	"flag"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"text/tabwriter"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/config"
	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/verify"
	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
)

// throughput is what comes of a way to copy a topic in one round.
type throughput struct {
	took time.Duration // from the first record in the target to the last
	cpu  time.Duration // of what copies, in that time or a little more
}

// copier copies the topic "lines" to a new topic of the target, whose name it
// returns.
type copier struct {
	name string
	copy func(m *migration, t *testing.T, round, n int) (topic string, through throughput)
}

var copiers = []copier{
	{"franz-go, plain loop", (*migration).plainLoop},
	{"this sink, in a loop", (*migration).sinkLoop},
	{"etlctl trigger and function", (*migration).wholeWay},
	{"MirrorMaker 2", (*migration).mirror},
}

var (
	copyRecords = flag.Int("copy.records", 0, "records that TestThroughput has copied; 0: it does nothing")
	copyRounds  = flag.Int("copy.rounds", 3, "rounds of TestThroughput that count")
)

// TestThroughput compares ways to copy a topic of -copy.records records, in
// -copy.rounds interleaved rounds after one that warms the brokers. It takes
// a minute for each million records and round, so it does nothing unless it is
// asked for. The loops are timed from their start on, the others from their
// first record on.
func TestThroughput(t *testing.T) {
	n, rounds := *copyRecords, *copyRounds
	if n == 0 || !selected(t) {
		return
	}
	require.Positive(t, n, "-copy.records")
	require.Positive(t, rounds, "-copy.rounds")
	opts := servers.KafkaOptions{FullJIT: true, Heap: "512m"}
	m := &migration{source: start(t, opts), target: start(t, opts)}
	m.tool, m.function = programs(t)
	m.fill(t, "lines", n, line)

	results := make([][]throughput, len(copiers))
	for round := range rounds + 1 {
		for i, c := range copiers {
			topic, through := c.copy(m, t, round, n)
			if round > 0 {
				results[i] = append(results[i], through)
			}
			t.Logf("round %d, %s: %v, CPU %v", round, c.name, through.took.Round(time.Millisecond), through.cpu.Round(time.Millisecond))
			m.checkCopy(t, topic, n)
		}
	}
	t.Logf("\n%s", throughputTable(results, n))
}

func throughputTable(results [][]throughput, n int) string {
	var b strings.Builder
	tab := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tab, "copied by\trecords/s, median (least–most)\tratio\tCPU µs a record")
	var control float64
	for i, list := range results {
		var rates, cpu []float64
		for _, r := range list {
			rates = append(rates, float64(n)/r.took.Seconds())
			cpu = append(cpu, float64(r.cpu.Microseconds())/float64(n))
		}
		slices.Sort(rates)
		slices.Sort(cpu)
		median := rates[len(rates)/2]
		if i == 0 {
			control = median
		}
		fmt.Fprintf(tab, "%s\t%.0f (%.0f–%.0f)\t%.2f\t%.1f\n", copiers[i].name, median, rates[0], rates[len(rates)-1], median/control, cpu[len(cpu)/2])
	}
	_ = tab.Flush()
	return b.String()
}

// checkCopy has a topic verified: by content, because not all write headers.
func (m *migration) checkCopy(t *testing.T, topic string, n int) {
	t.Helper()
	cfg := m.comparison("lines", topic, verify.Keep)
	cfg.Match = verify.Content
	r, err := verify.Run(t.Context(), cfg)
	require.NoError(t, err)
	require.Equal(t, verify.Counts{Source: int64(n), Target: int64(n), Equal: int64(n)}, r.Total)
}

// watch returns how long it takes from the first record in a topic to the last
// one of n.
func (m *migration) watch(t *testing.T, topic string, n int) (took time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	client, err := kgo.NewClient(kgo.SeedBrokers(m.target.Brokers()...))
	require.NoError(t, err)
	defer client.Close()
	poll := time.NewTicker(5 * time.Millisecond)
	defer poll.Stop()
	var began time.Time
	for {
		sum := int64(0)
		for _, end := range endOffsets(ctx, t, client, topic) {
			sum += end
		}
		if sum > 0 && began.IsZero() {
			began = time.Now()
		}
		if sum >= int64(n) {
			return time.Since(began)
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			require.FailNow(t, "it took too long", "%d of %d", sum, n)
		}
	}
}

// ownCPU is the CPU time of this process.
func ownCPU(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	require.NoError(t, syscall.Getrusage(syscall.RUSAGE_SELF, &u))
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuOf is the CPU time of a process that runs.
func cpuOf(t *testing.T, pid int) time.Duration {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	require.NoError(t, err)
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))
	user, err := strconv.Atoi(fields[11])
	require.NoError(t, err)
	system, err := strconv.Atoi(fields[12])
	require.NoError(t, err)
	return time.Duration(user+system) * 10 * time.Millisecond // clock ticks
}

func (m *migration) newTarget(t *testing.T, name string, round int) string {
	t.Helper()
	topic := fmt.Sprint(name, "-", round)
	require.NoError(t, m.target.CreateTopic(t.Context(), topic, sourcePartitions, nil))
	return topic
}

// consume reads the topic of the source and hands over what each fetch brings,
// until there were n records.
func (m *migration) consume(ctx context.Context, t *testing.T, n int, take func(kgo.Fetches)) {
	t.Helper()
	consumer, err := kgo.NewClient(kgo.SeedBrokers(m.source.Brokers()...), kgo.ConsumeTopics("lines"),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()))
	require.NoError(t, err)
	defer consumer.Close()
	for read := 0; read < n; {
		fetches := consumer.PollFetches(ctx)
		require.NoError(t, fetches.Err())
		read += fetches.NumRecords()
		take(fetches)
	}
}

// plainLoop is what one would write with franz-go: read, produce, flush.
func (m *migration) plainLoop(t *testing.T, round, n int) (string, throughput) {
	t.Helper()
	topic := m.newTarget(t, "plain", round)
	producer, err := kgo.NewClient(kgo.SeedBrokers(m.target.Brokers()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.Lz4Compression()), kgo.MaxBufferedRecords(50_000))
	require.NoError(t, err)
	defer producer.Close()
	var failed sync.Map
	before := ownCPU(t)
	began := time.Now()
	m.consume(t.Context(), t, n, func(fetches kgo.Fetches) {
		fetches.EachRecord(func(r *kgo.Record) {
			producer.Produce(t.Context(), &kgo.Record{Topic: topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: provenance(r)},
				func(_ *kgo.Record, err error) {
					if err != nil {
						failed.Store(err.Error(), true)
					}
				})
		})
	})
	require.NoError(t, producer.Flush(t.Context()))
	through := throughput{time.Since(began), ownCPU(t) - before}
	failed.Range(func(err, _ any) bool { return assert.Fail(t, "not produced", err) })
	return topic, through
}

func provenance(r *kgo.Record) []kgo.RecordHeader {
	return []kgo.RecordHeader{
		{Key: kafkaclient.HeaderSourceTopic, Value: []byte(r.Topic)},
		{Key: kafkaclient.HeaderSourcePartition, Value: strconv.AppendInt(nil, int64(r.Partition), 10)},
		{Key: kafkaclient.HeaderSourceOffset, Value: strconv.AppendInt(nil, r.Offset, 10)},
	}
}

// sinkLoop has the function's sink in the place of franz-go's producer: one for
// each partition, as instances are.
func (m *migration) sinkLoop(t *testing.T, round, n int) (string, throughput) {
	t.Helper()
	topic := m.newTarget(t, "sink", round)
	var sinks [sourcePartitions]*kafkaclient.Client
	for p := range sinks {
		sinks[p] = client(t, m.target.Brokers(), func(cfg *kafkaclient.Config) {
			cfg.Kafka = config.Kafka{Brokers: m.target.Brokers(), Topic: topic, Compression: "lz4", Headers: true, KeepPartition: true}
		})
	}
	before := ownCPU(t)
	began := time.Now()
	m.consume(t.Context(), t, n, func(fetches kgo.Fetches) {
		var wg sync.WaitGroup
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			wg.Go(func() {
				batch := &record.Batch{Arrival: time.Now()}
				recs := make([]record.Record, len(p.Records))
				for i, r := range p.Records {
					recs[i] = record.Record{Topic: r.Topic, Partition: r.Partition, Offset: r.Offset, Key: r.Key, Body: r.Value, Pos: i, Batch: batch}
				}
				results, _ := sinks[p.Partition].Write(t.Context(), record.Delivery{Records: recs})
				for _, r := range results {
					if r.Outcome != record.Stored {
						assert.Fail(t, "not stored", r.Cause.Text())
						return
					}
				}
			})
		})
		wg.Wait()
	})
	return topic, throughput{time.Since(began), ownCPU(t) - before}
}

// wholeWay is the whole way: the trigger, the platform and the function.
func (m *migration) wholeWay(t *testing.T, round, n int) (string, throughput) {
	t.Helper()
	topic := m.newTarget(t, "function", round)
	e := m.trigger(t, "lines", topic, "keep", "--max-msg-num", "10000")
	took := m.watch(t, topic, n)
	e.awaitRecords(t, n)
	e.end(t)
	state := e.cmd.ProcessState // with its children
	return topic, throughput{took, state.UserTime() + state.SystemTime()}
}

// mirror is MirrorMaker 2, from its first record on: it takes long to start.
func (m *migration) mirror(t *testing.T, round, n int) (string, throughput) {
	t.Helper()
	alias := fmt.Sprint("mm", round)
	topic := alias + ".lines"
	require.NoError(t, m.target.CreateTopic(t.Context(), topic, sourcePartitions, nil))
	process, stop := startMirror(t, m, "lines", alias)
	defer stop()
	m.watch(t, topic, 1)
	before := cpuOf(t, process.Pid)
	took := m.watch(t, topic, n)
	return topic, throughput{took, cpuOf(t, process.Pid) - before}
}
