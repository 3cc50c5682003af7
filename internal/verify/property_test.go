package verify

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
	"pgregory.net/rapid"
)

// world is a source and a copy of it with faults, and what is known of them.
type world struct {
	source, target *memorySide
	want           []Counts // by source partition
	total          Counts
}

// drawWorld copies a source, and does to some records what goes wrong. The
// expectation is counted one record at a time, not with the engine's means.
func drawWorld(t *rapid.T, placement Placement) *world {
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	partitions := rapid.IntRange(1, 4).Draw(t, "partitions")
	targets := partitions
	if placement != Keep {
		targets = rapid.IntRange(1, 4).Draw(t, "target partitions")
	}
	records := rapid.IntRange(0, 1000).Draw(t, "records")
	faulty := rapid.SampledFrom([]float64{0, 0.001, 0.05, 0.5, 1}).Draw(t, "faulty")
	gaps := rapid.SampledFrom([]int64{1, 3, 700}).Draw(t, "gaps")

	w := &world{want: make([]Counts, partitions)}
	var all []*kgo.Record
	next := make([]int64, partitions)
	for i := range records {
		p := random.IntN(partitions)
		r := &kgo.Record{Partition: int32(p), Offset: next[p], Value: fmt.Appendf(nil, "body %d", i)}
		if random.IntN(3) > 0 {
			r.Key = fmt.Appendf(nil, "key %d", random.IntN(100))
		}
		next[p] += 1 + random.Int64N(gaps)
		all = append(all, r)
	}
	w.source, w.target = newSide(partitions, all...), newSide(targets)
	place := newPlacer(placement, int32(targets))
	right := func(r *kgo.Record) int32 {
		for p := range int32(targets) {
			if place.right(r.Partition, &kgo.Record{Partition: p, Key: r.Key}) && (r.Key != nil || placement == Keep || p == r.Partition%int32(targets)) {
				return p
			}
		}
		panic("it belongs nowhere")
	}
	last := map[[2]int32]int64{}
	write := func(r *kgo.Record, p int32, first bool) {
		w.want[r.Partition].Target++
		if place.placement != Anywhere && p != right(r) && (placement == Keep || r.Key != nil) {
			w.want[r.Partition].Misplaced++
		}
		if !first {
			w.want[r.Partition].Twice++
		} else if before, ok := last[[2]int32{r.Partition, p}]; ok && before > r.Offset {
			w.want[r.Partition].OutOfOrder++
		} else {
			last[[2]int32{r.Partition, p}] = r.Offset
		}
		w.target.write(p, copyOf(r))
	}
	var late []*kgo.Record
	for _, r := range all {
		c := &w.want[r.Partition]
		c.Source++
		if random.Float64() >= faulty {
			c.Equal++
			write(r, right(r), true)
			continue
		}
		switch random.IntN(6) {
		case 0:
			c.Missing++
		case 1:
			c.Equal++
			write(r, right(r), true)
			for range 1 + random.IntN(2) {
				write(r, right(r), false)
			}
		case 2:
			c.Changed++
			write(r, right(r), true)
			p := right(r)
			list := w.target.records[p]
			list[len(list)-1].Value = nil
		case 3:
			c.Equal++
			write(r, int32(random.IntN(targets)), true)
		case 4:
			c.Equal++
			late = append(late, r)
		case 5:
			c.Equal++
			write(r, right(r), true)
			w.want[r.Partition].Target++
			if gaps > 1 && slices.IndexFunc(all, func(o *kgo.Record) bool { return o.Partition == r.Partition && o.Offset == r.Offset+1 }) < 0 && r.Offset+1 < next[r.Partition] &&
				w.source.ranges[r.Partition].holds(r.Offset+1) {
				w.want[r.Partition].Extra++
				// Its order counts like that of any first copy.
				pair := [2]int32{r.Partition, right(r)}
				if last[pair] > r.Offset+1 {
					w.want[r.Partition].OutOfOrder++
				} else {
					last[pair] = r.Offset + 1
				}
				w.target.write(right(r), kgo.Record{Key: r.Key, Headers: from("source", int64(r.Partition), r.Offset+1)})
			} else {
				w.want[r.Partition].Target--
				w.total.Extra++
				w.total.Target++
				w.target.write(right(r), kgo.Record{Key: r.Key, Value: []byte("nobody's")})
			}
		}
	}
	for _, r := range late {
		write(r, right(r), true)
	}
	for _, c := range w.want {
		w.total.add(c)
	}
	return w
}

// Every kind of fault is counted exactly, however little memory there is.
func TestEveryFaultIsCounted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := &Config{
			Source: Topic{Name: "source"}, Show: rapid.IntRange(0, 5).Draw(t, "show"),
			Placement: rapid.SampledFrom([]Placement{Anywhere, Keep, ByKey}).Draw(t, "placement"),
			Memory:    rapid.SampledFrom([]int64{1, 200_000, DefaultMemory}).Draw(t, "memory"),
		}
		w := drawWorld(t, cfg.Placement)
		cfg.Match = Headers
		r, err := compare(context.Background(), cfg, w.source, w.target)
		require.NoError(t, err)
		for p := range w.want {
			require.Equal(t, w.want[p], r.Partitions[p].Counts, "partition %d", p)
		}
		require.Equal(t, w.total, r.Total)
		require.Equal(t, w.total.Missing+w.total.Extra+w.total.Changed+w.total.Misplaced+w.total.OutOfOrder == 0, r.Same(Allowed{Twice: true, Empty: true}))
		require.Equal(t, w.total.Source == 0, r.Empty())
		requireFindings(t, cfg, r)
		w.requireMissing(t, cfg, r)
		requireSums(t, &r.Total)
	})
}

// requireFindings checks that as many are named as were asked for, and that the
// records of ranges add up.
func requireFindings(t require.TestingT, cfg *Config, r *Report) {
	listed, records := map[Kind]int{}, map[Kind]int64{}
	for _, f := range r.Findings {
		listed[f.Kind]++
		records[f.Kind] += f.Records
		for _, p := range []*Place{f.Source, f.Target} {
			require.True(t, p == nil || f.Alike || p.Last-p.Offset+1 >= f.Records, "%+v", f)
			require.True(t, p == nil || p.Last == p.Offset || p.Key == nil && p.Body == nil, "a range has no size")
		}
	}
	for kind, n := range map[Kind]int64{
		Missing: r.Total.Missing, Extra: r.Total.Extra, Changed: r.Total.Changed, Twice: r.Total.Twice, Misplaced: r.Total.Misplaced, OutOfOrder: r.Total.OutOfOrder,
	} {
		require.LessOrEqual(t, listed[kind], cfg.Show, kind)
		require.LessOrEqual(t, records[kind], n, kind)
		if listed[kind] < cfg.Show && (kind != OutOfOrder || cfg.Match == Headers) {
			require.Equal(t, n, records[kind], kind)
		}
	}
}

// requireMissing checks the first ranges of what is missing: each has all
// records that follow each other.
func (w *world) requireMissing(t require.TestingT, cfg *Config, r *Report) {
	there := make(map[string]bool)
	for _, list := range w.target.records {
		for _, m := range list {
			if len(m.Headers) > 0 {
				there[string(m.Headers[2].Value)+"/"+string(m.Headers[1].Value)] = true
			}
		}
	}
	want := []Finding{}
	for p, list := range w.source.records {
		var run *Finding
		for _, m := range list {
			switch name := fmt.Sprintf("%d/%d", m.Offset, p); {
			case there[name]:
				run = nil
			case run == nil:
				want = append(want, Finding{Kind: Missing, Source: single(int32(p), m.Offset), Records: 1})
				run = &want[len(want)-1]
			default:
				run.Records++
				run.Source.Last = m.Offset
			}
		}
	}
	var got []Finding
	for _, f := range r.Findings {
		if f.Kind == Missing {
			got = append(got, f)
		}
	}
	require.Equal(t, want[:min(len(want), cfg.Show)], append([]Finding{}, got...))
}

func requireSums(t require.TestingT, c *Counts) {
	require.Equal(t, c.Source, c.Equal+c.Missing+c.Changed)
	require.Equal(t, c.Target, c.Equal+c.Changed+c.Twice+c.Extra+c.Gone)
}

// By content the same faults come to the same, but that a changed record is
// missing and extra, and a kept partition is part of what a record is.
func TestEveryFaultIsCountedByContent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		cfg := &Config{
			Match: Content, Show: 3,
			Placement: rapid.SampledFrom([]Placement{Anywhere, Keep, ByKey}).Draw(t, "placement"),
			Memory:    rapid.SampledFrom([]int64{1, 200_000, DefaultMemory}).Draw(t, "memory"),
		}
		w := drawWorld(t, cfg.Placement)
		r, err := compare(context.Background(), cfg, w.source, w.target)
		require.NoError(t, err)
		moved := int64(0)
		switch cfg.Placement {
		case Keep:
			moved = w.total.Misplaced
		case ByKey: // what nobody wrote may be misplaced, too
			require.GreaterOrEqual(t, r.Total.Misplaced, w.total.Misplaced)
		default:
		}
		require.Equal(t, w.total.Source, r.Total.Source)
		require.Equal(t, w.total.Target, r.Total.Target)
		require.Equal(t, w.total.Missing+w.total.Changed+moved, r.Total.Missing)
		require.Equal(t, w.total.Extra+w.total.Changed+moved, r.Total.Extra)
		require.Equal(t, w.total.Twice, r.Total.Twice)
		if cfg.Memory == DefaultMemory && w.total == (Counts{Source: w.total.Source, Target: w.total.Target, Equal: w.total.Equal, OutOfOrder: w.total.OutOfOrder}) {
			require.Equal(t, w.total.OutOfOrder, r.Total.OutOfOrder)
		}
		requireFindings(t, cfg, r)
		requireSums(t, &r.Total)
	})
}
