package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
)

// counts say how many records ended as what.
type counts struct {
	Records   int64 `json:"records"`
	Stored    int64 `json:"stored"`
	Duplicate int64 `json:"duplicate"`
	Filtered  int64 `json:"filtered"`
	Dead      int64 `json:"dead"`
	Unsettled int64 `json:"unsettled"`
}

func (c *counts) add(d counts) {
	c.Records += d.Records
	c.Stored += d.Stored
	c.Duplicate += d.Duplicate
	c.Filtered += d.Filtered
	c.Dead += d.Dead
	c.Unsettled += d.Unsettled
}

// odd says of how many records something else is to be known.
type odd struct {
	Overwritten int64 `json:"overwritten,omitempty"`
	UnreadTime  int64 `json:"unread_time,omitempty"`
	UnreadID    int64 `json:"unread_id,omitempty"`
}

// String says it for people; "" = there is nothing to say.
func (o odd) String() string {
	var parts []string
	for _, p := range []struct {
		n    int64
		what string
	}{
		{o.Overwritten, "overwritten by another with the same id"},
		{o.UnreadTime, "with an event time that cannot be read"},
		{o.UnreadID, "with an id that cannot be read"},
	} {
		if p.n > 0 {
			parts = append(parts, thousands(p.n)+" "+p.what)
		}
	}
	return strings.Join(parts, ", ")
}

// account is what the function returns of an event, or the sum of several.
type account struct {
	counts
	odd
	// Sinks holds each sink's own counts if there is more than one.
	Sinks map[string]counts `json:"sinks,omitempty"`
}

// readAccount reads what the function returned.
func readAccount(result []byte) (account, error) {
	var a account
	if err := json.Unmarshal(result, &a); err != nil {
		return a, fmt.Errorf("the function returned something that is no account: %w", err)
	}
	if a.Unsettled > 0 {
		return a, fmt.Errorf("the function returned success although %d records are unsettled", a.Unsettled)
	}
	return a, nil
}

func (a *account) add(b account) {
	a.counts.add(b.counts)
	a.Overwritten += b.Overwritten
	a.UnreadTime += b.UnreadTime
	a.UnreadID += b.UnreadID
	for name, c := range b.Sinks {
		if a.Sinks == nil {
			a.Sinks = make(map[string]counts)
		}
		sum := a.Sinks[name]
		sum.add(c)
		a.Sinks[name] = sum
	}
}

// functionLog takes the function's log lines. A batch that is not settled has
// no result but an error: its account stands in the log alone.
type functionLog struct {
	show io.Writer // nil: the lines are not shown

	mu        sync.Mutex
	unsettled map[string]counts // by request id
}

func (l *functionLog) Write(line []byte) (int, error) {
	l.read(line)
	if l.show != nil {
		return l.show.Write(line)
	}
	return len(line), nil
}

func (l *functionLog) read(line []byte) {
	if !bytes.Contains(line, []byte(`"msg":"batch"`)) {
		return
	}
	var batch struct {
		Msg       string `json:"msg"`
		RequestID string `json:"request_id"`
		counts
	}
	if json.Unmarshal(line, &batch) != nil || batch.Msg != "batch" || batch.Unsettled == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unsettled == nil {
		l.unsettled = make(map[string]counts)
	}
	l.unsettled[batch.RequestID] = batch.counts
}

// of returns the account of a failed batch. All lines are there only after the
// function was stopped.
func (l *functionLog) of(requestID string) (counts, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.unsettled[requestID]
	return c, ok
}
