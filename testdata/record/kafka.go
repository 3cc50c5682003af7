package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/e2e/servers"
)

// stream is a partition of a topic, and the lines that it gets.
type stream struct {
	topic     string
	partition int32
	key       func(i int) []byte // nil: null keys
	lines     []string
}

// broker is a real Kafka, read by a real etlctl record.
type broker struct {
	kafka *servers.Kafka
	tool  string
	dir   string // for what the tool writes
}

func startBroker(ctx context.Context, dir string) (*broker, error) {
	b := &broker{tool: filepath.Join(dir, "etlctl"), dir: dir}
	build := exec.CommandContext(ctx, "go", "build", "-o", b.tool, "./cmd/etlctl")
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return nil, fmt.Errorf("building etlctl: %w", err)
	}
	var err error
	b.kafka, err = servers.StartKafka(ctx, servers.KafkaOptions{})
	return b, err
}

// event writes a stream's lines to its partition, has the tool record them, and
// returns the event.
func (b *broker) event(ctx context.Context, s *stream) ([]byte, error) {
	if err := b.produce(ctx, s); err != nil {
		return nil, fmt.Errorf("topic %s: %w", s.topic, err)
	}
	out := filepath.Join(b.dir, fmt.Sprintf("%s-%d", s.topic, s.partition))
	record := exec.CommandContext(ctx, b.tool, "record", "--brokers", strings.Join(b.kafka.Brokers(), ","),
		"--topic", s.topic, "--out", out, "--max-msg-num", strconv.Itoa(len(s.lines)), "--max-wait", "100ms")
	if said, err := record.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("etlctl record --topic %s: %w: %s", s.topic, err, said)
	}
	return os.ReadFile(filepath.Join(out, fmt.Sprintf("%s-%d-0.json", s.topic, s.partition)))
}

func (b *broker) produce(ctx context.Context, s *stream) error {
	const partitions = 8
	if err := b.kafka.CreateTopic(ctx, s.topic, partitions, nil); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(b.kafka.Brokers()...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		return err
	}
	defer client.Close()
	records := make([]*kgo.Record, len(s.lines))
	for i, line := range s.lines {
		records[i] = &kgo.Record{Topic: s.topic, Partition: s.partition, Value: []byte(line)}
		if s.key != nil {
			records[i].Key = s.key(i)
		}
	}
	return client.ProduceSync(ctx, records...).FirstErr()
}

// writeEvents sends the lines through Kafka and writes the event files. No line
// is used twice, but for those that message-200 wraps.
func writeEvents(ctx context.Context, l *logs) (err error) {
	dir, err := os.MkdirTemp("", "record-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b, err := startBroker(ctx, dir)
	if err != nil {
		return err
	}
	defer b.kafka.Close()
	keys := [][]byte{nil, []byte("shop-1"), {}, []byte("订单"), []byte(`k"\1`)}
	for _, s := range []struct {
		stream
		file string
	}{
		{stream{topic: "access-log", partition: 3, lines: l.access[:100]}, "access-100"},
		{stream{topic: "access-log", partition: 4, lines: l.access[100:1100]}, "access-1000"},
		{stream{topic: "app-log", lines: l.app[:200], key: func(i int) []byte { return keys[i%len(keys)] }}, "app-200"},
		{stream{topic: "filebeat", partition: 2, lines: wrapMessages(l)}, "message-200"},
		{stream{topic: "metrics", partition: 1, lines: l.metrics[:50]}, "nested-50"},
		{stream{topic: "tiny", partition: 5, lines: l.tiny[:500]}, "tiny-500"},
		{stream{topic: "text-log", partition: 7, lines: plainLines(l)}, "text-200"},
	} {
		payload, err := b.event(ctx, &s.stream)
		if err != nil {
			return err
		}
		if err := write(eventsDir, s.file+".json", payload); err != nil {
			return err
		}
	}
	return nil
}
