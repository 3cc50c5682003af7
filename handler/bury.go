package handler

import (
	"ckafka-etl/internal/core/budget"
	"ckafka-etl/record"
)

// refusal is where in the results a refused record is.
type refusal struct{ sink, rec int }

// letterFailed is the trace of a refused record whose letter the server has
// answered with an error of its own.
const letterFailed = record.FoundAtFault | record.WriteFailed

// bury sends refused records to the dead letters. What a sink itself says is
// dead, because its server has buried it, needs no letter.
func (s *settlement) bury(phases budget.Phases) {
	var letters []record.DeadLetter
	var places []refusal
	for k, results := range s.results {
		for i := range results {
			r := &results[i]
			if r.Outcome != record.Refused {
				continue
			}
			if r.Cause == nil {
				r.Cause = &record.Cause{Type: "unknown", Hint: hintBug}
			}
			letters = append(letters, record.DeadLetter{
				Record: &s.recs[i], Cause: r.Cause, Sink: s.pipeline.Sinks[k].Name(), Again: r.Trace&letterFailed == letterFailed,
			})
			places = append(places, refusal{k, i})
		}
	}
	switch {
	case len(letters) == 0:
	case s.pipeline.Letters == nil:
		s.hold(places, func(cause *record.Cause) *record.Cause {
			own := *cause
			own.Hint = "there is no place for dead letters: look at ES_Dead_Letter_Index and kafka_dead_letter_topic"
			own.Permanent = true
			return &own
		})
	default:
		s.writeLetters(phases, letters, places)
	}
}

func (s *settlement) writeLetters(phases budget.Phases, letters []record.DeadLetter, places []refusal) {
	var results []record.Result
	cause := s.panics.catch(s.log, "the place for dead letters", func() {
		var stats record.Stats
		results, stats = s.pipeline.Letters.Write(phases.Letters, letters)
		s.stats[0].Add(stats)
	})
	if cause == nil && len(results) != len(letters) {
		cause = wrongNumber("the place for dead letters", len(results), len(letters))
	}
	if cause != nil {
		s.hold(places, func(*record.Cause) *record.Cause { return cause })
		return
	}
	for n, p := range places {
		r := &s.results[p.sink][p.rec]
		if results[n].Outcome == record.Dead {
			r.Outcome = record.Dead // the cause is why it was refused
		} else {
			r.Outcome, r.Cause = record.Unsettled, results[n].Cause
			// The record itself was refused: a write that failed was its letter's.
			r.Trace |= record.FoundAtFault | results[n].Trace&record.WriteFailed
		}
	}
}

// hold leaves refused records unsettled, for a cause that is made of why they
// were refused.
func (s *settlement) hold(places []refusal, why func(*record.Cause) *record.Cause) {
	for _, p := range places {
		r := &s.results[p.sink][p.rec]
		r.Outcome, r.Cause = record.Unsettled, why(r.Cause)
		r.Trace |= record.FoundAtFault
	}
}
