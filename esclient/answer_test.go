package esclient

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestAnswerItems(t *testing.T) {
	for _, c := range []struct {
		name, answer string
		ok           bool
		want         []answerItem
	}{
		{
			"filtered", `{"items":[{"create":{"_id":"a","status":201}},{"index":{"_id":"b","status":200}}]}`, true,
			[]answerItem{{id: []byte("a"), status: 201}, {id: []byte("b"), status: 200}},
		},
		{
			"whole", `{"took":3,"errors":true,"items":[{"create":{"_index":"i","_type":"_doc","_id":"a","status":400,"error":{"type":"x"}}}]}`, true,
			[]answerItem{{id: []byte("a"), status: 400, err: []byte(`{"type":"x"}`)}},
		},
		{
			"error as text", `{"items":[{"create":{"_id":"a","status":400,"error":"MapperParsingException[x]"}}]}`, true,
			[]answerItem{{id: []byte("a"), status: 400, err: []byte(`"MapperParsingException[x]"`)}},
		},
		{"error null", `{"items":[{"create":{"_id":"a","status":201,"error":null}}]}`, true, []answerItem{{id: []byte("a"), status: 201}}},
		{"status no number", `{"items":[{"create":{"_id":"a","status":"201"}}]}`, true, []answerItem{{id: []byte("a")}}},
		{"none", `{"items":[]}`, true, nil},
		{"no items", `{"took":1}`, false, nil},
		{"items no array", `{"items":{}}`, false, nil},
		{"item no object", `{"items":[1]}`, false, nil},
		{"item with two actions", `{"items":[{"create":{},"index":{}}]}`, false, nil},
		{"cut", `{"items":[{"create":{"_id":"a","status":201}},{"cre`, false, nil},
		{"a page", `<html>`, false, nil},
		{"nothing", ``, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r answerReader
			var got []answerItem
			ok := r.items([]byte(c.answer), func(it answerItem) { got = append(got, it) })
			require.Equal(t, c.ok, ok)
			if ok {
				require.Equal(t, c.want, got)
			}
		})
	}
}

func TestAnswerFailure(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       failure
	}{
		{"plain", `{"type":"t","reason":"r"}`, failure{kind: "t", reason: "r", elastic: true}},
		{
			"causes", `{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":"c","reason":"For input string"}}`,
			failure{kind: "mapper_parsing_exception", reason: "failed to parse", causes: []string{"For input string"}, elastic: true},
		},
		{"a cause that repeats", `{"type":"t","reason":"a: b","caused_by":{"type":"c","reason":"b"}}`, failure{kind: "t", reason: "a: b", causes: []string{"b"}, elastic: true}},
		{"text", `"IndexMissing[x]"`, failure{kind: "unknown_error", reason: "IndexMissing[x]"}},
		{"escapes", `{"type":"t","reason":"\u00e9\"\n"}`, failure{kind: "t", reason: "é\"\n", elastic: true}},
		{"nothing", `{}`, failure{kind: "unknown_error", elastic: true}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var r answerReader
			require.Equal(t, c.want, r.failure([]byte(c.text)))
		})
	}
}

// A dead letter has all that the server says, each thing once.
func TestFailureText(t *testing.T) {
	f := failure{reason: "failed to parse", causes: []string{"For input string", "input"}}
	require.Equal(t, "failed to parse: For input string", f.text())
	f = failure{reason: strings.Repeat("x", 3*maxReason)}
	require.LessOrEqual(t, len(f.text()), maxReason+len("…"))
}

// Elasticsearch 7.10 quotes the request in which it found a duplicate key, and
// the credentials stood in the dead letter.
func TestFailureQuotesNoRequest(t *testing.T) {
	const quoted = `\n at [Source: (byte[])\"POST /_bulk HTTP/1.1\r\nAuthorization: Basic d3JpdGVyOnNlY3JldA==\r\n\r\n{}\"; line: 1, column: 50]`
	var r answerReader
	for _, text := range []string{
		`{"type":"mapper_parsing_exception","reason":"failed to parse","caused_by":{"type":"json_parse_exception","reason":"Duplicate field 'a'` + quoted + `"}}`,
		`{"type":"mapper_parsing_exception","reason":"failed to parse: Duplicate field 'a'` + quoted + `"}`,
		`"failed to parse: Duplicate field 'a'` + quoted + `"`,
	} {
		f := r.failure([]byte(text))
		require.Equal(t, "failed to parse: Duplicate field 'a'", f.text())
	}
}

func TestSameID(t *testing.T) {
	var r answerReader
	require.True(t, r.sameID([]byte(`a\u001fb`), []byte(`a\u001Fb`)), "escapes may be written in another way")
	require.True(t, r.sameID([]byte(`a\/b`), []byte(`a/b`)))
	require.False(t, r.sameID([]byte(`a\nb`), []byte(`anb`)))
	require.False(t, r.sameID([]byte(`a`), []byte(`b`)))
}

// Whatever a server answers, reading it neither panics nor makes up items: what
// is accepted is JSON with that many items.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"took":1,"errors":true,"items":[{"create":{"_id":"a","status":201}},{"index":{"_id":"b","status":400,"error":{"type":"t","reason":"r","caused_by":{"reason":"x"}}}}]}`))
	f.Add([]byte(`{"error":{"type":"t","reason":"r"},"status":400}`))
	f.Add([]byte(`{"error":"text","status":400}`))
	f.Fuzz(func(t *testing.T, answer []byte) {
		var r answerReader
		n := 0
		ok := r.items(answer, func(it answerItem) {
			n++
			if it.err != nil {
				r.failure(it.err)
			}
		})
		r.request(answer, 400)
		if !ok {
			return
		}
		require.True(t, json.Valid(answer))
		var a struct{ Items []json.RawMessage }
		if json.Unmarshal(answer, &a) == nil && a.Items != nil {
			require.Len(t, a.Items, n)
		}
	})
}

// Elasticsearch refuses a request that is too long with an empty body, and a
// dead letter without a reason helps nobody.
func TestAnswerRequestWithoutReason(t *testing.T) {
	var r answerReader
	require.Equal(t, failure{kind: "http_413", reason: "Request Entity Too Large"}, r.request(nil, 413))
	require.Equal(t, failure{kind: "http_400", reason: "<html>no</html>"}, r.request([]byte("<html>no</html>"), 400))
}
