package standin

import (
	"regexp"
	"strings"
	"time"
)

// A dateFormat is what a string was taken for when its field was mapped.
type dateFormat int

const (
	noDate    dateFormat = iota
	isoDate              // strict_date_optional_time
	slashDate            // yyyy/MM/dd HH:mm:ss||yyyy/MM/dd
)

// detectDate says for what the server takes a new field's text. All versions:
// numbers are no dates, so 2020 is text, yet 2020-01, 2020T and -2020-01-01 are
// dates. date is nil if the text is good, else why its document is refused:
// 7.x and OpenSearch take 2020/13/01 for a date and then refuse it.
func detectDate(v Version, s string) (f dateFormat, why *exception) {
	switch {
	case len(s) < 5 || looksNumeric(s):
		return noDate, nil
	case isISODate(v, s):
		return isoDate, nil
	}
	date, ok := parseSlashDate(s)
	switch {
	case !ok:
		return noDate, nil
	case date.year == 0 && v != ES68:
		return noDate, nil
	}
	if why := date.impossible(); why != "" {
		if v.lenientDates() {
			return slashDate, &exception{Type: "date_time_exception", Reason: why}
		}
		return noDate, nil
	}
	return slashDate, nil
}

// acceptDate says why a text or number is none for a date field, or nil.
func acceptDate(v Version, f dateFormat, s string) *exception {
	switch {
	case f == isoDate && isISODate(v, s), isEpochMillis(v, s):
		return nil
	case f == slashDate:
		date, ok := parseSlashDate(s)
		if v == ES68 && !ok {
			date, ok = parseLooseSlashDate(s)
		}
		switch why := date.impossible(); {
		case ok && why == "" && (date.year > 0 || v == ES68):
			return nil
		case ok && why != "" && v != ES68:
			return &exception{Type: "date_time_exception", Reason: why}
		}
	}
	format := "strict_date_optional_time||epoch_millis"
	if f == slashDate {
		format = "yyyy/MM/dd HH:mm:ss||yyyy/MM/dd||epoch_millis"
	}
	c := &exception{Type: "illegal_argument_exception"}
	switch {
	case v == ES68 && outOfRange(f).MatchString(s):
		c.Type, c.Reason = "illegal_field_value_exception", "Cannot parse \""+s+"\""
	case v == ES68:
		c.Reason = "Invalid format: \"" + s + "\""
	case s == "" && v == ES817:
		c.Reason = "cannot parse empty datetime"
	case s == "":
		c.Reason = "cannot parse empty date"
	default:
		c.Reason = "failed to parse date field [" + s + "] with format [" + format + "]"
		c.CausedBy = &exception{Type: "date_time_parse_exception", Reason: "Failed to parse with all enclosed parsers"}
	}
	return c
}

// outOfRange is a date whose numbers must be what is wrong with it.
func outOfRange(f dateFormat) *regexp.Regexp {
	if f == slashDate {
		return regexp.MustCompile(`^\d{4}/\d\d/\d\d(?: \d\d:\d\d:\d\d)?$`)
	}
	return regexp.MustCompile(`^\d{4}-\d\d(?:-\d\d(?:T.*)?)?$`)
}

// isEpochMillis: 6.8 takes any decimal number of 19 digits, the others digits with a
// fraction or without; 7.x takes no negative number nearer to 1970 than a second.
func isEpochMillis(v Version, s string) bool {
	if v == ES68 {
		whole, _, _ := strings.Cut(strings.TrimPrefix(s, "-"), ".")
		return isDecimal(s) && len(whole) <= 19
	}
	digits, negative := strings.CutPrefix(s, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	if negative && (v == ES710 || v == ES717) && len(whole) < 4 {
		return false
	}
	return whole != "" && allDigits(whole) && allDigits(fraction) && (len(whole) < 19 || len(whole) == 19 && (whole < "9223372036854775808"))
}

// isISODate: date, or date T time, the zone only behind a time. 6.8 reads week
// and ordinal dates too, small letters, and fractions of hours and minutes.
func isISODate(v Version, s string) bool {
	p := dateParser{s: s}
	negative := p.take("-")
	if v == ES68 && !negative {
		p.take("+")
	}
	year, ok := p.digits(4)
	if !ok || negative && year == 0 && v != ES68 && v != ES817 {
		return false
	}
	switch rest := p.s; {
	case v == ES68 && p.take("-W"):
		week, ok := p.digits(2)
		if !ok || week < 1 || week > weeks(year) {
			return false
		}
		if p.take("-") {
			if day, ok := p.digits(1); !ok || day < 1 || day > 7 {
				return false
			}
		}
	case v == ES68 && len(rest) >= 4 && rest[0] == '-' && allDigits(rest[1:4]):
		p.take("-")
		if day, _ := p.digits(3); day < 1 || day > time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC).YearDay() {
			return false
		}
	case p.take("-"):
		month, ok := p.digits(2)
		if !ok || month < 1 || month > 12 {
			return false
		}
		if p.take("-") {
			if day, ok := p.digits(2); !ok || day < 1 || day > daysIn(year, month) {
				return false
			}
		}
	}
	if p.s == "" {
		return true
	}
	if !p.take("T") && (v != ES68 || !p.take("t")) {
		return false
	}
	if p.s == "" {
		return true
	}
	timeGiven, ok := p.timeOfDay(v)
	return ok && p.zone(v, timeGiven) && p.s == ""
}

type dateParser struct{ s string }

func (p *dateParser) take(prefix string) bool {
	rest, ok := strings.CutPrefix(p.s, prefix)
	p.s = rest
	return ok
}

func (p *dateParser) digits(n int) (int, bool) {
	if len(p.s) < n || !allDigits(p.s[:n]) {
		return 0, false
	}
	x := 0
	for _, c := range p.s[:n] {
		x = x*10 + int(c-'0')
	}
	p.s = p.s[n:]
	return x, true
}

// timeOfDay reads HH[:mm[:ss[.fraction]]].
func (p *dateParser) timeOfDay(v Version) (given, ok bool) {
	for i, limit := range []int{24, 60, 60} {
		if i > 0 && !p.take(":") {
			break
		}
		x, ok := p.digits(2)
		if i == 0 && !ok {
			return false, v == ES68
		}
		if !ok || x >= limit {
			return false, false
		}
		if i < 2 && v != ES68 {
			continue
		}
		if !p.take(".") && !p.take(",") {
			continue
		}
		n := 0
		for n < len(p.s) && p.s[n] >= '0' && p.s[n] <= '9' {
			n++
		}
		p.s = p.s[n:]
		return true, n >= 1 && n <= 9
	}
	return true, true
}

// zone reads Z, UTC, GMT, ±HH, ±HHmm, ±HH:mm, ±HH:mm:ss, or nothing.
func (p *dateParser) zone(v Version, timeGiven bool) bool {
	switch {
	case p.s == "":
		return true
	case !timeGiven && v != ES68:
		return false
	case p.take("Z"):
		return true
	case v == ES68 && p.take("z"):
		return true
	case v != ES68 && (p.take("UTC") || p.take("GMT")):
		return true
	case !p.take("+") && !p.take("-"):
		return false
	}
	hours, ok := p.digits(2)
	if !ok {
		return false
	}
	colon := p.take(":")
	if p.s == "" {
		return !colon && hours <= maxZone(v)
	}
	minutes, ok := p.digits(2)
	if !ok || minutes > 59 || hours*60+minutes > maxZone(v)*60+59*boolInt(v == ES68) {
		return false
	}
	if p.s == "" {
		return true
	}
	if colon && !p.take(":") || !colon && v != ES68 && v != ES817 {
		return false
	}
	seconds, ok := p.digits(2)
	return ok && seconds < 60
}

func maxZone(v Version) int {
	if v == ES68 {
		return 23
	}
	return 18
}

// A ymd is a date whose numbers may be impossible.
type ymd struct{ year, month, day int }

// parseSlashDate reads yyyy/MM/dd or yyyy/MM/dd HH:mm:ss. A wrong time of day
// is no date at all, a wrong day is one.
func parseSlashDate(s string) (d ymd, ok bool) {
	p := dateParser{s: s}
	parts := [3]int{}
	for i, n := range [3]int{4, 2, 2} {
		if i > 0 && !p.take("/") {
			return d, false
		}
		if parts[i], ok = p.digits(n); !ok {
			return d, false
		}
	}
	d = ymd{parts[0], parts[1], parts[2]}
	if p.s == "" {
		return d, true
	}
	for i, limit := range [3]int{24, 60, 60} {
		if !p.take([3]string{" ", ":", ":"}[i]) {
			return d, false
		}
		if x, ok := p.digits(2); !ok || x >= limit {
			return d, false
		}
	}
	return d, p.s == ""
}

// parseLooseSlashDate reads what 6.8 takes once a field is mapped: fewer digits.
func parseLooseSlashDate(s string) (d ymd, ok bool) {
	t, err := time.Parse("2006/1/2", s)
	if err != nil {
		t, err = time.Parse("2006/1/2 15:4:5", s)
	}
	return ymd{t.Year(), int(t.Month()), t.Day()}, err == nil
}

func (d ymd) impossible() string {
	switch {
	case d.month < 1 || d.month > 12:
		return "Invalid value for MonthOfYear (valid values 1 - 12): " + itoa(d.month)
	case d.day < 1 || d.day > 31:
		return "Invalid value for DayOfMonth (valid values 1 - 28/31): " + itoa(d.day)
	case d.month == 2 && d.day == 29 && daysIn(d.year, 2) == 28:
		return "Invalid date 'February 29' as '" + itoa(d.year) + "' is not a leap year"
	case d.day > daysIn(d.year, d.month):
		return "Invalid date '" + strings.ToUpper(time.Month(d.month).String()) + " " + itoa(d.day) + "'"
	}
	return ""
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}

func weeks(year int) int {
	_, w := time.Date(year, 12, 28, 0, 0, 0, 0, time.UTC).ISOWeek()
	return w
}
