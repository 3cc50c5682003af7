// Package trigger is the CKafka trigger for a real Kafka: it reads a topic in a
// consumer group, makes events as the platform does, and has the function
// handle them.
//
// Each partition has one batch in flight. A batch that fails comes again,
// unchanged, and the offset is committed only after it succeeded. So every
// record is delivered at least once, in the order of its partition.
//
// What a partition does is decided in the package policy. This package connects
// it: kgo is the member of the group and carries the requests, but the records
// are fetched here. So the errors of the log arrive as the broker says them,
// nothing is fetched that there is no memory for, and a topic that was made anew
// is read on; kgo's own consumer does none of these.
package trigger

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/topicmeta"
)

// Defaults and limits.
const (
	DefaultMaxMsgNum = 1000
	DefaultMaxWait   = time.Second
	DefaultRetry     = 10_000
	DefaultGrace     = 30 * time.Second

	DefaultMemoryBudget = 128 << 20
	MinMemoryBudget     = 32 << 20

	MaxWait  = 60 * time.Second
	MaxRetry = 10_000
)

// Function handles an event. platform.Pool is one. An error, or a Reply with
// one, means that the batch has to come again. When ctx ends it has to return
// soon.
type Function interface {
	Invoke(ctx context.Context, payload []byte) (platform.Reply, error)
}

// Oversize says what becomes of a record that fits into no event.
type Oversize string

// The choices.
const (
	OversizeStop Oversize = "stop" // its partition stops with an error
	OversizeSkip Oversize = "skip" // it is reported and left out
	OversizeDead Oversize = "dead" // it is produced to OversizeTopic
)

// Config says what is read and how it is delivered.
type Config struct {
	// Client are the options to reach the cluster with: brokers, TLS, login.
	Client []kgo.Opt
	// Topic and Group are required.
	Topic, Group string
	// Eager rebalances by ranges, all partitions at once, for groups with
	// members that know nothing else. By default rebalances are cooperative: a
	// partition that stays is not interrupted.
	Eager bool
	// Position is where a partition without a commit starts that was there when
	// the group began: the end by default. One that is added later starts at its
	// beginning.
	Position Position
	// MaxMsgNum is the most records in an event: 1 to 10,000, 1000 by default.
	MaxMsgNum int
	// MaxWait is how long a record may wait for others to come into its event:
	// at most 60 s. 0 sends what is there.
	MaxWait time.Duration
	// Retry is how many times a failed batch is delivered again: 0 to 10,000.
	// After the last the partition stops.
	Retry int
	// Oversize says what becomes of a record that fits into no event: stop by
	// default. OversizeTopic is required for, and only for, dead.
	Oversize      Oversize
	OversizeTopic string
	// Functions handle one event at a time each. A partition stays with one of
	// them as long as it is assigned: an instance remembers what is settled of
	// a batch that failed. At least one is required.
	Functions []Function
	// MemoryBudget is how many bytes the process may take for records and
	// events, however many partitions there are: 128 MB by default, at least
	// 32 MB.
	MemoryBudget int64
	// Timeout is how long a Function may take. A rebalance waits that long for
	// the batches in flight. One minute by default.
	Timeout time.Duration
	// Grace is how long Run waits for the batches in flight when it is to end,
	// before they are given up. A commit and leaving the group take what is left
	// of it, or a second each.
	Grace time.Duration
	// Report is told what happens. It may be called from several goroutines at
	// once and must not block. nil: nobody is told.
	Report func(Notice)
}

// Validate reports all that is wrong with the settings.
func (c *Config) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	check(c.Topic != "", "topic: not set")
	check(c.Group != "", "group: not set")
	check(len(c.Functions) > 0, "instances: got 0, want at least 1")
	check(c.MaxMsgNum >= 1 && c.MaxMsgNum <= event.MaxRecords, "max-msg-num: got %d, want 1 to %d", c.MaxMsgNum, event.MaxRecords)
	check(c.MaxWait >= 0 && c.MaxWait <= MaxWait, "max-wait: got %v, want 0 to %v", c.MaxWait, MaxWait)
	check(c.Retry >= 0 && c.Retry <= MaxRetry, "retry: got %d, want 0 to %d", c.Retry, MaxRetry)
	check(c.MemoryBudget >= MinMemoryBudget, "memory-budget: got %d bytes, want at least %d", c.MemoryBudget, MinMemoryBudget)
	check(c.Grace >= 0, "grace: got %v, want at least 0", c.Grace)
	switch c.Oversize {
	case OversizeStop, OversizeSkip:
		check(c.OversizeTopic == "", "oversize-topic: has no effect without oversize=%s", OversizeDead)
	case OversizeDead:
		check(c.OversizeTopic != "", "oversize-topic: not set; oversize=%s needs it", OversizeDead)
		check(c.OversizeTopic != c.Topic, "oversize-topic: is the topic that is read")
	default:
		check(false, "oversize: got %q, want %s, %s or %s", c.Oversize, OversizeStop, OversizeSkip, OversizeDead)
	}
	return errors.Join(errs...)
}

func (c Config) withDefaults() Config {
	if c.MaxMsgNum == 0 {
		c.MaxMsgNum = DefaultMaxMsgNum
	}
	if c.Oversize == "" {
		c.Oversize = OversizeStop
	}
	if c.MemoryBudget == 0 {
		c.MemoryBudget = DefaultMemoryBudget
	}
	if c.Timeout == 0 {
		c.Timeout = time.Minute
	}
	if c.Report == nil {
		c.Report = func(Notice) {}
	}
	return c
}

// Position is a place in a partition. The zero value is the end.
type Position struct {
	start bool
	at    time.Time
}

// Latest is the end of a partition.
func Latest() Position { return Position{} }

// Earliest is the start of a partition.
func Earliest() Position { return Position{start: true} }

// Since is the first record with a timestamp of at least at, else the end.
func Since(at time.Time) Position { return Position{at: at} }

// ParsePosition reads latest, earliest or a time as of RFC 3339.
func ParsePosition(text string) (Position, error) {
	switch strings.ToLower(text) {
	case "latest":
		return Latest(), nil
	case "earliest":
		return Earliest(), nil
	}
	at, err := time.Parse(time.RFC3339, text)
	if err != nil || at.UnixMilli() < 0 {
		return Position{}, fmt.Errorf("got %q, want latest, earliest or a time such as 2026-11-24T08:00:00+08:00", text)
	}
	return Since(at), nil
}

// IsLatest reports whether the position is the end.
func (p Position) IsLatest() bool { return p == Latest() }

// query is the position as a request for offsets has it: ms since 1970, or a
// number that stands for an end of the partition.
func (p Position) query() int64 {
	switch {
	case p.start:
		return topicmeta.Start
	case p.at.IsZero():
		return topicmeta.End
	default:
		return p.at.UnixMilli()
	}
}

func (p Position) String() string {
	switch {
	case p.start:
		return "earliest"
	case p.at.IsZero():
		return "latest"
	default:
		return p.at.Format(time.RFC3339)
	}
}
