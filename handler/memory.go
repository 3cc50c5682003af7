package handler

import (
	"hash/maphash"
	"slices"

	"ckafka-etl/record"
)

// How much of failed batches is remembered. An instance serves few partitions,
// each of which has at most one failed batch.
const (
	maxBatches    = 16
	maxRemembered = 100_000
)

// memory is what a warm instance knows of batches that failed: when they first
// arrived, and which of their records are settled. The next delivery of such a
// record then writes it only where it is missing, and under the same index
// name as before. The zero value is empty and ready for use.
type memory struct {
	seed    maphash.Seed
	seeded  bool
	records map[recordKey]remembered
	batches []failedBatch // oldest first
	targets []string      // where the outcomes hold
}

type failedBatch struct {
	batch *record.Batch
	keys  []recordKey
}

// recordKey names a record. Deliveries may cut batches differently, so that
// the record itself has to be known again, not the batch.
type recordKey struct {
	topic     string
	partition int32
	offset    int64
	pos       int    // only if the coordinates are unknown
	event     uint64 // likewise
	body      uint64
}

type remembered struct {
	batch    *record.Batch
	outcomes []record.Outcome // one a sink
	causes   []*record.Cause  // of dead ones
}

func (m *memory) key(r *record.Record) recordKey {
	if !m.seeded {
		m.seed, m.seeded = maphash.MakeSeed(), true
	}
	k := recordKey{topic: r.Topic, partition: r.Partition, offset: r.Offset, body: maphash.Bytes(m.seed, r.Body)}
	if !r.Located() {
		k.pos, k.event = r.Pos, r.Batch.Event
	}
	return k
}

// retarget forgets what was settled at places that are written to no more.
func (m *memory) retarget(sinks []Sink) {
	old := make(map[string]int)
	for i, t := range m.targets {
		old[t] = i
	}
	m.targets = m.targets[:0]
	for _, s := range sinks {
		m.targets = append(m.targets, s.Target())
	}
	for k, r := range m.records {
		outcomes, causes := make([]record.Outcome, len(sinks)), make([]*record.Cause, len(sinks))
		for i, t := range m.targets {
			if j, ok := old[t]; ok {
				outcomes[i], causes[i] = r.outcomes[j], r.causes[j]
			}
		}
		m.records[k] = remembered{r.batch, outcomes, causes}
	}
}

// recall returns what is known of a record.
func (m *memory) recall(r *record.Record) (remembered, bool) {
	if len(m.records) == 0 {
		return remembered{}, false
	}
	known, ok := m.records[m.key(r)]
	return known, ok
}

// forget drops records that are settled everywhere.
func (m *memory) forget(recs []record.Record) {
	if len(m.records) == 0 {
		return
	}
	for i := range recs {
		delete(m.records, m.key(&recs[i]))
	}
	if len(m.records) == 0 {
		m.batches = nil
	}
}

// remember keeps a failed batch. The oldest ones go if there is no room.
func (m *memory) remember(recs []record.Record, results [][]record.Result) {
	if m.records == nil {
		m.records = make(map[recordKey]remembered, len(recs))
	}
	keys := make([]recordKey, len(recs))
	outcomes := make([]record.Outcome, len(recs)*len(results))
	causes := make([]*record.Cause, len(recs)*len(results))
	for i := range recs {
		k := m.key(&recs[i])
		keys[i] = k
		n := i * len(results)
		for s := range results {
			outcomes[n+s] = results[s][i].Outcome
			if results[s][i].Outcome == record.Dead {
				causes[n+s] = results[s][i].Cause
			}
		}
		m.records[k] = remembered{recs[i].Batch, outcomes[n : n+len(results)], causes[n : n+len(results)]}
	}
	m.keep(failedBatch{recs[0].Batch, keys})
}

// keep adds a batch, in place of what was kept of its last delivery, and drops
// the oldest ones if there is no room.
func (m *memory) keep(b failedBatch) {
	m.batches = slices.DeleteFunc(m.batches, func(old failedBatch) bool { return old.batch == b.batch })
	m.batches = append(m.batches, b)
	for len(m.batches) > 1 && (len(m.batches) > maxBatches || len(m.records) > maxRemembered) {
		for _, k := range m.batches[0].keys {
			if r, ok := m.records[k]; ok && r.batch == m.batches[0].batch {
				delete(m.records, k)
			}
		}
		m.batches = slices.Delete(m.batches, 0, 1)
	}
}
