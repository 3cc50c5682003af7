package rawjson

import (
	"bytes"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// The blocks of AppendString must give what StringEnd and AppendUnescaped give
// one byte after the other, wherever escapes and the end fall.
func TestAppendStringAgreesWithTheSimpleWay(t *testing.T) {
	piece := rapid.SampledFrom([]string{
		`\"`, `\\`, `\\\"`, `\\\\`, `\n`, `\u0041`, `\ud83d\ude00`, `\ud800`, `\udc00x`, `\u00`, `\x`, `\/`,
		"a", "key", "some longer text without escapes, ", "0123456789abcdef", "中文", "\xff", "{", "}", ":",
	})
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(piece, 0, 60).Draw(t, "text"), "")
		before := strings.Repeat("x", rapid.IntRange(0, 70).Draw(t, "before"))
		after := strings.Repeat("y", rapid.IntRange(0, 200).Draw(t, "after"))
		checkString(t, []byte(before+`"`+text+`"`+after), len(before)+1)
	})
}

func FuzzAppendString(f *testing.F) {
	f.Add([]byte(`abc\"def"`+strings.Repeat("z", 100)), 0)
	f.Add([]byte(strings.Repeat(`\\`, 63)+`\""`+strings.Repeat("z", 100)), 1)
	f.Add([]byte(strings.Repeat(`a`, 58)+`\ud83d\ude00"`+strings.Repeat("z", 100)), 0)
	f.Fuzz(func(t *testing.T, data []byte, i int) {
		if i < 0 || i > len(data) {
			return
		}
		checkString(t, data, i)
	})
}

func checkString(t require.TestingT, data []byte, i int) {
	dst, got := AppendString([]byte("kept"), data, i)
	end := StringEnd(data, i)
	require.Equal(t, end, got.End)
	if end < 0 {
		return
	}
	want, lossy := AppendUnescaped([]byte("kept"), data[i:end])
	require.Equal(t, string(want), string(dst))
	require.Equal(t, lossy, got.Lossy)
	if got.ASCII {
		require.True(t, ASCII(want[len("kept"):]))
	}
}

func TestAppendEscapedValidAgreesWithAppendEscaped(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := []byte(rapid.String().Draw(t, "s"))
		want, replaced := AppendEscaped([]byte("kept"), s)
		require.Zero(t, replaced)
		require.Equal(t, string(want), string(AppendEscapedValid([]byte("kept"), s)))
	})
}

func TestAppendStringWritesOnlyBehindItsEnd(t *testing.T) {
	backing := bytes.Repeat([]byte{'-'}, 4096)
	dst, s := AppendString(backing[:10:2048], []byte(`ab\"cd"`+strings.Repeat(" ", 200)), 0)
	require.Equal(t, 6, s.End)
	require.Equal(t, `----------ab"cd`, string(dst))
	require.Equal(t, bytes.Repeat([]byte{'-'}, 2048), backing[2048:], "the capacity is the limit")
}
