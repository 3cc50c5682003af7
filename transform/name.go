package transform

import (
	"bytes"
	"fmt"
	"math"
	"strings"
	"time"
)

// Period is the time of which one index holds the documents.
type Period uint8

// The periods, with what they put behind the prefix.
const (
	Day   Period = iota // -2006-01-02
	Hour                // -2006-01-02-15
	Week                // -2006-w01, of ISO 8601
	Month               // -2006-01
	Ever                // nothing
)

// appendTo appends what the period of a local time puts behind the prefix.
func (p Period) appendTo(dst []byte, at time.Time) []byte {
	switch p {
	case Hour:
		return at.AppendFormat(dst, "-2006-01-02-15")
	case Week:
		year, week := at.ISOWeek()
		return fmt.Appendf(dst, "-%04d-w%02d", year, week)
	case Month:
		return at.AppendFormat(dst, "-2006-01")
	case Ever:
		return dst
	case Day:
	}
	return at.AppendFormat(dst, "-2006-01-02")
}

// TopicPlaceholder stands for a record's topic in Options.IndexPrefix.
const TopicPlaceholder = "{topic}"

// MaxIndexBytes is the longest name of an index that Elasticsearch takes.
const MaxIndexBytes = 255

// zonePart is the part of the time line around a time in which the offset of the
// local time is the same.
type zonePart struct {
	from, to, ahead int64 // seconds: its bounds, and what local time is ahead
}

// aheadAt returns what local time is ahead of UTC at a time, in seconds.
func (c *zonePart) aheadAt(at time.Time, zone *time.Location) int64 {
	unix := at.Unix()
	if unix < c.from || unix >= c.to {
		local := at.In(zone)
		start, end := local.ZoneBounds()
		_, ahead := local.Zone()
		c.from, c.to, c.ahead = math.MinInt64, math.MaxInt64, int64(ahead)
		if !start.IsZero() {
			c.from = start.Unix()
		}
		if !end.IsZero() {
			c.to = end.Unix()
		}
	}
	return c.ahead
}

// nameCache holds the names of the last few days or hours, for one topic.
type nameCache struct {
	topic string
	names [8]periodName
}

// periodName is the index name of a local day or hour, counted from 1970.
type periodName struct {
	period int64
	name   string
}

// find returns the entry of a local day or hour, and whether it holds the name
// already.
func (c *nameCache) find(local, seconds int64) (entry *periodName, ok bool) {
	period := local / seconds
	if local%seconds < 0 {
		period--
	}
	entry = &c.names[uint64(period)%uint64(len(c.names))]
	ok = entry.name != "" && entry.period == period
	entry.period = period
	return entry, ok
}

// indexName returns the name of the index that holds what happened at a time. It
// is made once a day, or hour.
func (w *Worker) indexName(topic string, at time.Time) string {
	o := &w.p.opts
	if w.p.byTopic && w.index.topic != topic {
		w.index = nameCache{topic: topic}
	}
	seconds := int64(24 * 60 * 60)
	if o.Period == Hour {
		seconds = 60 * 60
	}
	entry, ok := w.index.find(at.Unix()+w.part.aheadAt(at, o.Zone), seconds)
	if !ok {
		prefix := o.IndexPrefix
		if w.p.byTopic {
			prefix = strings.ReplaceAll(prefix, TopicPlaceholder, strings.ToLower(topic))
		}
		entry.name = string(o.Period.appendTo([]byte(prefix), at.In(o.Zone)))
	}
	return entry.name
}

// checkIndex says so if a record's topic makes no name of an index.
func (w *Worker) checkIndex(topic string) {
	if !w.p.byTopic {
		return
	}
	name := w.doc.Index
	switch {
	case topic == "":
		w.doc.NoIndex = &Refusal{"no_topic", "the event does not name the record's topic, which the index is to be named by"}
	case len(name) > MaxIndexBytes:
		w.doc.NoIndex = &Refusal{"index_name_too_long", "the topic's name makes a name of an index that is longer than 255 bytes"}
	case strings.IndexByte("-_+", name[0]) >= 0 || name == "." || name == ".." || strings.ContainsAny(name, "\\/*?\"<>| ,#:\r\n\t"):
		w.doc.NoIndex = &Refusal{"invalid_index_name", "the topic's name makes no name of an index"}
	}
}

// findTime finds the record's event time in the fields that may hold it: the
// first one that is read and lies in the window.
func (w *Worker) findTime(arrival time.Time) (at time.Time, found bool) {
	o, d := &w.p.opts, &w.doc
	w.clock.arrival = arrival
	for i := range w.p.times {
		v, several := w.obj.at(&w.p.times[i])
		if v == nil && !several {
			if v = w.obj.inAnyCase(&w.p.times[i]); v == nil {
				continue
			}
		}
		t, how := time.Time{}, unread
		if !several {
			t, how = w.lastTime.read(&w.clock, v)
		}
		switch {
		case how == lacking:
		case how == unread:
			d.noteUnread(o.TimeFields[i], v)
		case t.Before(arrival.Add(-o.WindowBack)) || t.After(arrival.Add(o.WindowAhead)):
			d.OutsideWindow = true
		default:
			d.OutsideWindow = false
			d.EventTime, d.TimeField, d.ByZone = t, o.TimeFields[i], w.lastTime.byZone
			return t, true
		}
	}
	return arrival, false
}

// lastTime is the last value that was read as an event time: most records of a
// batch are of the same second as the one before.
type lastTime struct {
	text    []byte
	arrival time.Time
	t       time.Time
	how     reading
	byZone  bool
}

// read reads a value, or knows it already.
func (l *lastTime) read(clock *timeReader, value []byte) (time.Time, reading) {
	if !bytes.Equal(l.text, value) || !l.arrival.Equal(clock.arrival) {
		if len(value) > maxTimeText {
			return clock.read(value)
		}
		l.text, l.arrival = append(l.text[:0], value...), clock.arrival
		l.t, l.how = clock.read(value)
		l.byZone = clock.byZone
	}
	return l.t, l.how
}
