package transform

import (
	"bytes"
	"time"

	"ckafka-etl/internal/rawjson"
)

// reading is what a field's value says of the time.
type reading uint8

const (
	lacking reading = iota // nothing: null, an empty string or array
	unread                 // something that is not understood
	told                   // a time
)

const (
	// maxTimeText is the longest text that is taken for a time, in bytes.
	maxTimeText = 96
	// maxTimeDepth is how deep a time may stand in arrays of one element and in
	// the objects by which some writers tell types.
	maxTimeDepth = 4
)

// timeReader reads event times. What a text leaves open is taken from the zone
// and from the arrival time. It is not safe for concurrent use.
type timeReader struct {
	zone    *time.Location
	arrival time.Time
	// byZone says that the last time read has an abbreviation of a zone ("CST"),
	// which means what it means in zone at that time.
	byZone  bool
	zones   map[string]*time.Location // by IANA name, nil for unknown ones
	scratch []byte
}

// read reads a time from a field's JSON text.
func (r *timeReader) read(value []byte) (time.Time, reading) {
	r.byZone = false
	return r.value(value, 0)
}

func (r *timeReader) value(value []byte, depth int) (time.Time, reading) {
	switch c := value[0]; {
	case c == '"':
		text := value[1 : len(value)-1]
		if bytes.IndexByte(text, '\\') >= 0 {
			r.scratch, _ = rawjson.AppendUnescaped(r.scratch[:0], text)
			text = r.scratch
		}
		return r.text(text)
	case c == '-' || isDigit(c):
		return r.number(value)
	case c == 'n':
		return time.Time{}, lacking
	case depth == maxTimeDepth:
		return time.Time{}, unread
	case c == '[':
		return r.array(value, depth+1)
	case c == '{':
		return r.object(value, depth+1)
	default: // true, false
		return time.Time{}, unread
	}
}

// text reads a string's content.
func (r *timeReader) text(text []byte) (time.Time, reading) {
	if len(text) >= len("2006-01-02T15:04:05Z") && len(text) <= maxTimeText {
		if t, ok := rfc3339(text); ok {
			return t, told
		}
	}
	text = trimTime(text)
	switch {
	case len(text) == 0:
		return time.Time{}, lacking
	case len(text) > maxTimeText:
		return time.Time{}, unread
	case isNumber(text):
		return r.number(text)
	}
	if inner, ok := cutAround(text, "/Date(", ")/"); ok { // Microsoft's JSON
		return r.microsoft(inner)
	}
	s := timeScanner{text: text, weekday: -1}
	if !s.scan() {
		return time.Time{}, unread
	}
	return r.moment(&s)
}

// trimTime removes blanks, brackets and quotes around a time.
func trimTime(text []byte) []byte {
	text = bytes.TrimSpace(text)
	for _, pair := range [...]string{"[]", "()", `""`, "''"} {
		if n := len(text); n >= 2 && text[0] == pair[0] && text[n-1] == pair[1] {
			return bytes.TrimSpace(text[1 : n-1])
		}
	}
	return text
}

func cutAround(text []byte, before, after string) ([]byte, bool) {
	n := len(text) - len(after)
	if n < len(before) || string(text[:len(before)]) != before || string(text[n:]) != after {
		return nil, false
	}
	return text[len(before):n], true
}

// microsoft reads the inside of "/Date(1795678200000+0800)/": milliseconds, and
// a zone that says only how to show them.
func (r *timeReader) microsoft(text []byte) (time.Time, reading) {
	if i := bytes.LastIndexAny(text, "+-"); i > 0 {
		s := timeScanner{text: text, at: i}
		if !s.offset(2) || s.at != len(text) {
			return time.Time{}, unread
		}
		text = text[:i]
	}
	if !isNumber(text) {
		return time.Time{}, unread
	}
	return r.number(text)
}

// array reads the one element of an array, or a date as Java's Jackson writes
// it: [2026,11,26,7,35,36,123000000], of which what is zero at the end may be
// missing, down to the minute.
func (r *timeReader) array(value []byte, depth int) (time.Time, reading) {
	var elems [7][]byte
	n := 0
	k := keeper{data: value}
	for i := k.space(1); value[i] != ']'; n++ {
		if value[i] == ',' {
			i = k.space(i + 1)
		}
		end := k.valueEnd(i)
		if n < len(elems) {
			elems[n] = value[i:end]
		}
		i = k.space(end)
	}
	switch {
	case n == 0:
		return time.Time{}, lacking
	case n == 1:
		return r.value(elems[0], depth)
	case n == 2 || n == 4 || n > len(elems):
		return time.Time{}, unread
	}
	var nums [len(elems)]int
	for i, e := range elems[:n] {
		s := timeScanner{text: e}
		most := 2
		switch i {
		case 0:
			most = 4
		case 6:
			most = 9
		}
		v, digits := s.number(most)
		if digits == 0 || s.at != len(e) || i == 0 && digits != 4 {
			return time.Time{}, unread
		}
		nums[i] = v
	}
	s := timeScanner{
		year: nums[0], month: nums[1], day: nums[2], hour: nums[3], minute: nums[4], second: nums[5], nanos: nums[6],
		hasYear: true, weekday: -1,
	}
	if !s.inRange() {
		return time.Time{}, unread
	}
	return r.moment(&s)
}

// object reads the objects by which MongoDB tells dates, and the two parts of an
// instant as Log4j and protocol buffers write them.
func (r *timeReader) object(value []byte, depth int) (time.Time, reading) {
	for _, name := range [...]string{"$date", "$numberLong", "$numberInt", "$numberDouble", "$timestamp.t"} {
		if v, _ := inside(value, name); v != nil {
			return r.value(v, depth)
		}
	}
	for _, names := range [...][2]string{{"epochSecond", "nanoOfSecond"}, {"seconds", "nanos"}, {"_seconds", "_nanoseconds"}} {
		v, _ := inside(value, names[0])
		if v == nil {
			continue
		}
		t, how := r.value(v, depth)
		rest, _ := inside(value, names[1])
		if how != told || rest == nil {
			return t, how
		}
		s := timeScanner{text: rest}
		nanos, digits := s.number(9)
		if digits == 0 || s.at != len(rest) {
			return time.Time{}, unread
		}
		return t.Truncate(time.Second).Add(time.Duration(nanos)), told
	}
	return time.Time{}, unread
}

// moment makes a time of what a scanner has found.
func (r *timeReader) moment(s *timeScanner) (time.Time, reading) {
	if s.hasYear {
		return r.ofYear(s)
	}
	// Without a year it is the one that puts it nearest to the arrival.
	year, most := r.arrival.In(r.zone).Year(), 1
	if s.month == 2 && s.day == 29 {
		most = 8
	}
	var nearest time.Time
	how := unread
	for s.year = year - most; s.year <= year+most; s.year++ {
		t, ok := r.ofYear(s)
		if ok == told && (how != told || t.Sub(r.arrival).Abs() < nearest.Sub(r.arrival).Abs()) {
			nearest, how = t, told
		}
	}
	return nearest, how
}

// ofYear is moment for a known year. A date that is none, or whose weekday is
// another, is not understood.
func (r *timeReader) ofYear(s *timeScanner) (time.Time, reading) {
	if s.year > 9999 || s.day > daysIn(s.year, s.month) {
		return time.Time{}, unread
	}
	days := daysSince1970(s.year, s.month, s.day)
	if s.weekday >= 0 && int((days%7+7+4)%7) != s.weekday {
		return time.Time{}, unread
	}
	// Seconds as if it were UTC; second 60 and hour 24 belong to what follows.
	wall := days*86400 + int64(s.hour*3600+s.minute*60+s.second)
	switch s.zone {
	case zoneOffset:
		return time.Unix(wall-int64(s.ahead)*60, int64(s.nanos)), told
	case zoneAbbreviation:
		return r.byAbbreviation(s, wall)
	case zoneName:
		zone := r.zoneOf(s.name)
		if zone == nil {
			return time.Time{}, unread
		}
		return dateIn(s, zone), told
	case zoneNone:
	}
	return dateIn(s, r.zone), told
}

func dateIn(s *timeScanner, zone *time.Location) time.Time {
	return time.Date(s.year, time.Month(s.month), s.day, s.hour, s.minute, s.second, s.nanos, zone)
}

// byAbbreviation reads local time by the abbreviation of its zone: it means what
// it means in r.zone at that time, and nothing if it is not used there.
func (r *timeReader) byAbbreviation(s *timeScanner, wall int64) (time.Time, reading) {
	t := dateIn(s, r.zone)
	start, end := t.ZoneBounds()
	// Where clocks are set back a local time comes twice, with two abbreviations.
	for _, at := range [...]time.Time{t, start.Add(-time.Second), end} {
		if at.IsZero() || start.IsZero() && at.Before(t) {
			continue
		}
		name, offset := at.Zone()
		if name != string(s.name) {
			continue
		}
		found := time.Unix(wall-int64(offset), int64(s.nanos)).In(r.zone)
		if name, then := found.Zone(); then == offset && name == string(s.name) {
			r.byZone = true
			return found, told
		}
	}
	return time.Time{}, unread
}

// maxZones is how many names of zones are remembered, unknown ones included.
const maxZones = 32

// zoneOf returns the zone with an IANA name, nil if there is none or if there
// were too many names.
func (r *timeReader) zoneOf(name []byte) *time.Location {
	if string(name) == r.zone.String() {
		return r.zone
	}
	zone, known := r.zones[string(name)]
	if !known && len(r.zones) < maxZones {
		if r.zones == nil {
			r.zones = make(map[string]*time.Location)
		}
		var err error
		if zone, err = time.LoadLocation(string(name)); err != nil {
			zone = nil
		}
		r.zones[string(name)] = zone
	}
	return zone
}

func daysIn(year, month int) int {
	switch {
	case month == 2 && (year%4 != 0 || year%100 == 0 && year%400 != 0):
		return 28
	case month == 2:
		return 29
	case month == 4, month == 6, month == 9, month == 11:
		return 30
	default:
		return 31
	}
}

// daysSince1970 counts the days of the Gregorian calendar.
func daysSince1970(year, month, day int) int64 {
	// The year begins in March, so that the odd day is its last one.
	y, m := int64(year), int64(month)
	if m <= 2 {
		y--
		m += 12
	}
	y += 400 // no division below zero
	return 365*y + y/4 - y/100 + y/400 + (153*(m-3)+2)/5 + int64(day) - 1 - 719468 - 146097
}

// rfc3339 reads the one format that most loggers write, fast. ok is false for
// all else, which may be a time all the same.
func rfc3339(text []byte) (t time.Time, ok bool) {
	if text[4] != '-' || text[7] != '-' || text[10] != 'T' || text[13] != ':' || text[16] != ':' {
		return t, false
	}
	year, month, day := two(text[0:])*100+two(text[2:]), two(text[5:]), two(text[8:])
	hour, minute, second := two(text[11:]), two(text[14:]), two(text[17:])
	if year|month|day|hour|minute|second < 0 || month-1 > 11 || day-1 > 27 && day > daysIn(year, month) ||
		month == 0 || day == 0 || hour > 23 || minute > 59 || second > 59 {
		return t, false
	}
	i, nanos := 19, 0
	if text[i] == '.' {
		scale := 1_000_000_000
		for i++; i < len(text) && isDigit(text[i]); i++ {
			scale /= 10 // 0 beyond nanoseconds
			nanos += int(text[i]-'0') * scale
		}
		if i == 20 || i == len(text) {
			return t, false
		}
	}
	seconds := daysSince1970(year, month, day)*86400 + int64(hour*3600+minute*60+second)
	switch rest := text[i:]; {
	case len(rest) == 1 && rest[0] == 'Z':
	case len(rest) == 6 && rest[3] == ':' && (rest[0] == '+' || rest[0] == '-'):
		h, m := two(rest[1:]), two(rest[4:])
		if h|m < 0 || h > 23 || m > 59 {
			return t, false
		}
		ahead := int64(h*3600 + m*60)
		if rest[0] == '-' {
			ahead = -ahead
		}
		seconds -= ahead
	default:
		return t, false
	}
	return time.Unix(seconds, int64(nanos)), true
}

// two reads two digits; it is negative if they are none.
func two(text []byte) int {
	a, b := text[0]-'0', text[1]-'0'
	if a > 9 || b > 9 {
		return -1 << 40
	}
	return int(a)*10 + int(b)
}

func isDigit(c byte) bool { return c-'0' <= 9 }
