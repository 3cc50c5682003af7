package redrive

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"ckafka-etl/config"
	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
)

// variable holds the name of the dead-letter topic.
const variable = "kafka_dead_letter_topic"

// fetchTime is how long the brokers may be silent while there is something to
// read.
const fetchTime = 30 * time.Second

// Topic is kafka_dead_letter_topic as a Source. The group's committed offset of
// a partition is that of the first letter that stays; which of those behind it
// are done is kept in the offset's metadata. So nothing is written into the
// topic, and letters that stay are passed over without being lost. A topic is
// read to where it ended at the start.
//
// Offsets are committed without being a member of the group: it must have no
// members, and two runs must not use one group at a time.
type Topic struct {
	opts        []kgo.Opt
	name, group string
	size        int // most letters of a batch
	metadata    int // most bytes of an offset's metadata

	client *kgo.Client
	parts  map[int32]*part
	queue  []*kgo.Record // read and not yet taken
	batch  []place
	full   []int32 // partitions whose window is full
}

// part is a partition of the topic.
type part struct {
	window
	read, end int64 // offset to read next, and where to stop
}

// place is where a letter of the batch is.
type place struct {
	partition int32
	offset    int64
}

// NewTopic makes a source of the dead-letter topic of a configuration. Close it.
func NewTopic(cfg *config.Kafka, group string) *Topic {
	// From version 10 on these requests name topics by an id.
	most := kversion.Stable()
	most.SetMaxKeyVersion(int16(kmsg.OffsetCommit), 9)
	most.SetMaxKeyVersion(int16(kmsg.OffsetFetch), 9)
	// The function has a budget for its tries; here kgo may see to them.
	opts := append(kafkaclient.Options(cfg), kgo.MaxVersions(most), kgo.RequestRetries(10), kgo.RetryTimeout(fetchTime))
	return &Topic{opts: opts, name: cfg.DeadLetterTopic, group: group, size: pageSize, metadata: maxMetadata, parts: make(map[int32]*part)}
}

// Close ends the connections.
func (t *Topic) Close() {
	if t.client != nil {
		t.client.Close()
	}
}

func (t *Topic) explain(err error) error {
	if errors.Is(err, context.Canceled) {
		return err
	}
	return errors.New(kafkaclient.Explain(variable, t.name, err).Text())
}

func (t *Topic) start(ctx context.Context) (total int64, err error) {
	limited, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	asker, err := kgo.NewClient(t.opts...)
	if err != nil {
		return 0, t.explain(err)
	}
	defer asker.Close()
	begins, ends, err := bounds(limited, asker, t.name)
	if err != nil {
		return 0, t.explain(err)
	}
	windows, err := t.committed(limited, asker, begins)
	if err != nil {
		return 0, err
	}
	places := make(map[int32]kgo.Offset)
	for p, w := range windows {
		if w.commit() > ends[p] {
			return 0, fmt.Errorf("group %s: its offset of partition %d lies behind the end of %s: was the topic made anew? give another --group", t.group, p, t.name)
		}
		w.drop(begins[p])
		at := &part{window: w, read: w.commit(), end: ends[p]}
		if at.read >= at.end {
			continue
		}
		t.parts[p], places[p] = at, kgo.NewOffset().At(at.read)
		total += at.left()
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
				left = p.room(t.metadata)
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

// settle commits what is done.
func (t *Topic) settle(ctx context.Context, done []bool) (kept int, err error) {
	changed := make(map[int32]*part)
	finished := 0
	for i, b := range t.batch {
		p := t.parts[b.partition]
		p.pass(b.offset, done[i])
		if done[i] {
			finished++
			changed[b.partition] = p
		}
	}
	if len(changed) == 0 {
		return 0, nil
	}
	if err := t.commit(ctx, changed); err != nil {
		return finished, err
	}
	return 0, nil
}

func (t *Topic) notes() []string {
	if len(t.full) == 0 {
		return nil
	}
	slices.Sort(t.full)
	return []string{fmt.Sprintf("partitions %v of %s were not read to their end: too many letters stay between ones that are done to keep account of them all. "+
		"Redrive with fewer filters, or use another --group for the rest: it begins anew, with the letters that are done, too", t.full, t.name)}
}

// letterOf reads what kafkaclient.DeadLetters has written.
func letterOf(rec *kgo.Record) Letter {
	l := Letter{
		Place: rec.Topic + "/" + strconv.Itoa(int(rec.Partition)) + "/" + strconv.FormatInt(rec.Offset, 10),
		Time:  rec.Timestamp, Key: rec.Key, Text: rec.Value,
		Partition: record.Unknown, Offset: record.Unknown,
	}
	for _, h := range rec.Headers {
		switch v := string(h.Value); h.Key {
		case kafkaclient.HeaderErrorType:
			l.Cause = v
		case kafkaclient.HeaderTargetSink:
			l.Sink = v
		case kafkaclient.HeaderTargetIndex:
			l.Index = v
		case kafkaclient.HeaderTargetID:
			l.ID = v
		case kafkaclient.HeaderDocumentBytes:
			l.Truncated = true
		case kafkaclient.HeaderValue:
			l.Raw = v == kafkaclient.ValueRaw
		case kafkaclient.HeaderSourceTopic:
			l.Topic = v
		case kafkaclient.HeaderSourcePartition:
			if n, err := strconv.ParseInt(v, 10, 32); err == nil && n >= 0 {
				l.Partition = int32(n)
			}
		case kafkaclient.HeaderSourceOffset:
			if n, err := strconv.ParseInt(v, 10, 64); err == nil && n >= 0 {
				l.Offset = n
			}
		}
	}
	l.Generated = ours(l.ID, l.Partition, l.Offset)
	return l
}
