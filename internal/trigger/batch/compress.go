package batch

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/s2"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

type codec int16

const (
	codecNone codec = iota
	codecGzip
	codecSnappy
	codecLZ4
	codecZstd
)

// decompress appends what src holds to dst[:0]. It takes no more memory than
// limit allows, whatever src says of itself.
func decompress(c codec, dst, src []byte, limit int) ([]byte, error) {
	switch c {
	case codecNone:
		return src, nil
	case codecGzip:
		return gunzip(dst, src, limit)
	case codecSnappy:
		return unsnappy(dst, src, limit)
	case codecLZ4:
		r, _ := lz4Readers.Get().(*lz4.Reader)
		defer lz4Readers.Put(r)
		r.Reset(bytes.NewReader(src))
		return readAll(dst, r, limit)
	case codecZstd:
		return unzstd(dst, src, limit)
	default:
		return nil, fmt.Errorf("unknown compression %d", c)
	}
}

var (
	lz4Readers  = sync.Pool{New: func() any { return lz4.NewReader(nil) }}
	gzipReaders = sync.Pool{New: func() any { return new(gzip.Reader) }}
	zstdReaders = sync.Pool{New: func() any {
		r, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			panic(err) // the options are sound
		}
		return r
	}}
)

func gunzip(dst, src []byte, limit int) ([]byte, error) {
	r, _ := gzipReaders.Get().(*gzip.Reader)
	defer gzipReaders.Put(r)
	if err := r.Reset(bytes.NewReader(src)); err != nil {
		return nil, err
	}
	return readAll(dst, r, limit)
}

// readAll reads r into dst[:0].
func readAll(dst []byte, r io.Reader, limit int) ([]byte, error) {
	dst = dst[:0]
	for {
		if len(dst) == cap(dst) {
			dst = append(dst, 0)[:len(dst)]
		}
		n, err := r.Read(dst[len(dst):cap(dst)])
		dst = dst[:len(dst)+n]
		switch {
		case len(dst) > limit:
			return nil, ErrTooLarge
		case errors.Is(err, io.EOF):
			return dst, nil
		case err != nil:
			return nil, err
		}
	}
}

// unzstd does not trust the size that a frame states: it is a bound only after
// the frame was read.
func unzstd(dst, src []byte, limit int) ([]byte, error) {
	var h zstd.Header
	if err := h.Decode(src); err == nil && h.HasFCS && h.FrameContentSize > uint64(limit) {
		return nil, ErrTooLarge
	}
	r, _ := zstdReaders.Get().(*zstd.Decoder)
	defer func() {
		_ = r.Reset(nil) // lets go of src
		zstdReaders.Put(r)
	}()
	if err := r.Reset(bytes.NewReader(src)); err != nil {
		return nil, err
	}
	return readAll(dst, r, limit)
}

// xerialMagic begins the framing that the Java client puts around blocks of
// snappy.
var xerialMagic = []byte{0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0}

var errFraming = errors.New("snappy: the framing is broken")

func unsnappy(dst, src []byte, limit int) ([]byte, error) {
	const header = 16 // the magic and two versions
	if len(src) < header || !bytes.HasPrefix(src, xerialMagic) {
		return appendSnappy(dst[:0], src, limit)
	}
	dst = dst[:0]
	for src = src[header:]; len(src) > 0; {
		if len(src) < 4 {
			return nil, errFraming
		}
		n := int64(binary.BigEndian.Uint32(src))
		if src = src[4:]; n > int64(len(src)) {
			return nil, errFraming
		}
		var err error
		if dst, err = appendSnappy(dst, src[:n], limit-len(dst)); err != nil {
			return nil, err
		}
		src = src[n:]
	}
	return dst, nil
}

// appendSnappy appends a block of snappy. Its size stands at its beginning.
func appendSnappy(dst, src []byte, limit int) ([]byte, error) {
	n, err := s2.DecodedLen(src)
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, ErrTooLarge
	}
	at := len(dst)
	if cap(dst)-at < n {
		dst = append(make([]byte, 0, max(2*cap(dst), at+n)), dst...)
	}
	block, err := s2.Decode(dst[at:at+n:at+n], src)
	if err != nil {
		return nil, err
	}
	return dst[:at+len(block)], nil
}
