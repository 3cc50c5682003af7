package main

import (
	"io"
	"strings"
	"sync"

	"ckafka-etl/internal/outcome"
)

// oddText says for people of how many records something else is to be known; ""
// if there is nothing to say.
func oddText(o outcome.Odd) string {
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

// functionLog takes the function's log lines. A batch that is not settled has
// no result but an error: its account stands in the log alone.
type functionLog struct {
	show io.Writer // nil: the lines are not shown

	mu        sync.Mutex
	unsettled map[string]outcome.Counts // by request id
}

func (l *functionLog) Write(line []byte) (int, error) {
	l.read(line)
	if l.show != nil {
		return l.show.Write(line)
	}
	return len(line), nil
}

func (l *functionLog) read(line []byte) {
	batch, ok := outcome.ReadLine(line)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.unsettled == nil {
		l.unsettled = make(map[string]outcome.Counts)
	}
	l.unsettled[batch.RequestID] = batch.Counts
}

// of returns the account of a failed batch. All lines are there only after the
// function was stopped.
func (l *functionLog) of(requestID string) (outcome.Counts, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	c, ok := l.unsettled[requestID]
	return c, ok
}
