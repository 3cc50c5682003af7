package verify

import (
	"context"
	"strconv"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/kafkaclient"
)

// origin is what a target record says of where it comes from.
type origin uint8

const (
	unnamed  origin = iota // nothing, or nothing that can be
	other                  // from another topic
	outside                // from offsets that are not compared
	compared               // from an offset that is
)

// ledger compares by headers. What is fed by the source and what by the target
// is apart, so that both can be read at once.
type ledger struct {
	cfg            *Config
	report         *Report
	source, target side

	sent, came []blocks // by source partition
	fromSource *hasher
	fromTarget *hasher
	placed     *placer
	found      *findings // by the target's side while both are read
	named      bool      // some target record says where it comes from
	// last is the latest source offset of each pair of partitions: source, then
	// target.
	last    [][]int64
	indices []*index        // by target partition
	starts  map[int32]int64 // of the source, when it had been read
	loose   Counts
	expired error // a record went before it could be compared
}

func byHeaders(ctx context.Context, cfg *Config, r *Report, source, target side, tell *teller) error {
	l := &ledger{
		cfg: cfg, report: r, source: source, target: target,
		fromSource: newHasher(cfg.KeysOnly), fromTarget: newHasher(cfg.KeysOnly),
		placed: newPlacer(cfg.Placement, target.partitions()), found: newFindings(cfg.Show),
	}
	for _, p := range r.Partitions {
		s := span{p.From, p.End}
		l.sent, l.came = append(l.sent, newBlocks(s)), append(l.came, newBlocks(s))
		last := make([]int64, target.partitions())
		for t := range last {
			last[t] = -1
		}
		l.last = append(l.last, last)
	}
	for t := range target.partitions() {
		s := target.spans()[t]
		l.indices = append(l.indices, &index{
			span: s, sources: len(r.Partitions), chunks: make([]chunk, (s.end-s.from+chunkSize-1)/chunkSize),
		})
	}
	if err := both(ctx, tell, source, target, source.spans(), target.spans(), l.takeSource, l.takeTarget); err != nil {
		return err
	}
	if !l.named && r.Unnamed > 0 {
		return errNoProvenance
	}
	var err error
	if l.starts, err = source.starts(ctx); err != nil {
		return err
	}
	suspects := l.settle()
	if err := l.inspect(ctx, suspects, tell); err != nil {
		return err
	}
	for i := range r.Partitions {
		c := &r.Partitions[i].Counts
		c.Equal = c.Source - c.Missing - c.Changed
	}
	r.Findings = l.found.list
	r.finish(l.loose)
	return nil
}

func (l *ledger) takeSource(r *kgo.Record) {
	p := &l.report.Partitions[r.Partition]
	i := r.Offset - p.From
	b := l.sent[r.Partition].at(i)
	b.seen.put(int(i % blockSize))
	b.sum.add(l.fromSource.record(int64(r.Partition), r.Offset, r))
	p.Source++
}

func (l *ledger) takeTarget(r *kgo.Record) {
	source, offset, from := l.originOf(r)
	l.named = l.named || from != unnamed
	switch from {
	case unnamed:
		l.report.Unnamed++
		l.loose.Target++
		l.loose.Extra++
		l.found.add(Finding{Kind: Extra, Target: placeOf(r)})
		return
	case other:
		l.report.OtherTopics++
		return
	case outside:
		l.report.Outside++
		return
	case compared:
	}
	p := &l.report.Partitions[source]
	p.Target++
	i := offset - p.From
	l.indices[r.Partition].add(r.Offset, source, int32(i/blockSize))
	if !l.placed.right(source, r) {
		p.Misplaced++
		l.found.add(Finding{Kind: Misplaced, Source: single(source, offset), Target: placeOf(r)})
	}
	b := l.came[source].at(i)
	if b.seen.put(int(i % blockSize)) {
		b.again = true
		p.Twice++
		l.found.add(Finding{Kind: Twice, Source: single(source, offset), Target: placeOf(r)})
		return
	}
	b.sum.add(l.fromTarget.record(int64(source), offset, r))
	last := &l.last[source][r.Partition]
	if offset > *last {
		*last = offset
		return
	}
	p.OutOfOrder++
	l.found.add(Finding{Kind: OutOfOrder, Source: single(source, offset), Target: placeOf(r), After: new(*last)})
}

// originOf reads the headers that the function writes. A copy without the
// topic's name, which an event may lack, is taken for one of this topic.
func (l *ledger) originOf(r *kgo.Record) (partition int32, offset int64, from origin) {
	partition, offset = -1, -1
	for i := range r.Headers {
		h := &r.Headers[i]
		switch h.Key {
		case kafkaclient.HeaderSourceTopic:
			if string(h.Value) != l.cfg.Source.Name {
				return 0, 0, other
			}
		case kafkaclient.HeaderSourcePartition:
			if n, err := strconv.ParseInt(string(h.Value), 10, 32); err == nil {
				partition = int32(n)
			}
		case kafkaclient.HeaderSourceOffset:
			if n, err := strconv.ParseInt(string(h.Value), 10, 64); err == nil {
				offset = n
			}
		}
	}
	switch {
	case partition < 0 || offset < 0 || int(partition) >= len(l.report.Partitions):
		return 0, 0, unnamed
	case !(span{l.report.Partitions[partition].From, l.report.Partitions[partition].End}).holds(offset):
		return 0, 0, outside
	}
	return partition, offset, compared
}

// settle counts what the sets of offsets tell, and returns the blocks that have
// to be read again, in order.
func (l *ledger) settle() []suspect {
	var suspects []suspect
	none := new(block)
	for p := range l.report.Partitions {
		part, run := &l.report.Partitions[p], &Finding{Kind: Missing, Source: single(int32(p), 0)}
		for b := range l.sent[p] {
			sent, came := l.sent[p][b], l.came[p][b]
			if sent == nil && came == nil {
				continue
			}
			sent, came = orBlock(sent, none), orBlock(came, none)
			first := part.From + int64(b)*blockSize
			missing, extra := sent.seen.without(&came.seen), came.seen.without(&sent.seen)
			l.listMissing(run, first, &sent.seen, &missing)
			unexplained := false
			extra.each(func(i int) {
				if !l.isExtra(int32(p), first+int64(i)) {
					part.Gone++
					return
				}
				part.Extra++
				unexplained = true
			})
			differ := sent.sum != came.sum || came.again
			if differ && sent.seen.meets(&came.seen) || unexplained && l.found.wants(Extra) {
				suspects = append(suspects, suspect{int32(p), int32(b)})
			}
		}
		l.endRun(run)
		l.report.Memory += l.sent[p].memory() + l.came[p].memory() + int64(8*len(l.last[p]))
	}
	for _, x := range l.indices {
		l.report.Memory += x.memory()
	}
	l.report.Memory += int64(len(suspects)) * int64(unsafe.Sizeof(suspect{}))
	return suspects
}

// listMissing counts what is missing of a block, and makes runs of it: of all
// records between two that are there, whatever gaps their offsets have.
func (l *ledger) listMissing(run *Finding, first int64, sent, missing *offsetSet) {
	if *missing == (offsetSet{}) {
		if *sent != (offsetSet{}) {
			l.endRun(run)
		}
		return
	}
	sent.each(func(i int) {
		if !missing.has(i) {
			l.endRun(run)
			return
		}
		l.report.Partitions[run.Source.Partition].Missing++
		if run.Records == 0 {
			run.Source.Offset = first + int64(i)
		}
		run.Source.Last = first + int64(i)
		run.Records++
	})
}

// endRun lists a run, if there is one.
func (l *ledger) endRun(run *Finding) {
	if run.Records == 0 {
		return
	}
	place := *run.Source
	l.found.add(Finding{Kind: Missing, Source: &place, Records: run.Records})
	run.Records = 0
}

// isExtra reports whether the source can never have had a record that it does
// not have now.
func (l *ledger) isExtra(partition int32, offset int64) bool {
	return !l.source.compacted() && offset >= l.starts[partition]
}

func orBlock(b, otherwise *block) *block {
	if b == nil {
		return otherwise
	}
	return b
}

// placer knows where records belong. It is not safe for concurrent use.
type placer struct {
	placement  Placement
	partitions int32
	chosen     kgo.TopicPartitioner
	keyed      kgo.Record
}

func newPlacer(p Placement, partitions int32) *placer {
	return &placer{placement: p, partitions: partitions, chosen: kgo.StickyKeyPartitioner(nil).ForTopic("")} // nil = murmur2, as the Java client hashes
}

// right reports whether a record of the target is where it should be. Source is
// its partition there.
func (p *placer) right(source int32, r *kgo.Record) bool {
	switch {
	case p.placement == Keep:
		return r.Partition == source
	case p.placement == ByKey && r.Key != nil:
		p.keyed.Key = r.Key
		return int32(p.chosen.Partition(&p.keyed, int(p.partitions))) == r.Partition
	default:
		return true
	}
}
