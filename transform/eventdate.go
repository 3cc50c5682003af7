package transform

import "bytes"

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
