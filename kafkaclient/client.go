// Package kafkaclient writes records to Kafka: to a target topic as a sink, and
// to a topic for dead letters.
//
// # What is promised
//
// A message has the record's key and value byte for byte, goes to the partition
// that the Java client would choose for its key or to the source's own number,
// and is acknowledged by all in-sync replicas. What of one source partition
// goes to one target partition stays in order: at most one batch of it is in
// flight, and nothing behind a batch that failed is sent before the batch is.
// Only a message that Kafka refuses for what it is, such as one that is too
// large, is stepped over; it becomes a dead letter.
//
// Nothing runs on after a call has returned: at the deadline connections with
// something in flight are closed, and what is not known to be written is
// unsettled. Producing is idempotent, and a warm instance remembers the number
// under which such a batch was sent. When the same records are delivered again
// they are sent again under that number, and a broker that has them already
// says so: they are not written twice. Only a lost instance's batch in flight
// can be. Each source partition has a producer id of its own, so that the
// batches of others in between do not matter.
//
// A broker or an ACL that does not allow idempotent producing (Kafka before
// 2.8 wants the cluster right IdempotentWrite) makes the client go on without
// it, after one warning: then a batch whose answer was lost is written twice.
//
// No topic is ever created.
//
// # Old brokers
//
// What the brokers can do is asked for before anything is written. Before Kafka
// 0.11, and in topics whose message.format.version is older, there are neither
// headers nor producer ids: messages are written without, as above but that a
// batch whose answer was lost is written twice, and dead letters, which say in
// headers why, are not taken. Before Kafka 0.10 nothing is written.
//
// # Loops
//
// The trigger's event carries no headers, so a record that has come back to
// where it started cannot be told from a new one, nor does the function know
// the address of the cluster that triggers it. It is for the operator to see
// that kafka_address and kafka_topic_name do not lead back to the trigger's
// topic.
//
// The producer inside kgo is not used, only its connections, metadata and
// protocol: it cannot give up a batch in flight and later send it again under
// the same number, and it keeps a copy of each record.
package kafkaclient

import (
	"errors"
	"fmt"
	"hash/maphash"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/config"
	"ckafka-etl/internal/core/backoff"
	"ckafka-etl/internal/core/brokers"
	"ckafka-etl/transform"
)

const (
	// maxIdle is how long kept connections are trusted. A frozen instance does
	// not see its peer go away: a new connection costs less than waiting for
	// an answer that cannot come.
	maxIdle = 10 * time.Second
	// topicAge is how long it may take to see that a topic has got partitions.
	topicAge = time.Minute
	// batchBytes is the largest batch, before compression: what a topic takes
	// by default. A larger message makes a batch of its own.
	batchBytes = 1_000_000
)

// Config is what a client is made of.
type Config struct {
	config.Kafka
	// Program makes the documents of kafka_value=document and of dead letters,
	// which need it.
	Program *transform.Program
	// Logger hears warnings. nil: nobody does.
	Logger *slog.Logger
	// Now is the wall clock by which connections get old, for tests. nil: time.Now.
	Now func() time.Time
}

// Client is a Kafka sink and a place for dead letters. It is made once and kept
// while the configuration stays the same. It is safe for concurrent use; one
// Write, of records or of letters, runs at a time.
type Client struct {
	cfg    Config
	opts   []kgo.Opt
	codec  codec
	worker *transform.Worker
	chosen kgo.TopicPartitioner

	mu       sync.Mutex // one Write at a time; guards all below
	kafka    *kgo.Client
	lastUsed time.Time
	topics   map[string]*topic
	limits   map[string]int // largest batch by topic, where it is below batchBytes

	abilities brokers.Abilities // nil: not known yet
	looked    time.Time         // when that was asked for
	kept      map[string]kept   // by topic
	said      map[string]bool   // topics of which a warning was given; "" = brokers
	plain     bool              // without idempotence
	producers map[source]*producer
	ways      int // sequences of all producers

	seed maphash.Seed

	keyed          kgo.Record // a key whose partition is to be chosen
	records, value []byte     // the batch and the document being made
	free           [][]byte   // buffers for batches
}

// New makes a client. It contacts nobody and starts nothing.
func New(cfg Config) (*Client, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	c := &Client{
		cfg: cfg, opts: options(&cfg.Kafka),
		chosen:    kgo.StickyKeyPartitioner(nil).ForTopic(""), // nil = murmur2, as the Java client hashes
		topics:    make(map[string]*topic),
		limits:    make(map[string]int),
		kept:      make(map[string]kept),
		said:      make(map[string]bool),
		producers: make(map[source]*producer),
		seed:      maphash.MakeSeed(),
	}
	switch {
	case cfg.Program != nil:
		c.worker = cfg.Program.NewWorker()
	case cfg.ValueDocument || cfg.DeadLetterTopic != "":
		return nil, errors.New("kafkaclient: documents and dead letters need a program")
	}
	var err error
	if c.codec, err = newCodec(cfg.Compression); err != nil {
		return nil, fmt.Errorf("kafka_compression: %w", err)
	}
	if err := kgo.ValidateOpts(c.opts...); err != nil {
		return nil, fmt.Errorf("kafka_address: %w", err)
	}
	return c, nil
}

// Name returns the sink's name in the account.
func (c *Client) Name() string { return "kafka" }

// Target says where the client writes: its brokers and the topic.
func (c *Client) Target() string {
	return "kafka " + c.cfg.Topic + " " + strings.Join(c.cfg.Brokers, " ")
}

// Close closes the connections. The client must not be used afterwards.
func (c *Client) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.disconnect()
}

// wake prepares the client for a call: connections that a freeze may have
// outlived are closed.
func (c *Client) wake() {
	if c.now().Sub(c.lastUsed) > maxIdle {
		c.disconnect()
	}
}

// now is the wall clock: the monotonic one stands still while a machine is
// frozen.
func (c *Client) now() time.Time { return c.cfg.Now().Round(0) }

// rest gives back what one call has made grow.
func (c *Client) rest() {
	const keep = 256 << 10
	if c.worker != nil {
		c.worker.Trim()
	}
	if cap(c.value) > keep {
		c.value = nil
	}
	if cap(c.records) > 2*batchBytes {
		c.records = nil
	}
	c.codec.trim()
	c.keyed = kgo.Record{}
	clear(c.free)
	c.free = c.free[:0]
	c.makeRoom()
	c.lastUsed = c.now()
}

// connection returns the client of the Kafka protocol, a new one if there is
// none. It connects when it is first used.
func (c *Client) connection() (*kgo.Client, error) {
	if c.kafka == nil {
		k, err := kgo.NewClient(c.opts...)
		if err != nil { // the options were checked: it cannot happen
			return nil, fmt.Errorf("kafka_address: %w", err)
		}
		c.kafka = k
	}
	return c.kafka, nil
}

// disconnect closes all connections and forgets what they have told. Numbers of
// batches are kept: they hold over any connection.
func (c *Client) disconnect() {
	if c.kafka != nil {
		c.kafka.Close()
		c.kafka = nil
	}
	clear(c.topics)
}

// limit is how many bytes a batch for the topic may have, before compression.
func (c *Client) limit(topic string) int {
	if n, ok := c.limits[topic]; ok {
		return n
	}
	return batchBytes
}

// buffer returns a buffer for a batch, and release gives a batch's back unless
// somebody may still be reading it.
func (c *Client) buffer() []byte {
	if n := len(c.free); n > 0 {
		buf := c.free[n-1]
		c.free = c.free[:n-1]
		return buf
	}
	return nil
}

func (c *Client) release(b *batch) {
	if b != nil && !b.lent {
		c.free = append(c.free, b.wire[:0])
	}
}

// pause is how long to wait after so many failed tries.
func pause(failed int) time.Duration {
	const first, most = 100 * time.Millisecond, time.Second
	return backoff.Jitter(failed, first, most)
}
