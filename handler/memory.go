package handler

import (
	"hash/maphash"
	"time"

	"ckafka-etl/record"
)

const (
	// maxIdle is how long a failed batch is remembered that nobody asks for.
	maxIdle = 15 * time.Minute
	// maxEvents is how many events with records of unknown coordinates are
	// remembered: no offset says when such an event is passed.
	maxEvents = 64
)

// memory is what a warm instance knows of batches that failed: one for each
// source partition, a few bytes a record. The next delivery of such a batch
// then writes each record only where it is missing, and under the same index
// name as before. The zero value is empty and ready for use.
type memory struct {
	seed    maphash.Seed
	seeded  bool
	failed  map[source]*failedBatch
	targets []string // where the outcomes hold, one a sink
	hashes  []uint32 // of the records at hand
	now     int64    // of the last sweep, in ns since 1970
}

// source is where records come from: a partition, or the event itself if their
// coordinates are unknown. The zero value stands for what is no event.
type source struct {
	topic     string
	partition int32
	event     uint64
}

func sourceOf(r *record.Record) source {
	if r.Located() {
		return source{topic: r.Topic, partition: r.Partition}
	}
	return source{event: r.Batch.Event}
}

// ordinal is a record's place in its source.
func ordinal(r *record.Record) int64 {
	if r.Located() {
		return r.Offset
	}
	return int64(r.Pos)
}

// hash names a record within its source, as well as 32 bits can.
func (m *memory) hash(r *record.Record) uint32 {
	if !m.seeded {
		m.seed, m.seeded = maphash.MakeSeed(), true
	}
	const odd = 0x9E3779B97F4A7C15 // spreads offsets, which differ in few bits, over all of them
	h := maphash.Bytes(m.seed, r.Body) ^ uint64(ordinal(r))*odd
	return uint32((h ^ h>>32) * odd >> 32)
}

// sweep forgets what nobody has asked for. The clock on the wall counts: a
// frozen instance's own may stand still.
func (m *memory) sweep(now time.Time) {
	m.now = now.UnixNano()
	for src, b := range m.failed {
		if m.now-b.asked >= int64(maxIdle) {
			delete(m.failed, src)
		}
	}
}

// open finds what is remembered of the groups' sources, and forgets what they
// have passed, and what they have gone back before: then somebody wants it all
// to be written again.
func (m *memory) open(groups []group) {
	for i := range groups {
		g := &groups[i]
		b := m.failed[g.source]
		switch {
		case b == nil:
		case g.first < b.first || g.first > b.last:
			delete(m.failed, g.source)
		default:
			g.known, b.asked = b, m.now
		}
	}
}

// recall finds the places of a group's records in what is remembered of their
// source.
func (m *memory) recall(g *group, recs []record.Record) {
	if g.known == nil || len(g.known.hashes) == 0 {
		return
	}
	m.hashGroup(g, recs)
	if !g.align(recs) {
		// Other records at the same offsets: the topic was made anew.
		delete(m.failed, g.source)
		g.known, g.places, g.kept = nil, nil, 0
	}
}

func (m *memory) hashGroup(g *group, recs []record.Record) {
	if g.hashes != nil {
		return
	}
	from := len(m.hashes)
	for j := range g.n {
		m.hashes = append(m.hashes, m.hash(&recs[g.place(j)]))
	}
	g.hashes = m.hashes[from:len(m.hashes):len(m.hashes)]
}

// remember keeps what became of a group's records in a failed delivery.
func (m *memory) remember(g *group, recs []record.Record, results [][]record.Result) {
	m.hashGroup(g, recs)
	m.fail(g)
	g.known.replace(g, recs, results)
}

// fail counts a failed delivery of a group of which nothing was written.
func (m *memory) fail(g *group) {
	if g.known == nil {
		g.known = &failedBatch{asked: m.now}
		if m.failed == nil {
			m.failed = make(map[source]*failedBatch)
		}
		m.failed[g.source] = g.known
		m.limitEvents()
	}
	if len(g.known.hashes) == 0 {
		g.known.first, g.known.last = g.first, g.last
	}
	g.known.failures++
}

// settle forgets the records of groups that are settled everywhere. Of a batch
// that was cut shorter than the time before, what is behind them stays.
func (m *memory) settle(groups []group) {
	for i := range groups {
		g := &groups[i]
		switch {
		case g.known == nil:
		case g.kept < len(g.known.hashes):
			g.known.trim(g)
		default:
			delete(m.failed, g.source)
		}
	}
	delete(m.failed, source{})
}

// touch notes that a failed delivery of the groups' batches has ended: an
// invocation can take as long as a batch is remembered.
func (m *memory) touch(groups []group, now time.Time) {
	for i := range groups {
		groups[i].known.asked = now.UnixNano()
	}
}

// done lets go of what belongs to one invocation.
func (m *memory) done() {
	const keep = 1 << 14 // more than an event of the trigger holds
	if m.hashes = m.hashes[:0]; cap(m.hashes) > keep {
		m.hashes = nil
	}
}

// limitEvents forgets the event that was not asked for the longest, if there
// are too many.
func (m *memory) limitEvents() {
	n, oldest := 0, source{}
	for src, b := range m.failed {
		if src.event == 0 {
			continue
		}
		if n++; oldest.event == 0 || b.asked < m.failed[oldest].asked {
			oldest = src
		}
	}
	if n > maxEvents {
		delete(m.failed, oldest)
	}
}

// retarget forgets what was settled at places that are written to no more.
func (m *memory) retarget(sinks []Sink) {
	old := make(map[string]int, len(m.targets))
	for i, t := range m.targets {
		old[t] = i
	}
	before := len(m.targets)
	m.targets = m.targets[:0]
	from := make([]int, len(sinks)) // which sink of before it was, -1 = none
	for k, s := range sinks {
		m.targets = append(m.targets, s.Target())
		from[k] = -1
		if i, ok := old[s.Target()]; ok {
			from[k] = i
		}
	}
	for _, b := range m.failed {
		b.retarget(before, from)
	}
}
