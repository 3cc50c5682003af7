package rawjson

import (
	"bytes"
	"encoding/binary"
)

// Signature packs a name's length and first seven bytes into one number: names
// of different signatures are different.
func Signature(name []byte) uint64 { return signatureAt(name, 0, len(name)) }

// signatureAt is Signature(data[i:i+n]). With seven bytes behind the name's
// start, which there mostly are, it is one load.
func signatureAt(data []byte, i, n int) uint64 {
	var w uint64
	if len(data)-i >= 8 {
		w = binary.LittleEndian.Uint64(data[i:])
		if n < 7 {
			w &= 1<<(8*n) - 1
		}
	} else {
		for k := min(n, 7) - 1; k >= 0; k-- {
			w = w<<8 | uint64(data[i+k])
		}
	}
	return w<<8 | uint64(uint8(n))
}

// MayDot reports whether a name may hold a dot, given its signature: it looks
// at the first seven bytes, and takes longer names to hold one unless the rest
// shows that they do not.
func MayDot(sig uint64, name []byte) bool {
	const dots = '.' * lows
	w := sig>>8 ^ dots
	if (w-lows)&^w&highs != 0 {
		return true
	}
	return len(name) > 7 && bytes.IndexByte(name[7:], '.') >= 0
}
