package transform

import "unicode/utf8"

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
