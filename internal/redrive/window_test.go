package redrive

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// offsets are those of the window that are open.
func (w *window) offsets() []int64 {
	var all []int64
	for _, r := range w.open {
		for o := r.from; o < r.to; o++ {
			all = append(all, o)
		}
	}
	return all
}

// A window is the same as a set of offsets, however it came about, and comes
// back from its text.
func TestWindowIsASet(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		begin := rapid.Int64Range(0, 1<<40).Draw(t, "begin")
		w := window{next: begin}
		open, next := make(map[int64]bool), begin
		for range rapid.IntRange(0, 60).Draw(t, "steps") {
			if rapid.IntRange(0, 9).Draw(t, "drop") == 0 {
				at := rapid.Int64Range(begin, next+2).Draw(t, "at")
				w.drop(at)
				for o := range open {
					if o < at {
						delete(open, o)
					}
				}
				begin, next = at, max(next, at)
				continue
			}
			// One that is open comes again, or a new one, with a gap perhaps.
			offset := next + rapid.Int64Range(0, 3).Draw(t, "gap")
			if len(open) > 0 && rapid.Bool().Draw(t, "again") {
				offset = rapid.SampledFrom(w.offsets()).Draw(t, "which")
			}
			done := rapid.Bool().Draw(t, "done")
			w.pass(offset, done)
			delete(open, offset)
			if !done {
				open[offset] = true
			}
			next = max(next, offset+1)
		}
		var want []int64
		for o := range open {
			want = append(want, o)
		}
		slices.Sort(want)
		check := func(w *window) {
			require.Equal(t, want, w.offsets())
			require.Equal(t, next, w.next)
			for o := begin; o < next+2; o++ {
				require.Equal(t, o < next && !open[o], w.done(o), "offset %d", o)
			}
			for i, r := range w.open {
				require.Less(t, r.from, r.to)
				require.True(t, i == 0 || w.open[i-1].to < r.from, "runs that touch are one")
			}
		}
		check(&w)
		if len(want) > 0 {
			require.Equal(t, want[0], w.commit())
		} else {
			require.Equal(t, next, w.commit())
		}
		again, err := unpackWindow(w.commit(), w.pack())
		require.NoError(t, err)
		begin = w.commit()
		check(&again)
	})
}

// As many letters as a window says it has room for fit into the text.
func TestWindowRoom(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := window{next: 1 << 40}
		chance := rapid.IntRange(1, 9).Draw(t, "chance")
		longest := rapid.SampledFrom([]int64{1, 5, 300, 20_000}).Draw(t, "longest")
		seed := rapid.Uint64().Draw(t, "seed")
		random := func(n int64) int64 { // rapid's own would be slow
			seed = seed*6364136223846793005 + 1442695040888963407
			return int64(seed>>33) % n
		}
		passed := 0
		for room := w.room(maxMetadata); room > 0 && passed < 2_500; room = w.room(maxMetadata) {
			for range min(room, 1000) {
				w.pass(w.next+random(longest), random(10) < int64(chance))
				passed++
			}
			require.LessOrEqual(t, len(w.pack()), maxMetadata)
		}
		require.Greater(t, passed, 500)
	})
}

func FuzzUnpackWindow(f *testing.F) {
	w := window{next: 5}
	w.pass(5, false)
	w.pass(9, true)
	f.Add(int64(5), w.pack())
	f.Add(int64(0), "")
	f.Fuzz(func(t *testing.T, offset int64, text string) {
		if offset < 0 || offset > 1<<61 {
			return
		}
		w, err := unpackWindow(offset, text)
		if err != nil {
			return
		}
		at := offset
		for _, r := range w.open {
			require.LessOrEqual(t, at, r.from)
			require.Less(t, r.from, r.to)
			at = r.to
		}
		require.LessOrEqual(t, at, w.next)
	})
}
