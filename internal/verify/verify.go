// Package verify compares two Kafka topics, one of which is to be a copy of the
// other, record by record and in bounded memory.
//
// # How records are paired
//
// With [Headers] each record of the target names the source record that it is a
// copy of, as the function writes it (kafka_headers=true). Then every record
// that is missing, extra, twice, changed, misplaced or out of order is known by
// its coordinates, however the two topics are partitioned.
//
// With [Content] a record is the copy of one with the same key and body. That
// serves for copies without such headers. A changed record is then one that is
// missing and one that is extra, and among equal records it cannot be told which
// is which.
//
// # Memory
//
// Both topics are read at the same time and once, in any order, and nothing of
// a record is kept. With Headers there is, for each side and 1,024 source
// offsets, a bit for each offset and the sum of the records' digests: 0.3 bytes
// a record, 60 MB for 200 million. Blocks whose sums agree are equal. Only
// those that do not are read again, at most [Config.Memory] of them at a time,
// and as often as it takes. With Content the blocks are made of the records'
// digests instead of their offsets: 1,048,576 of them at most, 48 MB; what is
// missing or extra takes a bit each besides. What is read ahead comes on top: 270 MB were seen with well-compressed records from
// one broker on each side.
//
// Digests are 128 bits of SHA-256. Two different records, or blocks, will not be
// taken for equal by accident; it is no proof against somebody who forges
// records for that purpose.
package verify

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Match says what makes a record the copy of another.
type Match string

// Kinds of Match.
const (
	Headers Match = "headers" // it names it
	Content Match = "content" // key and body are the same
)

// Placement says in which partition of the target a record has to be.
type Placement string

// Kinds of Placement.
const (
	Anywhere Placement = "any"
	Keep     Placement = "keep" // the number of its source partition
	ByKey    Placement = "key"  // by the hash of its key, as Kafka's clients choose; without a key: any
)

// Topic is one side.
type Topic struct {
	// Client are the options to reach the cluster with.
	Client []kgo.Opt
	Name   string
	// Since and Until are times of records, between which the side is compared.
	// Zero: from its beginning, to its end when the comparison starts.
	Since, Until time.Time
	// From are the offsets to begin at in partitions, instead of Since.
	From map[int32]int64
}

// Config is what a comparison needs. Zero values of what is not Source and
// Target mean the defaults.
type Config struct {
	Source, Target Topic
	Match          Match     // default Headers
	Placement      Placement // default Anywhere
	// KeysOnly leaves out the bodies, for copies that change them.
	KeysOnly bool
	// Show is how many findings of each kind are listed.
	Show int
	// Memory is how many bytes a second reading may take, besides what the
	// first takes; default 256 MiB, and no less than one block, 25 kB.
	Memory int64
	// Progress is told of each few records that were read, and how many there
	// will be as far as is known. It is called from two goroutines. nil: nobody
	// is told.
	Progress func(read, total int64)
}

// DefaultMemory is the default of Config.Memory.
const DefaultMemory = 256 << 20

// errNoProvenance tells what to do about a target without headers.
var errNoProvenance = errors.New("no record of the target says which source record it is a copy of: " +
	"was it written with kafka_headers=false, or not by the function? Compare by content (--match content)")

// Run compares two topics. Records that are written while it runs are not
// looked at. It joins no group and writes nothing.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.Match == "" {
		cfg.Match = Headers
	}
	if cfg.Placement == "" {
		cfg.Placement = Anywhere
	}
	if cfg.Memory == 0 {
		cfg.Memory = DefaultMemory
	}
	// The source's end first: what is written to it after that may not have
	// been copied yet.
	source, err := openTopic(ctx, &cfg.Source)
	if err != nil {
		return nil, fmt.Errorf("source topic %s: %w", cfg.Source.Name, err)
	}
	defer source.close()
	target, err := openTopic(ctx, &cfg.Target)
	if err != nil {
		return nil, fmt.Errorf("target topic %s: %w", cfg.Target.Name, err)
	}
	defer target.close()
	if cfg.Match == Headers {
		if err := target.requireHeaders(ctx); err != nil {
			return nil, fmt.Errorf("target topic %s: %w", cfg.Target.Name, err)
		}
	}
	return compare(ctx, &cfg, source, target)
}

// side is what is compared of a topic.
type side interface {
	partitions() int32
	// spans is what there is to compare, by partition.
	spans() map[int32]span
	// read hands over the records in the spans, those of a partition in order.
	read(ctx context.Context, spans map[int32]span, take func(*kgo.Record)) error
	// starts returns where the partitions begin now.
	starts(ctx context.Context) (map[int32]int64, error)
	// compacted reports whether records of the topic may go at any place.
	compacted() bool
}

// span is a range of offsets.
type span struct{ from, end int64 }

func (s span) holds(offset int64) bool { return s.from <= offset && offset < s.end }

func offsetsIn(spans map[int32]span) (n int64) {
	for _, s := range spans {
		n += s.end - s.from
	}
	return n
}

func compare(ctx context.Context, cfg *Config, source, target side) (*Report, error) {
	r := newReport(cfg, source, target)
	tell := newTeller(cfg.Progress)
	var err error
	if cfg.Match == Content {
		err = byContent(ctx, cfg, r, source, target, tell)
	} else {
		err = byHeaders(ctx, cfg, r, source, target, tell)
	}
	if err != nil {
		return nil, err
	}
	return r, nil
}

// both reads two sides at the same time. What takes a side's records runs in a
// goroutine of its own.
func both(ctx context.Context, tell *teller, source, target side, from, to map[int32]span, takeSource, takeTarget func(*kgo.Record)) error {
	tell.expect(offsetsIn(from) + offsetsIn(to))
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := readSide(ctx, tell, source, from, takeSource); err != nil {
			cancel(fmt.Errorf("reading the source: %w", err)) // the first one counts
		}
	})
	wg.Go(func() {
		if err := readSide(ctx, tell, target, to, takeTarget); err != nil {
			cancel(fmt.Errorf("reading the target: %w", err))
		}
	})
	wg.Wait()
	return context.Cause(ctx)
}

func readSide(ctx context.Context, tell *teller, s side, spans map[int32]span, take func(*kgo.Record)) error {
	var n int64
	err := s.read(ctx, spans, func(r *kgo.Record) {
		take(r)
		if n++; n%1000 == 0 {
			tell.read(1000)
		}
	})
	tell.read(n % 1000)
	return err
}
