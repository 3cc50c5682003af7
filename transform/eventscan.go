package transform

import (
	"bytes"
	"unicode/utf8"
)

// zoneKind is how a time says its zone.
type zoneKind uint8

const (
	zoneNone         zoneKind = iota
	zoneOffset                // +08:00, Z, UTC, GMT+8
	zoneAbbreviation          // CST
	zoneName                  // Asia/Shanghai
)

// timeScanner takes a text apart into the fields of a date. It knows how loggers
// put these together:
//
//	[weekday] date [weekday] [separator clock [zone] [year]]
//
// and all of the text has to be part of that. What a date is, see date; a date
// alone needs its year, and some need a clock behind them to be one.
type timeScanner struct {
	text []byte
	at   int

	year, month, day            int
	hour, minute, second, nanos int
	weekday                     int    // 0 = Sunday; -1 = not said
	half                        int    // of the day: 1 = before noon, 2 = after; 0 = not said
	ahead                       int    // of UTC, in minutes
	name                        []byte // of the zone
	zone                        zoneKind
	hasYear, alone, digitsOnly  bool // alone: the date needs no clock; digitsOnly: it is 20060102
}

// scan reads the whole text.
func (s *timeScanner) scan() bool {
	if found, latin := s.weekdayWord(); found {
		comma := s.take(',')
		if s.blanks() == 0 && latin && !comma {
			return false
		}
	}
	if !s.date() {
		return false
	}
	before := s.at
	s.blanks()
	switch found, latin := s.weekdayWord(); {
	case !found:
		s.at = before
	case latin && s.at < len(s.text) && !s.peekBlank():
		return false
	}
	if s.at == len(s.text) {
		return s.alone && s.inRange()
	}
	return s.separator() && s.clock() && s.zoneOf() && s.yearBehind() && s.at == len(s.text) && s.inRange()
}

// inRange checks the fields, but not the length of the month.
func (s *timeScanner) inRange() bool {
	if s.half != 0 {
		if s.hour > 12 {
			return false
		}
		s.hour = s.hour%12 + 12*(s.half-1)
	}
	if s.hour == 24 && (s.minute != 0 || s.second != 0 || s.nanos != 0) {
		return false
	}
	return s.month >= 1 && s.month <= 12 && s.day >= 1 && s.day <= 31 && s.hour <= 24 && s.minute <= 59 && s.second <= 60
}

// number reads at most most digits.
func (s *timeScanner) number(most int) (n, digits int) {
	for ; digits < most && s.at < len(s.text) && isDigit(s.text[s.at]); digits++ {
		n = n*10 + int(s.text[s.at]-'0')
		s.at++
	}
	return n, digits
}

// two reads a number of two digits, or of one if fewer is set, that no further
// digit follows.
func (s *timeScanner) two(fewer bool) (n int, ok bool) {
	n, digits := s.number(2)
	return n, (digits == 2 || digits == 1 && fewer) && !isDigit(s.peek())
}

// run returns how many digits come next.
func (s *timeScanner) run() (digits int) {
	for i := s.at; i < len(s.text) && isDigit(s.text[i]); i++ {
		digits++
	}
	return digits
}

// peek returns the next byte, 0 at the end.
func (s *timeScanner) peek() byte { return s.next(0) }

// next returns the byte that is n bytes ahead, 0 behind the end.
func (s *timeScanner) next(n int) byte {
	if s.at+n < len(s.text) {
		return s.text[s.at+n]
	}
	return 0
}

func (s *timeScanner) take(c byte) bool {
	if s.peek() != c || s.at == len(s.text) {
		return false
	}
	s.at++
	return true
}

func (s *timeScanner) word(w string) bool {
	if len(s.text)-s.at < len(w) || string(s.text[s.at:s.at+len(w)]) != w {
		return false
	}
	s.at += len(w)
	return true
}

// blanks skips blanks, those that take no line break and those of full width,
// and returns how many there were.
func (s *timeScanner) blanks() (n int) {
	for s.blank() {
		n++
	}
	return n
}

func (s *timeScanner) blank() bool {
	if c := s.peek(); c == ' ' || c == '\t' {
		s.at++
		return true
	} else if c < utf8.RuneSelf {
		return false
	}
	return s.word("\u00a0") || s.word("\u202f") || s.word("\u3000")
}

func (s *timeScanner) peekBlank() bool {
	before := s.at
	found := s.blank()
	s.at = before
	return found
}

// letters returns the ASCII letters that come next, without taking them.
func (s *timeScanner) letters() []byte {
	i := s.at
	for i < len(s.text) && s.text[i]|0x20 >= 'a' && s.text[i]|0x20 <= 'z' {
		i++
	}
	return s.text[s.at:i]
}

// date reads a date:
//
//	2006-01-02  2006/1/2  2006.01.02 (with a clock)  2006年1月2日  20060102
//	02-Jan-2006  2/Jan/06  2 January 2006  Jan 2, 2006  一月 2, 2006  1月 2, 2006
//	31-12-2006  12/31/2006 (one of the two above 12, or both equal)  2.1.2006 (with a clock)
//	and with a clock: Jan 2  2 Jan  1月2日  01-02  0102  I0102  060102
func (s *timeScanner) date() bool {
	switch digits := s.run(); {
	case digits == 0:
		return s.dateByWord()
	case digits == 8:
		s.year, _ = s.number(4)
		s.month, _ = s.number(2)
		s.day, _ = s.number(2)
		s.hasYear, s.alone, s.digitsOnly = true, true, true
		return true
	case digits == 6:
		year, _ := s.number(2)
		s.month, _ = s.number(2)
		s.day, _ = s.number(2)
		s.setYear(year, 2)
		return s.peekBlank()
	case digits == 4:
		return s.yearFirst()
	case digits <= 2:
		return s.dayOrMonthFirst()
	}
	return false
}

func (s *timeScanner) setYear(year, digits int) {
	if digits == 2 {
		year += 1900
		if year < 1970 {
			year += 100
		}
	}
	s.year, s.hasYear = year, true
}

func (s *timeScanner) yearFirst() (ok bool) {
	s.year, _ = s.number(4)
	if s.peekBlank() { // 0102 15:04:05
		s.month, s.day = s.year/100, s.year%100
		return true
	}
	s.hasYear = true
	if s.word("年") {
		s.blanks()
		return s.chineseMonthDay()
	}
	sep := s.peek()
	if sep != '-' && sep != '/' && sep != '.' {
		return false
	}
	s.at++
	if s.month, ok = s.two(true); !ok || !s.take(sep) {
		return false
	}
	s.day, ok = s.two(true)
	s.alone = sep != '.'
	return ok
}

func (s *timeScanner) chineseMonthDay() (ok bool) {
	if s.month, ok = s.two(true); !ok || !s.word("月") {
		return false
	}
	s.blanks()
	if s.day, ok = s.two(true); !ok || !s.word("日") && !s.word("号") {
		return false
	}
	s.alone = true
	return true
}

func (s *timeScanner) dayOrMonthFirst() (ok bool) {
	first, ok := s.two(true)
	if !ok {
		return false
	}
	if s.word("月") {
		s.month = first
		if s.blanks() > 0 {
			return s.dayBehindMonth()
		}
		if s.day, ok = s.two(true); !ok {
			return false
		}
		return s.word("日") || s.word("号")
	}
	sep := s.peek()
	if s.peekBlank() {
		s.blanks()
		s.day = first
		return s.monthWord() && s.yearBehindMonth(' ')
	}
	if sep != '-' && sep != '/' && sep != '.' {
		return false
	}
	s.at++
	if !isDigit(s.peek()) {
		s.day = first
		return sep != '.' && s.monthWord() && s.yearBehindMonth(sep)
	}
	second, ok := s.two(true)
	if !ok {
		return false
	}
	if !s.take(sep) {
		s.month, s.day = first, second
		return sep == '-' // 01-02 15:04:05
	}
	year, digits := s.number(4)
	if digits != 4 {
		return false
	}
	s.setYear(year, 4)
	s.alone = sep != '.'
	switch {
	case sep == '.' || first > 12:
		s.day, s.month = first, second
	case second > 12 || first == second:
		s.month, s.day = first, second
	default:
		return false // nobody can know which is which
	}
	return true
}

// yearBehindMonth reads what follows 02-Jan: -2006, -06, or nothing but a clock
// if blanks are between.
func (s *timeScanner) yearBehindMonth(sep byte) bool {
	if sep != ' ' {
		if !s.take(sep) {
			return false
		}
		year, digits := s.number(4)
		s.setYear(year, digits)
		s.alone = true
		return (digits == 2 || digits == 4) && !isDigit(s.peek())
	}
	before := s.at
	if s.blanks() > 0 && (s.run() == 4 || s.run() == 2) {
		year, digits := s.number(4)
		if digits == 4 || s.at == len(s.text) || s.peekBlank() {
			s.setYear(year, digits)
			s.alone = true
			return true
		}
	}
	s.at = before
	return true
}

// dateByWord reads a date that begins with a month's name.
func (s *timeScanner) dateByWord() bool {
	if c := s.peek(); bytes.IndexByte([]byte("IWEF"), c) >= 0 && isDigit(s.next(1)) { // klog
		s.at++
		if s.run() != 4 {
			return false
		}
		s.month, _ = s.number(2)
		s.day, _ = s.number(2)
		return s.peekBlank()
	}
	return s.monthWord() && s.blanks() > 0 && s.dayBehindMonth()
}

// dayBehindMonth reads "2, 2006", "2 2006" or "2" with a clock behind it.
func (s *timeScanner) dayBehindMonth() (ok bool) {
	if s.day, ok = s.two(true); !ok {
		return false
	}
	before := s.at
	s.take(',')
	if s.blanks() > 0 && s.run() == 4 {
		year, _ := s.number(4)
		s.setYear(year, 4)
		s.alone = true
		return true
	}
	s.at = before
	return true
}

// separator reads what stands between date and clock.
func (s *timeScanner) separator() bool {
	s.take(',')
	if s.text[s.at-1] == ',' {
		return s.blanks() > 0
	}
	if s.blanks() > 0 {
		return true
	}
	switch s.peek() {
	case 'T', 't':
		s.at++
		return s.alone
	case ':':
		s.at++
		return s.alone && isDigit(s.peek()) && isDigit(s.next(1))
	case '-':
		s.at++ // as DB2 has it, with dots in the clock
		return s.alone && s.next(2) == '.'
	}
	return s.behindChinese()
}

// behindChinese reports whether a day's mark or a weekday was just read, behind
// which a clock needs no blank.
func (s *timeScanner) behindChinese() bool { return s.text[s.at-1] >= utf8.RuneSelf }

// clock reads a time of day: 15:04, 3:04:05.999 PM, 15.04.05, 15时4分5秒, and
// 1504, 150405 behind a date in digits.
func (s *timeScanner) clock() (ok bool) {
	if s.halfWord(false) {
		s.blanks()
	}
	if run := s.run(); s.digitsOnly && (run == 6 || run == 4 && s.text[s.at-1]|0x20 == 't') {
		s.hour, _ = s.number(2)
		s.minute, _ = s.number(2)
		if run == 6 {
			s.second, _ = s.number(2)
			return s.fraction() && s.halfBehind()
		}
		return s.halfBehind()
	}
	if s.hour, ok = s.two(true); !ok {
		return false
	}
	switch {
	case s.take(':'):
		if s.minute, ok = s.two(false); !ok {
			return false
		}
		if s.take(':') {
			if s.second, ok = s.two(false); !ok || !s.fraction() {
				return false
			}
		}
	case s.take('.'):
		if s.minute, ok = s.two(false); !ok || !s.take('.') {
			return false
		}
		if s.second, ok = s.two(false); !ok || !s.fraction() {
			return false
		}
	case s.word("时") || s.word("時"):
		if s.minute, ok = s.two(true); !ok || !s.word("分") {
			return false
		}
		if isDigit(s.peek()) {
			if s.second, ok = s.two(true); !ok || !s.word("秒") {
				return false
			}
		}
	default:
		return false
	}
	return s.halfBehind()
}

// fraction reads that of a second; digits beyond nanoseconds are cut. A place
// holder that a formatter has left (%L) says nothing.
func (s *timeScanner) fraction() bool {
	switch c := s.peek(); {
	case c == '.' || c == ',':
		s.at++
		if s.take('%') {
			s.number(1)
			c := s.peek() | 0x20
			s.at++
			return c >= 'a' && c <= 'z'
		}
	case c == ':' && isDigit(s.next(1)) && isDigit(s.next(2)) && isDigit(s.next(3)):
		s.at++ // as Log4j's and WebSphere's milliseconds
	default:
		return true
	}
	scale, from := 1_000_000_000, s.at
	for ; isDigit(s.peek()); s.at++ {
		scale /= 10
		s.nanos += int(s.text[s.at]-'0') * scale
	}
	return s.at > from
}

// halfBehind reads AM or PM behind a clock, if it is there.
func (s *timeScanner) halfBehind() bool {
	before := s.at
	s.blanks()
	if s.half != 0 || !s.halfWord(true) {
		s.at = before
	}
	return true
}

func (s *timeScanner) halfWord(latin bool) bool {
	switch {
	case s.word("上午"):
		s.half = 1
	case s.word("下午"):
		s.half = 2
	case latin && len(s.letters()) == 2 && s.next(1)|0x20 == 'm' && s.peek()|0x20 == 'a':
		s.half = 1
		s.at += 2
	case latin && len(s.letters()) == 2 && s.next(1)|0x20 == 'm' && s.peek()|0x20 == 'p':
		s.half = 2
		s.at += 2
	default:
		return false
	}
	return true
}

// yearBehind reads a year behind clock and zone, where the date has none.
func (s *timeScanner) yearBehind() bool {
	if s.hasYear || s.at == len(s.text) {
		return true
	}
	if s.blanks() == 0 || s.run() != 4 {
		return false
	}
	year, _ := s.number(4)
	s.setYear(year, 4)
	return true
}
