//go:build e2e

package trigger

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/platform"
)

const (
	topic, group = "app-log", "etl"
	partitions   = 4
	keyword      = "trigger"
)

// bench is what a test works with.
type bench struct {
	kafka          *servers.Kafka
	es             *servers.Elasticsearch
	producer       *kgo.Client
	tool, function string
	produced       int
	rewritten      int      // documents
	dir            string   // of the broker
	logs           [][]int  // the numbers in each partition, by offset
	environ        []string // for the tool, over the usual
}

// selected reports whether E2E_SERVERS picks both servers.
func selected(t *testing.T) bool {
	t.Helper()
	kinds, err := servers.Selected(os.Getenv("E2E_SERVERS")) //nolint:forbidigo // the caller chooses
	require.NoError(t, err)
	return slices.Contains(kinds, servers.KindES7) && slices.Contains(kinds, servers.KindKafka)
}

func newBench(t *testing.T, settings map[string]string) *bench {
	t.Helper()
	ctx := t.Context()
	require.NoError(t, servers.Require(ctx, servers.KindES7, servers.KindKafka))
	dir := t.TempDir()
	b := &bench{tool: buildTool(t), function: filepath.Join(dir, "main"), dir: filepath.Join(dir, "kafka"), logs: make([][]int, partitions)}
	require.NoError(t, platform.Build(ctx, "../..", b.function))
	var err error
	b.kafka, err = servers.StartKafka(ctx, servers.KafkaOptions{Dir: b.dir})
	require.NoError(t, err)
	t.Cleanup(b.kafka.Close)
	b.es, err = servers.StartElasticsearch(ctx, servers.KindES7, servers.ElasticsearchOptions{Settings: settings})
	require.NoError(t, err)
	t.Cleanup(b.es.Close)
	t.Cleanup(func() {
		if dir := os.Getenv("E2E_LOGS"); dir != "" && t.Failed() { //nolint:forbidigo // the caller chooses
			assert.NoError(t, errors.Join(b.kafka.KeepLogs(filepath.Join(dir, t.Name())), b.es.KeepLogs(filepath.Join(dir, t.Name()))))
		}
	})
	require.NoError(t, b.kafka.CreateTopic(ctx, topic, partitions, nil))
	b.connect(t)
	return b
}

// connect makes a new producer.
func (b *bench) connect(t *testing.T) {
	t.Helper()
	var err error
	b.producer, err = kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	require.NoError(t, err)
	t.Cleanup(b.producer.Close)
}

// buildTool builds etlctl.
func buildTool(t *testing.T) string {
	t.Helper()
	tool := filepath.Join(t.TempDir(), "etlctl")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", tool, "./cmd/etlctl")
	build.Dir = "../.."
	said, err := build.CombinedOutput()
	require.NoError(t, err, "%s", said)
	return tool
}

// trigger starts etlctl trigger, writing to es (host:port).
func (b *bench) trigger(t *testing.T, es string, args ...string) *etlctl {
	t.Helper()
	args = append([]string{
		"--brokers", strings.Join(b.kafka.Brokers(), ","), "--topic", topic, "--group", group,
		"--position", "earliest", "--max-wait", "200ms", "--function", b.function, "--verbose",
	}, args...)
	return start(t, b.tool, append([]string{
		"ES_Address=" + es, "ES_Index_KeyWord=" + keyword, "ES_Time_Field=none",
		// All of it in one index, whatever the time is.
		"ES_Index_TimeField=@timestamp", "ES_Index_TimeWindow=36500d,36500d", "ES_Request_Timeout=5s",
	}, b.environ...), args...)
}

// produce writes n more records, spread over the partitions. Each has a number
// of its own in the field n.
func (b *bench) produce(t *testing.T, n int, body func(i int) string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), stepTimeout)
	defer cancel()
	var failed error
	for range n {
		i := b.produced
		b.produced++
		p := i % len(b.logs)
		b.logs[p] = append(b.logs[p], i)
		b.producer.Produce(ctx, &kgo.Record{Topic: topic, Partition: int32(p), Value: []byte(body(i))}, func(_ *kgo.Record, err error) {
			if err != nil {
				failed = err
			}
		})
	}
	require.NoError(t, b.producer.Flush(ctx))
	require.NoError(t, failed)
}

func plain(i int) string {
	return fmt.Sprintf(`{"@timestamp":"2026-11-20T12:00:00Z","n":%d,"level":"info","message":"request %d was handled"}`, i, i)
}

// awaitCommitted returns when the group has committed everything.
func (b *bench) awaitCommitted(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	written := 0
	for _, log := range b.logs {
		written += len(log)
	}
	for {
		sum := b.committed(ctx, t)
		if sum == int64(written) {
			return
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			require.FailNow(t, "not everything is committed", "%d of %d", sum, written)
		}
	}
}

// committed returns the sum of the group's offsets.
func (b *bench) committed(ctx context.Context, t *testing.T) (sum int64) {
	t.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = group
	rt, gt := kmsg.NewOffsetFetchRequestTopic(), kmsg.NewOffsetFetchRequestGroupTopic()
	rt.Topic, gt.Topic = topic, topic
	for p := range int32(len(b.logs)) {
		rt.Partitions, gt.Partitions = append(rt.Partitions, p), append(gt.Partitions, p)
	}
	req.Topics, g.Topics = append(req.Topics, rt), append(g.Topics, gt)
	req.Groups = append(req.Groups, g)
	resp, err := req.RequestWith(ctx, b.producer)
	require.NoError(t, err)
	for _, g := range resp.Groups {
		for _, topic := range g.Topics {
			for _, p := range topic.Partitions {
				sum += max(0, p.Offset)
			}
		}
	}
	return sum
}

// numbers returns which numbers the documents of an index pattern hold, and
// counts those that were written again, under their id.
func (b *bench) numbers(t *testing.T, index string, number func(source []byte) int) map[int]int {
	t.Helper()
	require.NoError(t, b.es.Refresh(t.Context(), index))
	docs, err := b.es.Documents(t.Context(), index)
	require.NoError(t, err)
	times := make(map[int]int, len(docs))
	for _, d := range docs {
		times[number(d.Source)]++
		if d.Version != 1 {
			b.rewritten++
		}
	}
	return times
}

func numberOf(source []byte) int {
	var d struct {
		N *int `json:"n"`
	}
	if json.Unmarshal(source, &d) != nil || d.N == nil {
		return -1
	}
	return *d.N
}

// mustHoldOnce checks that the numbers are each there once, and returns how many
// are not.
func mustHoldOnce(t *testing.T, times map[int]int, produced int) (missing, twice int) {
	t.Helper()
	for i := range produced {
		switch n := times[i]; {
		case n == 0:
			missing++
		case n > 1:
			twice++
		}
	}
	assert.Zero(t, missing, "records are missing")
	assert.Zero(t, twice, "records are there more than once")
	assert.Len(t, times, produced, "records that nobody wrote")
	return missing, twice
}

// 20,000 records come through a killed trigger, killed functions and a second
// member, each exactly once.
func TestTrigger(t *testing.T) {
	if !selected(t) {
		return
	}
	b := newBench(t, nil)
	es := b.es.Addr()
	b.produce(t, 8000, plain)

	first := b.trigger(t, es, "--max-msg-num", "200", "--instances", "2")
	first.await(t, "batches", atLeast(5, "batch"))
	first.kill()

	second := b.trigger(t, es, "--max-msg-num", "500", "--instances", "2")
	second.await(t, "batches", atLeast(2, "batch"))
	for produced := 0; produced < 6000; produced += 2000 {
		b.produce(t, 2000, plain)
		before := count(second.all(), "batch")
		second.await(t, "batches", atLeast(before+1, "batch"))
		second.killFunctions(t)
	}

	third := b.trigger(t, es, "--max-msg-num", "500", "--instances", "2")
	b.produce(t, 4000, plain)
	third.await(t, "its share", atLeast(1, "assigned"))
	b.produce(t, 2000, plain)
	b.awaitCommitted(t)
	require.NoError(t, third.interrupt(t))
	require.NoError(t, second.interrupt(t))

	assert.Positive(t, count(third.all(), "batch"), "the new member gets a share")
	assert.Equal(t, 1, count(third.all(), "summary"))
	assert.Zero(t, count(second.all(), "stopped")+count(third.all(), "stopped"))
	mustHoldOnce(t, b.numbers(t, keyword+"-2*", numberOf), 20_000)
	assert.Zero(t, b.rewritten)
	letters, err := b.es.Count(t.Context(), "dead-letter-*")
	require.NoError(t, err)
	assert.Zero(t, letters)
	t.Logf("retries: %d", count(second.all(), "retry"))
}
