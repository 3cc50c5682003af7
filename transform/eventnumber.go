package transform

import "time"

// isNumber reports whether a text could be a JSON number, or one with zeros in
// front.
func isNumber(text []byte) bool {
	if len(text) > 0 && text[0] == '-' {
		text = text[1:]
	}
	if len(text) == 0 || !isDigit(text[0]) {
		return false
	}
	for _, c := range text {
		if !isDigit(c) && c != '.' && c != 'e' && c != 'E' && c != '+' && c != '-' {
			return false
		}
	}
	_, ok := decimalOf(text)
	return ok
}

// decimal is a positive number as its digits.
type decimal struct {
	digits [40]byte // 0 to 9; those beyond are below a nanosecond
	n      int
	whole  int // how many digits stand before the point; may be outside the digits
}

// maxExponent is the largest exponent that a time can have.
const maxExponent = 64

// decimalOf reads a number without a sign. ok is false if it is none.
func decimalOf(text []byte) (d decimal, ok bool) {
	i := 0
	for ; i < len(text) && isDigit(text[i]); i++ {
		if d.put(text[i]) {
			d.whole++
		}
	}
	if i == 0 {
		return d, false
	}
	if i < len(text) && text[i] == '.' {
		i++
		from := i
		for ; i < len(text) && isDigit(text[i]); i++ {
			if !d.put(text[i]) {
				d.whole--
			}
		}
		if i == from {
			return d, false
		}
	}
	if i < len(text) && text[i]|0x20 == 'e' {
		exponent, end := exponentAt(text, i+1)
		d.whole += exponent
		if end == i+1 {
			return d, false
		}
		i = end
	}
	return d, i == len(text)
}

// put appends a digit; false: it is a zero in front.
func (d *decimal) put(c byte) bool {
	if c == '0' && d.n == 0 {
		return false
	}
	if d.n < len(d.digits) {
		d.digits[d.n] = c - '0'
		d.n++
	}
	return true
}

// exponentAt reads what stands behind an e; end is from if that is no exponent.
func exponentAt(text []byte, from int) (exponent, end int) {
	i, sign := from, 1
	if i < len(text) && (text[i] == '+' || text[i] == '-') {
		if text[i] == '-' {
			sign = -1
		}
		i++
	}
	first := i
	for ; i < len(text) && isDigit(text[i]); i++ {
		exponent = min(exponent*10+int(text[i]-'0'), maxExponent)
	}
	if i == first {
		return 0, from
	}
	return sign * exponent, i
}

// nothingFrom reports whether all digits from one on are zeros.
func (d *decimal) nothingFrom(i int) bool {
	for ; i < d.n; i++ {
		if d.digits[i] != 0 {
			return false
		}
	}
	return true
}

// at returns a digit, counted from the first one that is not zero.
func (d *decimal) at(i int) int {
	if i < d.n {
		return int(d.digits[i])
	}
	return 0
}

// int returns the number that some digits make.
func (d *decimal) int(from, to int) (n int) {
	for i := from; i < to; i++ {
		n = n*10 + d.at(i)
	}
	return n
}

// number reads a count of seconds, milliseconds, microseconds or nanoseconds
// since 1970, or a date that is written in digits only. How many digits stand
// before the point tells which: 9 and 10 are seconds from 1973 to 2286, 12 and
// 13 the same in milliseconds, 15 and 16, 18 and 19; 8 are a day, 14 and more,
// by threes, a date with its time. Others are no time. Zero is 1970.
func (r *timeReader) number(text []byte) (time.Time, reading) {
	if text[0] == '-' {
		return time.Time{}, unread
	}
	d, ok := decimalOf(text)
	switch {
	case !ok:
		return time.Time{}, unread
	case d.n == 0:
		return time.Unix(0, 0), told
	case len(text) > 1 && text[0] == '0' && isDigit(text[1]):
		return time.Time{}, unread
	}
	switch d.whole {
	case 9, 10, 12, 13, 15, 16, 18, 19:
		whole := d.whole
		for whole > 10 {
			whole -= 3
		}
		return time.Unix(int64(d.int(0, whole)), int64(d.int(whole, whole+9))), told
	case 8, 14, 17, 20, 23:
		s := timeScanner{year: d.int(0, 4), month: d.int(4, 6), day: d.int(6, 8), hasYear: true, weekday: -1}
		if d.whole > 8 {
			s.hour, s.minute, s.second, s.nanos = d.int(8, 10), d.int(10, 12), d.int(12, 14), d.int(14, 23)
		} else if !d.nothingFrom(8) {
			return time.Time{}, unread // part of a day
		}
		if !s.inRange() {
			return time.Time{}, unread
		}
		return r.moment(&s)
	}
	return time.Time{}, unread
}
