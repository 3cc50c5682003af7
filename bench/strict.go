package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"ckafka-etl/bench/job"
)

// strict is what a candidate makes of texts around the edges of RFC 8259.
type strict struct {
	candidate
	valid, invalid int      // texts of each sort
	refused        []string // valid, but came out as text
	changed        []string // valid, but came out with another meaning
	taken          []string // invalid, but came out as an object
	broken         []string // what came out is not one line of JSON
	failed         []string // nothing came out, of the whole event
}

// text is a record's body. A valid one is a JSON object.
type text struct {
	name, text string
	valid      bool
}

func texts() []text {
	var all []text
	for _, t := range [][2]string{
		{"empty object", `{}`},
		{"white space of all four sorts", " \t\r\n{ \t\r\n\"a\" \t\r\n: \t\r\n1 \t\r\n, \"b\":[ 1 , 2 ] } \t\r\n"},
		{"literals", `{"a":true,"b":false,"c":null}`},
		{"all escapes", `{"a":"\"\\\/\b\f\n\r\t\u0041\u00e9\u4e2d\ud83c\udf89"}`},
		{"NUL, escaped", `{"a":"\u0000"}`},
		{"DEL and U+2028, unescaped", "{\"a\":\"\x7f\u2028\"}"},
		{"an empty name", `{"":1}`},
		{"an escaped name", `{"\u0061\n":1}`},
		{"integer beyond 64 bits", `{"a":123456789012345678901234567890}`},
		{"2^63 and 2^64-1", `{"a":9223372036854775808,"b":18446744073709551615}`},
		{"an integer that no float64 holds", `{"a":9007199254740993}`},
		{"more digits than a float64", `{"a":0.1234567890123456789012345}`},
		{"an exponent beyond float64", `{"a":1e400}`},
		{"an exponent below float64", `{"a":1e-400}`},
		{"exponents in all forms", `{"a":[1E5,1e+5,1e-5,0e0,-0.0e-0]}`},
		{"minus zero", `{"a":-0}`},
		{"a lone surrogate, escaped", `{"a":"\ud83c"}`},
		{"duplicate names", `{"a":1,"a":2}`},
		{"arrays 500 deep", `{"a":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `}`},
		{"a non-character", "{\"a\":\"\uffff\"}"},
	} {
		all = append(all, text{t[0], t[1], true})
	}
	for _, value := range []string{
		"", ",", "1,", "1,,", ",1", "[1,]", "[,1]", "[1,,2]", "[1 2]", "[", "]", "[}", "[1:2]", "{", "{]", `{"b"}`, `{"b":}`, `{1:2}`,
		`{"b" 1}`, `{b:1}`, `{"b":1,}`, "1 2", "'b'", "b", "True", "TRUE", "nul", "truee", "NaN", "Infinity", "-Infinity", "nan", "inf",
		"undefined", "01", "-01", "+1", "-", "--1", "1.", ".5", "-.5", "1.e5", "1e", "1e+", "1e5.5", "1..2", "0x10", "1_000", "1a", "1e1e1",
		"1-1", "０", `"`, `"\x41"`, `"\a"`, `"\'"`, `"\u"`, `"\u12"`, `"\u12g4"`, `"\U0041"`, `"\"`, "\"\n\"", "\"\t\"", "\"\x00\"", "\"\x1f\"",
		"/**/1", "1//", "\f1", "\v1", "\u00a01", "\ufeff1", "1;",
	} {
		all = append(all, text{fmt.Sprintf("%.12q", value), `{"a":` + value + `}`, false})
	}
	for _, t := range []string{
		`{"a":1`, `{"a":1}}`, `{"a":1}{}`, `{"a":1},`, `{"a":1} x`, `{"a":1}//`, `{'a':1}`, `{"a":1]`, `{a:1}`, `{,}`, `{"a"}`, `{"a",1}`, `{"a"::1}`,
		"{\"a\n\":1}", `{"\x":1}`, "{\"a\":1}\x00", "#\n{}",
	} {
		all = append(all, text{fmt.Sprintf("%.16q", t), t, false})
	}
	return all
}

// strictness hands the texts to all candidates, one event each.
func (b *bench) strictness() ([]strict, error) {
	all := make([]strict, len(b.lanes))
	for i, t := range texts() {
		file, err := b.write(fmt.Sprintf("strict-%d.json", i), payload("strict", [][]byte{[]byte(t.text)}))
		if err != nil {
			return nil, err
		}
		for k, l := range b.lanes {
			all[k].candidate = l.candidate
			body, err := l.one.body(file)
			if _, ok := errors.AsType[*failedError](err); ok {
				body = nil
			} else if err != nil {
				return nil, fmt.Errorf("%s, %q: %w", l.name, t.text, err)
			}
			all[k].judge(t, body)
		}
	}
	return all, nil
}

func (s *strict) judge(t text, body []byte) {
	if t.valid {
		s.valid++
	} else {
		s.invalid++
	}
	if body == nil {
		s.failed = append(s.failed, t.name)
		return
	}
	_, source, _ := bytes.Cut(body, []byte("\n"))
	line, isLine := bytes.CutSuffix(source, []byte("\n"))
	if !isLine || bytes.IndexByte(line, '\n') >= 0 || !json.Valid(line) || !utf8.Valid(line) {
		s.broken = append(s.broken, t.name)
	}
	out, _ := decode(line)
	fields, _ := out.(map[string]any)
	_, isText := fields[job.TextField]
	switch {
	case !t.valid && !isText:
		s.taken = append(s.taken, t.name)
	case t.valid && isText:
		s.refused = append(s.refused, t.name)
	case t.valid:
		delete(fields, job.TimeField)
		if want, ok := decode([]byte(t.text)); !ok || !equal(fields, want) {
			s.changed = append(s.changed, t.name)
		}
	}
}
