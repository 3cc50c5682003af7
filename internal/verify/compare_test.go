package verify

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// series returns a source of one partition with n records, and a target with
// their copies as change makes them.
func series(n int, change func(i int, target *memorySide, c kgo.Record)) (source, target *memorySide) {
	source, target = newSide(1), newSide(1)
	for i := range n {
		source.write(0, kgo.Record{Value: fmt.Append(nil, "body ", i)})
		change(i, target, copyOf(source.records[0][i]))
	}
	return source, target
}

func asIs(_ int, target *memorySide, c kgo.Record) { target.write(0, c) }

func inMemory(t *testing.T, cfg Config, source, target *memorySide) *Report {
	t.Helper()
	cfg.Source.Name = "source"
	if cfg.Memory == 0 {
		cfg.Memory = DefaultMemory
	}
	r, err := compare(t.Context(), &cfg, source, target)
	require.NoError(t, err)
	requireSums(t, &r.Total)
	return r
}

// The sum of a block is that of the first copies: a second one that differs must
// not slip through.
func TestOnlyTheSecondCopyDiffers(t *testing.T) {
	t.Parallel()
	source, target := series(10, func(i int, target *memorySide, c kgo.Record) {
		target.write(0, c)
		if i == 4 {
			for range 2 {
				c.Value = []byte("another body")
				target.write(0, c)
			}
		}
	})
	r := inMemory(t, Config{Show: 1}, source, target)
	assert.Equal(t, Counts{Source: 10, Target: 12, Equal: 9, Twice: 2, Changed: 1}, r.Total)
}

// Bodies that have changed places add up to the same.
func TestBodiesChangedPlaces(t *testing.T) {
	t.Parallel()
	source, target := series(10, func(i int, target *memorySide, c kgo.Record) {
		if i == 3 || i == 7 {
			c.Value = fmt.Append(nil, "body ", 10-i)
		}
		target.write(0, c)
	})
	assert.EqualValues(t, 2, inMemory(t, Config{}, source, target).Total.Changed)
}

// Of two large topics that differ in few records little is read again.
func TestLittleIsReadAgain(t *testing.T) {
	t.Parallel()
	const n = 40 * blockSize
	source, target := series(n, func(i int, target *memorySide, c kgo.Record) {
		if i == 100 || i == 35*blockSize {
			c.Value = nil
		}
		target.write(0, c)
	})
	r := inMemory(t, Config{Show: 5, Memory: 1}, source, target)
	assert.EqualValues(t, 2, r.Total.Changed)
	assert.EqualValues(t, 2*blockSize+chunkSize+(n-2*chunkSize), r.ReadAgain)
	assert.Equal(t, 1+2, source.reads)
	assert.Less(t, r.Memory, int64(64<<10))
	r = inMemory(t, Config{}, source, target) // both blocks at once
	assert.EqualValues(t, 2*blockSize+n, r.ReadAgain)

	source, target = series(n, asIs)
	r = inMemory(t, Config{}, source, target)
	assert.Zero(t, r.ReadAgain)
	assert.True(t, r.Same(Allowed{}))
}

// If very many pieces are to be read, what lies between some is read as well.
func TestManyPieces(t *testing.T) {
	t.Parallel()
	source, target := newSide(1), newSide(1)
	for i := range 200 {
		source.ranges[0] = span{0, int64(i) * 2 * blockSize}
		source.write(0, kgo.Record{Value: []byte("a")})
		c := copyOf(source.records[0][i])
		c.Value = []byte("b")
		target.write(0, c)
	}
	r := inMemory(t, Config{}, source, target)
	assert.EqualValues(t, 200, r.Total.Changed)
	assert.LessOrEqual(t, source.reads, 1+manySpans+1)
}

// A record that goes between the two readings can be compared no more.
func TestGoneBeforeItIsReadAgain(t *testing.T) {
	t.Parallel()
	source, target := series(10, func(i int, target *memorySide, c kgo.Record) {
		if i == 4 {
			c.Value = nil
		}
		target.write(0, c)
	})
	goes := &forgetful{memorySide: source}
	_, err := compare(context.Background(), &Config{Source: Topic{Name: "source"}, Memory: 1}, goes, target)
	require.ErrorContains(t, err, "source record 0-")
	require.ErrorContains(t, err, "removed before it could be compared")
}

// forgetful has only its last records left after it was read once.
type forgetful struct{ *memorySide }

func (s *forgetful) read(ctx context.Context, spans map[int32]span, take func(*kgo.Record)) error {
	err := s.memorySide.read(ctx, spans, take)
	s.records[0] = s.records[0][len(s.records[0])-2:]
	return err
}

// By content the order of equal records cannot be told, and what no sample shows
// is still not said to be the same.
func TestOrderOfEqualRecords(t *testing.T) {
	t.Parallel()
	side := func(values ...string) *memorySide {
		s := newSide(1)
		for _, v := range values {
			s.write(0, kgo.Record{Value: []byte(v)})
		}
		return s
	}
	for name, x := range map[string]struct {
		source, target []string
		want           Counts
	}{
		"same":           {[]string{"a", "b", "a"}, []string{"a", "b", "a"}, Counts{Source: 3, Target: 3, Equal: 3}},
		"equal ones":     {[]string{"a", "b", "a", "b"}, []string{"a", "a", "b", "b"}, Counts{Source: 4, Target: 4, Equal: 4, OutOfOrder: 1}},
		"one among many": {[]string{"a", "b", "a"}, []string{"a", "a", "b"}, Counts{Source: 3, Target: 3, Equal: 3, OutOfOrder: 1}},
		"single ones":    {[]string{"a", "b", "c"}, []string{"b", "c", "a"}, Counts{Source: 3, Target: 3, Equal: 3, OutOfOrder: 1}},
		"twice":          {[]string{"a", "b", "c"}, []string{"a", "b", "a", "b", "c"}, Counts{Source: 3, Target: 5, Equal: 3, Twice: 2}},
		"one too few":    {[]string{"a", "a", "b"}, []string{"a", "b"}, Counts{Source: 3, Target: 2, Equal: 2, Missing: 1}},
		"repeated": {
			[]string{"a", "b", "a", "c"}, []string{"b", "a", "a", "c", "d"}, Counts{Source: 4, Target: 5, Equal: 4, Extra: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := inMemory(t, Config{Match: Content, Placement: Keep, Show: 5}, side(x.source...), side(x.target...))
			assert.Equal(t, x.want, r.Total)
		})
	}
}

func TestPowerOfTwo(t *testing.T) {
	t.Parallel()
	for n, want := range map[int64]uint64{-1: 1, 0: 1, 1: 1, 2: 2, 3: 4, 4: 4, 5: 8, 1 << 40: 1 << 40} {
		assert.Equal(t, want, powerOfTwo(n), n)
	}
}
