package rawjson

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// plainMasks is masks as one would write it without a thought of speed.
func plainMasks(b *[block]byte) (back, quote uint64, high bool) {
	for i, c := range b {
		switch {
		case c == '\\':
			back |= 1 << i
		case c == '"':
			quote |= 1 << i
		case c >= 0x80:
			high = true
		}
	}
	return back, quote, high
}

func checkMasks(t require.TestingT, b *[block]byte) {
	wantBack, wantQuote, wantHigh := plainMasks(b)
	for name, f := range map[string]func(*[block]byte) (uint64, uint64, uint64){"masks": masks, "masksInWords": masksInWords} {
		back, quote, or := f(b)
		require.Equal(t, wantBack, back, "%s: backslashes of %q", name, b[:])
		require.Equal(t, wantQuote, quote, "%s: quotes of %q", name, b[:])
		require.Equal(t, wantHigh, or&highs != 0, "%s: bytes above 127 of %q", name, b[:])
	}
}

// Every byte at every place, among ordinary ones and among others that are
// almost what is looked for.
func TestMasksOfEachByte(t *testing.T) {
	for _, fill := range []byte{'a', '"', '\\', 0x00, 0xff, '"' | 0x80, '\\' | 0x80, '"' - 1, '\\' + 1} {
		for at := range block {
			for c := range 256 {
				var b [block]byte
				for i := range b {
					b[i] = fill
				}
				b[at] = byte(c)
				checkMasks(t, &b)
			}
		}
	}
}

func TestMasksOfAnyBlock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOfN(rapid.SampledFrom([]byte{'"', '\\', 'a', 0x80, 0xdc, 0xa2, 0}), block, block).Draw(t, "block")
		checkMasks(t, (*[block]byte)(some))
	})
}

func BenchmarkMasks(b *testing.B) {
	var text [block]byte
	for i := range text {
		text[i] = byte(rand.IntN(128))
	}
	for name, f := range map[string]func(*[block]byte) (uint64, uint64, uint64){"masks": masks, "masksInWords": masksInWords} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(block)
			for b.Loop() {
				f(&text)
			}
		})
	}
}
