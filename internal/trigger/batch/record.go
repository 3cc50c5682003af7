package batch

import (
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/twmb/franz-go/pkg/kgo"
)

// Record is a record of a batch. What it refers to is valid as long as what the
// Reader reads.
type Record struct {
	Offset int64
	Time   int64  // ms since 1970
	Key    []byte // nil: none
	Value  []byte // nil: none

	headers []byte
}

// Sum is a checksum of the key and the value.
func (rec *Record) Sum() uint32 {
	return crc32.Update(crc32.Checksum(rec.Key, castagnoli), castagnoli, rec.Value)
}

// Open decompresses the batch into dst[:0], or into new memory if that is too
// small, and returns the records' bytes for NewReader. It is ErrTooLarge if
// they are more than limit. Of a batch that is not compressed these are its
// own.
func (b *Batch) Open(dst []byte, limit int) ([]byte, error) {
	opened, err := decompress(codec(b.attributes&codecMask), dst, b.data, limit)
	if err != nil && !errors.Is(err, ErrTooLarge) {
		return nil, &CorruptError{b.First, err.Error()}
	}
	return opened, err
}

// Reader reads the records of a batch one after another.
type Reader struct {
	batch *Batch
	src   []byte
	at    int
	n     int // how many were read
}

// NewReader reads the records of b, which Open returned.
func NewReader(b *Batch, opened []byte) Reader { return Reader{batch: b, src: opened} }

// Next reads the next record. It returns false behind the last.
func (r *Reader) Next(rec *Record) (bool, error) {
	if r.n == r.batch.Records {
		return false, nil
	}
	d := decoder{src: r.src, at: r.at}
	size := d.varint()
	end := d.at + int(size)
	if d.bad || size < 0 || end > len(r.src) {
		return false, r.corrupt()
	}
	d.src = r.src[:end]
	d.at++ // the record's attributes
	rec.Time = r.batch.baseTime + d.varint()
	rec.Offset = r.batch.First + d.varint()
	rec.Key = d.bytes()
	rec.Value = d.bytes()
	if d.bad || d.at > end {
		return false, r.corrupt()
	}
	if r.batch.attributes&logAppendTime != 0 {
		rec.Time = r.batch.maxTime
	}
	rec.headers = r.src[d.at:end]
	r.at = end
	r.n++
	return true, nil
}

func (r *Reader) corrupt() error {
	return &CorruptError{r.batch.First, "a record ends before its end"}
}

// Headers returns the record's headers.
func (rec *Record) Headers() []kgo.RecordHeader {
	d := decoder{src: rec.headers}
	n := d.varint()
	var headers []kgo.RecordHeader
	for ; n > 0 && !d.bad; n-- {
		key := d.bytes()
		if value := d.bytes(); !d.bad {
			headers = append(headers, kgo.RecordHeader{Key: string(key), Value: value})
		}
	}
	return headers
}

// decoder reads the fields of a record.
type decoder struct {
	src []byte
	at  int
	bad bool
}

func (d *decoder) varint() int64 {
	if d.at < len(d.src) && d.src[d.at] < 0x80 { // most have one byte
		u := d.src[d.at]
		d.at++
		return int64(u>>1) ^ -int64(u&1)
	}
	if d.at > len(d.src) {
		d.bad = true
		return 0
	}
	v, n := binary.Varint(d.src[d.at:])
	if n <= 0 {
		d.bad = true
		return 0
	}
	d.at += n
	return v
}

// bytes reads a length and as many bytes; the length -1 stands for nil.
func (d *decoder) bytes() []byte {
	n := d.varint()
	if n < 0 || d.bad {
		return nil
	}
	end := d.at + int(n)
	if n > int64(len(d.src)) || end > len(d.src) {
		d.bad = true
		return nil
	}
	b := d.src[d.at:end:end]
	d.at = end
	return b
}
