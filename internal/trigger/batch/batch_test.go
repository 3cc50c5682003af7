package batch

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"testing"
	"time"

	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"
)

const enough = 1 << 20

var moment = time.UnixMilli(1_700_000_000_000)

// wire is a batch as a broker sends it.
type wire struct {
	attributes int16
	producer   int64
	epoch      int32
	compress   func([]byte) []byte
	records    []*kgo.Record
	last       int64 // if it is behind that of the records
}

func records(offsets ...int64) (recs []*kgo.Record) {
	for _, o := range offsets {
		recs = append(recs, &kgo.Record{
			Offset: o, Timestamp: moment.Add(time.Duration(o) * time.Second), Key: fmt.Appendf(nil, "k%d", o), Value: fmt.Appendf(nil, "v%d", o),
			Headers: []kgo.RecordHeader{{Key: "h", Value: []byte{byte(o)}}},
		})
	}
	return recs
}

func (w wire) bytes() []byte {
	b := encode(w.records)
	data := b.data
	if w.compress != nil {
		data = w.compress(data)
	}
	rb := kmsg.RecordBatch{
		FirstOffset: b.First, PartitionLeaderEpoch: w.epoch, Magic: 2, Attributes: w.attributes,
		LastOffsetDelta: int32(max(b.Last, w.last) - b.First), FirstTimestamp: b.baseTime, MaxTimestamp: b.maxTime,
		ProducerID: w.producer, NumRecords: int32(len(w.records)), Records: data,
	}
	return seal(rb.AppendTo(nil))
}

// seal sets the length and the checksum.
func seal(raw []byte) []byte {
	binary.BigEndian.PutUint32(raw[atLength:], uint32(len(raw)-atEpoch))
	binary.BigEndian.PutUint32(raw[atCRC:], crc32.Checksum(raw[atAttributes:], castagnoli))
	return raw
}

func response(batches ...wire) *kmsg.FetchResponseTopicPartition {
	p := kmsg.NewFetchResponseTopicPartition()
	for _, w := range batches {
		p.RecordBatches = append(p.RecordBatches, w.bytes()...)
	}
	return &p
}

// read returns all records of batches, with what they refer to copied.
func read(t require.TestingT, batches []Batch) (recs []*kgo.Record) {
	for i := range batches {
		opened, err := batches[i].Open(nil, enough)
		require.NoError(t, err)
		var rec Record
		for r := NewReader(&batches[i], opened); ; {
			ok, err := r.Next(&rec)
			require.NoError(t, err)
			if !ok {
				break
			}
			recs = append(recs, &kgo.Record{
				Offset: rec.Offset, Timestamp: time.UnixMilli(rec.Time), Key: bytes.Clone(rec.Key), Value: bytes.Clone(rec.Value), Headers: rec.Headers(),
			})
		}
	}
	return recs
}

func TestTake(t *testing.T) {
	s, err := Take(response(wire{epoch: 3, records: records(5, 6, 9)}, wire{epoch: 4, records: records(10), last: 14}), 5, enough)
	require.NoError(t, err)
	assert.Equal(t, int64(15), s.Next, "a compacted batch covers more than its records")
	assert.Equal(t, int32(4), s.Epoch)
	require.Len(t, s.Batches, 2)
	assert.Equal(t, []int64{5, 9}, []int64{s.Batches[0].First, s.Batches[0].Last})
	assert.Equal(t, 3, s.Batches[0].Records)
	assert.Equal(t, moment.Add(5*time.Second), s.Batches[0].Time())
	assert.Equal(t, records(5, 6, 9, 10), read(t, s.Batches))
	Own(s.Batches)
	assert.Equal(t, records(5, 6, 9, 10), read(t, s.Batches))
}

func TestTakeNothing(t *testing.T) {
	s, err := Take(response(), 5, enough)
	require.NoError(t, err)
	assert.Equal(t, Split{Next: 5, Epoch: -1}, s)
}

// A response begins with the batch that holds the offset, and may hold ones
// before it.
func TestTakeFromTheMiddle(t *testing.T) {
	s, err := Take(response(wire{records: records(1, 2)}, wire{records: records(3, 4, 5)}), 4, enough)
	require.NoError(t, err)
	require.Len(t, s.Batches, 1)
	assert.Equal(t, int64(3), s.Batches[0].First)
	assert.Equal(t, int64(6), s.Next)
}

// A response ends in the middle of a batch. If that is its only one, the next
// fetch has to ask for more.
func TestTakeAPart(t *testing.T) {
	p := response(wire{records: records(1)}, wire{records: records(2, 3)})
	whole := len(response(wire{records: records(2, 3)}).RecordBatches)
	p.RecordBatches = p.RecordBatches[:len(p.RecordBatches)-1]
	s, err := Take(p, 1, enough)
	require.NoError(t, err)
	assert.Equal(t, int64(2), s.Next)
	assert.Zero(t, s.Need)
	p = response(wire{records: records(2, 3)})
	p.RecordBatches = p.RecordBatches[:whole-1]
	s, err = Take(p, 2, enough)
	require.NoError(t, err)
	assert.Equal(t, int64(2), s.Next)
	assert.Equal(t, whole, s.Need)
}

// One damaged byte, wherever it is, is found; what comes before it is there. The
// first bytes of a batch are not under the checksum: the broker writes them.
func TestDamagedByte(t *testing.T) {
	p := response(wire{records: records(1)}, wire{records: records(2, 3)}, wire{records: records(4)})
	begin := len(response(wire{records: records(1)}).RecordBatches)
	end := begin + len(response(wire{records: records(2, 3)}).RecordBatches)
	for at := begin + atMagic; at < end; at++ {
		damaged := *p
		damaged.RecordBatches = bytes.Clone(p.RecordBatches)
		damaged.RecordBatches[at] ^= 0x10
		s, err := Take(&damaged, 1, enough)
		var corrupt *CorruptError
		require.ErrorAs(t, err, &corrupt, "byte %d", at)
		assert.Equal(t, int64(2), corrupt.Offset)
		assert.Equal(t, int64(2), s.Next)
		assert.Len(t, s.Batches, 1)
	}
}

// Whatever comes, it is no reason to panic.
func TestTakeAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := response(wire{records: records(1, 2)}, wire{attributes: int16(codecGzip), compress: gzipped, records: records(3, 4)})
		for range rapid.IntRange(1, 5).Draw(t, "changes") {
			at := rapid.IntRange(0, len(p.RecordBatches)-1).Draw(t, "at")
			p.RecordBatches[at] = rapid.Byte().Draw(t, "byte")
		}
		if rapid.Bool().Draw(t, "sealed") && binary.BigEndian.Uint32(p.RecordBatches[atLength:]) == uint32(len(p.RecordBatches)-atEpoch) {
			seal(p.RecordBatches)
		}
		s, _ := Take(p, 1, enough)
		for i := range s.Batches {
			opened, err := s.Batches[i].Open(nil, enough)
			if err != nil {
				continue
			}
			r := NewReader(&s.Batches[i], opened)
			var rec Record
			for ok := true; ok; {
				ok, _ = r.Next(&rec)
				rec.Headers()
			}
		}
	})
}

// Records of aborted transactions are left out, and so are the markers.
func TestTransactions(t *testing.T) {
	marker := func(producer, offset int64, commit byte) wire {
		return wire{attributes: transactional | control, producer: producer, records: []*kgo.Record{{
			Offset: offset, Timestamp: moment, Key: []byte{0, 0, 0, commit}, Value: []byte{0, 0, 0, 0, 0, 0},
		}}}
	}
	data := func(producer int64, offsets ...int64) wire {
		return wire{attributes: transactional, producer: producer, records: records(offsets...)}
	}
	p := response(
		data(1, 0, 1), data(2, 2), wire{records: records(3)}, marker(1, 4, 0), // 1 aborts
		data(1, 5), marker(2, 6, 1), marker(1, 7, 1), // 2 and then 1 commit
		data(1, 8), marker(1, 9, 0), // 1 aborts again
	)
	aborted := func(producer, first int64) {
		a := kmsg.NewFetchResponseTopicPartitionAbortedTransaction()
		a.ProducerID, a.FirstOffset = producer, first
		p.AbortedTransactions = append(p.AbortedTransactions, a)
	}
	aborted(1, 8)
	aborted(1, 0) // brokers may send them in any order
	s, err := Take(p, 0, enough)
	require.NoError(t, err)
	assert.Equal(t, records(2, 3, 5), read(t, s.Batches))
	assert.Equal(t, int64(10), s.Next)
}

func gzipped(src []byte) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write(src)
	_ = w.Close()
	return b.Bytes()
}

func snappied(src []byte) []byte { return s2.EncodeSnappy(nil, src) }

// xerialed is snappy in the framing of the Java client, in blocks of 10 bytes.
func xerialed(src []byte) []byte {
	dst := append(bytes.Clone(xerialMagic), 0, 0, 0, 1, 0, 0, 0, 1)
	for len(src) > 0 {
		block := snappied(src[:min(10, len(src))])
		dst = binary.BigEndian.AppendUint32(dst, uint32(len(block)))
		dst = append(dst, block...)
		src = src[min(10, len(src)):]
	}
	return dst
}

func lz4ed(src []byte) []byte {
	var b bytes.Buffer
	w := lz4.NewWriter(&b)
	_, _ = w.Write(src)
	_ = w.Close()
	return b.Bytes()
}

func zstded(src []byte) []byte {
	w, _ := zstd.NewWriter(nil)
	return w.EncodeAll(src, nil)
}

var codecs = map[string]struct {
	codec    codec
	compress func([]byte) []byte
}{
	"gzip": {codecGzip, gzipped}, "snappy": {codecSnappy, snappied}, "snappy of Java": {codecSnappy, xerialed},
	"lz4": {codecLZ4, lz4ed}, "zstd": {codecZstd, zstded},
}

// Every compression is read, into memory that is given or not, and never makes
// more than it may.
func TestCompression(t *testing.T) {
	for name, c := range codecs {
		t.Run(name, func(t *testing.T) {
			want := records(1, 2, 3, 4, 5)
			s, err := Take(response(wire{attributes: int16(c.codec), compress: c.compress, records: want}), 1, enough)
			require.NoError(t, err)
			assert.True(t, s.Batches[0].Compressed())
			assert.Equal(t, want, read(t, s.Batches))
			size := len(encode(want).data)
			for _, scratch := range [][]byte{nil, make([]byte, 3), make([]byte, 0, 1000)} {
				opened, err := s.Batches[0].Open(scratch, size)
				require.NoError(t, err)
				assert.Len(t, opened, size)
				_, err = s.Batches[0].Open(scratch, size-1)
				require.ErrorIs(t, err, ErrTooLarge)
			}
			bomb := c.compress(make([]byte, 8<<20))
			_, err = decompress(c.codec, nil, bomb, enough)
			require.ErrorIs(t, err, ErrTooLarge)
			s.Batches[0].data = s.Batches[0].data[:len(s.Batches[0].data)/2]
			_, err = s.Batches[0].Open(nil, enough)
			var corrupt *CorruptError
			require.ErrorAs(t, err, &corrupt)
		})
	}
	_, err := decompress(6, nil, []byte("x"), enough)
	require.ErrorContains(t, err, "unknown compression 6")
}

// What a frame says of its size is no reason to take so much memory.
func TestLies(t *testing.T) {
	snappy := binary.AppendUvarint(nil, 1<<32-1)
	_, err := decompress(codecSnappy, nil, append(snappy, "xxxx"...), enough)
	require.ErrorIs(t, err, ErrTooLarge)
	_, err = decompress(codecSnappy, nil, append(bytes.Clone(xerialMagic), 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 1), enough)
	require.ErrorIs(t, err, errFraming)
}

// message is one of the formats 0 and 1.
func message(magic int8, attributes int8, offset int64, key, value []byte) []byte {
	var raw []byte
	if magic == 0 {
		m := kmsg.MessageV0{Offset: offset, Magic: 0, Attributes: attributes, Key: key, Value: value}
		raw = m.AppendTo(nil)
	} else {
		m := kmsg.MessageV1{Offset: offset, Magic: 1, Attributes: attributes, Timestamp: moment.UnixMilli(), Key: key, Value: value}
		raw = m.AppendTo(nil)
	}
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[12:], crc32.ChecksumIEEE(raw[16:]))
	return raw
}

// Kafka before 0.11, and CKafka 0.10.2, have messages of older formats. A
// compressed one holds others, whose offsets count from its first one.
func TestOldFormats(t *testing.T) {
	inner := append(message(1, 0, 0, nil, []byte("c")), message(1, 0, 1, []byte("k"), []byte("d"))...)
	p := kmsg.NewFetchResponseTopicPartition()
	p.RecordBatches = append(p.RecordBatches, message(0, 0, 7, nil, []byte("a"))...)
	p.RecordBatches = append(p.RecordBatches, message(1, 0, 8, []byte("k"), []byte("b"))...)
	p.RecordBatches = append(p.RecordBatches, message(1, int8(codecSnappy), 10, nil, snappied(inner))...)
	s, err := Take(&p, 8, enough)
	require.NoError(t, err)
	assert.Equal(t, int64(11), s.Next)
	assert.Equal(t, int32(-1), s.Epoch)
	got := read(t, s.Batches)
	require.Len(t, got, 3)
	for i, want := range []string{"8 k b", "9  c", "10 k d"} {
		assert.Equal(t, want, fmt.Sprintf("%d %s %s", got[i].Offset, got[i].Key, got[i].Value))
		assert.Equal(t, moment, got[i].Timestamp)
	}
	assert.Nil(t, got[1].Key)

	p.RecordBatches[len(p.RecordBatches)-1] ^= 1
	s, err = Take(&p, 8, enough)
	var corrupt *CorruptError
	require.ErrorAs(t, err, &corrupt)
	assert.Equal(t, int64(9), s.Next)

	p.RecordBatches = message(1, int8(codecSnappy), 10, nil, snappied(make([]byte, 2*enough)))
	_, err = Take(&p, 8, enough)
	require.ErrorIs(t, err, ErrTooLarge)

	whole := message(1, 0, 8, nil, make([]byte, 100))
	p.RecordBatches = whole[:50]
	s, err = Take(&p, 8, enough)
	require.NoError(t, err)
	assert.Equal(t, len(whole), s.Need)
}

// Format 0 has no time.
func TestNoTime(t *testing.T) {
	p := kmsg.NewFetchResponseTopicPartition()
	p.RecordBatches = message(0, 0, 7, nil, []byte("a"))
	s, err := Take(&p, 0, enough)
	require.NoError(t, err)
	assert.True(t, s.Batches[0].Time().IsZero())
}

// With the time of the broker all records have the one of the batch.
func TestTimeOfTheBroker(t *testing.T) {
	s, err := Take(response(wire{attributes: logAppendTime, records: records(1, 5)}), 0, enough)
	require.NoError(t, err)
	for _, r := range read(t, s.Batches) {
		assert.Equal(t, moment.Add(5*time.Second), r.Timestamp)
	}
	assert.Equal(t, moment.Add(5*time.Second), s.Batches[0].Time())
}

// A value that is not there is none, and an empty one is empty.
func TestNilAndEmpty(t *testing.T) {
	want := []*kgo.Record{{Offset: 1, Timestamp: moment}, {Offset: 2, Timestamp: moment, Key: []byte{}, Value: []byte{}}}
	s, err := Take(response(wire{records: want}), 0, enough)
	require.NoError(t, err)
	opened, err := s.Batches[0].Open(nil, enough)
	require.NoError(t, err)
	var rec Record
	r := NewReader(&s.Batches[0], opened)
	_, _ = r.Next(&rec)
	assert.Nil(t, rec.Key)
	assert.Nil(t, rec.Value)
	_, _ = r.Next(&rec)
	assert.NotNil(t, rec.Key)
	assert.NotNil(t, rec.Value)
}

// Records are read without taking memory.
func TestReadingTakesNoMemory(t *testing.T) {
	s, err := Take(response(wire{records: records(1, 2, 3, 4, 5, 6, 7, 8)}), 0, enough)
	require.NoError(t, err)
	var rec Record
	var sum uint32
	assert.Zero(t, testing.AllocsPerRun(100, func() {
		r := NewReader(&s.Batches[0], s.Batches[0].data)
		for ok := true; ok; {
			ok, _ = r.Next(&rec)
			sum += rec.Sum()
		}
	}))
}
