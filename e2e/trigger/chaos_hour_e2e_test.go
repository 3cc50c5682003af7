//go:build e2e

package trigger

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// hourZone is the name of a time zone that only the tests know.
const hourZone = "Chaos"

// crossHour has the hour end, by the clock of the function's indices, between
// the deliveries of a batch. Text has no time of its own: its index is that of
// the hour in which the batch came first, and a later delivery must neither
// write it again nor write it elsewhere.
func (c *chaos) crossHour(t *testing.T, portion func()) int {
	t.Helper()
	require.NoError(t, c.trigger.interrupt(t)) // there is nothing left to do
	ends := time.Now().Add(12 * time.Second)
	zones := zoneWhoseHourEnds(t, ends)
	c.environ = []string{"ZONEINFO=" + zones}
	c.trigger = c.another(t, "--function", c.withZones(t, zones), "-e", "ES_Index_TimeFormat=hour", "-e", "ES_Index_TimeZone="+hourZone)
	c.environ = nil

	// plain's time in a zone that is behind by less than an hour
	hour := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC).Add(-time.Duration(ends.Unix()%3600) * time.Second)
	index := keyword + hour.Format("-2006-01-02-15")
	c.createIndex(t, index)
	c.blockIndex(t, index, noWrites, true)
	portion()
	c.awaitRetry(t, 0)
	c.trigger.await(t, "a failed delivery in the next hour", func(lines []line) bool { return len(retriesAfter(lines, ends)) > 0 })
	crossed := 0
	for _, l := range c.trigger.all() {
		if l.Event == "retry" && l.Delivery == 1 && l.at.Before(ends) {
			crossed++
		}
	}
	require.Positive(t, crossed, "a batch must have come before the hour ended")
	c.blockIndex(t, index, noWrites, false)
	c.awaitCommitted(t)
	require.NoError(t, c.trigger.interrupt(t))
	c.start(t)
	return crossed
}

func retriesAfter(lines []line, at time.Time) (after []line) {
	for _, l := range lines {
		if l.Event == "retry" && l.at.After(at) {
			after = append(after, l)
		}
	}
	return after
}

// zoneWhoseHourEnds makes a folder with the data of hourZone, in which it is a
// full hour at the given time.
func zoneWhoseHourEnds(t *testing.T, at time.Time) (folder string) {
	t.Helper()
	// RFC 9636, version 1: no transitions, one type of local time.
	data := append([]byte("TZif"), make([]byte, 1+15)...)
	for _, n := range []uint32{0, 0, 0, 0, 1, 4} {
		data = binary.BigEndian.AppendUint32(data, n)
	}
	data = binary.BigEndian.AppendUint32(data, uint32(-int32(at.Unix()%3600)))
	data = append(data, 0, 0)
	data = append(data, "CHA\x00"...)
	folder = t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(folder, hourZone), data, 0o600))
	return folder
}

// withZones wraps the function in a program that lets it know the zones: the
// platform gives a process no variables but its own.
func (c *chaos) withZones(t *testing.T, zones string) string {
	t.Helper()
	wrapped := filepath.Join(t.TempDir(), "main")
	script := fmt.Sprintf("#!/bin/sh\nZONEINFO='%s' exec '%s'\n", zones, c.function)
	require.NoError(t, os.WriteFile(wrapped, []byte(script), 0o700))
	return wrapped
}
