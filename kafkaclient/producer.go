package kafkaclient

import (
	"context"
	"hash/maphash"
	"log/slog"
	"math"
	"strings"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// maxSequences bounds what is remembered. An instance serves few partitions.
const maxSequences = 10_000

// source is a source partition.
type source struct {
	topic     string
	partition int32
}

// sequenceKey is a way from a source partition to a target partition.
type sequenceKey struct {
	source
	target    string
	partition int32
}

// sequence numbers the batches on one way. A broker takes a batch only under
// the number that comes next, and knows the last ones: one that is sent again
// is not written again.
type sequence struct {
	producer int64
	epoch    int16
	next     int32
	// unsure is how many messages a batch had that was sent under next and of
	// which nobody knows whether it was written; 0 = there is none. print tells
	// whether it is the same messages that are to be sent now.
	unsure int
	print  uint64
}

// restart begins to count from 0 under a new epoch, which makes the broker
// refuse what may still be on its way under the old one. It reports false if
// there are no more epochs.
func (s *sequence) restart() bool {
	if s.epoch == math.MaxInt16 {
		return false
	}
	s.epoch++
	s.next, s.unsure = 0, 0
	return true
}

// advance counts n messages that were written.
func (s *sequence) advance(n int) {
	s.next = int32((uint32(s.next) + uint32(n)) & math.MaxInt32)
	s.unsure = 0
}

// sequenceOf returns the way's sequence. The source has a producer id.
func (c *Client) sequenceOf(k sequenceKey) *sequence {
	s := c.sequences[k]
	if s == nil {
		s = &sequence{producer: c.producers[k.source]}
		c.sequences[k] = s
	}
	return s
}

// identify sees to it that the source has a producer id, or that it is known
// that the brokers give none.
func (c *Client) identify(ctx context.Context, s source) error {
	if _, ok := c.producers[s]; ok || c.plain {
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
		c.producers[s] = res.ProducerID
		return nil
	}
	if noIdempotence(err) {
		c.goPlain(err)
		return nil
	}
	return err
}

// noIdempotence reports whether an error says that there is no idempotent
// producing for us here.
func noIdempotence(err error) bool {
	e, ok := kafkaError(err)
	if !ok {
		// What kgo says if the broker does not know the request at all.
		return strings.Contains(err.Error(), "broker is too old")
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

// print tells apart lists of items.
func (j *job) print(items []int32) uint64 {
	var h maphash.Hash
	h.SetSeed(j.c.seed)
	for _, i := range items {
		r := j.rec(int(i))
		if r.Located() {
			maphash.WriteComparable(&h, r.Offset) // topic and partition are the lane's
		} else {
			maphash.WriteComparable(&h, r.Batch.Event)
			maphash.WriteComparable(&h, r.Pos)
		}
		maphash.WriteComparable(&h, maphash.Bytes(j.c.seed, r.Body))
		if j.tag != nil {
			_, _ = h.WriteString(j.tag(int(i)))
		}
	}
	return h.Sum64()
}
