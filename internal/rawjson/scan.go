// Package rawjson reads JSON without copying or converting it: it checks RFC
// 8259's grammar and says where the members of an object lie.
//
// Nothing here allocates once its buffers have grown, and every function takes
// time linear in its input.
package rawjson

// MaxDepth is how deeply arrays and objects may be nested. Deeper text is
// refused as if it were malformed: Elasticsearch 8 reads no more than 1,000
// levels, and older versions can be brought down by a much deeper document.
const MaxDepth = 1000

// Member is one member of an object, as slices of the object's text.
type Member struct {
	// Key is the name's text between the quotes. KeyEscaped says that it holds
	// escapes, so that the name has to be unescaped before it is compared.
	Key []byte
	// Name is the name itself. The scanner leaves it nil if KeyEscaped.
	Name []byte
	// Sig is Name's Signature, 0 if KeyEscaped.
	Sig uint64
	// Value is the value's text without white space around it.
	Value []byte
	// At is where Key starts in the object's text.
	At int
	// Tight says that nothing but a colon stands between Key's quote and Value.
	Tight bool
	// KeyEscaped: see Key.
	KeyEscaped bool
	// Broken says that Value is an array or object which holds line breaks
	// between its tokens.
	Broken bool
	// NamesEscaped says that a nested name of Value holds escapes.
	NamesEscaped bool

	// Source and Gone are the caller's, who keeps lists of members: which text
	// the member comes from, and whether it has been taken off the list.
	Source uint8
	Gone   bool
}

// Scanner checks JSON text. The zero value is ready for use; it is not safe
// for concurrent use. Text is assumed to be valid UTF-8: check that first.
type Scanner struct {
	// Most, if set, is how long Object lets a list of members grow.
	Most int
	// Members is how many members the last object had, listed or not.
	Members int

	broken, namesEscaped bool

	isObject [MaxDepth/64 + 1]uint64 // one bit a level: object or array
}

// Object checks that data is exactly one JSON object, white space around it
// allowed, and appends its members in order to members, duplicates included.
// If ok is false the appended members mean nothing. Of an object with more
// members than Most lets it list, the rest are checked and counted.
func (s *Scanner) Object(data []byte, members []Member) (_ []Member, ok bool) {
	s.Members = 0
	i := skipSpace(data, 0)
	if i >= len(data) || data[i] != '{' {
		return members, false
	}
	i = skipSpace(data, i+1)
	if i < len(data) && data[i] == '}' {
		return members, skipSpace(data, i+1) == len(data)
	}
	for {
		if i >= len(data) || data[i] != '"' {
			return members, false
		}
		keyEnd, escaped := scanString(data, i+1)
		if keyEnd < 0 {
			return members, false
		}
		m := Member{Key: data[i+1 : keyEnd], At: i + 1, KeyEscaped: escaped}
		if !escaped {
			m.Name, m.Sig = m.Key, signatureAt(data, i+1, keyEnd-i-1)
		}
		i = keyEnd + 1
		if i < len(data) && data[i] <= ' ' {
			i = skipSpace(data, i)
		}
		if i >= len(data) || data[i] != ':' {
			return members, false
		}
		i++
		if i < len(data) && data[i] <= ' ' {
			i = skipSpace(data, i)
		}
		s.broken, s.namesEscaped = false, false
		end := s.value(data, i, 1)
		if end < 0 {
			return members, false
		}
		m.Value, m.Tight = data[i:end], i == keyEnd+2
		m.Broken, m.NamesEscaped = s.broken, s.namesEscaped
		if s.Members++; s.Most == 0 || len(members) < s.Most {
			members = append(members, m)
		}
		i = end
		if i < len(data) && data[i] <= ' ' {
			i = skipSpace(data, i)
		}
		if i >= len(data) {
			return members, false
		}
		if data[i] == '}' {
			return members, skipSpace(data, i+1) == len(data)
		}
		if data[i] != ',' {
			return members, false
		}
		i++
		if i < len(data) && data[i] <= ' ' {
			i = skipSpace(data, i)
		}
	}
}

// Valid reports whether data is exactly one JSON value, white space around it
// allowed.
func (s *Scanner) Valid(data []byte) bool {
	i := skipSpace(data, 0)
	end := s.value(data, i, 0)
	return end >= 0 && skipSpace(data, end) == len(data)
}

// Prefix returns the end of the JSON value that starts at data[i], or -1 if
// there is none.
func (s *Scanner) Prefix(data []byte, i int) int { return s.value(data, i, 0) }

// value returns the end of the value at data[i], which lies within a number of
// arrays and objects, or -1.
func (s *Scanner) value(data []byte, i, within int) int {
	if i >= len(data) {
		return -1
	}
	if c := data[i]; c == '{' || c == '[' {
		return s.container(data, i, MaxDepth-within)
	}
	return scanScalar(data, i)
}

// container returns the end of the array or object at data[i], or -1 if it is
// malformed or has more than maxDepth levels. It keeps its own stack of one bit
// a level, so that no input can exhaust the real one.
func (s *Scanner) container(data []byte, i, maxDepth int) int {
	depth := -1
	var inObject bool

open:
	depth++
	if depth >= maxDepth {
		return -1
	}
	inObject = data[i] == '{'
	s.push(depth, inObject)
	i = s.space(data, i+1)
	if i >= len(data) {
		return -1
	}
	if inObject && data[i] == '}' || !inObject && data[i] == ']' {
		goto closed
	}

element:
	if inObject {
		if i >= len(data) || data[i] != '"' {
			return -1
		}
		end, escaped := scanString(data, i+1)
		if end < 0 {
			return -1
		}
		if escaped {
			s.namesEscaped = true
		}
		i = s.space(data, end+1)
		if i >= len(data) || data[i] != ':' {
			return -1
		}
		i = s.space(data, i+1)
	}
	if i >= len(data) {
		return -1
	}
	if c := data[i]; c == '{' || c == '[' {
		goto open
	}
	if i = scanScalar(data, i); i < 0 {
		return -1
	}

after:
	i = s.space(data, i)
	if i >= len(data) {
		return -1
	}
	switch {
	case data[i] == ',':
		i = s.space(data, i+1)
		goto element
	case inObject && data[i] == '}', !inObject && data[i] == ']':
	default:
		return -1
	}

closed:
	i++
	if depth == 0 {
		return i
	}
	depth--
	inObject = s.isObject[depth/64]>>(depth%64)&1 == 1
	goto after
}

func (s *Scanner) push(depth int, object bool) {
	bit := uint64(1) << (depth % 64)
	if object {
		s.isObject[depth/64] |= bit
	} else {
		s.isObject[depth/64] &^= bit
	}
}

// space skips white space inside a container and notes line breaks.
func (s *Scanner) space(data []byte, i int) int {
	for i < len(data) && data[i] <= ' ' {
		switch data[i] {
		case ' ', '\t':
		case '\n', '\r':
			s.broken = true
		default:
			return i
		}
		i++
	}
	return i
}

func skipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\r' || data[i] == '\t') {
		i++
	}
	return i
}

// scanScalar returns the end of the string, number or literal at data[i], or -1.
func scanScalar(data []byte, i int) int {
	switch data[i] {
	case '"':
		end, _ := scanString(data, i+1)
		if end < 0 {
			return -1
		}
		return end + 1
	case 't':
		return literal(data, i, "true")
	case 'f':
		return literal(data, i, "false")
	case 'n':
		return literal(data, i, "null")
	default:
		return scanNumber(data, i)
	}
}

func literal(data []byte, i int, want string) int {
	if len(data)-i < len(want) || string(data[i:i+len(want)]) != want {
		return -1
	}
	return i + len(want)
}

// scanNumber returns the end of the number at data[i], or -1.
func scanNumber(data []byte, i int) int {
	if i < len(data) && data[i] == '-' {
		i++
	}
	first := i
	i = digits(data, i)
	if i == first || data[first] == '0' && i > first+1 {
		return -1
	}
	if i < len(data) && data[i] == '.' {
		first = i + 1
		if i = digits(data, first); i == first {
			return -1
		}
	}
	if i < len(data) && (data[i] == 'e' || data[i] == 'E') {
		i++
		if i < len(data) && (data[i] == '+' || data[i] == '-') {
			i++
		}
		first = i
		if i = digits(data, i); i == first {
			return -1
		}
	}
	return i
}

func digits(data []byte, i int) int {
	for i < len(data) && data[i]-'0' <= 9 {
		i++
	}
	return i
}

// Array calls visit with the text of each element of an array, white space
// around it allowed, until visit returns false. ok is false if data is not
// exactly one array; elements before the fault have been visited then.
func (s *Scanner) Array(data []byte, visit func(element []byte) (more bool)) (ok bool) {
	i := skipSpace(data, 0)
	if i >= len(data) || data[i] != '[' {
		return false
	}
	i = skipSpace(data, i+1)
	if i < len(data) && data[i] == ']' {
		return skipSpace(data, i+1) == len(data)
	}
	for {
		end := s.value(data, i, 1)
		if end < 0 {
			return false
		}
		if !visit(data[i:end]) {
			return true
		}
		i = skipSpace(data, end)
		switch {
		case i < len(data) && data[i] == ',':
			i = skipSpace(data, i+1)
		case i < len(data) && data[i] == ']':
			return skipSpace(data, i+1) == len(data)
		default:
			return false
		}
	}
}
