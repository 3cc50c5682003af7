package verify

import (
	"context"
	"fmt"
	"slices"
	"unsafe"

	"github.com/twmb/franz-go/pkg/kgo"
)

// suspect is a block whose records have to be compared one by one.
type suspect struct{ partition, block int32 }

// detail is what a second reading keeps of the source records of a block.
type detail struct {
	key, body         [blockSize]uint64
	keySize, bodySize [blockSize]int32
	noted, changed    offsetSet
}

// manySpans is how many pieces of a partition are read one after another at
// most. If there were more, what lies between is read as well.
const manySpans = 16

// inspect reads the suspects again, as many at a time as the memory allows.
func (l *ledger) inspect(ctx context.Context, suspects []suspect, tell *teller) error {
	each := int64(unsafe.Sizeof(detail{}))
	size := int(max(1, l.cfg.Memory/each))
	l.report.Memory += each * int64(min(size, len(suspects)))
	for some := range slices.Chunk(suspects, size) {
		if err := l.inspectSome(ctx, some, tell); err != nil {
			return err
		}
	}
	return l.expired
}

func (l *ledger) inspectSome(ctx context.Context, some []suspect, tell *teller) error {
	details := make(map[suspect]*detail, len(some))
	byPartition := make(map[int32][]int32)
	for _, s := range some {
		details[s] = new(detail)
		byPartition[s.partition] = append(byPartition[s.partition], s.block)
	}
	for _, wave := range l.waves(byPartition) {
		tell.expect(offsetsIn(wave))
		if err := readSide(ctx, tell, l.source, wave, func(r *kgo.Record) { l.note(details, r) }); err != nil {
			return err
		}
	}
	spans := make(map[int32]span)
	for t, x := range l.indices {
		if s, any := x.where(func(source, low, high int32) bool {
			i, _ := slices.BinarySearch(byPartition[source], low)
			return i < len(byPartition[source]) && byPartition[source][i] <= high
		}); any {
			spans[int32(t)] = s
		}
	}
	tell.expect(offsetsIn(spans))
	return readSide(ctx, tell, l.target, spans, func(r *kgo.Record) { l.check(details, r) })
}

// waves returns the ranges of the source with the blocks, such that one wave
// after another can be read.
func (l *ledger) waves(byPartition map[int32][]int32) []map[int32]span {
	var waves []map[int32]span
	for p, list := range byPartition {
		part := &l.report.Partitions[p]
		near := int32(1) // blocks no further apart are one piece
		if n := len(list); n > manySpans {
			near = (list[n-1] - list[0]) / manySpans
		}
		begin := list[0]
		n := 0
		for i, b := range list {
			if i+1 < len(list) && list[i+1]-b <= near {
				continue
			}
			if n == len(waves) {
				waves = append(waves, make(map[int32]span))
			}
			waves[n][p] = span{part.From + int64(begin)*blockSize, min(part.From+int64(b+1)*blockSize, part.End)}
			n++
			if i+1 < len(list) {
				begin = list[i+1]
			}
		}
	}
	return waves
}

// note keeps what a source record is.
func (l *ledger) note(details map[suspect]*detail, r *kgo.Record) {
	l.report.ReadAgain++
	i := r.Offset - l.report.Partitions[r.Partition].From
	d := details[suspect{r.Partition, int32(i / blockSize)}]
	if d == nil {
		return
	}
	at := i % blockSize
	d.noted.put(int(at))
	d.key[at], d.keySize[at] = l.fromSource.field(r.Key), int32(sizeOf(r.Key))
	d.body[at], d.bodySize[at] = l.fromSource.field(r.Value), int32(sizeOf(r.Value))
}

// check compares a copy with what was noted of its source record.
func (l *ledger) check(details map[suspect]*detail, r *kgo.Record) {
	l.report.ReadAgain++
	source, offset, from := l.originOf(r)
	if from != compared {
		return
	}
	part := &l.report.Partitions[source]
	i := offset - part.From
	d := details[suspect{source, int32(i / blockSize)}]
	if d == nil {
		return
	}
	at := int(i % blockSize)
	if sent := l.sent[source][i/blockSize]; sent == nil || !sent.seen.has(at) {
		if l.isExtra(source, offset) {
			l.found.add(Finding{Kind: Extra, Source: single(source, offset), Target: placeOf(r)})
		}
		return
	}
	if !d.noted.has(at) {
		l.expired = fmt.Errorf("source record %d-%d was removed before it could be compared with its copy; compare again, from a later record on", source, offset)
		return
	}
	what := ""
	if d.keySize[at] != int32(sizeOf(r.Key)) || d.key[at] != l.fromTarget.field(r.Key) {
		what = "key"
	}
	if !l.cfg.KeysOnly && (d.bodySize[at] != int32(sizeOf(r.Value)) || d.body[at] != l.fromTarget.field(r.Value)) {
		if what += " and body"; what == " and body" {
			what = "body"
		}
	}
	if what == "" || d.changed.put(at) {
		return
	}
	part.Changed++
	place := single(source, offset)
	place.Key, place.Body = new(int(d.keySize[at])), new(int(d.bodySize[at]))
	l.found.add(Finding{Kind: Changed, Source: place, Target: placeOf(r), What: what})
}
