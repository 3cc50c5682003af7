package verify

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

// texts are findings as short texts: kind, source, target, records.
func texts(list []Finding) []string {
	var all []string
	for _, f := range list {
		text := string(f.Kind)
		for _, p := range []*Place{f.Source, f.Target} {
			if p == nil {
				text += " -"
			} else {
				text += fmt.Sprintf(" %d/%d-%d", p.Partition, p.Offset, p.Last)
			}
		}
		text += fmt.Sprintf(" ×%d", f.Records)
		if f.Alike {
			text += " alike"
		}
		all = append(all, text)
	}
	return all
}

// A topic whose beginning had expired in the copy gave a line for each record
// that was missing, as many as were asked for, and said nothing of the rest.
func TestWhatFollowsIsOneFinding(t *testing.T) {
	t.Parallel()
	const n = 5000
	for name, x := range map[string]struct {
		change func(i int, target *memorySide, c kgo.Record)
		cfg    Config
		want   []string
	}{
		"the beginning is missing": {
			func(i int, target *memorySide, c kgo.Record) {
				if i >= 3000 {
					target.write(0, c)
				}
			},
			Config{Show: 3},
			[]string{"missing 0/0-2999 - ×3000"},
		},
		"by content": {
			func(i int, target *memorySide, c kgo.Record) {
				if i >= 3000 && i != 4000 {
					target.write(0, c)
				}
			},
			Config{Show: 3, Match: Content},
			[]string{"missing 0/0-2999 - ×3000", "missing 0/4000-4000 - ×1"},
		},
		"by content, with little memory": {
			func(i int, target *memorySide, c kgo.Record) {
				if i >= 3000 {
					target.write(0, c)
				}
			},
			Config{Show: 3, Match: Content, Memory: 1},
			[]string{"missing 0/0-2999 - ×3000"},
		},
		"all are missing, all are extra": {
			func(i int, target *memorySide, c kgo.Record) {
				target.write(0, kgo.Record{Value: fmt.Append(nil, "other ", i)})
			},
			Config{Show: 3, Match: Content},
			[]string{"missing 0/0-4999 - ×5000", "extra - 0/0-4999 ×5000"},
		},
		"a batch twice": {
			func(i int, target *memorySide, c kgo.Record) {
				target.write(0, c)
				if i == 1999 {
					for o := range int64(1000) {
						target.write(0, copyOf(&kgo.Record{Offset: 1000 + o, Value: fmt.Append(nil, "body ", 1000+o)}))
					}
				}
			},
			Config{Show: 3},
			[]string{"twice 0/1000-1999 0/2000-2999 ×1000"},
		},
		"all are changed": {
			func(_ int, target *memorySide, c kgo.Record) {
				c.Value = nil
				target.write(0, c)
			},
			Config{Show: 3},
			[]string{"changed 0/0-4999 0/0-4999 ×5000"},
		},
		"a batch is late": {
			func(i int, target *memorySide, c kgo.Record) {
				if i < 100 || i >= 200 {
					target.write(0, c)
				}
				if i == n-1 {
					for o := range int64(100) {
						target.write(0, copyOf(&kgo.Record{Offset: 100 + o, Value: fmt.Append(nil, "body ", 100+o)}))
					}
				}
			},
			Config{Show: 3},
			[]string{"out of order 0/100-199 0/4900-4999 ×100"},
		},
		"single ones, not too many": {
			func(i int, target *memorySide, c kgo.Record) {
				if i%10 > 0 {
					target.write(0, c)
				}
			},
			Config{Show: 2},
			[]string{"missing 0/0-0 - ×1", "missing 0/10-10 - ×1"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, target := series(n, x.change)
			r := inMemory(t, x.cfg, source, target)
			assert.Equal(t, x.want, texts(r.Findings))
		})
	}
}

// Offsets that no record of the source has do not divide a range: those of
// transactions, or of records that were compacted.
func TestGapsDoNotDivideARange(t *testing.T) {
	t.Parallel()
	source, target := newSide(1), newSide(1)
	for i := range int64(10) {
		source.ranges[0] = span{0, i * 700}
		source.write(0, kgo.Record{Value: []byte("a")})
		if i == 0 || i == 6 {
			target.write(0, copyOf(source.records[0][i]))
		}
	}
	r := inMemory(t, Config{Show: 5}, source, target)
	assert.Equal(t, []string{"missing 0/700-3500 - ×5", "missing 0/4900-6300 - ×3"}, texts(r.Findings))
}

// Two source partitions that are mixed in one of the target make two ranges.
func TestRangesOfPartitions(t *testing.T) {
	t.Parallel()
	source, target := newSide(2), newSide(1)
	for i := range 6 {
		source.write(int32(i%2), kgo.Record{Value: []byte("a")})
	}
	for range 2 {
		for i := range 6 {
			target.write(0, copyOf(source.records[i%2][i/2]))
		}
	}
	r := inMemory(t, Config{Show: 5}, source, target)
	assert.Equal(t, []string{"twice 0/0-2 0/6-10 ×3", "twice 1/0-2 0/7-11 ×3"}, texts(r.Findings))
}

// Records that are alike are counted, and not said to be at certain offsets.
func TestAlike(t *testing.T) {
	t.Parallel()
	side := func(values ...string) *memorySide {
		s := newSide(1)
		for _, v := range values {
			s.write(0, kgo.Record{Value: []byte(v)})
		}
		return s
	}
	r := inMemory(t, Config{Match: Content, Show: 5}, side("a", "b", "a", "a", "c"), side("a", "c", "c", "c", "d", "d"))
	assert.Equal(t, []string{
		"missing 0/1-1 - ×1", "missing 0/3-3 - ×2 alike", "extra - 0/5-5 ×2 alike", "twice 0/4-4 0/3-3 ×2 alike",
	}, texts(r.Findings))
}

// Two empty topics were "same", and so were two of which a mistyped time left
// nothing to compare.
func TestNothingWasCompared(t *testing.T) {
	t.Parallel()
	for _, match := range []Match{Headers, Content} {
		r := inMemory(t, Config{Match: match}, newSide(2), newSide(2))
		assert.True(t, r.Empty())
		assert.False(t, r.Same(Allowed{Twice: true}))
		assert.True(t, r.Same(Allowed{Empty: true}))
	}
	// What the source has lost is not compared with its copy either.
	source, target := newSide(1), newSide(1)
	target.write(0, copyOf(&kgo.Record{Offset: 3}))
	source.ranges[0], source.begins[0] = span{0, 9}, 9
	r := inMemory(t, Config{}, source, target)
	require.Equal(t, Counts{Target: 1, Gone: 1}, r.Total)
	assert.False(t, r.Same(Allowed{}))
	assert.True(t, r.Same(Allowed{Empty: true}))

	target.write(0, kgo.Record{Value: []byte("nobody's")})
	assert.False(t, inMemory(t, Config{}, source, target).Same(Allowed{Empty: true}), "what is extra is wrong all the same")
}
