package rawjson

import "encoding/binary"

// block is how many bytes masks looks at: one for each bit of a word.
const block = 64

// masksInWords is masks for every processor.
func masksInWords(b *[block]byte) (back, quote, or uint64) {
	for k := 0; k < block; k += 8 {
		or |= binary.LittleEndian.Uint64(b[k:])
	}
	const low7 = ^uint64(highs)
	if or&highs == 0 { // a byte below 128 plus 127 has the highest bit unless it is zero
		for k := 0; k < block; k += 8 {
			w := binary.LittleEndian.Uint64(b[k:])
			back |= gather(^((w^('\\'*lows))+low7)&highs) << k
			quote |= gather(^((w^('"'*lows))+low7)&highs) << k
		}
		return back, quote, or
	}
	for k := 0; k < block; k += 8 {
		w := binary.LittleEndian.Uint64(b[k:])
		back |= gather(zeroBytes(w^('\\'*lows))) << k
		quote |= gather(zeroBytes(w^('"'*lows))) << k
	}
	return back, quote, or
}

// zeroBytes has the highest bit of a byte set where x's byte is zero.
func zeroBytes(x uint64) uint64 {
	const low7 = ^uint64(highs)
	return ^((x&low7 + low7) | x | low7)
}

// gather packs the highest bits of eight bytes into one byte.
func gather(x uint64) uint64 { return x * 0x0002040810204081 >> 56 }
