package transform

import (
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The reference for event times: a regular expression for each way to write a
// date, tried one after the other, with big rationals for numbers and the
// calendar of package time. Two that fit must mean the same.

const (
	refB     = `[ \t\x{a0}\x{202f}\x{3000}]`
	refMonth = `((?i:january|february|march|april|may|june|july|august|september|october|november|december|jan|feb|mar|apr|jun|jul|aug|sep|oct|nov|dec)|一月|二月|三月|四月|五月|六月|七月|八月|九月|十月|十一月|十二月)`
	refDay   = `(?i:sunday|monday|tuesday|wednesday|thursday|friday|saturday|sun|mon|tue|wed|thu|fri|sat)`
	refDayZh = `(?:星期|周|礼拜)[日一二三四五六天]`
	refFrac  = `(?:[.,](?:\d+|%\d?[A-Za-z])|:\d{3,})?`
	refRest  = `(?:` + refB + `*\([^)]*\)|\[[A-Za-z0-9/_+-]+[:\d]*\]|` +
		`(?:` + refB + `+(?:[A-Z]{3,5}|[+-]\d\d(?::?\d\d)?))?(?:` + refB + `+m=[+-]?[\d.]+)?)`
	refZone = `(?:` + refB + `*(?P<zone>(?:[+-]\d\d(?::?\d\d)?|[Zz]|(?i:UTC|GMT)(?:[+-](?:\d{1,2}:\d\d|\d{4}|\d{1,2}))?)(?P<rest>` + refRest + `)` +
		`|[A-Za-z]+[/_][A-Za-z0-9_/+-]*|[A-Z]{3,5}))?`
	refClock = `(?:(?P<before>上午|下午)` + refB + `*)?` +
		`(?P<clock>\d{1,2}:\d\d(?::\d\d` + refFrac + `)?|\d{1,2}\.\d\d\.\d\d` + refFrac + `|\d{1,2}[时時]\d{1,2}分(?:\d{1,2}秒)?|BASIC)` +
		`(?:` + refB + `*(?P<behind>上午|下午|(?i:[ap]m)\b))?`
)

// refForm is a way to write a date.
type refForm struct {
	date   *regexp.Regexp // alone
	moment *regexp.Regexp // with a clock
	order  string         // what the groups are: y, m, d, or a and b, of which nobody knows which is which
	alone  bool           // it may stand without a clock
	basic  bool
}

var refForms = func() (forms []refForm) {
	add := func(date, order string, alone, basic bool) {
		marks := strings.Contains(date, "[日号]")
		compact := `[^\s\S]`
		if basic {
			compact = `\d{6}` + refFrac + `|(?:^\d{0})?\d{4}`
		}
		week := `(?:(?P<week1>` + refDay + `)(?:,` + refB + `*|` + refB + `+)|(?P<week2>` + refDayZh + `),?` + refB + `*)?`
		sep := `,` + refB + `+|` + refB + `+`
		free := ``
		if alone {
			sep += `|[Tt]|:|-`
		}
		if marks {
			free = `|`
		}
		between := `(?P<between>` + refB + `*(?P<week3>` + refDay + `)` + refB + `+|` + refB + `*(?P<week4>` + refDayZh + `)(?:` + sep + `|)|(?:` + sep + free + `))`
		forms = append(forms, refForm{
			date:   regexp.MustCompile(`^` + week + date + `(?:` + refB + `*(?:(?P<week3>` + refDay + `)|(?P<week4>` + refDayZh + `)))?$`),
			moment: regexp.MustCompile(`^` + week + date + between + strings.Replace(refClock, "BASIC", compact, 1) + refZone + `(?:` + refB + `+(?P<year>\d{4}))?$`),
			order:  order, alone: alone, basic: basic,
		})
	}
	add(`(\d{4})-(\d\d?)-(\d\d?)`, "ymd", true, false)
	add(`(\d{4})/(\d\d?)/(\d\d?)`, "ymd", true, false)
	add(`(\d{4})\.(\d\d?)\.(\d\d?)`, "ymd", false, false)
	add(`(\d{4})年`+refB+`*(\d\d?)月`+refB+`*(\d\d?)[日号]`, "ymd", true, false)
	add(`(\d{4})(\d\d)(\d\d)`, "ymd", true, true)
	add(`(\d\d)(\d\d)(\d\d)`, "ymd", false, false)
	add(`[IWEF]?(\d\d)(\d\d)`, "md", false, false)
	for _, s := range []string{"-", "/"} {
		add(`(\d\d?)`+s+refMonth+s+`(\d{4}|\d\d)`, "dmy", true, false)
		add(`(\d\d?)`+s+`(\d\d?)`+s+`(\d{4})`, "aby", true, false)
	}
	add(`(\d\d?)`+refB+`+`+refMonth+refB+`+(\d{4}|\d\d)`, "dmy", true, false)
	add(`(\d\d?)`+refB+`+`+refMonth, "dm", false, false)
	add(refMonth+refB+`+(\d\d?),?`+refB+`+(\d{4})`, "mdy", true, false)
	add(refMonth+refB+`+(\d\d?)`, "md", false, false)
	add(`(\d\d?)月`+refB+`+(\d\d?),?`+refB+`+(\d{4})`, "mdy", true, false)
	add(`(\d\d?)月`+refB+`+(\d\d?)`, "md", false, false)
	add(`(\d\d?)月(\d\d?)[日号]`, "md", false, false)
	add(`(\d\d?)\.(\d\d?)\.(\d{4})`, "dmy", false, false)
	add(`(\d\d?)-(\d\d?)`, "md", false, false)
	return forms
}()

// refReader is the reference for timeReader.
type refReader struct {
	zone    *time.Location
	arrival time.Time
}

// read reads a time from a field's value.
func (r refReader) read(value json.RawMessage, depth int) (time.Time, reading) {
	var none time.Time
	switch value[0] {
	case '"':
		var text string
		if err := json.Unmarshal(value, &text); err != nil {
			panic(err)
		}
		return r.text(text)
	case 'n':
		return none, lacking
	case 't', 'f':
		return none, unread
	case '[', '{':
	default:
		return r.number(string(value))
	}
	if depth == 4 {
		return none, unread
	}
	if value[0] == '[' {
		var elems []json.RawMessage
		if err := json.Unmarshal(value, &elems); err != nil {
			panic(err)
		}
		switch len(elems) {
		case 0:
			return none, lacking
		case 1:
			return r.read(elems[0], depth+1)
		case 3, 5, 6, 7:
		default:
			return none, unread
		}
		nums := make([]int, 7)
		for i, e := range elems {
			if !regexp.MustCompile(`^\d+$`).Match(e) || i == 0 && len(e) != 4 || i > 0 && i < 6 && len(e) > 2 || i == 6 && len(e) > 9 {
				return none, unread
			}
			nums[i], _ = strconv.Atoi(string(e))
		}
		return r.date(nums[0], nums[1], nums[2], nums[3:7], "", -1)
	}
	members := refMembers(string(value))
	for _, name := range []string{"$date", "$numberLong", "$numberInt", "$numberDouble", "$timestamp.t"} {
		if v, _ := refFind(members, name); v != nil {
			return r.read(v, depth+1)
		}
	}
	for _, names := range [][2]string{{"epochSecond", "nanoOfSecond"}, {"seconds", "nanos"}, {"_seconds", "_nanoseconds"}} {
		v, _ := refFind(members, names[0])
		if v == nil {
			continue
		}
		t, how := r.read(v, depth+1)
		rest, _ := refFind(members, names[1])
		if how != told || rest == nil {
			return t, how
		}
		if !regexp.MustCompile(`^\d{1,9}$`).Match(rest) {
			return none, unread
		}
		n, _ := strconv.Atoi(string(rest))
		return time.Unix(t.Unix(), int64(n)), told
	}
	return none, unread
}

var (
	refNumber = regexp.MustCompile(`^-?\d+(\.\d+)?([eE][+-]?\d+)?$`)
	refMS     = regexp.MustCompile(`^/Date\((-?[^+-].*?)([+-]\d\d:?(?:\d\d)?)?\)/$`)
)

func (r refReader) text(text string) (time.Time, reading) {
	text = strings.TrimSpace(text)
	for _, pair := range []string{"[]", "()", `""`, "''"} {
		if len(text) >= 2 && text[0] == pair[0] && text[len(text)-1] == pair[1] {
			text = strings.TrimSpace(text[1 : len(text)-1])
			break
		}
	}
	switch {
	case text == "":
		return time.Time{}, lacking
	case len(text) > 96:
		return time.Time{}, unread
	case refNumber.MatchString(text):
		return r.number(text)
	}
	if m := refMS.FindStringSubmatch(text); m != nil {
		if !refNumber.MatchString(m[1]) || m[2] != "" && !refIsOffset(m[2]) {
			return time.Time{}, unread
		}
		return r.number(m[1])
	}
	var found time.Time
	how := unread
	for _, f := range refForms {
		t, this := r.form(f, text)
		if this == told && how == told && !t.Equal(found) {
			panic(fmt.Sprintf("%q is two times", text))
		}
		if this == told {
			found, how = t, told
		}
	}
	return found, how
}

func refIsOffset(text string) bool {
	minutes, ok := refOffset(text)
	return ok && minutes < 24*60 && minutes > -24*60
}

// refOffset reads +8, +08, +0800, +8:00 and +08:00, in minutes.
func refOffset(text string) (minutes int, ok bool) {
	m := regexp.MustCompile(`^([+-])(?:(\d\d?)(?::(\d\d))?|(\d\d)(\d\d))$`).FindStringSubmatch(text)
	if m == nil {
		return 0, false
	}
	hours, _ := strconv.Atoi(m[2] + m[4])
	minutes, _ = strconv.Atoi("0" + m[3] + m[5])
	ok = hours < 24 && minutes < 60
	minutes += hours * 60
	if m[1] == "-" {
		minutes = -minutes
	}
	return minutes, ok
}

func refNamed(re *regexp.Regexp, m []string, name string) string {
	if i := re.SubexpIndex(name); i >= 0 {
		return m[i]
	}
	return ""
}

func (r refReader) form(f refForm, text string) (time.Time, reading) {
	re := f.date
	m := re.FindStringSubmatch(text)
	if m == nil || !f.alone {
		re = f.moment
		if m = re.FindStringSubmatch(text); m == nil {
			return time.Time{}, unread
		}
	}
	get := func(name string) string { return refNamed(re, m, name) }
	fields := map[byte]int{'y': -1}
	at := 0
	for i, name := range re.SubexpNames() {
		if i == 0 || name != "" || at == len(f.order) {
			continue
		}
		fields[f.order[at]] = refField(f.order[at], m[i])
		at++
	}
	if f.order == "aby" {
		a, b := fields['a'], fields['b']
		switch {
		case a > 12:
			fields['d'], fields['m'] = a, b
		case b > 12 || a == b:
			fields['m'], fields['d'] = a, b
		default:
			return time.Time{}, unread
		}
	}
	weekday, ok := refWeekday(get("week1"), get("week2"), get("week3"), get("week4"))
	if !ok {
		return time.Time{}, unread
	}
	clock := []int{0, 0, 0, 0}
	if c := get("clock"); c != "" {
		if clock, ok = refTimeOfDay(c, get("before"), get("behind"), get("between")); !ok {
			return time.Time{}, unread
		}
	}
	if y := get("year"); y != "" {
		if fields['y'] >= 0 {
			return time.Time{}, unread
		}
		fields['y'], _ = strconv.Atoi(y)
	}
	zone := get("zone")
	if rest := get("rest"); rest != "" {
		zone = strings.TrimSuffix(zone, rest)
		if !refRepeats(zone, rest) {
			return time.Time{}, unread
		}
	}
	if fields['y'] >= 0 {
		return r.date(fields['y'], fields['m'], fields['d'], clock, zone, weekday)
	}
	now := r.arrival.In(r.zone).Year()
	most := 1
	if fields['m'] == 2 && fields['d'] == 29 {
		most = 8
	}
	var all []time.Time
	for y := now - most; y <= now+most; y++ {
		if t, how := r.date(y, fields['m'], fields['d'], clock, zone, weekday); how == told {
			all = append(all, t)
		}
	}
	if len(all) == 0 {
		return time.Time{}, unread
	}
	return slices.MinFunc(all, func(a, b time.Time) int {
		return int(a.Sub(r.arrival).Abs() - b.Sub(r.arrival).Abs())
	}), told
}

func refField(kind byte, text string) int {
	if n, err := strconv.Atoi(text); err == nil {
		if kind == 'y' && len(text) == 2 {
			n += 1900
			if n < 1970 {
				n += 100
			}
		}
		return n
	}
	for i := range 12 {
		if strings.EqualFold(text[:3], time.Month(i + 1).String()[:3]) {
			return i + 1
		}
	}
	return slices.Index([]string{"一月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "十二月"}, text) + 1
}

// refWeekday returns the one weekday that is said, -1 if none is.
func refWeekday(words ...string) (day int, ok bool) {
	day = -1
	for _, w := range words {
		if w == "" {
			continue
		}
		if day >= 0 {
			return 0, false
		}
		for i := range 7 {
			if w[0] < 0x80 && strings.EqualFold(w[:3], time.Weekday(i).String()[:3]) || w[0] >= 0x80 && strings.HasSuffix(w, []string{"日", "一", "二", "三", "四", "五", "六"}[i]) {
				day = i
			}
		}
		if day < 0 {
			day = 0 // 天
		}
	}
	return day, true
}

// refTimeOfDay returns hour, minute, second and nanosecond.
func refTimeOfDay(text, before, behind, between string) (clock []int, ok bool) {
	switch between {
	case "-":
		ok = len(text) > 2 && text[2] == '.' && before == ""
	case ":":
		ok = len(text) > 2 && text[0] <= '9' && text[1] >= '0' && text[1] <= '9' && before == ""
	default:
		ok = true
	}
	if m := regexp.MustCompile(`^(\d\d)(\d\d)(\d\d)?(.*)$`).FindStringSubmatch(text); m != nil {
		if m[3] == "" && (!strings.HasSuffix(strings.ToLower(between), "t") || before != "" || regexp.MustCompile(`(?i)`+refDay+`$`).MatchString(between)) {
			return nil, false
		}
		text = m[1] + ":" + m[2] + ":" + m[3] + m[4]
	}
	parts := regexp.MustCompile(`^(\d+)\D+(\d+)\D*(\d*)(?:\D*[.,:](\d+|%.*))?\D*$`).FindStringSubmatch(text)
	if parts == nil || !ok {
		return nil, false
	}
	nums := make([]int, 4)
	for i, p := range parts[1:] {
		if i == 3 {
			p = strings.TrimLeft(p, "%")
			if p == "" || p[0] > '9' || strings.Contains(text, "%") {
				p = "0"
			}
			p = (p + "000000000")[:9]
		}
		nums[i], _ = strconv.Atoi("0" + p)
	}
	if half := before + strings.ToLower(behind); half != "" {
		if nums[0] > 12 || before != "" && behind != "" {
			return nil, false
		}
		nums[0] %= 12
		if half == "pm" || half == "下午" {
			nums[0] += 12
		}
	}
	if nums[0] > 24 || nums[0] == 24 && (nums[1] != 0 || nums[2] != 0 || nums[3] != 0) || nums[1] > 59 || nums[2] > 60 {
		return nil, false
	}
	return nums, true
}

// refRepeats reports whether what stands behind an offset may stand there.
func refRepeats(zone, rest string) bool {
	minutes := 0
	if i := strings.IndexAny(zone, "+-"); i >= 0 {
		minutes, _ = refOffset(zone[i:])
	}
	rest = strings.Trim(rest, " \t\u00a0\u202f\u3000")
	switch {
	case strings.HasPrefix(rest, "["):
		name := strings.TrimRight(rest[1:len(rest)-1], ":0123456789")
		if inner := rest[1 : len(rest)-1]; inner == "GMT" || inner == "UTC" || inner == "Z" {
			return minutes == 0
		} else if name == "GMT" || name == "UTC" || name == "Z" {
			return inner[len(name)] != ':'
		}
		return regexp.MustCompile(`^[A-Za-z0-9/_+-]`).MatchString(rest[1:])
	case strings.HasPrefix(rest, "UTC"), strings.HasPrefix(rest, "GMT"):
		return minutes == 0 || len(rest) > 3 && rest[3] >= 'A' && rest[3] <= 'Z'
	case strings.HasPrefix(rest, "+"), strings.HasPrefix(rest, "-"):
		again, ok := refOffset(regexp.MustCompile(`^[+-][\d:]+`).FindString(rest))
		return ok && again == minutes
	}
	return true
}

// date makes a time of its fields.
func (r refReader) date(year, month, day int, clock []int, zone string, weekday int) (time.Time, reading) {
	var none time.Time
	if clock[0] > 24 || clock[0] == 24 && (clock[1] != 0 || clock[2] != 0 || clock[3] != 0) || clock[1] > 59 || clock[2] > 60 {
		return none, unread
	}
	in := func(loc *time.Location) time.Time {
		return time.Date(year, time.Month(month), day, clock[0], clock[1], clock[2], clock[3], loc)
	}
	noon := time.Date(year, time.Month(month), day, 12, 0, 0, 0, time.UTC)
	if year < 0 || year > 9999 || month < 1 || month > 12 || day < 1 || noon.Day() != day || weekday >= 0 && int(noon.Weekday()) != weekday {
		return none, unread
	}
	upper := strings.ToUpper(zone)
	switch i := strings.IndexAny(zone, "+-"); {
	case zone == "":
		return in(r.zone), told
	case strings.ContainsAny(zone, "/_"):
		loc, err := time.LoadLocation(zone)
		if err != nil {
			return none, unread
		}
		return in(loc), told
	case upper == "Z" || upper == "UTC" || upper == "GMT":
		return in(time.UTC), told
	case i >= 0:
		minutes, ok := refOffset(zone[i:])
		if !ok {
			return none, unread
		}
		return in(time.FixedZone("", minutes*60)), told
	}
	// What the abbreviation means around that time, if it fits.
	first := in(r.zone)
	for _, hours := range append([]int{0}, refHours()...) {
		name, offset := first.Add(time.Duration(hours) * time.Hour).Zone()
		if t := in(time.FixedZone("", offset)); name == zone {
			if n, o := t.In(r.zone).Zone(); n == zone && o == offset {
				return t, told
			}
		}
	}
	return none, unread
}

func refHours() (hours []int) {
	for h := range 24 * 400 {
		hours = append(hours, h, -h)
	}
	return hours
}

// number reads a count since 1970, or a date in digits.
func (r refReader) number(text string) (time.Time, reading) {
	m := regexp.MustCompile(`^(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$`).FindStringSubmatch(text)
	if m == nil {
		return time.Time{}, unread
	}
	digits, exponent := m[1]+m[2], 0
	if m[3] != "" {
		exponent, _ = strconv.Atoi(m[3])
		exponent = max(min(exponent, 64), -64)
	}
	point := len(m[1]) + exponent
	trimmed := strings.TrimLeft(digits, "0")
	if trimmed == "" {
		return time.Unix(0, 0), told
	}
	if len(m[1]) > 1 && m[1][0] == '0' {
		return time.Time{}, unread
	}
	point -= len(digits) - len(trimmed)
	if point < 8 || point > 23 {
		return time.Time{}, unread
	}
	trimmed += strings.Repeat("0", 40)
	whole, fraction := trimmed[:point], trimmed[point:]
	switch point {
	case 9, 10, 12, 13, 15, 16, 18, 19:
		n, _ := new(big.Rat).SetString(whole + "." + fraction)
		for power := point; power > 10; power -= 3 {
			n.Quo(n, big.NewRat(1000, 1))
		}
		n.Mul(n, big.NewRat(1_000_000_000, 1))
		cut := new(big.Int).Quo(n.Num(), n.Denom())
		seconds, rest := new(big.Int).QuoRem(cut, big.NewInt(1_000_000_000), new(big.Int))
		return time.Unix(seconds.Int64(), rest.Int64()), told
	case 8, 14, 17, 20, 23:
	default:
		return time.Time{}, unread
	}
	if point == 8 && strings.Trim(fraction, "0") != "" {
		return time.Time{}, unread
	}
	var nums []int
	for i, end := range []int{4, 6, 8, 10, 12, 14, 23} {
		n, _ := strconv.Atoi(trimmed[[]int{0, 4, 6, 8, 10, 12, 14}[i]:end])
		nums = append(nums, n)
	}
	return r.date(nums[0], nums[1], nums[2], nums[3:], "", -1)
}
