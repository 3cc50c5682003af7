package deadletter_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/internal/core/deadletter"
	"ckafka-etl/record"
)

// A letter that is refused gets smaller until nothing of its text is left, in few
// steps, and stays valid text.
func TestShrink(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.StringN(0, 2000, -1).Draw(t, "text"))
		if rapid.Bool().Draw(t, "long") {
			text = append(text, strings.Repeat("中", 30_000)...)
		}
		forSize := rapid.Bool().Draw(t, "for its size")
		var s deadletter.Size
		last := len(text) + 1
		steps := 0
		for {
			kept, truncated := s.Cut(text)
			require.True(t, utf8.Valid(kept))
			require.Equal(t, len(kept) < len(text), truncated)
			require.LessOrEqual(t, len(kept), last)
			last = len(kept)
			smaller, ok := s.Shrink(len(text), forSize)
			if !ok {
				break
			}
			s = smaller
			steps++
			require.Less(t, steps, 20)
		}
		require.Zero(t, last)
		require.Less(t, len(s.Reason(strings.Repeat("r", 10_000))), 200)
		require.Less(t, len(s.Key([]byte(strings.Repeat("k", 10_000)))), 200)
	})
}

// For a keyword's limit as much is kept as a keyword holds.
func TestShrinkToAKeyword(t *testing.T) {
	text := []byte(strings.Repeat("x", 200_000))
	s, ok := deadletter.Size{}.Shrink(len(text), false)
	require.True(t, ok)
	kept, _ := s.Cut(text)
	require.Len(t, kept, 32_000)
}

func TestUncut(t *testing.T) {
	var s deadletter.Size
	kept, truncated := s.Cut([]byte("text"))
	require.Equal(t, "text", string(kept))
	require.False(t, truncated)
	require.Equal(t, "reason", s.Reason("reason"))
	require.Equal(t, "key", s.Key([]byte("key")))
	require.LessOrEqual(t, len(s.Reason(strings.Repeat("r", 100_000))), deadletter.MaxReason)
}

func TestKeepsBody(t *testing.T) {
	l := record.DeadLetter{Record: &record.Record{Body: []byte("a")}, Cause: &record.Cause{Raw: true}}
	require.True(t, deadletter.KeepsBody(&l))
	l.Record.Body = []byte("\xff")
	require.False(t, deadletter.KeepsBody(&l))
	l.Cause.Raw = false
	require.False(t, deadletter.KeepsBody(&l))
}
