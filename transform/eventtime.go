package transform

import (
	"bytes"
	"math"
	"time"

	"ckafka-etl/internal/rawjson"
)

// parseTime reads an event time from a field's JSON text: RFC 3339, ISO 8601
// with or without zone (without: in zone), seconds, milliseconds, microseconds
// or nanoseconds since 1970 as number or string, the common log format, and
// "2006-01-02 15:04:05[.000]" with a dot or a comma before the fraction.
func parseTime(value []byte, zone *time.Location) (time.Time, bool) {
	text := value
	if value[0] == '"' {
		text = value[1 : len(value)-1]
		if bytes.IndexByte(text, '\\') >= 0 {
			text, _ = rawjson.AppendUnescaped(nil, text)
		}
		text = bytes.TrimSpace(text)
	}
	if len(text) < 4 || len(text) > 64 {
		return time.Time{}, false
	}
	switch {
	case text[2] == '/': // 02/Jan/2006:15:04:05 -0700
		return commonLog(text)
	case text[0] == '[' && text[len(text)-1] == ']':
		return commonLog(text[1 : len(text)-1])
	case len(text) > 4 && text[4] == '-', len(text) > 8 && text[8]|0x20 == 't':
		return iso(text, zone)
	default:
		return epoch(text)
	}
}

// reader reads fixed-width fields; bad stays set once anything was wrong.
type reader struct {
	text []byte
	bad  bool
}

func (r *reader) num(digits, low, high int) int {
	if len(r.text) < digits {
		r.bad = true
		return 0
	}
	n := 0
	for _, c := range r.text[:digits] {
		if c < '0' || c > '9' {
			r.bad = true
			return 0
		}
		n = n*10 + int(c-'0')
	}
	r.text = r.text[digits:]
	if n < low || n > high {
		r.bad = true
	}
	return n
}

func (r *reader) take(c byte) bool {
	if len(r.text) > 0 && r.text[0] == c {
		r.text = r.text[1:]
		return true
	}
	return false
}

func (r *reader) want(c byte) {
	if !r.take(c) {
		r.bad = true
	}
}

// iso reads the extended form, the basic form (20060102T150405) and a date
// alone.
func iso(text []byte, zone *time.Location) (time.Time, bool) {
	r := &reader{text: text}
	basic := text[4] != '-'
	sep := func(c byte) {
		if !basic {
			r.want(c)
		}
	}
	year := r.num(4, 0, 9999)
	sep('-')
	month := r.num(2, 1, 12)
	sep('-')
	day := r.num(2, 1, 31)
	if r.bad || day > daysIn(year, month) {
		return time.Time{}, false
	}
	if len(r.text) == 0 {
		return time.Date(year, time.Month(month), day, 0, 0, 0, 0, zone), !basic
	}
	if !r.take('T') && !r.take('t') {
		r.want(' ')
	}
	hour := r.num(2, 0, 24)
	sep(':')
	minute := r.num(2, 0, 59)
	second, nanos := 0, 0
	if basic && len(r.text) >= 2 && r.text[0] >= '0' && r.text[0] <= '9' || !basic && r.take(':') {
		second = r.num(2, 0, 60)
		if r.take('.') || r.take(',') {
			nanos = r.fraction()
		}
	}
	if hour == 24 && (minute != 0 || second != 0 || nanos != 0) {
		r.bad = true
	}
	loc, ahead := r.zone(zone)
	if r.bad || len(r.text) != 0 {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, nanos, loc).Add(-ahead), true
}

// fraction reads the digits of a second's fraction; those beyond nanoseconds
// are cut.
func (r *reader) fraction() int {
	n, scale := 0, 1_000_000_000
	i := 0
	for ; i < len(r.text) && r.text[i] >= '0' && r.text[i] <= '9'; i++ {
		if scale > 1 {
			scale /= 10
			n += int(r.text[i]-'0') * scale
		}
	}
	r.bad = r.bad || i == 0
	r.text = r.text[i:]
	return n
}

// zone reads Z, +08:00, +0800, +08, or nothing, which means without. It returns
// how far the zone is ahead of loc, which costs less than making a zone of it.
func (r *reader) zone(without *time.Location) (loc *time.Location, ahead time.Duration) {
	if len(r.text) == 0 {
		return without, 0
	}
	if len(r.text) > 1 && r.text[0] == ' ' {
		r.text = r.text[1:]
	}
	if r.take('Z') || r.take('z') {
		return time.UTC, 0
	}
	sign := time.Minute
	if r.take('-') {
		sign = -time.Minute
	} else {
		r.want('+')
	}
	hours := r.num(2, 0, 23)
	minutes := 0
	if r.take(':') || len(r.text) > 0 {
		minutes = r.num(2, 0, 59)
	}
	return time.UTC, sign * time.Duration(hours*60+minutes)
}

// commonLog reads 02/Jan/2006:15:04:05 -0700.
func commonLog(text []byte) (time.Time, bool) {
	r := &reader{text: text}
	day := r.num(2, 1, 31)
	r.want('/')
	month := r.month()
	r.want('/')
	year := r.num(4, 0, 9999)
	r.want(':')
	hour := r.num(2, 0, 23)
	r.want(':')
	minute := r.num(2, 0, 59)
	r.want(':')
	second := r.num(2, 0, 60)
	if len(r.text) == 0 {
		r.bad = true // the format always has a zone
	}
	_, ahead := r.zone(time.UTC)
	if r.bad || len(r.text) != 0 || day > daysIn(year, month) {
		return time.Time{}, false
	}
	return time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC).Add(-ahead), true
}

func (r *reader) month() int {
	const names = "JanFebMarAprMayJunJulAugSepOctNovDec"
	if len(r.text) >= 3 {
		if i := bytes.Index([]byte(names), r.text[:3]); i >= 0 && i%3 == 0 {
			r.text = r.text[3:]
			return i/3 + 1
		}
	}
	r.bad = true
	return 1
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

// epoch reads a number of seconds, milliseconds, microseconds or nanoseconds,
// told apart by size: as seconds each of the limits lies after the year 5000.
func epoch(text []byte) (time.Time, bool) {
	whole, frac, hasFrac := bytes.Cut(text, []byte{'.'})
	if len(whole) == 0 || len(whole) > 19 || hasFrac && len(frac) == 0 {
		return time.Time{}, false
	}
	var n uint64
	for _, c := range whole {
		if c < '0' || c > '9' {
			return time.Time{}, false
		}
		n = n*10 + uint64(c-'0')
	}
	perSecond := uint64(1)
	switch {
	case n < 1e11:
	case n < 1e14:
		perSecond = 1e3
	case n < 1e17:
		perSecond = 1e6
	case n <= math.MaxInt64:
		perSecond = 1e9
	default:
		return time.Time{}, false
	}
	nanos := n % perSecond * (1e9 / perSecond)
	unit := 1e9 / perSecond
	for _, c := range frac {
		if c < '0' || c > '9' {
			return time.Time{}, false
		}
		unit /= 10
		nanos += uint64(c-'0') * unit
	}
	return time.Unix(int64(n/perSecond), int64(nanos)), true
}
