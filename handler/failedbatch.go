package handler

import (
	"slices"

	"ckafka-etl/record"
)

// failedBatch is what is remembered of the last failed batch of a source: a
// byte a record and sink, and four more a record to know it again.
type failedBatch struct {
	// first and last are the offsets that the batch covers. The record at first
	// may be gone: it was settled, or never there.
	first, last int64
	// ascending says that the offsets grow from record to record. Then an
	// offset tells nearly where its record is.
	ascending bool
	hashes    []uint32
	// states holds a packed outcome and trace for each record and sink.
	states []state
	// arrivals are the arrival times that the records have. There is more than
	// one if a batch that failed came again longer.
	arrivals []*record.Batch
	failures int   // in a row
	asked    int64 // when it was last asked for, in ns since 1970
}

// state is the outcome of a settled record, or the trace of one that is not.
// That of a record's first sink also says which of the arrivals is the record's.
type state uint8

const (
	settledBit  = 1 << 5 // below it a trace, with it an outcome
	arrivalAt   = 6
	maxArrivals = 1 << (8 - arrivalAt)
)

func stateOf(r record.Result) state {
	if r.Outcome.Settled() {
		return settledBit | state(r.Outcome)
	}
	return state(r.Trace) & (settledBit - 1)
}

func (s state) result() record.Result {
	if s&settledBit != 0 {
		return record.Result{Outcome: record.Outcome(s & (settledBit - 1))}
	}
	return record.Result{Trace: record.Trace(s & (settledBit - 1))}
}

// find returns the place of the record with that offset and hash, or -1. The
// record before it was found right before floor, if there is an order at all.
func (b *failedBatch) find(offset int64, hash uint32, floor int) int {
	if offset > b.last {
		return -1
	}
	from, to := int64(0), int64(len(b.hashes)-1)
	if b.ascending {
		// There are no more records on either side than offsets.
		from, to = max(int64(floor), to-(b.last-offset)), min(to, offset-b.first)
	}
	found := -1
	for i := from; i <= to; i++ {
		switch {
		case b.hashes[i] != hash:
		case b.ascending && i == int64(floor):
			return floor
		case found >= 0:
			return -1 // which of them it is cannot be known
		default:
			found = int(i)
		}
	}
	return found
}

// arrival returns when the record at a place first arrived.
func (b *failedBatch) arrival(place int) *record.Batch {
	sinks := len(b.states) / len(b.hashes)
	return b.arrivals[b.states[place*sinks]>>arrivalAt]
}

// arrivalOfNew returns the arrival of a record that has joined the batch.
func (b *failedBatch) arrivalOfNew(now *record.Batch) *record.Batch {
	if len(b.arrivals) == maxArrivals {
		return b.arrivals[maxArrivals-1]
	}
	return now
}

// replace puts a group's results in the place of the records up to g.kept.
func (b *failedBatch) replace(g *group, recs []record.Record, results [][]record.Result) {
	sinks := len(results)
	before := b.arrivals
	b.arrivals = make([]*record.Batch, 0, 1)
	if b.first = g.first; g.kept == len(b.hashes) { // nothing is behind them
		b.last, b.ascending = g.last, g.ascending
	}
	b.hashes = makeRoom(b.hashes, g.kept, g.n)
	b.states = makeRoom(b.states, g.kept*sinks, g.n*sinks)
	copy(b.hashes, g.hashes)
	for j := range g.n {
		i := g.place(j)
		for k := range sinks {
			b.states[j*sinks+k] = stateOf(results[k][i])
		}
		b.states[j*sinks] |= b.indexOf(recs[i].Batch) << arrivalAt
	}
	for at := g.n * sinks; at < len(b.states); at += sinks {
		s := b.states[at]
		b.states[at] = s&(1<<arrivalAt-1) | b.indexOf(before[s>>arrivalAt])<<arrivalAt
	}
}

// trim drops the records up to g.kept, which are settled.
func (b *failedBatch) trim(g *group) {
	sinks := len(b.states) / len(b.hashes)
	b.hashes = makeRoom(b.hashes, g.kept, 0)
	b.states = makeRoom(b.states, g.kept*sinks, 0)
	b.first, b.failures = g.last+1, 0
}

// indexOf returns the place of an arrival, which it adds if it is not there.
func (b *failedBatch) indexOf(arrival *record.Batch) state {
	i := slices.Index(b.arrivals, arrival)
	if i < 0 {
		i = len(b.arrivals)
		b.arrivals = append(b.arrivals, arrival)
	}
	return state(i)
}

// retarget has the sinks' outcomes follow them: from says where each sink's
// were, -1 = nowhere.
func (b *failedBatch) retarget(before int, from []int) {
	n := len(b.hashes)
	old := b.states
	b.states = make([]state, n*len(from))
	for i := range n {
		for k, was := range from {
			if was >= 0 {
				b.states[i*len(from)+k] = old[i*before+was] & (1<<arrivalAt - 1)
			}
		}
		b.states[i*len(from)] |= old[i*before] >> arrivalAt << arrivalAt
	}
}

// makeRoom returns s with n elements in the place of those before from. It
// takes no more space than that needs.
func makeRoom[T any](s []T, from, n int) []T {
	size := n + len(s) - from
	if cap(s) != size {
		fresh := make([]T, size)
		copy(fresh[n:], s[from:])
		return fresh
	}
	tail := s[from:]
	s = s[:size]
	copy(s[n:], tail)
	return s
}
