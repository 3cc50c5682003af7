package transform

import (
	"bytes"
	"time"
)

// stampLayout is RFC 3339 with milliseconds and zone, as a JSON string.
const stampLayout = `"2006-01-02T15:04:05.000Z07:00"`

// stampCache holds the stamp of the last arrival time, one a batch, and that of
// the last event time.
type stampCache struct {
	at, event   time.Time
	text, early []byte
}

// arrival returns an arrival time's stamp.
func (c *stampCache) arrival(t time.Time, zone *time.Location) []byte {
	if c.text == nil || !c.at.Equal(t) {
		// A new slice: an earlier document may still hold the old one.
		c.at, c.text = t, t.In(zone).AppendFormat(nil, stampLayout)
	}
	return c.text
}

// of returns an event time's stamp, valid until the next call.
func (c *stampCache) of(t time.Time, zone *time.Location, part *zonePart) []byte {
	if len(c.early) == 0 || !c.event.Equal(t) {
		c.event, c.early = t, appendStamp(c.early[:0], t, zone, part.aheadAt(t, zone))
	}
	return c.early
}

// appendStamp does what AppendFormat does with stampLayout, in a third of the
// time. Seconds of an offset are not shown by either.
func appendStamp(dst []byte, t time.Time, zone *time.Location, ahead int64) []byte {
	const firstYear, behindYear9999 = -62167219200, 253402300800 // of 0000 and 10000
	local := t.Unix() + ahead
	if local < firstYear || local >= behindYear9999 {
		return t.In(zone).AppendFormat(dst, stampLayout)
	}
	days, second := local/86400, local%86400
	if second < 0 {
		days, second = days-1, second+86400
	}
	year, month, day := civil(days)
	dst = append(dst, '"')
	dst = appendTwo(appendTwo(dst, year/100), year%100)
	dst = appendTwo(append(dst, '-'), month)
	dst = appendTwo(append(dst, '-'), day)
	dst = appendTwo(append(dst, 'T'), int(second/3600))
	dst = appendTwo(append(dst, ':'), int(second/60%60))
	dst = appendTwo(append(dst, ':'), int(second%60))
	ms := t.Nanosecond() / 1e6
	dst = appendTwo(append(dst, '.', byte('0'+ms/100)), ms%100)
	if ahead == 0 {
		return append(dst, 'Z', '"')
	}
	sign, minutes := byte('+'), int(ahead/60)
	if ahead < 0 {
		sign, minutes = '-', -minutes
	}
	dst = appendTwo(append(dst, sign), minutes/60)
	dst = appendTwo(append(dst, ':'), minutes%60)
	return append(dst, '"')
}

func appendTwo(dst []byte, n int) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// civil is the reverse of daysSince1970.
func civil(days int64) (year, month, day int) {
	days += 719468
	era := days / 146097
	if days < 0 {
		era = (days - 146096) / 146097
	}
	of := days - era*146097
	y := (of - of/1460 + of/36524 - of/146096) / 365
	of -= 365*y + y/4 - y/100
	m := (5*of + 2) / 153
	day = int(of - (153*m+2)/5 + 1)
	month = int(m + 3)
	if month > 12 {
		month -= 12
		y++
	}
	return int(y + era*400), month, day
}

// stamp sets the time field if the record lacks it: to the event time if there
// is one, else to the arrival time, as always when it is to be overwritten. Null
// and an empty string are lacking, as they are to Elasticsearch.
func (w *Worker) stamp(event time.Time, found bool, arrival time.Time) {
	name := w.p.stamp
	if name.Key == nil {
		return
	}
	m := w.obj.findSig(name.Sig, name.Name)
	switch {
	case m == nil:
	case w.p.opts.TimeOverwrite:
		w.removed(w.p.opts.TimeField, "overwritten with the arrival time")
	case isNothing(m.Value):
		w.removed(w.p.opts.TimeField, "it was empty, and is stamped")
	default:
		return
	}
	w.doc.Stamped = true
	var text []byte
	if found && !w.p.opts.TimeOverwrite {
		text = w.stamps.of(event, w.p.opts.Zone, &w.part)
	} else {
		text = w.stamps.arrival(arrival, w.p.opts.Zone)
	}
	if m == nil {
		name.Value = text
		w.obj.add(name)
		return
	}
	replace(m, text)
}

// isNothing reports whether a value is null or an empty string.
func isNothing(value []byte) bool {
	return value[0] == 'n' || value[0] == '"' && len(bytes.Trim(value[1:len(value)-1], " \t")) == 0
}
