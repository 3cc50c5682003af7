// Package jsoncases makes texts from RFC 8259's grammar, and texts just outside
// of it, to hold readers of JSON against. Only tests use it.
package jsoncases

import (
	"fmt"
	"strings"
)

// Case is a text and whether it is JSON.
type Case struct {
	// Name starts with y_ if Text is JSON and with n_ if it is not, and then
	// says why. Names are unique.
	Name  string
	Text  string
	Valid bool
}

type list struct {
	cases []Case
	seen  map[string]int
}

func (l *list) add(valid bool, name, text string) {
	prefix := "n_"
	if valid {
		prefix = "y_"
	}
	l.seen[prefix+name]++
	if n := l.seen[prefix+name]; n > 1 {
		name = fmt.Sprintf("%s_%d", name, n)
	}
	l.cases = append(l.cases, Case{prefix + name, text, valid})
}

// All returns more than five thousand cases, always the same.
func All() []Case {
	l := &list{seen: map[string]int{}}
	scalars := &list{seen: l.seen}
	scalars.literals()
	scalars.numbers()
	scalars.strings()
	l.cases = append(l.cases, scalars.cases...)
	l.placed(scalars.cases)
	l.white()
	l.structures()
	l.mutations()
	l.nesting()
	return l.cases
}

// literals: RFC 8259, section 3.
func (l *list) literals() {
	for _, word := range []string{"true", "false", "null"} {
		l.add(true, "literal_"+word, word)
		for n := range len(word) - 1 {
			l.add(false, "literal_cut_"+word, word[:n+1])
		}
		l.add(false, "literal_upper_"+word, strings.ToUpper(word))
		l.add(false, "literal_title_"+word, strings.ToUpper(word[:1])+word[1:])
		l.add(false, "literal_longer_"+word, word+"x")
		l.add(false, "literal_twice_"+word, word+word)
		l.add(false, "literal_digit_"+word, word+"1")
		l.add(false, "literal_wrong_letter_"+word, word[:len(word)-1]+"_")
	}
	for _, word := range []string{"nul", "undefined", "None", "nil", "yes", "NaN", "nan", "-NaN", "Infinity", "-Infinity", "+Infinity", "inf", "a", "$"} {
		l.add(false, "literal_unknown_"+word, word)
	}
}

// numbers: RFC 8259, section 6: all combinations of their parts.
func (l *list) numbers() {
	for _, minus := range []string{"", "-"} {
		for _, whole := range []string{"0", "7", "10", "1234567890123456789012"} {
			for _, fraction := range []string{"", ".0", ".10", ".0000000000000000000001"} {
				for _, exponent := range []string{"", "e0", "E5", "e+1", "E-1", "e00", "e400", "E-0400"} {
					text := minus + whole + fraction + exponent
					l.add(true, "number_"+text, text)
				}
			}
		}
	}
	for _, whole := range []string{"", "+1", "-", "--1", "+-1", "01", "-01", "00", "007", "-00", "0x1", "1a", "1_000", "1,000", "- 1", "1 2", "１", "1\u0660", "1L"} {
		for _, rest := range []string{"", ".5", "e5", ".5e5"} {
			if whole+rest != "" {
				l.add(false, "number_whole_"+whole+rest, whole+rest)
			}
		}
	}
	for _, rest := range []string{".", "..1", ".1.", ".1.2", ".e1", ".+1", ". 1", ".a", ".1 e1"} {
		l.add(false, "number_fraction_"+rest, "1"+rest)
	}
	for _, rest := range []string{"e", "E", "e+", "E-", "e++1", "e+-1", "ee1", "e1e1", "e1.0", "e.5", "e 1", "ea", "e+a"} {
		l.add(false, "number_exponent_"+rest, "1"+rest)
		l.add(false, "number_fraction_exponent_"+rest, "1.5"+rest)
	}
}

// strings: RFC 8259, section 7.
func (l *list) strings() {
	const escapes = `"\/bfnrt`
	for c := range rune(0x80) {
		escaped := fmt.Sprintf(`"\%c"`, c)
		switch {
		case strings.ContainsRune(escapes, c):
			l.add(true, fmt.Sprintf("string_escape_%02x", c), escaped)
		case c == 'u':
		default:
			l.add(false, fmt.Sprintf("string_escape_%02x", c), escaped)
		}
		switch {
		case c < ' ':
			l.add(false, fmt.Sprintf("string_control_%02x", c), fmt.Sprintf(`"a%cb"`, c))
		case c == '"' || c == '\\':
		default:
			l.add(true, fmt.Sprintf("string_character_%02x", c), fmt.Sprintf(`"%c"`, c))
		}
	}
	for _, r := range []rune{0x80, 0x85, 0xA0, 0x7FF, 0x800, 0x2028, 0x2029, 0xD7FF, 0xE000, 0xFEFF, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x1F389, 0x10FFFF} {
		l.add(true, fmt.Sprintf("string_character_%x", r), fmt.Sprintf(`"%c"`, r))
	}
	for _, hex := range []string{"0000", "001f", "0022", "005C", "abcd", "ABCD", "aBcD", "d83c\\udf89", "D83C\\uDF89", "d800", "dc00", "dc00\\ud800", "d800\\u0041", "d800\\n", "d800x", "ffff"} {
		l.add(true, "string_unicode_"+hex, `"\u`+hex+`"`)
	}
	for _, digits := range []string{"", "0", "00", "000", "g000", "0g00", "00g0", "000g", "00:0", "00/0", "00@0", "00`0", "+000", " 000", "00\\0", `000\"`, "{41}", "d83c\\u", "d83c\\udf8", "d83c\\udf8g"} {
		l.add(false, "string_unicode_"+digits, `"\u`+digits+`"`)
	}
	l.add(false, "string_unicode_upper", `"\U0041"`)
	l.add(false, "string_hex", `"\x41"`)
	l.add(false, "string_octal", `"\101"`)
	l.add(false, "string_escaped_line_break", "\"\\\n\"")
	// Quotes, escapes and control characters at all places of the blocks in
	// which a fast reader reads.
	for n := range 20 {
		text := strings.Repeat("x", n)
		l.add(true, fmt.Sprintf("string_length_%d", n), `"`+text+`"`)
		l.add(true, fmt.Sprintf("string_quote_at_%d", n), `"`+text+`\"`+text+`"`)
		l.add(true, fmt.Sprintf("string_backslashes_at_%d", n), `"`+text+`\\\\"`)
		l.add(true, fmt.Sprintf("string_unicode_at_%d", n), `"`+text+`\u00e9é`+text+`"`)
		l.add(true, fmt.Sprintf("string_wide_at_%d", n), `"`+text+"\u00a0\u0122\u015c"+text+`"`)
		l.add(false, fmt.Sprintf("string_control_at_%d", n), `"`+text+"\x1f"+text+`"`)
		l.add(false, fmt.Sprintf("string_nul_at_%d", n), `"`+text+"\x00"+text+`"`)
		l.add(false, fmt.Sprintf("string_bad_escape_at_%d", n), `"`+text+`\z`+text+`"`)
		l.add(false, fmt.Sprintf("string_without_end_%d", n), `"`+text)
		l.add(false, fmt.Sprintf("string_escaped_end_%d", n), `"`+text+`\"`)
		l.add(false, fmt.Sprintf("string_backslash_end_%d", n), `"`+text+`\`)
		l.add(false, fmt.Sprintf("string_odd_backslashes_%d", n), `"`+text+`\\\"`)
		l.add(false, fmt.Sprintf("string_goes_on_%d", n), `"`+text+`"x"`)
	}
	for _, q := range []string{`'a'`, "`a`", `“a”`, `'a"`, `"a'`, `\"a\"`, `"`, `"""`, `""""`, `"a""b"`, `"a" "b"`, `""a`, `a""`} {
		l.add(false, "string_quotes", q)
	}
}

// placed puts each scalar into arrays and objects.
func (l *list) placed(scalars []Case) {
	for _, s := range scalars {
		name := s.Name[2:]
		for _, place := range []struct{ name, before, after string }{
			{"element", "[", "]"},
			{"last_element", "[0,", " ]"},
			{"member", `{"a":`, "}"},
			{"middle_member", `{"b":0, "a" : `, ` ,"c":{}}`},
		} {
			if s.Valid || breaks(s.Text) {
				l.add(s.Valid, place.name+"_"+name, place.before+s.Text+place.after)
			}
		}
	}
}

// breaks reports whether a text that is no value is none inside of brackets
// either: a comma makes two elements of it, and an odd number of quotes takes
// in what follows, which may or may not end well.
func breaks(text string) bool {
	return !strings.Contains(text, ",") && strings.Count(strings.ReplaceAll(text, `\\`, ""), `"`)%2 == 0
}

// white is RFC 8259, section 2: white space around all tokens.
func (l *list) white() {
	tokens := []string{"", "{", `"a"`, ":", "[", "1", ",", "true", "]", ",", `"b"`, ":", "{", "}", "}", ""}
	for i := range tokens[1:] {
		before, after := strings.Join(tokens[:i+1], ""), strings.Join(tokens[i+1:], "")
		for _, space := range []string{" ", "\t", "\n", "\r", "\r\n", " \t\n\r "} {
			l.add(true, fmt.Sprintf("white_%q_at_%d", space, i), before+space+after)
		}
		for _, other := range []string{"\v", "\f", "\b", "\x00", "\x1f", "\x7f", "\u0085", "\u00a0", "\u2028", "\u3000", "\uFEFF", "\\n", "/**/", "//\n", "#\n"} {
			l.add(false, fmt.Sprintf("white_%q_at_%d", other, i), before+other+after)
		}
	}
	for _, space := range []string{"", " ", "\n", "\t\r\n "} {
		l.add(false, fmt.Sprintf("white_alone_%q", space), space)
	}
}

// structures is RFC 8259, sections 4 and 5.
func (l *list) structures() {
	for _, text := range []string{
		"{}", "[]", "{ }", "[\n]", `{"":0}`, `{"\"\\\u0000":0}`, `{"a":1,"a":2}`,
		"[[],[[]],[[],[]]]", `{"a":{},"b":{"c":{}}}`, `[{"a":[{"b":[{}]}]}]`,
	} {
		l.add(true, "structure_"+text, text)
	}
	for _, text := range []string{
		"{", "}", "[", "]", "{]", "[}", "}{", "][", "{{}}", "[[]", "[]]", "{}}", "{{}", "{[]}", "[:]", "{:}", "[,]", "{,}", ",", ":",
		"[1,]", "[,1]", "[1,,2]", "[1 2]", "[1;2]", "[1:2]", `["a":1]`, `["a",1`, "[1", "[1,", "[1]2", "[1],", ",[1]", "[1][2]", "[1},", "(1)", "[1)", "<1>",
		`{"a"}`, `{"a":}`, `{:1}`, `{"a":1,}`, `{,"a":1}`, `{"a":1,,"b":2}`, `{"a":1 "b":2}`, `{"a":1;"b":2}`, `{"a"::1}`, `{"a" 1}`, `{"a"=1}`, `{"a"=>1}`,
		`{a:1}`, `{'a':1}`, `{1:1}`, `{null:1}`, `{[]:1}`, `{{}:1}`, `{"a":1`, `{"a":`, `{"a"`, `{"a`, `{"a":1}}`, `{"a":1}]`, `{"a":1]`, `["a"}`, `{"a":1},`,
		`{"a":1}{"b":2}`, "{} {}", "{}\n{}", "1 1", `""{}`, "{}1", "{}x", `{"a":1:2}`, `{"a":"b":"c"}`, `{"a","b"}`, `{"a\u0022:1}`, `{"a":1,"b"}`, `{"a":1,2}`,
		"*", "&", "{\"a\":\x00}", "{...}", "[...]", "[1...2]", `{"a":1/2}`, `{"a":-}`, `{"a":+1}`, `{"a":tru}`, `{"a":nul}`, "[\"\x00\"]", `{"a\z":1}`, "{\"a\n\":1}",
	} {
		l.add(false, "structure_"+text, text)
	}
}

// mutations takes a token out of a text, doubles it, or puts another one in its
// place. None of these is JSON: the text has no array whose only element could
// go, no two tokens of a kind that could stand for each other.
func (l *list) mutations() {
	tokens := []string{"{", `"a"`, ":", "[", "1", ",", "{", `"b"`, ":", "null", "}", ",", `"c"`, "]", ",", `"d"`, ":", "true", "}"}
	join := func(change func(i int) string) string {
		var b strings.Builder
		for i := range tokens {
			b.WriteString(change(i))
			b.WriteByte(' ')
		}
		return b.String()
	}
	l.add(true, "tokens", join(func(i int) string { return tokens[i] }))
	for at := range tokens {
		l.add(false, fmt.Sprintf("token_%d_missing", at), join(func(i int) string {
			if i == at {
				return ""
			}
			return tokens[i]
		}))
		l.add(false, fmt.Sprintf("token_%d_twice", at), join(func(i int) string {
			if i == at {
				return tokens[i] + " " + tokens[i]
			}
			return tokens[i]
		}))
		l.add(false, fmt.Sprintf("cut_before_token_%d", at), strings.Join(tokens[:at], " "))
		for _, other := range []string{"{", "}", "[", "]", ":", ","} {
			if tokens[at] != other {
				l.add(false, fmt.Sprintf("token_%d_replaced_by_%s", at, other), join(func(i int) string {
					if i == at {
						return other
					}
					return tokens[i]
				}))
			}
		}
	}
}

// nesting is RFC 8259, section 9: a reader may set limits. These are within
// ours, and not balanced.
func (l *list) nesting() {
	for _, n := range []int{2, 63, 64, 65, 128, 500, 1000} {
		l.add(true, fmt.Sprintf("nested_%d_arrays", n), strings.Repeat("[", n)+strings.Repeat("]", n))
		l.add(true, fmt.Sprintf("nested_%d_objects", n), strings.Repeat(`{"a":`, n-1)+"{}"+strings.Repeat("}", n-1))
		l.add(true, fmt.Sprintf("nested_%d_both", n), strings.Repeat(`[{"a":`, n/2)+"1"+strings.Repeat("}]", n/2))
		l.add(false, fmt.Sprintf("nested_%d_arrays_one_open", n), strings.Repeat("[", n)+strings.Repeat("]", n-1))
		l.add(false, fmt.Sprintf("nested_%d_arrays_one_too_many", n), strings.Repeat("[", n)+strings.Repeat("]", n+1))
		l.add(false, fmt.Sprintf("nested_%d_innermost_wrong", n), strings.Repeat("[", n)+"}"+strings.Repeat("]", n-1))
		l.add(false, fmt.Sprintf("nested_%d_outermost_wrong", n), strings.Repeat("[", n)+strings.Repeat("]", n-1)+"}")
		l.add(false, fmt.Sprintf("nested_%d_both_swapped", n), strings.Repeat(`[{"a":`, n/2)+"1"+strings.Repeat("]}", n/2))
	}
}
