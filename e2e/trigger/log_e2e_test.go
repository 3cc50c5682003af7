//go:build e2e

package trigger

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/standin"
)

// logBench is a broker whose log is changed by hand, and a stand-in that is
// written to.
type logBench struct {
	kafka          *servers.Kafka
	es             *standin.Server
	listener       *standin.Listener
	producer       *kgo.Client
	dir            string
	tool, function string
}

func newLogBench(t *testing.T, partitions int32, properties map[string]string) *logBench {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, servers.Require(ctx, servers.KindKafka))
	dir := t.TempDir()
	b := &logBench{tool: buildTool(t), function: filepath.Join(dir, "main"), es: standin.New(), dir: filepath.Join(dir, "kafka")}
	require.NoError(t, platform.Build(ctx, "../..", b.function))
	var err error
	b.kafka, err = servers.StartKafka(ctx, servers.KafkaOptions{Dir: b.dir, Properties: properties})
	require.NoError(t, err)
	t.Cleanup(b.kafka.Close)
	b.listener, err = b.es.Start()
	require.NoError(t, err)
	t.Cleanup(func() { _ = b.listener.Close() })
	require.NoError(t, b.kafka.CreateTopic(ctx, topic, partitions, nil))
	b.connect(t)
	return b
}

// connect makes a new producer: kgo's does not go on in a topic that was made
// anew.
func (b *logBench) connect(t *testing.T) {
	t.Helper()
	var err error
	b.producer, err = kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers()...), kgo.RecordPartitioner(kgo.ManualPartitioner()),
		kgo.ProducerBatchCompression(kgo.NoCompression()))
	require.NoError(t, err)
	t.Cleanup(b.producer.Close)
}

// produce writes records with the numbers from first to last-1 into a
// partition, in batches of 50.
func (b *logBench) produce(t *testing.T, partition int32, first, last int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stepTimeout)
	defer cancel()
	for first < last {
		var recs []*kgo.Record
		for ; first < last && len(recs) < 50; first++ {
			recs = append(recs, &kgo.Record{Topic: topic, Partition: partition, Value: []byte(plain(first))})
		}
		require.NoError(t, b.producer.ProduceSync(ctx, recs...).FirstErr())
	}
}

func (b *logBench) trigger(t *testing.T, args ...string) *etlctl {
	t.Helper()
	return start(t, b.tool, []string{
		"ES_Address=" + b.listener.URL(), "ES_Index_KeyWord=" + keyword, "ES_Time_Field=none", "Log_Level=error",
	}, append([]string{
		"--brokers", strings.Join(b.kafka.Brokers(), ","), "--topic", topic, "--group", group,
		"--max-wait", "100ms", "--max-msg-num", "100", "--function", b.function,
	}, args...)...)
}

// awaitStored returns when each number up to n is in the stand-in.
func (b *logBench) awaitStored(t *testing.T, e *etlctl, n int) {
	t.Helper()
	b.awaitDocuments(t, e, n)
	for i := range n {
		require.NotZero(t, b.numbers()[i], "record %d is missing", i)
	}
}

// awaitDocuments returns when there are so many.
func (b *logBench) awaitDocuments(t *testing.T, e *etlctl, n int) {
	t.Helper()
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	timeout := time.After(stepTimeout)
	for len(b.numbers()) < n {
		select {
		case <-poll.C:
		case <-e.done:
			require.FailNow(t, "etlctl ended", "%d of %d documents: %v", len(b.numbers()), n, e.err)
		case <-timeout:
			require.FailNow(t, "it took too long", "%d of %d documents", len(b.numbers()), n)
		}
	}
}

// numbers returns how often each number is in the stand-in.
func (b *logBench) numbers() map[int]int {
	times := make(map[int]int)
	for _, d := range b.es.All() {
		times[numberOf(d.Source)]++
	}
	return times
}

// segment is the file of the first segment of a partition.
func (b *logBench) segment(partition int32) string { return segment(b.dir, partition) }

// segment is the same with a broker's folder.
func segment(dir string, partition int32) string {
	return filepath.Join(dir, "broker-1", "data", fmt.Sprintf("%s-%d", topic, partition), "00000000000000000000.log")
}

// batchAt returns where the batch with an offset begins and ends in a segment.
func batchAt(t *testing.T, log []byte, offset int64) (begin, end int) {
	t.Helper()
	for at := 0; at+27 < len(log); at = end {
		end = at + 12 + int(binary.BigEndian.Uint32(log[at+8:]))
		first := int64(binary.BigEndian.Uint64(log[at:]))
		if offset <= first+int64(binary.BigEndian.Uint32(log[at+23:])) {
			return at, end
		}
	}
	require.FailNow(t, "no such offset", offset)
	return 0, 0
}

func find(lines []line, event string) (found []line) {
	for _, l := range lines {
		if l.Event == event {
			found = append(found, l)
		}
	}
	return found
}

// A broker is killed, its disk has lost the end of a log, and others write more
// than was lost. Records below the offset that was remembered were left out as
// "handled already": 100 of 1,000 and more, with a lag of 0 and exit 0.
func TestLogLosesItsTail(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprintf("while it runs %v", running), func(t *testing.T) {
			b := newLogBench(t, 1, nil)
			b.produce(t, 0, 0, 1000)
			e := b.trigger(t, "--position", "earliest")
			b.awaitStored(t, e, 1000)
			if !running {
				require.NoError(t, e.interrupt(t))
			}
			b.kafka.Kill()
			log, err := os.ReadFile(b.segment(0))
			require.NoError(t, err)
			begin, _ := batchAt(t, log, 700)
			require.NoError(t, os.Truncate(b.segment(0), int64(begin)))
			require.NoError(t, b.kafka.Restart(t.Context()))
			b.produce(t, 0, 1000, 1500) // 700 to 1199
			if !running {
				e = b.trigger(t, "--position", "earliest")
			}
			b.awaitStored(t, e, 1500)
			rewound := find(e.all(), "rewound")
			require.Len(t, rewound, 1)
			assert.Equal(t, int64(700), rewound[0].Offset)
			assert.Equal(t, int64(1000), rewound[0].Last)
			require.NoError(t, e.interrupt(t))
			for n, times := range b.numbers() {
				assert.Equal(t, 1, times, "record %d", n)
			}
		})
	}
}

// A topic is deleted and made anew while a trigger runs, and while none does:
// 1,000 of 1,000 records were missing.
func TestTopicMadeAnew(t *testing.T) {
	for _, running := range []bool{true, false} {
		t.Run(fmt.Sprintf("while it runs %v", running), func(t *testing.T) {
			b := newLogBench(t, 2, nil)
			b.produce(t, 0, 0, 500)
			e := b.trigger(t)
			e.await(t, "both partitions", atLeast(2, "assigned"))
			b.produce(t, 1, 500, 1500)
			b.awaitDocuments(t, e, 1000)
			if !running {
				require.NoError(t, e.interrupt(t))
			}
			b.deleteTopic(t)
			require.NoError(t, b.kafka.CreateTopic(t.Context(), topic, 2, nil))
			b.connect(t)
			b.produce(t, 0, 2000, 2600) // more than there were
			b.produce(t, 1, 2600, 3000) // fewer
			rewound := 2
			if !running {
				// With a topic Kafka deletes the group's commits, too: nothing
				// tells that the group is not new.
				e = b.trigger(t, "--position", "earliest")
				rewound = 0
			}
			b.awaitDocuments(t, e, 2000)
			assert.Len(t, find(e.all(), "rewound"), rewound)
			require.NoError(t, e.interrupt(t))
			for n := 2000; n < 3000; n++ {
				assert.Equal(t, 1, b.numbers()[n], "record %d", n)
			}
		})
	}
}

func (b *logBench) deleteTopic(t *testing.T) {
	t.Helper()
	deleteTopic(t, b.producer)
}

func deleteTopic(t *testing.T, client *kgo.Client) {
	t.Helper()
	req := kmsg.NewPtrDeleteTopicsRequest()
	req.TopicNames = []string{topic}
	rt := kmsg.NewDeleteTopicsRequestTopic()
	rt.Topic = new(topic)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), client)
	require.NoError(t, err)
	for _, topic := range resp.Topics {
		require.NoError(t, kerr.ErrorForCode(topic.ErrorCode))
	}
}

// Retention was faster: nothing was said of 500 records that nobody had read.
func TestRetentionWasFaster(t *testing.T) {
	b := newLogBench(t, 1, nil)
	e := b.trigger(t, "--position", "earliest")
	e.await(t, "its partition", atLeast(1, "assigned"))
	require.NoError(t, e.interrupt(t))
	b.produce(t, 0, 0, 1000)
	b.deleteRecords(t, 500)
	e = b.trigger(t, "--position", "earliest")
	b.awaitDocuments(t, e, 500)
	err := e.interrupt(t)
	require.Error(t, err, "exit 1 at the end of the run")
	gaps := find(e.all(), "gap")
	require.Len(t, gaps, 1)
	assert.Equal(t, int64(0), gaps[0].Offset)
	assert.Equal(t, int64(499), gaps[0].Last)
	assert.Equal(t, 500, gaps[0].Records)
	assert.Equal(t, 500, find(e.all(), "summary")[0].Gaps)
}

func (b *logBench) deleteRecords(t *testing.T, before int64) {
	t.Helper()
	req := kmsg.NewPtrDeleteRecordsRequest()
	rt := kmsg.NewDeleteRecordsRequestTopic()
	rt.Topic = topic
	rp := kmsg.NewDeleteRecordsRequestTopicPartition()
	rp.Partition, rp.Offset = 0, before
	rt.Partitions = append(rt.Partitions, rp)
	req.Topics = append(req.Topics, rt)
	for _, shard := range b.producer.RequestSharded(t.Context(), req) {
		require.NoError(t, shard.Err)
	}
}

// One damaged byte in a log: 12,000 lines a second for ever. The records before
// it are delivered, the partition stops there and says so, the other one goes
// on.
func TestDamagedByte(t *testing.T) {
	b := newLogBench(t, 2, nil)
	b.produce(t, 0, 0, 1000)
	b.produce(t, 1, 1000, 1100)
	require.NoError(t, b.kafka.Stop())
	log, err := os.ReadFile(b.segment(0))
	require.NoError(t, err)
	begin, end := batchAt(t, log, 500)
	log[(begin+end)/2] ^= 0x20
	require.NoError(t, os.WriteFile(b.segment(0), log, 0o600))
	require.NoError(t, b.kafka.Restart(t.Context()))
	e := b.trigger(t, "--position", "earliest")
	began := time.Now()
	e.await(t, "a partition that stopped", atLeast(1, "stopped"))
	assert.Less(t, time.Since(began), time.Minute)
	stopped := find(e.all(), "stopped")
	assert.Equal(t, int64(500), stopped[0].Offset)
	assert.Contains(t, stopped[0].Error, "offset 500 is damaged")
	assert.Len(t, find(e.all(), "trouble"), 1)
	b.produce(t, 1, 1100, 1200)
	b.awaitDocuments(t, e, 700)
	require.Error(t, e.interrupt(t))
}

// A deleted topic ends the run with exit 1 within a minute, and in a few lines.
func TestTopicIsDeleted(t *testing.T) {
	b := newLogBench(t, 3, nil)
	e := b.trigger(t, "--position", "earliest")
	e.await(t, "its partitions", atLeast(3, "assigned"))
	b.deleteTopic(t)
	began := time.Now()
	<-e.done
	require.Error(t, e.err)
	assert.Less(t, time.Since(began), time.Minute)
	assert.Less(t, len(e.all()), 30)
	e.mu.Lock()
	defer e.mu.Unlock()
	assert.Contains(t, e.stderr.String(), "UNKNOWN_TOPIC")
}

// Partitions that are added later are read from their start: 100 of 120 records
// were missing, and the others came five minutes later.
func TestPartitionIsAdded(t *testing.T) {
	b := newLogBench(t, 1, nil)
	b.produce(t, 0, 9000, 9010) // before the group
	e := b.trigger(t)
	e.await(t, "its partition", atLeast(1, "assigned"))
	addPartitions(t, b.producer, 2)
	b.connect(t)
	began := time.Now()
	b.produce(t, 1, 0, 100)
	b.awaitStored(t, e, 100)
	assert.Less(t, time.Since(began), 45*time.Second)
	assert.Len(t, b.numbers(), 100)
	require.NoError(t, e.interrupt(t))
}

// addPartitions has the topic have so many.
func addPartitions(t *testing.T, client *kgo.Client, n int) {
	t.Helper()
	req := kmsg.NewPtrCreatePartitionsRequest()
	rt := kmsg.NewCreatePartitionsRequestTopic()
	rt.Topic, rt.Count = topic, int32(n)
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(t.Context(), client)
	require.NoError(t, err)
	require.NoError(t, kerr.ErrorForCode(resp.Topics[0].ErrorCode))
}

// The memory does not grow with the partitions: 2.49 GB at 200 of them.
func TestMemory(t *testing.T) {
	for _, partitions := range []int32{4, 60, 200, int32(option(t, "MEMORY_PARTITIONS", 400))} {
		t.Run(fmt.Sprint(partitions), func(t *testing.T) {
			b := newLogBench(t, partitions, nil)
			b.fill(t, partitions, 400<<20)
			e := b.trigger(t, "--position", "earliest", "--max-msg-num", "10000", "--instances", "2")
			e.await(t, "100 MB", func(lines []line) bool {
				sum := 0
				for _, l := range lines {
					sum += l.Bytes
				}
				return sum > 100<<20
			})
			peak := peakRSS(t, e)
			t.Logf("%d partitions: peak RSS %d MB", partitions, peak>>20)
			assert.Less(t, peak, int64(128+32)<<20)
			require.NoError(t, e.interrupt(t))
		})
	}
}

// fill writes as many bytes, with log records of 300 bytes, into the partitions.
func (b *logBench) fill(t *testing.T, partitions int32, size int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stepTimeout)
	defer cancel()
	body := []byte(`{"log_id":"x","message":"` + strings.Repeat("0123456789", 25) + `"}`)
	for i := range size / len(body) {
		b.producer.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(i) % partitions, Value: body}, nil)
	}
	require.NoError(t, b.producer.Flush(ctx))
}

// peakRSS is the most memory that the tool has had.
func peakRSS(t *testing.T, e *etlctl) int64 {
	t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", e.cmd.Process.Pid))
	require.NoError(t, err)
	for l := range bytes.Lines(status) {
		var kb int64
		if _, err := fmt.Sscanf(string(l), "VmHWM: %d kB", &kb); err == nil {
			return kb << 10
		}
	}
	require.FailNow(t, "no VmHWM")
	return 0
}
