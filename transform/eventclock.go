package transform

import "unicode/utf8"

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
