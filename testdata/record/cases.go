package main

import (
	"errors"
	"fmt"
	"strings"
)

// quote returns s as a JSON string and leaves bytes that are no UTF-8 as they
// are: some cases are about them.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c == '\n':
			b.WriteString(`\n`)
		case c < ' ':
			fmt.Fprintf(&b, `\u%04x`, c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// ckafka returns an element of Records; its offset is 36+i. msgBody is JSON.
func ckafka(i int, msgBody string) string {
	return fmt.Sprintf(`{"Ckafka":{"topic":"cases","partition":1,"offset":%d,"msgKey":"None","msgBody":%s}}`, 36+i, msgBody)
}

func records(elements ...string) []byte {
	return []byte(`{"Records":[` + strings.Join(elements, ",") + `]}`)
}

// bodies returns the event whose records hold these bodies.
func bodies(texts ...string) []byte {
	elements := make([]string, len(texts))
	for i, text := range texts {
		elements[i] = ckafka(i, quote(text))
	}
	return records(elements...)
}

// writeCases writes the event files that are no recordings.
func writeCases() error {
	files := map[string][]byte{
		"double-encoded.json": bodies(doubleEncoded()...),
		"ids.json":            bodies(ids()...),
		"event-time.json":     bodies(times()...),
	}
	for name, data := range variants() {
		files["variant-"+name+".json"] = data
	}
	return writeAll(eventsDir, files)
}

func writeAll(dir string, files map[string][]byte) error {
	var errs []error
	for name, data := range files {
		errs = append(errs, write(dir, name, data))
	}
	return errors.Join(errs...)
}

// variants are the forms of an event that were seen of the trigger or that its
// description allows.
func variants() map[string][]byte {
	one := func(members string) []byte {
		return records(`{"Ckafka":{`+members+`,"msgBody":"{\"n\":1}"}}`, ckafka(1, quote(`{"n":2}`)))
	}
	return map[string][]byte{
		"capital-partition": one(`"topic":"cases","Partition":1,"offset":36,"msgKey":"None"`),
		"string-partition": records(
			`{"Ckafka":{"topic":"cases","partition":"","offset":36,"msgKey":"None","msgBody":"{\"n\":1}"}}`,
			`{"Ckafka":{"topic":"cases","partition":"3","offset":37,"msgKey":"None","msgBody":"{\"n\":2}"}}`),
		"string-offset":     one(`"topic":"cases","partition":1,"offset":"36","msgKey":"None"`),
		"missing-key":       one(`"topic":"cases","partition":1,"offset":36`),
		"missing-partition": one(`"topic":"cases","offset":36,"msgKey":"None"`),
		"missing-offset":    one(`"topic":"cases","partition":1,"msgKey":"None"`),
		"missing-topic":     one(`"partition":1,"offset":36,"msgKey":"None"`),
		"empty-key":         one(`"topic":"cases","partition":1,"offset":36,"msgKey":""`),
		"null-key":          one(`"topic":"cases","partition":1,"offset":36,"msgKey":null`),
		"unicode-key":       one(`"topic":"cases","partition":1,"offset":36,"msgKey":"订单-\u00e9\"\\-🎉"`),
		"large-offset":      one(`"topic":"cases","partition":2147483647,"offset":9223372036854775807,"msgKey":"None"`),
		"null-numbers":      one(`"topic":"cases","partition":null,"offset":null,"msgKey":"None"`),
		"member-order":      records(`{"Ckafka":{"msgBody":"{\"n\":1}","msgKey":"k","offset":36,"partition":1,"topic":"cases"}}`),
		"unknown-fields": []byte(`{"Version":"2.0","Context":{"region":"ap-guangzhou","tags":["a",{"b":[1,null]}]},"Records":[` +
			`{"EventSource":"qcs::ckafka","Ckafka":{"topic":"cases","partition":1,"offset":36,"headers":{"trace":"\"x\""},"timestamp":1795139472123,"msgKey":"None","msgBody":"{\"n\":1}","crc":null},"More":[]}` +
			`],"After":true}`),
		"empty-records": records(),
		"spaced": []byte("{\r\n  \"Records\" : [\r\n\t{ \"Ckafka\" : { \"topic\" : \"cases\" , \"partition\" : 1 , \"offset\" : 36 ,\n" +
			" \"msgKey\" : \"None\" , \"msgBody\" : \"{ \\\"n\\\" : 1 }\" } }\n , " + ckafka(1, quote(" {\"n\":\t2}\n")) + " ]\n}\n"),
		// Other JSON writers escape all that is not ASCII, and the slash.
		"ascii-escapes": records(ckafka(0, `"{\"text\":\"\u4e2d\u6587 \u00E9 \ud83c\udf89 a\/b \u0041\\n\\u4e2d\\\\ \\\"q\\\"\"}"`),
			ckafka(1, `"\u7eaf\u6587\u672c \ud83c\udf89 \t\r\n\b\f\/\u0001"`)),
		"mixed-sources": records(
			`{"Ckafka":{"topic":"a","partition":0,"offset":0,"msgKey":"None","msgBody":"{\"n\":1}"}}`,
			`{"Ckafka":{"topic":"b","partition":0,"offset":0,"msgKey":"None","msgBody":"{\"n\":1}"}}`,
			`{"Ckafka":{"topic":"a","partition":1,"offset":0,"msgKey":"None","msgBody":"{\"n\":1}"}}`,
			`{"Ckafka":{"topic":"a","partition":0,"offset":1,"msgKey":"None","msgBody":"{\"n\":1}"}}`,
			`{"Ckafka":{"topic":"a-0","partition":1,"offset":1,"msgKey":"None","msgBody":"{\"n\":1}"}}`,
			`{"Ckafka":{"topic":"a","partition":0,"offset":1,"msgKey":"None","msgBody":"{\"n\":2}"}}`),
	}
}

// doubleEncoded are bodies that are JSON strings which hold JSON, 1 to 9
// layers of them, and a few that only look so.
func doubleEncoded() []string {
	wrap := func(s string, layers int) string {
		for range layers {
			s = quote(s)
		}
		return s
	}
	var out []string
	for layers := 1; layers <= 9; layers++ {
		out = append(out, wrap(fmt.Sprintf(`{"layers":%d,"text":"中文 \"q\" \\ \n 🎉"}`, layers), layers))
	}
	return append(out,
		wrap(`{"host":"outer","message":"{\"host\":\"inner\",\"n\":1.10}"}`, 2),
		`"{\u0022escaped\u0022:\u0031}"`,
		" \""+`{\"spaces\":\"around\"}`+"\"\n",
		wrap(" {\"spaces\":\"inside\"}\n", 1),
		wrap(`[1,2]`, 1), wrap(`1.10`, 1), wrap(`null`, 1), wrap(`{"broken":`, 1),
		wrap(`only text`, 1), wrap(`only text`, 3), wrap(``, 1), wrap(``, 2),
	)
}

// ids are documents whose log_id is good, bad, missing or given twice. Where
// the design leaves no doubt, want_id says what becomes of it.
func ids() []string {
	doc := func(name, logID, want string) string {
		s := `{"case":` + quote(name)
		if logID != "" {
			s += `,"log_id":` + logID
		}
		if want != "" {
			s += `,"want_id":` + quote(want)
		}
		return s + "}"
	}
	const generated = "generated"
	return []string{
		doc("string", `"order-1"`, "order-1"),
		doc("number", `7`, "7"),
		doc("the same as a string", `"7"`, "7"),
		doc("number of 19 digits", `9223372036854775807`, "9223372036854775807"),
		doc("number beyond 64 bits", `9223372036854775808`, "9223372036854775808"),
		doc("negative", `-1`, "-1"),
		doc("fraction", `1.10`, "1.10"),
		doc("missing", ``, generated),
		doc("empty", `""`, generated),
		doc("null", `null`, generated),
		doc("boolean", `true`, generated),
		doc("object", `{"id":"x"}`, generated),
		doc("array", `["x"]`, generated),
		doc("512 bytes", quote(strings.Repeat("x", 512)), strings.Repeat("x", 512)),
		doc("513 bytes", quote(strings.Repeat("x", 513)), ""),
		doc("510 bytes of 3 each", quote(strings.Repeat("中", 170)), strings.Repeat("中", 170)),
		doc("513 bytes of 3 each", quote(strings.Repeat("中", 171)), ""),
		doc("512 bytes after unescaping", `"`+strings.Repeat(`\u0041`, 512)+`"`, strings.Repeat("A", 512)),
		doc("unicode", `"订单-é-🎉"`, "订单-é-🎉"),
		doc("the same, escaped", `"\u8ba2\u5355-\u00e9-\ud83c\udf89"`, "订单-é-🎉"),
		doc("quote and backslash", `"a\"b\\c\/d"`, `a"b\c/d`),
		doc("line break", `"a\nb"`, "a\nb"),
		doc("NUL", `"a\u0000b"`, "a\x00b"),
		doc("spaces", `"  x "`, "  x "),
		doc("underscore first", `"_x"`, "_x"),
		doc("lone surrogate", `"x\ud800"`, ""),
		doc("duplicate, 1st", `"same"`, "same"),
		doc("duplicate, 2nd", `"same"`, "same"),
		doc("another between", `"other"`, "other"),
		doc("duplicate, last", `"same"`, "same"),
		`{"case":"twice in one document","log_id":"first","log_id":"last","want_id":"last"}`,
		`{"case":"escaped name","log\u005fid":"escaped-name","want_id":"escaped-name"}`,
		`{"case":"nested is not top level","meta":{"log_id":"x"},"want_id":"generated"}`,
		`{"case":"inside message","message":"{\"log_id\":\"from-message\"}","want_id":"from-message"}`,
		`{"case":"message wins","log_id":"outer","message":"{\"log_id\":\"inner\"}","want_id":"inner"}`,
		`"{\"case\":\"double encoded\",\"log_id\":\"encoded\",\"want_id\":\"encoded\"}"`,
		"text without an id: log_id=x",
	}
}
