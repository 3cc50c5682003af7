package verify

import (
	"cmp"
	"context"
	"math/bits"
	"slices"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"
)

const (
	// A bucket should hold few records, so that a second reading keeps little,
	// within reason.
	recordsPerBucket       = 64
	fewBuckets, mostBucket = 1 << 10, 1 << 20
	// What a record in question and a sample take, with what a map takes on top.
	entryBytes, sampleBytes = 160, 128
)

// bucket is what is kept of the records of one side whose digests begin alike.
type bucket struct {
	n   int64
	sum digest
}

// sample is a record by which order is checked.
type sample struct {
	digest    digest
	partition int32
	offset    int64
}

// pile is what is kept of one side.
type pile struct {
	hasher  *hasher
	buckets []bucket
	samples []sample
	chains  []digest // by partition
	counts  []int64  // by partition
}

// bag compares by content. What is fed by the source and what by the target is
// apart, so that both can be read at once.
type bag struct {
	cfg            *Config
	report         *Report
	source, target side

	sent, came pile
	every      uint64 // samples are the digests whose lo is a multiple, a power of two
	placed     *placer
	found      *findings
	loose      Counts

	missing, extra marks     // records of which there is only one
	alike          *findings // and those of which there are more
}

func byContent(ctx context.Context, cfg *Config, r *Report, source, target side, tell *teller) error {
	records := offsetsIn(source.spans()) + offsetsIn(target.spans())
	b := &bag{
		cfg: cfg, report: r, source: source, target: target,
		placed: newPlacer(cfg.Placement, target.partitions()), found: newFindings(cfg.Show),
		missing: make(marks), extra: make(marks), alike: newFindings(cfg.Show),
		every: powerOfTwo(records*sampleBytes/cfg.Memory + 1),
	}
	r.OrderSample = int64(b.every)
	n := min(max(powerOfTwo(records/2/recordsPerBucket), fewBuckets), mostBucket)
	for side, p := range map[side]*pile{source: &b.sent, target: &b.came} {
		*p = pile{
			hasher: newHasher(cfg.KeysOnly), buckets: make([]bucket, n),
			chains: make([]digest, side.partitions()), counts: make([]int64, side.partitions()),
		}
	}
	if err := both(ctx, tell, source, target, source.spans(), target.spans(), b.takeSource, b.takeTarget); err != nil {
		return err
	}
	b.settle()
	if err := b.inspect(ctx, tell); err != nil {
		return err
	}
	b.finish()
	b.list()
	r.Findings = b.found.list
	r.finish(b.loose)
	return nil
}

// powerOfTwo returns the least that is no less than n.
func powerOfTwo(n int64) uint64 { return 1 << bits.Len64(uint64(max(n, 1))-1) }

// digest is the same for a record and its copy. If partitions are kept, it is
// that of the record and its partition.
func (b *bag) digest(h *hasher, r *kgo.Record) digest {
	if b.cfg.Placement == Keep {
		return h.record(int64(r.Partition), -1, r)
	}
	return h.record(-1, -1, r)
}

func (b *bag) bucketOf(d digest) int { return int(d.hi & uint64(len(b.sent.buckets)-1)) }

func (b *bag) takeSource(r *kgo.Record) { b.take(&b.sent, r) }

func (b *bag) takeTarget(r *kgo.Record) {
	b.take(&b.came, r)
	if b.cfg.Placement == ByKey && !b.placed.right(-1, r) {
		b.loose.Misplaced++
		b.found.add(Finding{Kind: Misplaced, Target: placeOf(r)})
	}
}

func (b *bag) take(p *pile, r *kgo.Record) {
	d := b.digest(p.hasher, r)
	bucket := &p.buckets[b.bucketOf(d)]
	bucket.n++
	bucket.sum.add(d)
	p.chains[r.Partition].chain(d)
	p.counts[r.Partition]++
	if d.lo&(b.every-1) == 0 {
		p.samples = append(p.samples, sample{d, r.Partition, r.Offset})
	}
}

// settle checks the order of the samples, and forgets them.
func (b *bag) settle() {
	r := b.report
	r.Memory = 2*int64(len(b.sent.buckets))*int64(unsafe.Sizeof(bucket{})) +
		int64(len(b.sent.samples)+len(b.came.samples))*sampleBytes
	type seen struct {
		at    sample
		times int
	}
	sent := make(map[digest]*seen, len(b.sent.samples))
	for _, s := range b.sent.samples {
		if x := sent[s.digest]; x != nil {
			x.times++ // nobody knows which of them a copy is of
			continue
		}
		sent[s.digest] = &seen{s, 1}
	}
	last := make(map[[2]int32]int64)
	for _, s := range b.came.samples {
		x := sent[s.digest]
		if x == nil || x.times != 1 {
			continue
		}
		x.times = 0 // only the first copy counts
		pair := [2]int32{x.at.partition, s.partition}
		before, ok := last[pair]
		if !ok || before < x.at.offset {
			last[pair] = x.at.offset
			continue
		}
		r.Partitions[x.at.partition].OutOfOrder++
		b.found.add(Finding{
			Kind: OutOfOrder, After: new(before),
			Source: single(x.at.partition, x.at.offset), Target: single(s.partition, s.offset),
		})
	}
	b.sent.samples, b.came.samples = nil, nil
}

// entry is a record in question.
type entry struct {
	sent, came     int32
	source, target Place // of the last one
}

// inspect reads the records of unequal buckets again, as many at a time as the
// memory allows.
func (b *bag) inspect(ctx context.Context, tell *teller) error {
	chosen := make([]bool, len(b.sent.buckets))
	for at := 0; at < len(chosen); {
		clear(chosen)
		var records int64
		for ; at < len(chosen); at++ {
			s, c := b.sent.buckets[at], b.came.buckets[at]
			if s == c {
				continue
			}
			if more := max(s.n, c.n); records > 0 && (records+more)*entryBytes > b.cfg.Memory {
				break
			}
			records += max(s.n, c.n)
			chosen[at] = true
		}
		if records == 0 {
			return nil
		}
		b.report.Memory = max(b.report.Memory, 2*int64(len(chosen))*int64(unsafe.Sizeof(bucket{}))+records*entryBytes)
		if err := b.inspectSome(ctx, tell, chosen); err != nil {
			return err
		}
	}
	return nil
}

func (b *bag) inspectSome(ctx context.Context, tell *teller, chosen []bool) error {
	entries := make(map[digest]*entry)
	read := func(s side, h *hasher, note func(*entry, *kgo.Record)) error {
		tell.expect(offsetsIn(s.spans()))
		return readSide(ctx, tell, s, s.spans(), func(r *kgo.Record) {
			b.report.ReadAgain++
			d := b.digest(h, r)
			if !chosen[b.bucketOf(d)] {
				return
			}
			e := entries[d]
			if e == nil {
				e = new(entry)
				entries[d] = e
			}
			note(e, r)
		})
	}
	err := read(b.source, b.sent.hasher, func(e *entry, r *kgo.Record) {
		e.sent++
		e.source = *placeOf(r)
	})
	if err != nil {
		return err
	}
	err = read(b.target, b.came.hasher, func(e *entry, r *kgo.Record) {
		e.came++
		e.target = *placeOf(r)
	})
	if err != nil {
		return err
	}
	var unequal []*entry
	for _, e := range entries {
		if e.sent != e.came {
			unequal = append(unequal, e)
		}
	}
	slices.SortFunc(unequal, func(x, y *entry) int {
		return cmp.Or(cmp.Compare(x.source.Partition, y.source.Partition), cmp.Compare(x.source.Offset, y.source.Offset),
			cmp.Compare(x.target.Partition, y.target.Partition), cmp.Compare(x.target.Offset, y.target.Offset))
	})
	for _, e := range unequal {
		b.judge(e)
	}
	return nil
}

func (b *bag) judge(e *entry) {
	surplus := int64(e.came - e.sent)
	switch {
	case surplus < 0:
		b.report.Partitions[e.source.Partition].Missing -= surplus
		if e.sent == 1 {
			b.missing.put(&e.source)
			return
		}
		b.alike.add(Finding{Kind: Missing, Records: -surplus, Source: &e.source, Alike: true})
	case surplus > 0 && e.sent > 0:
		b.report.Partitions[e.source.Partition].Twice += surplus
		b.alike.add(Finding{Kind: Twice, Records: surplus, Source: &e.source, Target: &e.target, Alike: e.sent > 1 || surplus > 1})
	case surplus > 0:
		if p := int(e.target.Partition); b.cfg.Placement == Keep && p < len(b.report.Partitions) {
			b.report.Partitions[p].Extra += surplus
		} else {
			b.loose.Extra += surplus
			b.loose.Target += surplus
		}
		if e.came == 1 {
			b.extra.put(&e.target)
			return
		}
		b.alike.add(Finding{Kind: Extra, Records: surplus, Target: &e.target, Alike: true})
	}
}

// list lists what is missing or extra, runs of records first.
func (b *bag) list() {
	b.missing.runs(func(p Place, n int64) { b.found.add(Finding{Kind: Missing, Records: n, Source: &p}) })
	b.extra.runs(func(p Place, n int64) { b.found.add(Finding{Kind: Extra, Records: n, Target: &p}) })
	for _, f := range b.alike.list {
		b.found.add(f)
	}
	b.report.Memory += b.missing.memory() + b.extra.memory()
}

// finish counts what follows from the rest.
func (b *bag) finish() {
	for i := range b.report.Partitions {
		p := &b.report.Partitions[i]
		p.Source = b.sent.counts[i]
		p.Equal = p.Source - p.Missing
		p.Target = p.Equal + p.Twice + p.Extra
		// The same records in another order, which no sample has shown.
		if b.cfg.Placement == Keep && p.Missing+p.Twice+p.Extra+p.OutOfOrder == 0 && i < len(b.came.chains) && b.sent.chains[i] != b.came.chains[i] {
			p.OutOfOrder = 1
		}
	}
}
