package redrive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"ckafka-etl/config"
	"ckafka-etl/kafkaclient"
)

// variable holds the name of the dead-letter topic.
const variable = "kafka_dead_letter_topic"

// fetchTime is how long the brokers may be silent while there is something to
// read.
const fetchTime = 30 * time.Second

// recommitAfter is when the offsets are committed again although nothing has
// become of the letters, so that they do not expire while a run goes on.
const recommitAfter = time.Minute

// Topic is kafka_dead_letter_topic as a Source. The group's committed offset of
// a partition is that of the first letter that stays; which of those behind it
// are done is kept in the offset's metadata. What lies before it is deleted
// where that is allowed, as a committed offset expires and a deleted record does
// not. Nothing is written into the topic, and letters that stay are passed over
// without being lost. A topic is read to where it ended at the start.
//
// Offsets are committed without being a member of the group: it must have no
// members, and two runs must not use one group at a time.
type Topic struct {
	opts            []kgo.Opt
	name, group     string
	fromStart, keep bool
	size            int           // most letters of a batch
	metadata        int           // most bytes of an offset's metadata
	deleteAfter     time.Duration // how often letters are deleted
	recommitAfter   time.Duration

	asker  *kgo.Client // for offsets and deletions
	client *kgo.Client // reads; nil: there is nothing to read
	parts  map[int32]*part
	queue  []*kgo.Record // read and not yet taken
	batch  []place

	committedAt, deletedAt time.Time
	full                   []int32 // partitions whose window is full
	foreign                []int32 // partitions of which another program has passed over letters
	deleted                int64   // offsets that were deleted
	undeleted              string  // why letters could not be deleted; "": they could
	undeletable            bool    // and there is no use in another try
}

// TopicOptions say how a Topic is gone through.
type TopicOptions struct {
	// Group is the consumer group that keeps account.
	Group string
	// FromStart sends all letters of partitions of which it is not known which
	// were redriven before. Without it they are an UncommittedError.
	FromStart bool
	// Keep deletes nothing from the topic.
	Keep bool
}

// part is a partition of the topic.
type part struct {
	commitment
	begin     int64 // where the log begins
	read, end int64 // offset to read next, and where to stop
}

// place is where a letter of the batch is.
type place struct {
	partition int32
	offset    int64
}

// NewTopic makes a source of the dead-letter topic of a configuration. Close it.
func NewTopic(cfg *config.Kafka, o TopicOptions) *Topic {
	// From version 10 on these requests name topics by an id.
	most := kversion.Stable()
	most.SetMaxKeyVersion(int16(kmsg.OffsetCommit), 9)
	most.SetMaxKeyVersion(int16(kmsg.OffsetFetch), 9)
	// The function has a budget for its tries; here kgo may see to them.
	opts := append(kafkaclient.Options(cfg), kgo.MaxVersions(most), kgo.RequestRetries(10), kgo.RetryTimeout(fetchTime))
	return &Topic{
		opts: opts, name: cfg.DeadLetterTopic, group: o.Group, fromStart: o.FromStart, keep: o.Keep,
		size: pageSize, metadata: maxMetadata, deleteAfter: deleteAfter, recommitAfter: recommitAfter,
		parts: make(map[int32]*part),
	}
}

// Close ends the connections.
func (t *Topic) Close() {
	for _, c := range []*kgo.Client{t.client, t.asker} {
		if c != nil {
			c.Close()
		}
	}
}

func (t *Topic) explain(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return errors.New(kafkaclient.Explain(variable, t.name, err).Text())
}

func (t *Topic) start(ctx context.Context, dry bool) (total int64, err error) {
	limited, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	if t.asker, err = kgo.NewClient(t.opts...); err != nil {
		return 0, t.explain(err)
	}
	begins, ends, err := bounds(limited, t.asker, t.name)
	if err != nil {
		return 0, t.explain(err)
	}
	found, err := t.committed(limited, begins)
	if err != nil {
		return 0, err
	}
	if err := t.resume(found, begins, ends); err != nil {
		return 0, err
	}
	if !dry {
		if err := t.commit(limited); err != nil {
			return 0, err // before anything is sent
		}
	}
	t.deletedAt = time.Now()
	return t.open()
}

// open begins to read, and returns how many letters there may be.
func (t *Topic) open() (total int64, err error) {
	places := make(map[int32]kgo.Offset)
	for n, p := range t.parts {
		if p.read < p.end {
			places[n] = kgo.NewOffset().At(p.read)
			total += p.left()
		}
	}
	if len(places) == 0 {
		return 0, nil
	}
	t.client, err = kgo.NewClient(append(slices.Clone(t.opts),
		kgo.ConsumePartitions(map[string]map[int32]kgo.Offset{t.name: places}),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.KeepControlRecords(), // a partition may end with one
		kgo.FetchMaxBytes(8<<20),
		kgo.MaxConcurrentFetches(1),
	)...)
	if err != nil {
		return 0, t.explain(err)
	}
	return total, nil
}

// left is how many letters of the partition may be there to read.
func (p *part) left() int64 {
	n := max(p.end-max(p.next, p.read), 0)
	for _, r := range p.open {
		n += max(min(r.to, p.end)-r.from, 0)
	}
	return n
}

func (t *Topic) next(ctx context.Context) ([]Letter, error) {
	t.batch = nil
	for {
		if letters := t.take(); len(letters) > 0 {
			return letters, nil
		}
		if !t.reading() {
			return nil, nil
		}
		limited, cancel := context.WithTimeout(ctx, fetchTime)
		fetches := t.client.PollRecords(limited, t.size)
		silent := limited.Err() != nil
		cancel()
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for _, e := range fetches.Errors() {
			if silent && errors.Is(e.Err, context.DeadlineExceeded) {
				return nil, fmt.Errorf("reading %s: no answer for %v: look at the brokers", t.name, fetchTime)
			}
			return nil, fmt.Errorf("partition %d: %w", e.Partition, t.explain(e.Err))
		}
		t.queue = fetches.Records()
	}
}

// reading reports whether there is more to read.
func (t *Topic) reading() bool {
	for _, p := range t.parts {
		if p.read < p.end {
			return true
		}
	}
	return false
}

// take makes letters of what was read. What there is no room for in a
// partition's window waits until those before it are settled; if there is none
// at all the partition ends there.
func (t *Topic) take() []Letter {
	if len(t.queue) == 0 {
		return nil
	}
	var letters []Letter
	var rest []*kgo.Record
	room := make(map[int32]int)
	for _, rec := range t.queue {
		p := t.parts[rec.Partition]
		if p == nil || p.read >= p.end {
			continue
		}
		if rec.Offset < p.end && !rec.Attrs.IsControl() && !p.done(rec.Offset) {
			left, begun := room[rec.Partition]
			if !begun {
				if left = p.room(t.metadata - headBytes); left <= 0 && rec.Offset == p.commit() {
					left = 1 // whatever becomes of the first of all, the window does not grow
				}
			}
			switch {
			case left <= 0 && begun:
				rest = append(rest, rec)
				continue
			case left <= 0:
				p.end = p.read // what is behind this stays for another run
				t.full = append(t.full, rec.Partition)
				continue
			}
			room[rec.Partition] = left - 1
			t.batch = append(t.batch, place{rec.Partition, rec.Offset})
			letters = append(letters, letterOf(rec))
		} else if left, begun := room[rec.Partition]; begun && left <= 0 {
			rest = append(rest, rec) // behind one that waits
			continue
		}
		p.read = rec.Offset + 1
	}
	t.queue = rest
	for n, p := range t.parts {
		if p.read >= p.end {
			t.client.PauseFetchPartitions(map[string][]int32{t.name: {n}})
		}
	}
	return letters
}
