package main

import (
	"fmt"
	"strings"
)

// writeBad writes one small file for each way in which a payload, a record or a
// body can be wrong. Where the payload is sound, the last record is a good one:
// it must come through.
func writeBad() error {
	files := map[string][]byte{}
	for name, data := range badPayloads() {
		files[name+".json"] = data
	}
	for name, data := range badRecords() {
		files[name+".json"] = data
	}
	for name, texts := range badBodies() {
		files[name+".json"] = bodies(append(texts, `{"good":true}`)...)
	}
	files["secrets-everywhere.json"] = secrets()
	return writeAll(badDir, files)
}

// badPayloads are no events of the trigger.
func badPayloads() map[string][]byte {
	good := string(bodies(`{"good":true}`))
	return map[string][]byte{
		"payload-empty":            {},
		"payload-not-json":         []byte("hello, this is no JSON"),
		"payload-array":            []byte("[" + good + "]"),
		"payload-string":           []byte(quote(good)),
		"payload-null":             []byte("null"),
		"payload-empty-object":     []byte("{}"),
		"payload-other-trigger":    []byte(`{"Records":[{"CMQ":{"type":"topic","msgBody":"{}"}},{"cos":{"cosBucket":{"name":"b"}}}]}`),
		"payload-bom":              []byte("\xEF\xBB\xBF" + good),
		"payload-trailing-garbage": []byte(good + " and more"),
		"payload-two-events":       []byte(good + "\n" + good),
		"payload-control":          []byte(strings.Replace(good, `{\"good`, "{\n\x01\\\"good", 1)),
		"truncated-payload":        bodies(`{"n":1}`, `{"n":2}`, `{"n":3}`)[:200],
		"no-records":               []byte(`{"records":[],"Record":[]}`),
		"records-null":             []byte(`{"Records":null}`),
		"records-object":           []byte(`{"Records":{"Ckafka":{"topic":"cases","msgBody":"{}"}}}`),
		"records-string":           []byte(`{"Records":"[]"}`),
		"records-twice":            []byte(`{"Records":[` + ckafka(0, quote(`{"n":1}`)) + `],"Records":[` + ckafka(1, quote(`{"n":2}`)) + `]}`),
	}
}

// badRecords are events in which whole records make no sense, or their text is
// not what JSON allows.
func badRecords() map[string][]byte {
	const malformed = `{"Ckafka":{"topic":"cases","partition":1,"offset":36,"msgKey":"None"}}`
	good := func(i int) string { return ckafka(i, quote(fmt.Sprintf(`{"good":%d}`, i))) }
	return map[string][]byte{
		"record-without-body": records(malformed, `{"Ckafka":{}}`, `{"Ckafka":{"topic":"cases","partition":1,"offset":37}}`, good(9)),
		"record-null": records("null", "1", `"text"`, "true", "[]", "{}", `{"Ckafka":null}`, `{"Ckafka":[]}`, `{"Ckafka":"text"}`,
			`{"ckafka":{"topic":"cases","msgBody":"{}"}}`, good(9)),
		"record-wrong-types": records(
			`{"Ckafka":{"topic":1,"partition":[],"offset":{},"msgKey":7,"msgBody":"{\"n\":1}"}}`,
			`{"Ckafka":{"topic":"cases","partition":-1,"offset":-36,"msgKey":"None","msgBody":"{\"n\":2}"}}`,
			`{"Ckafka":{"topic":"cases","partition":1.5,"offset":3.6e1,"msgKey":"None","msgBody":"{\"n\":3}"}}`,
			`{"Ckafka":{"topic":"cases","partition":2147483648,"offset":9223372036854775808,"msgKey":"None","msgBody":"{\"n\":4}"}}`,
			`{"Ckafka":{"topic":"","partition":1,"offset":36,"msgKey":"None","msgBody":"{\"n\":5}"}}`, good(9)),
		"body-wrong-type": records(ckafka(0, "1.10"), ckafka(1, `{"an":"object"}`), ckafka(2, "null"), ckafka(3, "true"), ckafka(4, `["an","array"]`), good(9)),
		// The three hold the same good records: what comes of them is the same too.
		"malformed-among-good-first":  records(malformed, good(1), good(2), good(3)),
		"malformed-among-good-middle": records(good(1), malformed, good(2), good(3)),
		"malformed-among-good-last":   records(good(1), good(2), good(3), malformed),

		"invalid-utf8": records(
			ckafka(0, quote("text \xff end")), ckafka(1, quote("{\"latin1\":\"caf\xe9\"}")), ckafka(2, quote("{\"na\xffme\":1}")),
			ckafka(3, quote("{\"cut\":\"\xe4\xb8\"}")), ckafka(4, quote("{\"overlong\":\"\xc0\xaf\",\"surrogate\":\"\xed\xa0\x80\",\"too high\":\"\xf4\x90\x80\x80\"}")),
			ckafka(5, quote("{\"message\":\"{\\\"inner\\\":\\\"\x80\\\"}\"}")), ckafka(6, quote("{\"log_id\":\"id-\xfe\"}")),
			"{\"Ckafka\":{\"topic\":\"cases\",\"partition\":1,\"offset\":43,\"msgKey\":\"k\xff\",\"msgBody\":\"{\\\"n\\\":1}\"}}", good(9)),
		"lone-surrogate": records(
			ckafka(0, `"text \ud800 end"`), ckafka(1, `"{\"high\":\"\ud83c\",\"then\":1}"`), ckafka(2, `"{\"low\":\"\udf89\"}"`),
			ckafka(3, `"{\"swapped\":\"\udf89\ud83c\"}"`), ckafka(4, quote(`{"inner":"\ud83c"}`)), ckafka(5, quote(`{"inner":"\udf89\ud83c!"}`)),
			ckafka(6, quote(`{"na\ud800me":1,"na\udfffme":2}`)), ckafka(7, quote(`{"pair":"\ud83c\udf89"}`)), good(9)),
	}
}

// badBodies are bodies of sound records.
func badBodies() map[string][]string {
	return map[string][]string{
		"broken-json-body": {
			``, ` `, `{`, `{"a":1`, `{"a":1,}`, `{"a"}`, `{"a":}`, `{"a" 1}`, `{a:1}`, `{'a':1}`, `{"a":01}`, `{"a":.5}`, `{"a":1.}`, `{"a":+1}`,
			`{"a":0x10}`, `{"a":1e}`, `{"a":tru}`, `{"a":True}`, `{"a":undefined}`, `{"a":"\x41"}`, `{"a":"\u12"}`, `{"a":"open`, `{"a":"tail\`,
			`{"a":[1,2}`, `{"a":[1,]}`, `{,}`, `{"a":1 /* why */}`, `}`, `{"a":{"b":}}`, `{"a":1]`, `{"message":"{\"a\":1}"`, `{"a":(1)}`,
		},
		"nan-body":             {`NaN`, `{"value":NaN}`, `{"value":[1,NaN]}`, `{"value":-NaN}`, `{"value":nan}`},
		"infinity-body":        {`Infinity`, `{"value":Infinity}`, `{"value":-Infinity}`, `{"value":inf}`, `{"value":1e999}`},
		"not-an-object-body":   {`1.10`, `"text"`, `true`, `null`, `[]`, `[{"a":1}]`, `-0`, `plain text, "quoted" \ and back`},
		"concatenated-objects": {`{"a":1}{"b":2}`, "{\"a\":1}\n{\"b\":2}", `{"a":1},{"b":2}`, `{"message":"{\"a\":1}{\"b\":2}"}`},
		"trailing-garbage":     {`{"a":1}x`, `{"a":1} // why`, "{\"a\":1}\x00", `{"a":1}}`, `{"a":1},`, `{"a":1}"`, "{\"a\":1}\u00a0"},
		"bom-body":             {"\uFEFF{\"a\":1}", "\uFEFFtext", "{\"\uFEFFa\":1}", `{"message":"` + "\uFEFF" + `{\"a\":1}"}`},
		"newline-inside": {
			"{\n  \"a\": 1,\n  \"b\": {\n    \"c\": [\n      1,\n      2\n    ]\n  }\n}\n", "{\r\n\t\"a\": 1\r\n}\r\n",
			"{\"a\":\"line 1\\nline 2\"}", "line 1\nline 2\r\nline 3", "{\"message\":\"{\\n  \\\"a\\\": 1\\n}\\n\"}",
		},
		"control-characters": {
			"{\"raw\":\"a\nb\"}", "{\"raw\":\"a\tb\"}", "{\"raw\":\"a\x00b\"}", "{\"raw\x01\":1}", "\x00", "text \x07\x1b[31mred\x1b[0m\x7f",
			`{"escaped":"\u0000\u0001\b\f\u001f\u007f"}`, `{"na\u0000me":1}`, "{\"del\":\"\x7f\",\"c1\":\"\u0085\",\"ls\":\"\u2028\u2029\",\"bidi\":\"\u202e\"}",
			"{\x0b\"vertical tab\":1}", "{\"form feed\":\x0c1}",
		},
		"duplicate-keys": {
			`{"a":1,"a":2}`, `{"a":1,"b":0,"a":{"c":3},"a":null}`, `{"a":1,"\u0061":2}`, `{"nested":{"a":1,"a":2}}`, `{"nested":{"a":1,"\u0061":2}}`,
			`{"list":[{"a":1,"a":2}]}`, `{"a":1,"message":"{\"a\":2,\"a\":3}"}`, `{"message":"text","message":"{\"a\":1}"}`,
			`{"message":"{\"a\":1}","message":"text"}`, `{"message":"{\"message\":\"{\\\"a\\\":1}\"}"}`, `{"message":"{\"message\":\"inner text\"}"}`,
			`{"time":"x","time":"y"}`, `{"caf\u00e9":1,"café":2}`, `{"café":1,"cafe` + "\u0301" + `":2}`, `{"A":1,"a":2}`,
		},
		"escaped-keys": {
			`{"\u0061":1}`, `{"\u0061\u0062\u0063":{"\u0064":1}}`, `{"a\/b":1}`, `{"a\"b":1,"a\\b":2,"a\nb":3}`, `{"\ud83c\udf89":1}`,
			`{"mess\u0061ge":"{\"a\":1}"}`, `{"ti\u006de":"2026-11-20T02:11:12Z"}`,
		},
		"empty-keys":  {`{"":1}`, `{" ":1}`, `{"a":{"":1}}`, `{"":{"":{}}}`, `{"\u0000":1}`, `{"\t":1}`},
		"dotted-keys": {`{"a.b":1}`, `{"a.b":1,"a":{"b":2}}`, `{"a":1,"a.b":2}`, `{"a.":1}`, `{".a":1}`, `{"a..b":1}`, `{".":1}`, `{"a":{"b.c":1}}`, `{"_id":"x","_source":1}`},
		"huge-numbers": {
			`{"value":1e400,"low":-1e400,"small":1e-400}`, `{"value":9223372036854775807,"more":9223372036854775808,"most":18446744073709551616}`,
			`{"value":1.10,"zeros":1.000000000000000000000000000000,"third":0.33333333333333333333333333333333}`,
			`{"value":-0,"point":-0.0,"plus":1E+2,"minus":1e-2,"leading":1e007}`,
			`{"digits":` + strings.Repeat("1234567890", 110) + `}`, `{"fraction":0.` + strings.Repeat("1234567890", 110) + `}`,
		},
		"depth-1000":   {strings.Repeat(`{"a":`, 999) + "{}" + strings.Repeat("}", 999), `{"a":` + strings.Repeat("[", 999) + strings.Repeat("]", 999) + "}"},
		"depth-1001":   {strings.Repeat(`{"a":`, 1000) + "{}" + strings.Repeat("}", 1000), `{"a":` + strings.Repeat("[", 1000) + strings.Repeat("]", 1000) + "}"},
		"depth-100000": {`{"a":` + strings.Repeat("[", 99_999) + strings.Repeat("]", 99_999) + "}"},
		"long-names":   {`{"` + strings.Repeat("n", 33_000) + `":1}`, `{"value":"` + strings.Repeat("v", 33_000) + `"}`},
	}
}
