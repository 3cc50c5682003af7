package transform

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// bodyCase is a record's value and the document that comes of it without a
// time stamp.
type bodyCase struct {
	name, body, want string
	ignore           []string
	replaced         int
	text             bool
}

// encoded returns text as JSON inside a number of JSON strings.
func encoded(text string, layers int) string {
	for range layers {
		text = string(refQuote(text))
	}
	return text
}

func textDocument(text string) string { return `{"msg_body":` + string(refQuote(text)) + `}` }

// nested returns an object of so many levels.
func nested(levels int) string {
	return strings.Repeat(`{"a":`, levels-1) + "{}" + strings.Repeat("}", levels-1)
}

func layerCases() []bodyCase {
	const object = `{"a":"\"\\\n中","n":1.10}`
	cases := []bodyCase{
		{name: "9 layers", body: encoded(object, 9), want: textDocument(encoded(object, 1)), text: true},
		{name: "12 layers", body: encoded(object, 12), want: textDocument(encoded(object, 4)), text: true},
		{name: "text in a string", body: `"only text"`, want: textDocument(`"only text"`), text: true},
		{name: "text in 3 strings", body: encoded("only text", 3), want: textDocument(encoded("only text", 1)), text: true},
		{name: "number in a string", body: `"1.10"`, want: textDocument("1.10"), text: true},
		{name: "null in 2 strings", body: encoded("null", 2), want: textDocument("null"), text: true},
		{name: "array in a string", body: `"[1, 2]"`, want: textDocument("[1, 2]"), text: true},
		{name: "empty string", body: `""`, want: textDocument(`""`), text: true},
		{name: "empty string in a string", body: `"\"\""`, want: textDocument(`""`), text: true},
		{name: "empty object in a string", body: `"{}"`, want: "{}"},
		{name: "white space around each layer", body: " \n" + encoded("\t"+encoded("\r {\"a\":1} ", 1)+" ", 1) + "\r\n", want: `{"a":1}`},
		{name: "byte order mark before each layer", body: "\uFEFF" + encoded("\uFEFF"+encoded("\uFEFF{\"a\":1}", 1), 1), want: `{"a":1}`},
		{name: "two byte order marks", body: "\uFEFF\uFEFF{}", want: textDocument("\uFEFF\uFEFF{}"), text: true},
		{name: "byte order mark behind white space", body: " \uFEFF{}", want: textDocument(" \uFEFF{}"), text: true},
		{name: "byte order mark at the end", body: "{}\uFEFF", want: textDocument("{}\uFEFF"), text: true},
		{name: "byte order mark of a text stays", body: "\uFEFFtext", want: textDocument("\uFEFFtext"), text: true},
		{name: "quotes as \\u0022", body: `"{\u0022a\u0022:\u0031}"`, want: `{"a":1}`},
		{name: "broken JSON in a string", body: `"{\"a\":"`, want: textDocument(`"{\"a\":"`), text: true},
		{name: "two values in a string", body: `"{} {}"`, want: textDocument(`"{} {}"`), text: true},
		{name: "string and more", body: `"{}" x`, want: textDocument(`"{}" x`), text: true},
		{name: "string that does not end", body: `"{}`, want: textDocument(`"{}`), text: true},
		{name: "string that ends in a backslash", body: `"{}\"`, want: textDocument(`"{}\"`), text: true},
		// A string with a line break in it is no JSON string, whatever it holds.
		{name: "line break in the string", body: "\"\n{}\"", want: textDocument("\"\n{}\""), text: true},
		{name: "unknown escape in the string", body: `"{\"a\":\"\x\"}"`, want: textDocument(`"{\"a\":\"\x\"}"`), text: true},
		{name: "unknown escape inside the string's JSON", body: `"{\"a\":\"\\x\"}"`, want: textDocument(`"{\"a\":\"\\x\"}"`), text: true},
		{name: "control character by an escape", body: `"{\"a\":\"\u0001\"}"`, want: textDocument(`"{\"a\":\"\u0001\"}"`), text: true},
		{name: "lone surrogate in a layer", body: `"{\"a\":\"\ud800\"}"`, want: "{\"a\":\"\uFFFD\"}", replaced: 1},
		{name: "two lone surrogates in two layers", body: encoded(`{"a":1}`, 1)[:1] + `\"{\\\"a\\\":\\\"\\udc00\ud83d\\\"}\""`, want: "{\"a\":\"\uFFFD\uFFFD\"}", replaced: 2},
		{name: "pair in a layer", body: `"{\"a\":\"\ud83c\udf89\"}"`, want: `{"a":"🎉"}`},
		{name: "lone surrogate in text that is no layer", body: `"\ud800"`, want: textDocument(`"\ud800"`), text: true},
		{name: "1000 levels in a string", body: encoded(nested(1000), 1), want: nested(1000)},
		{name: "1001 levels in a string", body: encoded(nested(1001), 1), want: textDocument(encoded(nested(1001), 1)), text: true},
	}
	for layers := range 9 {
		cases = append(cases, bodyCase{name: string(rune('0'+layers)) + " layers", body: encoded(object, layers), want: object})
	}
	return cases
}

func messageCases() []bodyCase {
	text := func(name, message string) bodyCase { // stays as it is
		body := `{"a":1,"message":` + message + `,"z":2}`
		return bodyCase{name: name, body: body, want: body}
	}
	return []bodyCase{
		{name: "object", body: `{"a":1,"message":"{\"b\":2}","c":3}`, want: `{"a":1,"c":3,"b":2}`},
		{name: "its keys win, in place", body: `{"a":1,"b":1,"message":"{\"b\":2,\"d\":4}","c":3}`, want: `{"a":1,"b":2,"c":3,"d":4}`},
		{name: "it wins before it too", body: `{"message":"{\"b\":2}","b":1}`, want: `{"b":2}`},
		{name: "empty object", body: `{"a":1,"message":"{}"}`, want: `{"a":1}`},
		{name: "empty object alone", body: `{"message":"{}"}`, want: `{}`},
		{name: "white space", body: `{"message":" \n\t{\"b\": 2 }\r "}`, want: `{"b":2}`},
		{name: "byte order mark", body: "{\"message\":\"\uFEFF{\\\"b\\\":2}\"}", want: `{"b":2}`},
		{name: "byte order mark escaped", body: `{"message":"\ufeff{\"b\":2}"}`, want: `{"b":2}`},
		{name: "brace escaped", body: `{"message":"\u007b\"b\":2\u007D"}`, want: `{"b":2}`},
		{name: "name escaped", body: `{"mess\u0061ge":"{\"b\":2}"}`, want: `{"b":2}`},
		{name: "name escaped inside", body: `{"b":1,"message":"{\"\\u0062\":2}"}`, want: `{"\u0062":2}`},
		{name: "duplicates inside", body: `{"message":"{\"b\":1,\"c\":0,\"b\":2}"}`, want: `{"b":2,"c":0}`},
		{name: "two messages, the last counts", body: `{"message":"{\"a\":1}","message":"{\"b\":2}"}`, want: `{"b":2}`},
		{name: "two messages, the last is text", body: `{"message":"{\"a\":1}","message":"text"}`, want: `{"message":"text"}`},
		{name: "merged once", body: `{"message":"{\"message\":\"{\\\"b\\\":2}\",\"c\":3}"}`, want: `{"message":"{\"b\":2}","c":3}`},
		{name: "message inside message, text", body: `{"a":0,"message":"{\"message\":\"text\",\"c\":3}"}`, want: `{"a":0,"message":"text","c":3}`},
		{name: "numbers and escapes as written", body: `{"message":"{\"b\":1.10,\"c\":1e400,\"d\":\"\\u4e2d\\/\"}"}`, want: `{"b":1.10,"c":1e400,"d":"\u4e2d\/"}`},
		{name: "nested line break", body: `{"message":"{\"b\":{\n\"c\": [1,\n2]}}"}`, want: `{"b":{"c":[1,2]}}`},
		{name: "lone surrogate", body: `{"message":"{\"b\":\"\ud800\"}"}`, want: "{\"b\":\"\uFFFD\"}", replaced: 1},
		{name: "lone surrogate one escape further in", body: `{"message":"{\"b\":\"\\ud800\"}"}`, want: `{"b":"\ud800"}`},
		{name: "inside layers", body: encoded(`{"a":1,"message":"{\"b\":2}"}`, 3), want: `{"a":1,"b":2}`},
		{name: "999 levels inside", body: `{"message":` + encoded(nested(1000), 1) + `}`, want: nested(1000)},
		text("1001 levels", encoded(nested(1001), 1)),
		text("text", `"text"`),
		text("text that starts as an object", `"{\"b\":2"`),
		text("object and more", `"{\"b\":2} x"`),
		text("array", `"[1]"`),
		text("number in a string", `"12"`),
		text("string in a string", `"\"{}\""`),
		text("object in two strings", encoded(`{"b":2}`, 2)),
		text("empty", `""`),
		text("short", `"{"`),
		text("NaN inside", `"{\"b\":NaN}"`),
		text("line break in a string inside", `"{\"b\":\"\n\"}"`),
		text("number", `12`),
		text("object, not a string", `{"b":2}`),
		text("null", `null`),
		{name: "other case is another name", body: `{"Message":"{\"b\":2}"}`, want: `{"Message":"{\"b\":2}"}`},
		{name: "nested message stays", body: `{"a":{"message":"{\"b\":2}"}}`, want: `{"a":{"message":"{\"b\":2}"}}`},
		{name: "before ignoring", body: `{"message":"{\"b\":2,\"c\":3}"}`, ignore: []string{"message", "b"}, want: `{"c":3}`},
		{name: "text, ignored", body: `{"message":"text","c":3}`, ignore: []string{"message"}, want: `{"c":3}`},
	}
}

func exactCases() []bodyCase {
	same := func(name, body string) bodyCase { return bodyCase{name: name, body: body, want: body} }
	text := func(name, body string) bodyCase {
		return bodyCase{name: name, body: body, want: textDocument(body), text: true}
	}
	cases := []bodyCase{
		same("numbers as text", `{"a":9223372036854775808,"b":1.10,"c":1e400,"d":-0,"e":0.1e-7,"f":1E+2,"g":123456789012345678901234567890.0}`),
		same("literals", `{"a":true,"b":false,"c":null}`),
		same("order", `{"z":1,"a":2,"m":3,"":4,"b":5}`),
		same("escapes", `{"a":"\"\\\/\b\f\n\r\t\u0000\u001f\u4e2d\ud83c\udf89","\u0061\/":1}`),
		same("lone surrogates as escapes in values", `{"a":"\ud800","b":"\udc00x","c":["\ud800\u0041","\\"]}`),
		same("empty keys", `{"":1,"a":{"":{"":2}}}`),
		same("white space inside a value", `{"a":{ "b" : [ 1 ,	2 ] , "c":{ } }}`),
		same("keys with dots", `{"a.b":1,"a":{"b":2},".":3,"..":4,"a.":5}`),
		same("characters of all lengths", "{\"\x7f¢中🎉\":\"\u0080\u07ff\u0800\uffff\U00010000\U0010ffff\u2028\u2029\"}"),
		same("nested duplicates", `{"a":{"b":1,"b":2}}`),
		same("empty", `{}`),
		same("1000 levels", nested(1000)),
		same("1000 levels of arrays", `{"a":`+strings.Repeat("[", 999)+strings.Repeat("]", 999)+`}`),
		text("1001 levels", nested(1001)),
		text("1001 levels of arrays", `{"a":`+strings.Repeat("[", 1000)+strings.Repeat("]", 1000)+`}`),
		{name: "white space between members", body: " {\t\"a\" :\n1 ,\r\n\"b\" : {\"c\": 1} } \n", want: `{"a":1,"b":{"c": 1}}`},
		{name: "line breaks inside a value", body: "{\"a\":{\"b\": 1,\n \"c\":[ 1,\r 2 ]},\"d\":[1, 2]}", want: `{"a":{"b":1,"c":[1,2]},"d":[1, 2]}`},
		{name: "line breaks at all places", body: "\n{\n\"a\"\n:\n{\n\"b\"\n:\n[\n1\n,\n{\n}\n,\n[\n]\n]\n}\n}\n", want: `{"a":{"b":[1,{},[]]}}`},
		{name: "duplicates", body: `{"a":1,"b":2,"a":3,"c":4,"b":5}`, want: `{"a":3,"b":5,"c":4}`},
		{name: "duplicates, escaped", body: `{"a":1,"\u0061":2}`, want: `{"\u0061":2}`},
		{name: "duplicates, three", body: `{"b":0,"a":1,"a":2,"a":3}`, want: `{"b":0,"a":3}`},
		{name: "duplicate empty keys", body: `{"":1,"":2}`, want: `{"":2}`},
		{name: "duplicates of another kind", body: `{"a":{"x":1},"a":2}`, want: `{"a":2}`},
		{name: "invalid UTF-8 in a value", body: "{\"a\":\"\xff中\xe4\xb8\"}", want: "{\"a\":\"\uFFFD中\uFFFD\uFFFD\"}", replaced: 3},
		{name: "invalid UTF-8 in a key", body: "{\"\xc0\x80\":1}", want: "{\"\uFFFD\uFFFD\":1}", replaced: 2},
		{name: "surrogates as bytes", body: "{\"a\":\"\xed\xa0\x80\"}", want: "{\"a\":\"\uFFFD\uFFFD\uFFFD\"}", replaced: 3},
		{name: "beyond U+10FFFF", body: "{\"a\":\"\xf4\x90\x80\x80\"}", want: "{\"a\":\"\uFFFD\uFFFD\uFFFD\uFFFD\"}", replaced: 4},
		{name: "keys made equal by U+FFFD", body: "{\"\xff\":1,\"\xfe\":2}", want: "{\"\uFFFD\":2}", replaced: 2},
		{name: "invalid UTF-8 outside strings", body: "{\"a\":1}\xff", want: textDocument("{\"a\":1}\uFFFD"), text: true, replaced: 1},
		{name: "invalid UTF-8 in text", body: "caf\xe9 \xff", want: textDocument("caf\uFFFD \uFFFD"), text: true, replaced: 2},
		{name: "U+FFFD itself is not counted", body: "{\"a\":\"\uFFFD\"}", want: "{\"a\":\"\uFFFD\"}"},
		text("control characters in text", "\x00\x01\b\t\n\v\f\r\x1b\x1f\x7f\""+`\`),
		text("empty", ""),
		text("white space", " \n"),
		text("number", "12"),
		text("array", `[{"a":1}]`),
		text("null", "null"),
		text("true", "true"),
		text("NaN", `{"a":NaN}`),
		text("Infinity", `{"a":-Infinity}`),
		text("cut off", `{"a":1`),
		text("two objects", `{"a":1}{"b":2}`),
		text("two lines", "{\"a\":1}\n{\"b\":2}"),
		text("single quotes", `{'a':1}`),
		text("trailing comma", `{"a":1,}`),
		text("comment", `{"a":1} // x`),
		text("separators of lines", "a\u2028b\u2029c\u0085d"),
	}
	return cases
}

func manyMembersCases() []bodyCase {
	var cases []bodyCase
	// Below and above the number from which duplicates are found with a table.
	for _, n := range []int{31, 32, 33, 34, 100, 5000} {
		var all, dup, want []string
		for i := range n {
			name := `"` + strings.Repeat("k", i%9) + string(refQuote(string(rune('一' + i))))[1:]
			all = append(all, name+":0")
			dup = append(dup, name+":1")
			want = append(want, name+":1")
		}
		slices.Reverse(dup)
		cases = append(cases,
			bodyCase{name: "members", body: "{" + strings.Join(all, ",") + "}", want: "{" + strings.Join(all, ",") + "}"},
			bodyCase{name: "each of them twice", body: "{" + strings.Join(all, ",") + "," + strings.Join(dup, ",") + "}", want: "{" + strings.Join(want, ",") + "}"},
			bodyCase{name: "all the same", body: "{" + strings.Repeat(`"a":0,`, n) + `"a":1}`, want: `{"a":1}`},
			bodyCase{name: "from message", body: "{" + strings.Join(all, ",") + `,"message":` + encoded("{"+strings.Join(dup, ",")+"}", 1) + "}", want: "{" + strings.Join(want, ",") + "}"},
		)
	}
	return cases
}

func TestBodyBecomesDocument(t *testing.T) {
	for group, cases := range map[string][]bodyCase{
		"layers": layerCases(), "message": messageCases(), "exact": exactCases(), "many members": manyMembersCases(),
	} {
		t.Run(group, func(t *testing.T) {
			for _, c := range cases {
				t.Run(c.name, func(t *testing.T) {
					source, doc := document(t, Options{IndexPrefix: "app", Ignore: c.ignore}, c.body)
					assert.Equal(t, c.want, source)
					assert.Equal(t, c.text, doc.Text)
					assert.Equal(t, c.replaced, doc.Replaced)
				})
			}
		})
	}
}

// A malformed record's document is the raw text of its element, whatever that
// is.
func TestMalformedRecordIsText(t *testing.T) {
	for _, body := range []string{`{"Ckafka":{"topic":"t"}}`, `null`, `"{\"a\":1}"`, `12`, `[{"a":1}]`} {
		rec := newRecord(body)
		rec.Defect = "it has no msgBody"
		opts := Options{IndexPrefix: "app", IDField: "a"}
		w := newWorker(t, opts)
		agree(t, w, opts, rec)
		doc := w.Do(rec)
		require.True(t, doc.Text)
		require.True(t, doc.Generated)
		var got map[string]string
		require.NoError(t, json.Unmarshal(doc.AppendSource(nil), &got))
		require.Len(t, got, 1)
	}
}

// allCases returns the bodies of all tables, as seeds.
func allCases() []string {
	var bodies []string
	for _, cases := range [][]bodyCase{layerCases(), messageCases(), exactCases(), ignoreCases()} {
		for _, c := range cases {
			if len(c.body) < 3000 {
				bodies = append(bodies, c.body)
			}
		}
	}
	for _, c := range maskCases() {
		bodies = append(bodies, c.text)
	}
	return bodies
}
