package handler

import (
	"sync"

	"ckafka-etl/internal/core/budget"
	"ckafka-etl/record"
)

// settlement brings the records of one batch to their outcomes.
type settlement struct {
	pipeline *Pipeline
	recs     []record.Record
	memory   *memory
	// results holds one list a sink, each with one result a record.
	results [][]record.Result
	// recalled counts records that an earlier delivery has settled everywhere.
	recalled int
	stats    []record.Stats
}

// recall fills in what earlier deliveries have settled, and gives records back
// the arrival time under which they were first seen.
func (s *settlement) recall() {
	for k := range s.results {
		s.results[k] = make([]record.Result, len(s.recs))
	}
	s.stats = make([]record.Stats, len(s.results))
	for i := range s.recs {
		known, ok := s.memory.recall(&s.recs[i])
		if !ok {
			continue
		}
		s.recs[i].Batch = known.batch
		everywhere := true
		for k, o := range known.outcomes {
			if o.Settled() {
				s.results[k][i] = record.Result{Outcome: o, Cause: known.causes[k]}
			} else {
				everywhere = false
			}
		}
		if everywhere {
			s.recalled++
		}
	}
}

// write has each sink write what it has not settled yet, all at the same time:
// one that is down neither hides nor undoes another.
func (s *settlement) write(phases budget.Phases) {
	var sinks sync.WaitGroup
	for k := range s.pipeline.Sinks {
		sinks.Go(func() { s.writeTo(phases, k) })
	}
	sinks.Wait()
}

func (s *settlement) writeTo(phases budget.Phases, k int) {
	todo, places := s.unsettled(k)
	if len(todo) == 0 {
		return
	}
	results, stats := s.pipeline.Sinks[k].Write(phases.Sinks, record.Delivery{Records: todo})
	s.stats[k] = stats
	if len(results) != len(todo) {
		return // what it means cannot be known: everything stays unsettled
	}
	for n, r := range results {
		if places == nil {
			s.results[k][n] = r
		} else {
			s.results[k][places[n]] = r
		}
	}
}

// unsettled returns the records that sink k has not settled, and their places
// in the batch; nil places mean all of them.
func (s *settlement) unsettled(k int) (todo []record.Record, places []int) {
	for i := range s.recs {
		if !s.results[k][i].Outcome.Settled() {
			places = append(places, i)
		}
	}
	if len(places) == len(s.recs) {
		return s.recs, nil
	}
	for _, i := range places {
		todo = append(todo, s.recs[i])
	}
	return todo, places
}

// bury sends refused records to the dead letters.
func (s *settlement) bury(phases budget.Phases) {
	type place struct{ sink, rec int }
	var letters []record.DeadLetter
	var places []place
	for k, results := range s.results {
		for i := range results {
			if results[i].Outcome == record.Refused {
				letters = append(letters, record.DeadLetter{
					Record: &s.recs[i], Cause: results[i].Cause, Sink: s.pipeline.Sinks[k].Name(),
				})
				places = append(places, place{k, i})
			}
		}
	}
	if len(letters) == 0 {
		return
	}
	if s.pipeline.Letters == nil {
		for _, p := range places {
			r := &s.results[p.sink][p.rec]
			cause := *r.Cause
			cause.Hint = "there is no place for dead letters: look at ES_Dead_Letter_Index and kafka_dead_letter_topic"
			cause.Permanent = true
			*r = record.Result{Outcome: record.Unsettled, Cause: &cause}
		}
		return
	}
	results, stats := s.pipeline.Letters.Write(phases.Letters, letters)
	s.stats[0].Add(stats)
	if len(results) != len(letters) {
		results = make([]record.Result, len(letters)) // unsettled, all of them
	}
	for n, p := range places {
		s.results[p.sink][p.rec] = results[n]
	}
}

// remember keeps what the next delivery of a failed batch has to know.
func (s *settlement) remember() {
	for i := range s.recs {
		if !s.outcome(i).Settled() {
			s.memory.remember(s.recs, s.results)
			return
		}
	}
	s.memory.forget(s.recs)
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
