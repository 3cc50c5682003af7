package kafkaclient

import (
	"context"
	"hash/maphash"
	"log/slog"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// maxSequences bounds how many ways are remembered; those with a batch of
	// unknown fate come on top, for maxPending.
	maxSequences = 10_000
	// maxPending is how long the numbers of a batch of unknown fate are kept:
	// as long as the handler remembers the batch of records.
	maxPending = 15 * time.Minute
)

// source is a source partition.
type source struct {
	topic     string
	partition int32
}

// producer is the producer id of one source partition and how far its numbers
// have come. Each source has one of its own, so that others in between do not
// matter.
type producer struct {
	id        int64
	used      time.Time
	sequences map[way]*sequence
}

// way is where batches of a source go.
type way struct {
	topic     string
	partition int32
}

// sequence numbers the batches on one way. A broker takes a batch only under
// the number that comes next, and knows the last ones: one that is sent again
// is not written again.
type sequence struct {
	id    int64 // of the producer
	epoch int16
	next  int32
	// pending are the prints of the messages, in order, of a batch that was sent
	// under next and not acknowledged: whether it was written nobody knows,
	// whatever the broker has answered. Its number is never used for others: a
	// broker that has it would call them duplicates. nil = there is none.
	pending []uint32
	// of is the topic that it was sent to.
	of incarnation
}

// incarnation tells a topic from one of the same name that was made later, as far
// as brokers tell: those before 2.8 have no ids.
type incarnation struct {
	id         [16]byte
	partitions int
}

// gone reports whether the topic is not there any more, now that another is. Of
// a topic without partitions nothing is known.
func (t incarnation) gone(now incarnation) bool {
	var none [16]byte
	return now.partitions > 0 && now.partitions < t.partitions || t.id != none && now.id != none && t.id != now.id
}

// restart begins to count from 0 under a new epoch, which makes the broker
// refuse what may still be on its way under the old one. It reports false if
// there are no more epochs.
func (s *sequence) restart() bool {
	if s.epoch == math.MaxInt16 {
		return false
	}
	s.epoch++
	s.next, s.pending = 0, nil
	return true
}

// advance counts n messages that were written.
func (s *sequence) advance(n int) {
	s.next = int32((uint32(s.next) + uint32(n)) & math.MaxInt32)
	s.pending = nil
}

// sequenceOf returns the sequence of a way from a source, which has a producer
// id unless it needs none.
func (c *Client) sequenceOf(from source, to way) *sequence {
	p := c.producers[from]
	if p == nil {
		return &sequence{}
	}
	s := p.sequences[to]
	if s == nil {
		s = &sequence{id: p.id}
		p.sequences[to] = s
		c.ways++
	}
	return s
}

// identify sees to it that the source has a producer id, or that it is known
// that the brokers give none.
func (c *Client) identify(ctx context.Context, s source, topic string) error {
	if c.plain || c.formatOf(topic) != numbered {
		return nil
	}
	if p := c.producers[s]; p != nil {
		p.used = c.now()
		return nil
	}
	k, err := c.connection()
	if err != nil {
		return err
	}
	res, err := bounded(ctx, func() (*kmsg.InitProducerIDResponse, error) {
		return kmsg.NewPtrInitProducerIDRequest().RequestWith(ctx, k)
	})
	if err == nil {
		err = kerr.ErrorForCode(res.ErrorCode)
	}
	if err == nil {
		c.producers[s] = &producer{id: res.ProducerID, used: c.now(), sequences: make(map[way]*sequence)}
		return nil
	}
	if noIdempotence(err) {
		c.goPlain(err)
		return nil
	}
	return err
}

// forget drops a source's producer id with all its sequences: a producer id
// whose numbers are not known must not be used again.
func (c *Client) forget(s source) {
	if p := c.producers[s]; p != nil {
		c.ways -= len(p.sequences)
		delete(c.producers, s)
	}
}

// makeRoom forgets the sources that were used longest ago, but none with a batch
// of unknown fate that the handler may still deliver again.
func (c *Client) makeRoom() {
	if c.ways <= maxSequences {
		return
	}
	sources := make([]source, 0, len(c.producers))
	for s, p := range c.producers {
		if c.now().Sub(p.used) > maxPending || !p.pending() {
			sources = append(sources, s)
		}
	}
	slices.SortFunc(sources, func(a, b source) int { return c.producers[a].used.Compare(c.producers[b].used) })
	for _, s := range sources {
		if c.ways <= maxSequences/2 {
			return
		}
		c.forget(s)
	}
}

func (p *producer) pending() bool {
	for _, s := range p.sequences {
		if s.pending != nil {
			return true
		}
	}
	return false
}

// noIdempotence reports whether an error says that there is no idempotent
// producing for us here.
func noIdempotence(err error) bool {
	e, ok := kafkaError(err)
	if !ok {
		return strings.Contains(err.Error(), tooOld)
	}
	return e.Code == kerr.ClusterAuthorizationFailed.Code || e.Code == kerr.UnsupportedVersion.Code ||
		e.Code == kerr.UnsupportedForMessageFormat.Code
}

// goPlain goes on without idempotence, for good.
func (c *Client) goPlain(err error) {
	if c.plain {
		return
	}
	c.plain = true
	c.cfg.Logger.Warn("kafka_address: the brokers do not let this user produce idempotently; a batch whose answer gets lost "+
		"will be written twice: look at the user's right IdempotentWrite on the cluster, and at the version of Kafka",
		slog.String("cause", short(err.Error())))
}

// print tells an item apart from others of its lane.
func (j *job) print(i int32) uint32 {
	var h maphash.Hash
	h.SetSeed(j.c.seed)
	r := j.rec(int(i))
	if r.Located() {
		maphash.WriteComparable(&h, r.Offset) // topic and partition are the lane's
	} else {
		maphash.WriteComparable(&h, r.Batch.Event)
		maphash.WriteComparable(&h, r.Pos)
	}
	_, _ = h.Write(r.Body)
	if j.tag != nil {
		_, _ = h.WriteString(j.tag(int(i)))
	}
	return uint32(h.Sum64())
}

// prints returns the prints of items.
func (j *job) prints(items []int32) []uint32 {
	p := make([]uint32, len(items))
	for n, i := range items {
		p[n] = j.print(i)
	}
	return p
}

// withPrints returns the items that have the prints, in order, or nil if there
// are not all of them.
func (j *job) withPrints(items []int32, prints []uint32) []int32 {
	var found []int32
	for _, i := range items {
		if len(found) < len(prints) && j.print(i) == prints[len(found)] {
			found = append(found, i)
		}
	}
	if len(found) < len(prints) {
		return nil
	}
	return found
}
