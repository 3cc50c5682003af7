//go:build e2e

package versions

import (
	"bufio"
	"context"
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/e2e/servers"
)

// A topic moves from an old cluster to a newer one, whose brokers are killed both,
// as is the trigger. None is missing, and there twice is no more than what the
// trigger had not committed and what its instances had in flight.
func TestMixedVersions(t *testing.T) {
	kinds, err := servers.Selected(os.Getenv("E2E_SERVERS")) //nolint:forbidigo // the caller chooses
	require.NoError(t, err)
	for _, from := range []version{versions[0], versions[3]} {
		if !slices.Contains(kinds, from.kind) || !slices.Contains(kinds, servers.KindKafka) {
			continue
		}
		t.Run(string(from.kind), func(t *testing.T) { moveUnderFaults(t, from) })
	}
}

func moveUnderFaults(t *testing.T, from version) {
	const records, most, instances = 20_000, 200, 2
	start := func(kind servers.Kind) *servers.Kafka {
		k, err := servers.StartKafka(t.Context(), servers.KafkaOptions{Kind: kind})
		require.NoError(t, err)
		t.Cleanup(k.Close)
		return k
	}
	// The target has the same version as what the flow expects of its records.
	source, target := &flow{programs: build(t), version: from, kafka: start(from.kind), records: records}, start(servers.KindKafka)
	ctx, cancel := context.WithTimeout(t.Context(), 2*stepTimeout)
	defer cancel()
	topic := source.name("app")
	require.NoError(t, source.kafka.CreateTopic(ctx, topic, partitions, nil))
	require.NoError(t, target.CreateTopic(ctx, topic, partitions, nil))
	source.produce(ctx, t, 0, records/4)
	environ := []string{"kafka_address=" + strings.Join(target.Brokers(), ","), "kafka_topic_name=" + topic, "kafka_partition=keep"}
	args := source.source("--group", "move", "--max-msg-num", "200", "--instances", "2", "--timeout", "10s")

	handled := source.killed(t, environ, args, []moment{
		{records / 8, func() {
			source.kafka.Kill()
			assert.NoError(t, source.kafka.Restart(ctx))
			source.produce(ctx, t, records/4, records/2)
		}},
		{records * 3 / 8, func() { target.Kill(); assert.NoError(t, target.Restart(ctx)) }},
		{records / 2, func() {
			for poll := time.Tick(200 * time.Millisecond); committedOf(ctx, t, source.kafka, "move", topic) < records/2; {
				<-poll // until ctx ends
			}
			source.produce(ctx, t, records/2, records)
		}},
		{records * 5 / 8, nil},
	})
	committed := committedOf(ctx, t, source.kafka, "move", topic)
	require.LessOrEqual(t, committed, handled)
	source.trigger(t, records-committed, environ, args...)

	out, _ := source.run(t, 0, environ, "verify", "--json", "--allow-twice", "--partition", "keep", "--source-address", source.brokers(), "--source-topic", topic)
	var got compared
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	twice := got.Total.Twice
	assert.GreaterOrEqual(t, committed, records/2)
	t.Logf("%d handled, %d committed when it was killed, %d there twice", handled, committed, twice)
	assert.LessOrEqual(t, twice, handled-committed+instances*most)
	var want compared
	want.Total.Source, want.Total.Equal, want.Total.Target, want.Total.Twice = records, records, records+twice, twice
	assert.Equal(t, want, got)
}

// moment is when so many records were handled. Without what then happens the
// trigger is killed.
type moment struct {
	handled int
	happens func()
}

// killed runs etlctl trigger until the last of the moments, and returns how many
// records it said were handled.
func (p programs) killed(t *testing.T, environ, args []string, moments []moment) (handled int) {
	t.Helper()
	cmd := p.command(environ, append([]string{"trigger", "--json", "--function", p.function, "--position", "earliest", "--max-wait", "100ms"}, args...))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var said, stderr strings.Builder
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	stop := time.AfterFunc(2*stepTimeout, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("etlctl said:\n%s\n%s", said.String(), stderr.String())
		}
	}()
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l summary
		if json.Unmarshal(lines.Bytes(), &l) != nil || l.Event != "batch" {
			said.Write(append(lines.Bytes(), '\n'))
			continue
		}
		handled += l.Records
		if len(moments) == 0 || handled < moments[0].handled {
			continue
		}
		if now := moments[0]; now.happens != nil {
			now.happens()
		} else {
			_ = cmd.Process.Kill()
		}
		moments = moments[1:]
	}
	require.Empty(t, moments, "%d records were handled", handled)
	return handled
}

// committedOf is the sum of a group's offsets.
func committedOf(ctx context.Context, t *testing.T, k *servers.Kafka, group, topic string) (sum int) {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(k.Brokers()...))
	require.NoError(t, err)
	defer client.Close()
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	rt := kmsg.NewOffsetFetchRequestTopic()
	rt.Topic = topic
	for p := range int32(partitions) {
		rt.Partitions = append(rt.Partitions, p)
	}
	req.Topics = append(req.Topics, rt)
	resp, err := req.RequestWith(ctx, client)
	require.NoError(t, err)
	for _, g := range resp.Groups {
		for _, topic := range g.Topics {
			for _, p := range topic.Partitions {
				sum += int(max(0, p.Offset))
			}
		}
	}
	if len(resp.Groups) > 0 {
		return sum
	}
	for _, topic := range resp.Topics { // of older brokers
		for _, p := range topic.Partitions {
			sum += int(max(0, p.Offset))
		}
	}
	return sum
}
