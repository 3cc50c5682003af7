package handler

import (
	"log/slog"
	"strconv"
	"sync"

	"ckafka-etl/internal/core/budget"
	"ckafka-etl/record"
)

// settlement brings the records of one batch to their outcomes.
type settlement struct {
	pipeline *Pipeline
	recs     []record.Record
	memory   *memory
	panics   *panics
	log      *slog.Logger
	// results holds one list a sink, each with one result a record.
	results [][]record.Result
	// recalled counts records that an earlier delivery has settled everywhere.
	recalled int
	stats    []record.Stats
	groups   []group // nil: nobody has asked so far
}

// recall fills in what earlier deliveries have settled, and gives records back
// the arrival time under which they were first seen.
func (s *settlement) recall() {
	s.results = make([][]record.Result, len(s.pipeline.Sinks))
	for k := range s.results {
		s.results[k] = make([]record.Result, len(s.recs))
	}
	s.stats = make([]record.Stats, len(s.results))
	if len(s.memory.failed) == 0 {
		return
	}
	s.open()
	for i := range s.groups {
		g := &s.groups[i]
		s.memory.recall(g, s.recs)
		for j, place := range g.places {
			s.fill(g.known, g.place(j), int(place))
		}
	}
}

// open divides the records by source, and finds what is remembered of each.
func (s *settlement) open() {
	if s.groups == nil {
		s.groups = groupsOf(s.recs)
		s.memory.open(s.groups)
	}
}

// fill gives record i what is remembered of it at a place, -1 = nothing.
func (s *settlement) fill(b *failedBatch, i, place int) {
	if place < 0 {
		s.recs[i].Batch = b.arrivalOfNew(s.recs[i].Batch)
		return
	}
	s.recs[i].Batch = b.arrival(place)
	everywhere := true
	for k := range s.results {
		r := b.states[place*len(s.results)+k].result()
		s.results[k][i] = r
		everywhere = everywhere && r.Outcome.Settled()
	}
	if everywhere {
		s.recalled++
	}
}

// failures returns how many deliveries in a row have failed: of the source that
// has failed least, and of the one that has failed most.
func (s *settlement) failures() (least, most int) {
	for i := range s.groups {
		n := 0
		if b := s.groups[i].known; b != nil {
			n = b.failures
		}
		if most = max(most, n); i == 0 || n < least {
			least = n
		}
	}
	return least, most
}

// write has each sink write what it has not settled yet, all at the same time:
// one that is down neither hides nor undoes another.
func (s *settlement) write(phases budget.Phases) {
	failures, _ := s.failures()
	var sinks sync.WaitGroup
	for k := range s.pipeline.Sinks {
		d, places := s.delivery(k)
		if len(d.Records) == 0 {
			continue
		}
		d.Failures = failures
		sinks.Go(func() { s.writeTo(phases, k, d, places) })
	}
	sinks.Wait()
}

// delivery returns what a sink has not settled, and where in the batch each
// record is; nil places: it is the whole batch.
func (s *settlement) delivery(k int) (d record.Delivery, places []int) {
	open, traced := 0, false
	for i := range s.results[k] {
		r := &s.results[k][i]
		if !r.Outcome.Settled() {
			open++
			traced = traced || r.Trace != 0
		}
	}
	d.Records = s.recs
	if open < len(s.recs) {
		d.Records, places = make([]record.Record, 0, open), make([]int, 0, open)
	}
	if traced {
		d.Traces = make([]record.Trace, 0, open)
	}
	for i := 0; (places != nil || traced) && i < len(s.recs); i++ {
		r := &s.results[k][i]
		if r.Outcome.Settled() {
			continue
		}
		if places != nil {
			d.Records, places = append(d.Records, s.recs[i]), append(places, i)
		}
		if traced {
			d.Traces = append(d.Traces, r.Trace)
		}
	}
	return d, places
}

func (s *settlement) writeTo(phases budget.Phases, k int, d record.Delivery, places []int) {
	sink := s.pipeline.Sinks[k]
	var results []record.Result
	cause := s.panics.catch(s.log, "the sink "+sink.Name(), func() {
		results, s.stats[k] = sink.Write(phases.Sinks, d)
	})
	if cause == nil && len(results) != len(d.Records) {
		cause = wrongNumber("the sink "+sink.Name(), len(results), len(d.Records))
	}
	for n := range d.Records {
		i := n
		if places != nil {
			i = places[n]
		}
		r := &s.results[k][i]
		if cause == nil {
			was := r.Trace & letterFailed
			*r = results[n]
			if r.Outcome == record.Refused {
				r.Trace |= was
			}
			continue
		}
		// Nobody knows what was sent, and what the answers said.
		*r = record.Result{Cause: cause, Trace: r.Trace | record.AnswerLost | record.WriteFailed}
	}
}

// wrongNumber is the cause of records of which a sink has said nothing that
// could be understood.
func wrongNumber(who string, got, want int) *record.Cause {
	return &record.Cause{
		Type: "wrong_results", Hint: hintBug,
		Safe: who + " gave " + strconv.Itoa(got) + " results for " + strconv.Itoa(want) + " records",
	}
}

// remember keeps what the next delivery of a failed batch has to know. It
// returns how many deliveries in a row had failed before this one.
func (s *settlement) remember() (failures int) {
	s.open()
	_, failures = s.failures()
	for i := range s.groups {
		s.memory.remember(&s.groups[i], s.recs, s.results)
	}
	return failures
}

// outcome returns what became of a record, all sinks taken together: what is
// missing anywhere is unsettled, and it is stored once everyone has it.
func (s *settlement) outcome(i int) record.Outcome {
	out := s.results[0][i].Outcome
	for _, results := range s.results[1:] {
		out = worse(out, results[i].Outcome)
	}
	return out
}

func worse(a, b record.Outcome) record.Outcome {
	for _, o := range [...]record.Outcome{record.Unsettled, record.Refused, record.Dead, record.Stored, record.Duplicate} {
		if a == o || b == o {
			return o
		}
	}
	return record.Filtered
}
