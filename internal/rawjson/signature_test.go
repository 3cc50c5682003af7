package rawjson

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSignature(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		gen := rapid.StringOfN(rapid.SampledFrom([]rune{'a', 'b', '.', '\x00', '-', '/', '中'}), 0, 12, -1)
		name, other := gen.Draw(t, "name"), gen.Draw(t, "other")
		sig := Signature([]byte(name))

		first := func(s string) string { return s[:min(7, len(s))] }
		same := len(name) == len(other) && first(name) == first(other)
		require.Equal(t, same, sig == Signature([]byte(other)))

		before, behind := gen.Draw(t, "before"), gen.Draw(t, "behind")
		require.Equal(t, sig, signatureAt([]byte(before+name+behind), len(before), len(name)), "what stands around it makes no difference")

		require.Equal(t, strings.Contains(name, "."), MayDot(sig, []byte(name)))
	})
}

func TestMayDotFindsOneDotAnywhere(t *testing.T) {
	for n := range 30 {
		name := bytes.Repeat([]byte{'x'}, n)
		require.False(t, MayDot(Signature(name), name))
		for i := range name {
			name[i] = '.'
			require.True(t, MayDot(Signature(name), name), "%d of %d", i, n)
			name[i] = 'x'
		}
	}
}
