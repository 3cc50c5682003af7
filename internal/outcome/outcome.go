// Package outcome reads what the function says became of the records of an
// event: its result, if all of them are settled, and its log line, if some are
// not.
package outcome

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Counts say how many records ended as what. The last five add up to Records.
type Counts struct {
	Records   int64 `json:"records"`
	Stored    int64 `json:"stored"`
	Duplicate int64 `json:"duplicate"`
	Filtered  int64 `json:"filtered"`
	Dead      int64 `json:"dead"`
	Unsettled int64 `json:"unsettled"`
}

// Add adds other counts.
func (c *Counts) Add(d Counts) {
	c.Records += d.Records
	c.Stored += d.Stored
	c.Duplicate += d.Duplicate
	c.Filtered += d.Filtered
	c.Dead += d.Dead
	c.Unsettled += d.Unsettled
}

// Odd says of how many records something else is to be known.
type Odd struct {
	Overwritten int64 `json:"overwritten,omitempty"`
	UnreadTime  int64 `json:"unread_time,omitempty"`
	UnreadID    int64 `json:"unread_id,omitempty"`
}

// Account is what the function returns of an event, or the sum of several.
type Account struct {
	Counts
	Odd
	// Sinks holds each sink's own counts if there is more than one.
	Sinks map[string]Counts `json:"sinks,omitempty"`
}

// Add adds another account.
func (a *Account) Add(b Account) {
	a.Counts.Add(b.Counts)
	a.Overwritten += b.Overwritten
	a.UnreadTime += b.UnreadTime
	a.UnreadID += b.UnreadID
	for name, c := range b.Sinks {
		if a.Sinks == nil {
			a.Sinks = make(map[string]Counts)
		}
		sum := a.Sinks[name]
		sum.Add(c)
		a.Sinks[name] = sum
	}
}

// Read reads what the function returned.
func Read(result []byte) (Account, error) {
	var a Account
	if err := json.Unmarshal(result, &a); err != nil {
		return a, fmt.Errorf("the function returned something that is no account: %w", err)
	}
	if a.Unsettled > 0 {
		return a, fmt.Errorf("the function returned success although %d records are unsettled", a.Unsettled)
	}
	return a, nil
}

// Failed is the account of an event that is not settled. It stands in the log
// alone: the result is an error.
type Failed struct {
	Counts
	RequestID string
	// Sinks holds how many records each sink has not settled, if there is
	// more than one sink.
	Sinks map[string]int64
}

// ReadLine reads a line of the function's log. It reports false if that is no
// account of an event that failed.
func ReadLine(line []byte) (Failed, bool) {
	if !bytes.Contains(line, []byte(`"msg":"batch"`)) {
		return Failed{}, false
	}
	var batch struct {
		Msg           string `json:"msg"`
		RequestID     string `json:"request_id"`
		Elasticsearch *int64 `json:"elasticsearch_unsettled"`
		Kafka         *int64 `json:"kafka_unsettled"`
		Counts
	}
	if json.Unmarshal(line, &batch) != nil || batch.Msg != "batch" || batch.Unsettled == 0 {
		return Failed{}, false
	}
	f := Failed{Counts: batch.Counts, RequestID: batch.RequestID}
	for name, n := range map[string]*int64{"elasticsearch": batch.Elasticsearch, "kafka": batch.Kafka} {
		if n == nil {
			continue
		}
		if f.Sinks == nil {
			f.Sinks = make(map[string]int64)
		}
		f.Sinks[name] = *n
	}
	return f, true
}
