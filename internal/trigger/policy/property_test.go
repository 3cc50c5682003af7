package policy_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"ckafka-etl/internal/trigger/policy"
)

// modelRecord is a record of a model log; its number is its own.
type modelRecord struct {
	offset int64
	epoch  int32
	number int
}

// model is a log, and a partition that reads it.
type model struct {
	// The log. Offsets between its records are those of markers, or were
	// compacted away.
	records    []modelRecord
	start, end int64
	epoch      int32
	topic      int
	numbers    int
	deleted    map[int]bool // by retention
	epochEnds  map[int32]int64

	// The reader.
	p         *policy.Partition
	now       time.Time
	queue     []modelRecord
	seenEpoch int32
	seenTopic int
	flight    []modelRecord
	delivered map[int]bool
	life      map[int]bool // delivered since the last assignment

	commit      policy.Place
	commitTopic int
}

func newModel() *model {
	m := &model{now: begin, deleted: map[int]bool{}, delivered: map[int]bool{}, epochEnds: map[int32]int64{}, commit: policy.Nowhere}
	m.assign()
	return m
}

func (m *model) append(t *rapid.T) {
	for range rapid.IntRange(1, 20).Draw(t, "n") {
		if rapid.IntRange(0, 5).Draw(t, "marker") > 0 {
			m.numbers++
			m.records = append(m.records, modelRecord{m.end, m.epoch, m.numbers})
		}
		m.end++
	}
}

// truncate has the log lose its tail: another leader comes, which lacks it.
func (m *model) truncate(t *rapid.T) {
	to := rapid.Int64Range(m.start, m.end).Draw(t, "to")
	for e, end := range m.epochEnds {
		m.epochEnds[e] = min(end, to)
	}
	m.end = to
	m.records = slices.DeleteFunc(m.records, func(r modelRecord) bool { return r.offset >= to })
	m.lead()
}

// lead has another leader come.
func (m *model) lead() {
	m.epochEnds[m.epoch] = m.end
	m.epoch++
}

func (m *model) recreate(*rapid.T) {
	m.topic++
	m.records, m.start, m.end, m.epochEnds = nil, 0, 0, map[int32]int64{}
	m.epoch = 0
}

// retention deletes the beginning.
func (m *model) retention(t *rapid.T) {
	m.start = rapid.Int64Range(m.start, m.end).Draw(t, "start")
	for _, r := range m.records {
		if r.offset < m.start {
			m.deleted[r.number] = true
		}
	}
	m.records = slices.DeleteFunc(m.records, func(r modelRecord) bool { return r.offset < m.start })
}

// epochEnd is where the log says that an epoch ends.
func (m *model) epochEnd(e int32) policy.Place {
	if end, ok := m.epochEnds[e]; ok {
		return policy.Place{Offset: end, Epoch: e}
	}
	if e == m.epoch {
		return policy.Place{Offset: m.end, Epoch: e}
	}
	return policy.Nowhere
}

func (m *model) apply(e policy.Event) policy.Outcome {
	m.now = m.now.Add(time.Millisecond)
	o := m.p.Apply(m.now, e)
	if o.Drop {
		m.queue = nil
	}
	return o
}

// assign begins with what is committed.
func (m *model) assign() {
	m.p = &policy.Partition{Retries: 1 << 30}
	m.queue, m.flight, m.life = nil, nil, map[int]bool{}
	m.seenEpoch, m.seenTopic = m.epoch, m.topic
	m.apply(policy.Assigned{
		Commit: m.commit, Another: m.commit.Offset >= 0 && m.commitTopic != m.topic, EpochEnd: m.epochEnd(m.commit.Epoch),
		Start: m.start, End: m.end, Position: m.start,
	})
}

// inSync reports whether the reader has heard of what the log is now.
func (m *model) inSync() bool { return m.seenEpoch == m.epoch && m.seenTopic == m.topic }

// fetch does what the connection does before it fetches, and fetches.
func (m *model) fetch(*rapid.T) {
	if _, ok := m.p.MayFetch(); !ok && m.p.State() != policy.Delivering {
		return
	}
	from := m.p.Read()
	switch {
	case m.seenTopic != m.topic:
		m.seenTopic, m.seenEpoch = m.topic, m.epoch
		m.apply(policy.Recreated{Start: m.start})
	case m.seenEpoch != m.epoch:
		m.seenEpoch = m.epoch
		m.apply(policy.Checked{From: from.Offset, EpochEnd: m.epochEnd(from.Epoch)})
	case from.Offset < m.start || from.Offset > m.end:
		m.apply(policy.OutOfRange{From: from.Offset, Start: m.start, End: m.end, EpochEnd: m.epochEnd(from.Epoch)})
	default:
		m.fetchAt(from)
	}
}

func (m *model) fetchAt(from policy.Place) {
	next, records := policy.Place{Offset: from.Offset, Epoch: -1}, []modelRecord(nil)
	if from.Offset < m.end {
		next = policy.Place{Offset: min(m.end, from.Offset+15), Epoch: m.epoch}
		for e, end := range m.epochEnds { // the epoch of the last offset
			if next.Offset <= end && e < next.Epoch {
				next.Epoch = e
			}
		}
		for _, r := range m.records {
			if r.offset >= from.Offset && r.offset < next.Offset {
				records = append(records, r)
			}
		}
	}
	o := m.apply(policy.Fetched{From: from.Offset, Next: next, Records: len(records), Start: m.start, End: m.end})
	if o.Keep {
		m.queue = append(m.queue, records...)
	}
	m.drain()
}

func (m *model) drain() {
	if len(m.queue) == 0 && m.p.State() == policy.Waiting && m.p.Next() < m.p.Read().Offset {
		m.apply(policy.Drained{})
	}
}

// deliver starts a delivery, of the same batch if one failed.
func (m *model) deliver(t *rapid.T) {
	if due, ok := m.p.MayDeliver(); !ok || len(m.queue) == 0 {
		return
	} else if m.now.Before(due) {
		m.now = due
	}
	n := min(len(m.queue), rapid.IntRange(1, 10).Draw(t, "batch"))
	if b, again := m.p.Batch(); again {
		if m.queue[len(m.queue)-1].offset < b.Last && m.p.Read().Offset < b.Next.Offset {
			return // it was evicted and is not all here yet
		}
		n = 0
		for n < len(m.queue) && m.queue[n].offset <= b.Last {
			n++
		}
	}
	if n == 0 { // the log lost it, and there are others now
		m.apply(policy.Passed{From: m.p.Next(), Next: m.p.NextPlace()})
		return
	}
	m.flight = slices.Clone(m.queue[:n])
	first, last := m.flight[0], m.flight[n-1]
	m.apply(policy.Deliver{Batch: policy.Batch{
		First: first.offset, Last: last.offset, Records: n, Next: policy.Place{Offset: last.offset + 1, Epoch: last.epoch},
	}})
}

func (m *model) succeed(t *rapid.T) {
	if m.p.State() != policy.Delivering {
		return
	}
	for _, r := range m.flight {
		require.False(t, m.life[r.number], "record %d was delivered twice in one life", r.number)
		m.life[r.number], m.delivered[r.number] = true, true
	}
	if o := m.apply(policy.Delivered{}); !o.Drop {
		m.queue = slices.DeleteFunc(m.queue, func(r modelRecord) bool { return r.offset < m.p.Next() })
	}
	m.drain()
}

func (m *model) fail(*rapid.T) {
	if m.p.State() == policy.Delivering {
		m.apply(policy.DeliveryFailed{Err: errX})
	}
}

func (m *model) committed(t *rapid.T) {
	place, due := m.p.Commit(m.now)
	if !due || m.seenTopic != m.topic {
		return // the connection holds it back until the partition has heard
	}
	if m.inSync() {
		for _, r := range m.records {
			if r.offset < place.Offset {
				require.True(t, m.delivered[r.number], "the commit %d passes record %d at %d", place.Offset, r.number, r.offset)
			}
		}
	}
	m.commit, m.commitTopic = place, m.topic
	m.apply(policy.Committed{At: place})
}

// TestProperty has a log and its reader go through any sequence of what may
// happen to them. Every record that is in the log at the end was delivered; none
// twice in one life of the reader; no commit passes one that was not.
func TestProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := newModel()
		t.Repeat(map[string]func(*rapid.T){
			"append": m.append, "truncate": m.truncate, "recreate": m.recreate, "retention": m.retention,
			"new leader": func(*rapid.T) { m.lead() },
			"fetch":      m.fetch, "fetch again": m.fetch, "deliver": m.deliver, "deliver again": m.deliver,
			"succeed": m.succeed, "fail": m.fail, "commit": m.committed,
			"commit failed": func(*rapid.T) { m.apply(policy.CommitFailed{}) },
			"evict":         func(*rapid.T) { m.apply(policy.Evicted{}) },
			"reassign": func(t *rapid.T) {
				if rapid.Bool().Draw(t, "revoked") && m.p.State() != policy.Delivering {
					m.committed(t)
				}
				m.assign()
			},
		})
		for range 10_000 {
			if m.inSync() && m.p.State() == policy.Waiting && m.p.Next() == m.end {
				break
			}
			m.fetch(t)
			m.deliver(t)
			m.succeed(t)
		}
		require.Equal(t, m.end, m.p.Next())
		for _, r := range m.records {
			require.True(t, m.delivered[r.number], "record %d at offset %d is missing", r.number, r.offset)
		}
	})
}
