package transform

import (
	"bytes"
	"unicode/utf8"
)

//nolint:gochecknoglobals // lists that are never written
var (
	monthNames = [12]string{
		"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december",
	}
	chineseMonths   = [12]string{"一月", "二月", "三月", "四月", "五月", "六月", "七月", "八月", "九月", "十月", "十一月", "十二月"}
	weekdayNames    = [7]string{"sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"}
	chineseDays     = [8]string{"日", "一", "二", "三", "四", "五", "六", "天"}
	chineseWeekdays = [3]string{"星期", "周", "礼拜"}
)

// sameWord reports whether a text is a word of small letters, whole or its first
// three, in any case.
func sameWord(text []byte, word string) bool {
	if len(text) != 3 && len(text) != len(word) {
		return false
	}
	for i, c := range text {
		if c|0x20 != word[i] {
			return false
		}
	}
	return true
}

// monthWord takes a month's name, whole or its first three letters.
func (s *timeScanner) monthWord() bool {
	if s.peek() >= utf8.RuneSelf {
		for i, name := range chineseMonths {
			if s.word(name) {
				s.month = i + 1
				return true
			}
		}
		return false
	}
	w := s.letters()
	if len(w) < 3 {
		return false
	}
	for i, name := range monthNames {
		if sameWord(w, name) {
			s.month = i + 1
			s.at += len(w)
			return true
		}
	}
	return false
}

// weekdayWord takes a weekday's name, of which there may be one.
func (s *timeScanner) weekdayWord() (found, latin bool) {
	if s.weekday >= 0 {
		return false, false
	}
	switch c := s.peek(); {
	case c >= utf8.RuneSelf:
		return s.chineseWeekday(), false
	case c < 'A':
		return false, false
	}
	w := s.letters()
	if len(w) < 3 {
		return false, false
	}
	for i, name := range weekdayNames {
		if sameWord(w, name) {
			s.weekday = i
			s.at += len(w)
			return true, true
		}
	}
	return false, false
}

func (s *timeScanner) chineseWeekday() bool {
	before := s.at
	for _, name := range chineseWeekdays {
		if !s.word(name) {
			continue
		}
		for i, day := range chineseDays {
			if s.word(day) {
				s.weekday = i % 7
				return true
			}
		}
		s.at = before
		return false
	}
	return false
}

// zoneOf reads the zone, if there is one: Z, +08:00, +0800, +08, UTC, GMT+8, an
// abbreviation in capitals, an IANA name; and behind an offset what repeats it:
// CST, (China Standard Time), [Asia/Shanghai], Go's m=+0.1.
func (s *timeScanner) zoneOf() bool {
	before := s.at
	s.blanks()
	w := s.letters()
	switch c := s.peek(); {
	case c == '+' || c == '-':
		return s.offset(2) && s.repetition()
	case len(w) == 1 && w[0]|0x20 == 'z':
		s.at++
		s.zone = zoneOffset
		return s.repetition()
	case isUTC(w):
		s.at += len(w)
		s.zone = zoneOffset
		if c := s.peek(); c == '+' || c == '-' {
			return s.offset(1) && s.repetition()
		}
		return s.repetition()
	case len(w) > 0 && (s.next(len(w)) == '/' || s.next(len(w)) == '_'):
		s.name, s.zone = s.region(), zoneName
		return true
	case isAbbreviation(w):
		s.name, s.zone = w, zoneAbbreviation
		s.at += len(w)
		return true
	}
	s.at = before // perhaps a year
	return true
}

func isUTC(w []byte) bool {
	return len(w) == 3 && (bytes.EqualFold(w, []byte("UTC")) || bytes.EqualFold(w, []byte("GMT")))
}

func isAbbreviation(w []byte) bool {
	if len(w) < 3 || len(w) > 5 {
		return false
	}
	for _, c := range w {
		if c < 'A' || c > 'Z' {
			return false
		}
	}
	return true
}

// offset reads +08:00, +0800 or +08; with fewer = 1 also +8.
func (s *timeScanner) offset(fewest int) bool {
	sign := 1
	if s.peek() == '-' {
		sign = -1
	}
	s.at++
	hours, digits := s.number(2)
	minutes, ok := 0, digits >= fewest
	if s.peek() == ':' || digits == 2 && isDigit(s.peek()) {
		s.take(':')
		minutes, ok = s.two(false)
		ok = ok && digits >= fewest
	}
	s.ahead, s.zone = sign*(hours*60+minutes), zoneOffset
	return ok && hours <= 23 && minutes <= 59
}

// region takes the characters of an IANA name.
func (s *timeScanner) region() []byte {
	from := s.at
	for c := s.peek(); s.at < len(s.text) && (c|0x20 >= 'a' && c|0x20 <= 'z' || isDigit(c) || c == '/' || c == '_' || c == '+' || c == '-'); c = s.peek() {
		s.at++
	}
	return s.text[from:s.at]
}

// repetition reads what may stand behind an offset and says it once more. That
// it does is not checked, but UTC cannot stand behind another offset.
func (s *timeScanner) repetition() bool {
	before := s.at
	blanks := s.blanks() > 0
	switch c := s.peek(); {
	case c == '(':
		end := bytes.IndexByte(s.text[s.at:], ')')
		if end < 0 {
			return false
		}
		s.at += end + 1
		return true
	case c == '[' && !blanks:
		s.at++
		name := s.region()
		if string(name) == "GMT" || string(name) == "UTC" || string(name) == "Z" {
			return s.ahead == 0 && s.take(']')
		}
		for c := s.peek(); c == ':' || isDigit(c); c = s.peek() { // GMT+08:00
			s.at++
		}
		return len(name) > 0 && s.take(']')
	case blanks && isAbbreviation(s.letters()):
		w := s.letters()
		s.at += len(w)
		if isUTC(w) && s.ahead != 0 {
			return false
		}
		return s.monotonic()
	case blanks && (c == '+' || c == '-') && isDigit(s.next(1)) && isDigit(s.next(2)): // Go, of a zone without a name
		ahead := s.ahead
		return s.offset(2) && s.ahead == ahead && s.monotonic()
	}
	s.at = before
	return s.monotonic()
}

// monotonic reads the reading of a monotonic clock that Go prints.
func (s *timeScanner) monotonic() bool {
	before := s.at
	if s.blanks() == 0 || !s.word("m=") {
		s.at = before
		return true
	}
	if !s.take('+') {
		s.take('-')
	}
	from := s.at
	for c := s.peek(); isDigit(c) || c == '.'; c = s.peek() {
		s.at++
	}
	return s.at > from
}
