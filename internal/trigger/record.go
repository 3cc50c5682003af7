package trigger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/topicmeta"
)

// RecordConfig says what Record reads.
type RecordConfig struct {
	// Client are the options to reach the cluster with.
	Client []kgo.Opt
	Topic  string
	// Position is where each partition begins: the end by default.
	Position Position
	// Events is how many events are made: at least 1.
	Events int
	// MaxMsgNum is the most records in an event: 1 to 10,000.
	MaxMsgNum int
	// MaxWait is how long a record may wait for others to come into its event.
	MaxWait time.Duration
	// Write takes an event. It must not keep it. An error ends Record.
	Write func(e RecordedEvent) error
	// Dropped is told of each record that fits into no event.
	Dropped func(error)
}

// RecordedEvent is an event with what it holds.
type RecordedEvent struct {
	Partition   int32
	First, Last int64 // offsets
	Records     int
	Payload     []byte
}

// Record makes events of a topic without a consumer group: nothing is
// committed. It ends when there are as many as wanted, or when it has come to
// where the topic ended at the start; from the end on it waits for what is
// written. It returns how many events it made.
func Record(ctx context.Context, cfg RecordConfig) (int, error) {
	if cfg.Events < 1 {
		return 0, fmt.Errorf("events: got %d, want at least 1", cfg.Events)
	}
	if _, err := event.NewBuilder(cfg.MaxMsgNum); err != nil {
		return 0, err
	}
	if cfg.MaxWait < 0 || cfg.MaxWait > MaxWait {
		return 0, fmt.Errorf("max-wait: got %v, want 0 to %v", cfg.MaxWait, MaxWait)
	}
	r := &recorder{cfg: cfg, parts: make(map[int32]*recorded)}
	if err := r.look(ctx); err != nil {
		return 0, fmt.Errorf("topic %s: %w", cfg.Topic, err)
	}
	defer r.client.Close()
	for {
		if err := r.poll(ctx); err != nil || ctx.Err() != nil || r.made >= cfg.Events {
			return r.made, err
		}
		if !slices.ContainsFunc(r.all, func(p *recorded) bool { return p.next < p.end }) {
			return r.made, nil
		}
	}
}

// recorder is one call of Record.
type recorder struct {
	cfg    RecordConfig
	client *kgo.Client
	parts  map[int32]*recorded
	all    []*recorded // by partition
	made   int
}

// recorded is a partition that is recorded.
type recorded struct {
	partition   int32
	next, end   int64
	builder     *event.Builder
	first, last int64
	due         time.Time
}

// look finds out where the partitions begin and end, and starts to read them.
func (r *recorder) look(ctx context.Context) error {
	client, err := kgo.NewClient(r.cfg.Client...)
	if err != nil {
		return err
	}
	defer client.Close()
	meta, err := topicmeta.Describe(ctx, client, r.cfg.Topic)
	if err != nil {
		return err
	}
	numbers := topicmeta.Partitions(len(meta.Partitions))
	begins, err := listOffsets(ctx, client, r.cfg.Topic, numbers, r.cfg.Position.query())
	if err != nil {
		return err
	}
	ends, err := listOffsets(ctx, client, r.cfg.Topic, numbers, topicmeta.End)
	if err != nil {
		return err
	}
	places := make(map[int32]kgo.Offset)
	for _, p := range numbers {
		b, err := event.NewBuilder(r.cfg.MaxMsgNum)
		if err != nil {
			return err
		}
		part := &recorded{partition: p, next: begins[p], end: ends[p], builder: b}
		if r.cfg.Position.IsLatest() {
			part.end = 1<<63 - 1
		}
		r.parts[p], r.all = part, append(r.all, part)
		if part.next < part.end {
			places[p] = kgo.NewOffset().At(part.next)
		}
	}
	if len(places) == 0 {
		places[0] = kgo.NewOffset().AtEnd() // nothing will be read; a client needs something
	}
	r.client, err = kgo.NewClient(append(slices.Clone(r.cfg.Client),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{r.cfg.Topic: places}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // a partition may end with one
		kgo.FetchMaxBytes(16<<20),
	)...)
	return err
}

// poll reads once, and writes the events that are complete.
func (r *recorder) poll(ctx context.Context) error {
	due := time.Now().Add(time.Hour)
	for _, p := range r.all {
		if p.builder.Len() > 0 && p.due.Before(due) {
			due = p.due
		}
	}
	if slices.ContainsFunc(r.all, func(p *recorded) bool { return p.next < p.end }) {
		limited, cancel := context.WithDeadline(ctx, due)
		fetches := r.client.PollFetches(limited)
		cancel()
		if err := r.take(fetches); err != nil {
			return err
		}
	}
	for _, p := range r.all {
		if p.builder.Len() > 0 && (p.next >= p.end || !time.Now().Before(p.due)) {
			if err := r.write(p); err != nil {
				return err
			}
		}
	}
	return nil
}

// take puts what was read into events.
func (r *recorder) take(fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		if !errors.Is(e.Err, context.DeadlineExceeded) && !errors.Is(e.Err, context.Canceled) {
			return fmt.Errorf("topic %s, partition %d: %w", r.cfg.Topic, e.Partition, e.Err)
		}
	}
	for _, rec := range fetches.Records() {
		p := r.parts[rec.Partition]
		if p == nil || p.next >= p.end || r.made >= r.cfg.Events {
			continue
		}
		if err := r.add(p, rec); err != nil {
			return err
		}
		p.next = rec.Offset + 1
	}
	return nil
}

func (r *recorder) add(p *recorded, rec *kgo.Record) error {
	if rec.Attrs.IsControl() || rec.Offset >= p.end {
		return nil
	}
	e := event.Record{Topic: rec.Topic, Partition: rec.Partition, Offset: rec.Offset, Key: rec.Key, Body: rec.Value}
	room, err := p.builder.Add(&e)
	if err == nil && !room {
		if err := r.write(p); err != nil || r.made >= r.cfg.Events {
			return err
		}
		_, err = p.builder.Add(&e)
	}
	if err != nil {
		r.cfg.Dropped(err)
		return nil
	}
	if p.builder.Len() == 1 {
		p.first, p.due = rec.Offset, time.Now().Add(r.cfg.MaxWait)
	}
	p.last = rec.Offset
	if p.builder.Full() {
		return r.write(p)
	}
	return nil
}

func (r *recorder) write(p *recorded) error {
	if r.made >= r.cfg.Events {
		return nil
	}
	r.made++
	defer p.builder.Reset()
	return r.cfg.Write(RecordedEvent{Partition: p.partition, First: p.first, Last: p.last, Records: p.builder.Len(), Payload: p.builder.Event()})
}
