package handler

import (
	"strconv"

	"ckafka-etl/record"
)

// counts says how many records ended as what. Records is the sum of the others.
type counts struct {
	Records   int `json:"records"`
	Stored    int `json:"stored"`
	Duplicate int `json:"duplicate"`
	Filtered  int `json:"filtered"`
	Dead      int `json:"dead"`
	Unsettled int `json:"unsettled"`
}

func (c *counts) add(o record.Outcome) {
	c.Records++
	switch o {
	case record.Stored:
		c.Stored++
	case record.Duplicate:
		c.Duplicate++
	case record.Filtered:
		c.Filtered++
	case record.Dead:
		c.Dead++
	case record.Unsettled, record.Refused:
		c.Unsettled++
	}
}

// account is the result of an invocation.
type account struct {
	counts
	// Recalled counts the records that an earlier delivery had settled: their
	// outcomes are in the counts, but nothing was written for them this time.
	Recalled int `json:"recalled,omitempty"`
	// Overwritten counts the stored documents that took the place of another with
	// the same id; UnreadTime and UnreadID the records whose event time or id is
	// there and could not be read. Records that were settled earlier are not in it.
	Overwritten int `json:"overwritten,omitempty"`
	UnreadTime  int `json:"unread_time,omitempty"`
	UnreadID    int `json:"unread_id,omitempty"`
	// Sinks holds each sink's own counts if there is more than one.
	Sinks map[string]counts `json:"sinks,omitempty"`
}

func (s *settlement) account() account {
	sum := s.sum()
	a := account{Recalled: s.recalled, Overwritten: sum.Overwritten, UnreadTime: sum.UnreadTime, UnreadID: sum.UnreadID}
	for i := range s.recs {
		a.add(s.outcome(i))
	}
	if len(s.results) > 1 {
		a.Sinks = make(map[string]counts, len(s.results))
		for k, results := range s.results {
			var c counts
			for i := range results {
				c.add(results[i].Outcome)
			}
			a.Sinks[s.pipeline.Sinks[k].Name()] = c
		}
	}
	return a
}

// sum adds up what the sinks did.
func (s *settlement) sum() (sum record.Stats) {
	for _, st := range s.stats {
		sum.Add(st)
	}
	return sum
}

// UnsettledError says that some records of a batch are not settled, so that
// the trigger has to deliver it again. The platform logs its type's name.
type UnsettledError struct {
	Unsettled, Records int
	// First is the first unsettled record, as topic/partition/offset, and Cause
	// why it is unsettled.
	First string
	Cause *record.Cause

	permanent bool
}

// Error returns one line without document contents.
func (e *UnsettledError) Error() string {
	return strconv.Itoa(e.Unsettled) + " of " + strconv.Itoa(e.Records) + " records are unsettled, the first is " +
		e.First + ": " + clip(e.Cause.Text())
}

// Permanent reports that no retry can help before somebody changes something.
func (e *UnsettledError) Permanent() bool { return e.permanent }

// failure returns the error of a batch with unsettled records.
func (a *account) failure(s *settlement) *UnsettledError {
	e := &UnsettledError{Unsettled: a.Unsettled, Records: a.Records, permanent: true}
	for i := range s.recs {
		for _, results := range s.results {
			r := &results[i]
			if r.Outcome.Settled() {
				continue
			}
			if e.First == "" {
				e.First, e.Cause = coordinates(&s.recs[i]), r.Cause
			}
			e.permanent = e.permanent && r.Cause != nil && r.Cause.Permanent
		}
	}
	return e
}

// coordinates names a record for people.
func coordinates(r *record.Record) string {
	part := func(n int64) string {
		if n == record.Unknown {
			return "?"
		}
		return strconv.FormatInt(n, 10)
	}
	return clip(r.Topic) + "/" + part(int64(r.Partition)) + "/" + part(r.Offset)
}
