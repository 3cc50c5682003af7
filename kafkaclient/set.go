package kafkaclient

import (
	"encoding/binary"
	"hash/crc32"
)

// A message of format 1, that of Kafka 0.10:
// https://kafka.apache.org/documentation/#messageset
const (
	setSizeAt  = 8  // of what follows
	setCRCAt   = 12 // of what follows
	setMagicAt = 16
)

// appendToSet appends the message to a set that has number messages already. It
// has no headers there.
func (m *message) appendToSet(dst []byte, number int) []byte {
	return appendSetMessage(dst, int64(number), 0, m.time, m.key, m.value)
}

func appendSetMessage(dst []byte, offset int64, attributes byte, ms int64, key, value []byte) []byte {
	put := binary.BigEndian
	start := len(dst)
	dst = put.AppendUint64(dst, uint64(offset))
	dst = append(dst, 0, 0, 0, 0, 0, 0, 0, 0, 1, attributes)
	dst = put.AppendUint64(dst, uint64(ms))
	dst = appendSetBytes(dst, key)
	dst = appendSetBytes(dst, value)
	put.PutUint32(dst[start+setSizeAt:], uint32(len(dst)-start-setCRCAt))
	put.PutUint32(dst[start+setCRCAt:], crc32.ChecksumIEEE(dst[start+setMagicAt:]))
	return dst
}

func appendSetBytes(dst, b []byte) []byte {
	if b == nil {
		return binary.BigEndian.AppendUint32(dst, ^uint32(0))
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(b)))
	return append(dst, b...)
}

// sealSet makes wire, in dst, of a set: as it is, or compressed inside one
// message.
func (b *batch) sealSet(dst, set []byte, c *codec) {
	packed, number := c.pack(set)
	b.size = len(set)
	if number == 0 {
		b.wire = append(dst[:0], set...)
		return
	}
	b.wire = appendSetMessage(dst[:0], int64(len(b.items)-1), byte(number), b.last, nil, packed)
}
