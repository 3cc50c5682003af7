package kafkaclient

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/pierrec/lz4/v4"
	"github.com/twmb/franz-go/pkg/kbin"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Where the fields of a record batch stand, of message format 2:
// https://kafka.apache.org/documentation/#recordbatch
const (
	lengthAt      = 8  // of what follows
	leaderEpochAt = 12 // the broker's to fill in
	magicAt       = 16
	crcAt         = 17 // of what follows
	attributesAt  = 21
	lastDeltaAt   = 23
	firstTimeAt   = 27
	maxTimeAt     = 35
	producerAt    = 43
	epochAt       = 51
	sequenceAt    = 53
	countAt       = 57
	batchHead     = 61
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// message is one Kafka message to be. Its slices are read before the next one
// is made.
type message struct {
	key     []byte // nil = a null key
	value   []byte
	time    int64 // ms since 1970
	headers []byte
	count   int  // of headers
	bare    bool // it is to have no headers
}

func (m *message) reset(f format) { *m = message{headers: m.headers[:0], bare: f != numbered} }

func (m *message) header(name, value string) {
	if m.bare {
		return
	}
	m.headers = kbin.AppendVarintString(m.headers, name)
	m.headers = kbin.AppendVarintString(m.headers, value)
	m.count++
}

// appendTo appends the message as a record of a batch that began at time first
// and has number records already.
func (m *message) appendTo(dst []byte, first int64, number int) []byte {
	after, delta := m.time-first, int32(number)
	size := 1 + kbin.VarlongLen(after) + kbin.VarintLen(delta) +
		lengthOf(m.key) + lengthOf(m.value) + kbin.VarintLen(int32(m.count)) + len(m.headers)
	dst = kbin.AppendVarint(dst, int32(size))
	dst = append(dst, 0) // attributes, none are defined
	dst = kbin.AppendVarlong(dst, after)
	dst = kbin.AppendVarint(dst, delta)
	dst = kbin.AppendVarintBytes(dst, m.key)
	dst = kbin.AppendVarintBytes(dst, m.value)
	dst = kbin.AppendVarint(dst, int32(m.count))
	return append(dst, m.headers...)
}

func lengthOf(b []byte) int {
	if b == nil {
		return 1 // the length -1
	}
	return kbin.VarintLen(int32(len(b))) + len(b)
}

// batch is the messages that are sent, and settled, together.
type batch struct {
	items       []int32 // whose messages they are
	end         int     // where the lane goes on behind them
	first, last int64   // times of the first message and of the latest
	size        int     // bytes of the records before compression
	format      format
	wire        []byte // all of it, as it is sent
	// alone says that nothing is made ready behind it.
	alone bool
	// lent says that a request that was given up may still be reading wire.
	lent bool
}

// seal makes wire, in dst, of the batch's records.
func (b *batch) seal(dst, records []byte, c *codec) {
	if b.format == sets {
		b.sealSet(dst, records, c)
		return
	}
	dst = append(dst[:0], make([]byte, batchHead)...)
	packed, number := c.pack(records)
	dst = append(dst, packed...)
	b.size, b.wire = len(records), dst

	n := len(b.items)
	put := binary.BigEndian
	put.PutUint32(dst[lengthAt:], uint32(len(dst)-leaderEpochAt))
	put.PutUint32(dst[leaderEpochAt:], ^uint32(0))
	dst[magicAt] = 2
	put.PutUint16(dst[attributesAt:], number)
	put.PutUint32(dst[lastDeltaAt:], uint32(n-1))
	put.PutUint64(dst[firstTimeAt:], uint64(b.first))
	put.PutUint64(dst[maxTimeAt:], uint64(b.last))
	put.PutUint32(dst[countAt:], uint32(n))
}

// number writes under which number the batch is sent. A set has none.
func (b *batch) number(producer int64, epoch int16, first int32) {
	if b.format == sets {
		return
	}
	if b.lent {
		b.wire, b.lent = bytes.Clone(b.wire), false
	}
	put := binary.BigEndian
	put.PutUint64(b.wire[producerAt:], uint64(producer))
	put.PutUint16(b.wire[epochAt:], uint16(epoch))
	put.PutUint32(b.wire[sequenceAt:], uint32(first))
	put.PutUint32(b.wire[crcAt:], crc32.Checksum(b.wire[attributesAt:], castagnoli))
}

// codec compresses batches. It is not safe for concurrent use.
type codec struct {
	number  uint16 // in the batch's attributes
	packer  kgo.Compressor
	lz4     *lz4.Writer
	scratch bytes.Buffer
}

func newCodec(name string) (codec, error) {
	var c codec
	var err error
	switch name {
	case "none":
	case "gzip":
		c.number = 1
		c.packer, err = kgo.DefaultCompressor(kgo.GzipCompression())
	case "snappy":
		c.number = 2
		c.packer, err = kgo.DefaultCompressor(kgo.SnappyCompression())
	case "lz4":
		// Not kgo's: its blocks of 4 MiB take more memory than a batch is large.
		c.number = 3
		c.lz4 = lz4.NewWriter(nil)
		err = c.lz4.Apply(lz4.BlockSizeOption(lz4.Block256Kb))
	case "zstd":
		c.number = 4
		c.packer, err = kgo.DefaultCompressor(kgo.ZstdCompression())
	default:
		err = fmt.Errorf("got %q, allowed: none, gzip, snappy, lz4, zstd", name)
	}
	return c, err
}

// pack returns the records compressed, or as they are if that is no shorter,
// and the number that says so. What it returns is valid until the next call.
func (c *codec) pack(records []byte) (packed []byte, number uint16) {
	c.scratch.Reset()
	switch {
	case c.lz4 != nil:
		c.lz4.Reset(&c.scratch)
		_, werr := c.lz4.Write(records)
		if cerr := c.lz4.Close(); werr != nil || cerr != nil { // a buffer takes everything: it cannot happen
			return records, 0
		}
		packed = c.scratch.Bytes()
	case c.packer != nil:
		packed, _ = c.packer.Compress(&c.scratch, records)
	}
	if len(packed) == 0 || len(packed) >= len(records) {
		return records, 0
	}
	return packed, c.number
}

// trim gives back the space that a large batch has taken.
func (c *codec) trim() {
	if c.scratch.Cap() > batchBytes {
		c.scratch = bytes.Buffer{}
	}
}
