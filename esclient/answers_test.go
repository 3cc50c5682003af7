package esclient

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// recorded is an answer of a real server, as e2e/answers has recorded it.
type recorded struct {
	Case, Verdict string
	Request       []line
	Status        int
	Answer        json.RawMessage
}

// line is one line of a bulk body. One that is no JSON is recorded as a string.
type line string

func (l *line) UnmarshalJSON(text []byte) error {
	if text[0] == '"' {
		return json.Unmarshal(text, (*string)(l))
	}
	*l = line(text)
	return nil
}

// Every refusal that real servers were made to give is understood: what speaks of
// the document is its fault, what speaks of the index, the server or the request
// is nobody's. Nothing of a document reaches a text that may be logged.
func TestRecordedAnswers(t *testing.T) {
	files, err := filepath.Glob("testdata/answers/*/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(strings.TrimPrefix(file, "testdata/answers/"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			require.NoError(t, err)
			var r recorded
			require.NoError(t, json.Unmarshal(text, &r))
			r.check(t)
		})
	}
}

func (r *recorded) check(t *testing.T) {
	answer := []byte(r.Answer)
	if len(answer) > 0 && answer[0] == '"' { // a text that is no JSON
		var text string
		require.NoError(t, json.Unmarshal(r.Answer, &text))
		answer = []byte(text)
	}
	if r.Status < 200 || r.Status > 299 {
		r.checkRequest(t, answer)
		return
	}
	req := requestOf(t, r.Request)
	var reader answerReader
	require.True(t, judge(&reader, req, answer, stampOf(r.Case), func(_ int, j judgement) {
		if j.cause != nil {
			r.checkItem(t, &j)
		}
	}), "the answer is read")
}

// stampOf is the field that the function would have added in a case.
func stampOf(name string) string {
	if strings.HasSuffix(name, "own-stamp-time") {
		return "time"
	}
	return "@timestamp"
}

// fits are the verdicts that are right for what the recorder calls the outcome.
// What only evidence can tell is right for both.
var fits = map[string][]verdict{
	"dead":      {refused, suspect},
	"unsettled": {hold, suspect},
	"again":     {again},
	"conflict":  {again, refused},
	"split":     {split},
	"flip":      {flipType},
	"stored":    {refused}, // the failure store of these builds takes nothing
}

func (r *recorded) checkItem(t *testing.T, j *judgement) {
	want := fits[r.Verdict]
	if r.Verdict == "split" {
		want = fits["again"] // of a line that was no action, old servers say nothing
	}
	assert.Contains(t, want, j.verdict, "%s %d: %s", j.cause.Type, j.cause.Status, j.cause.Reason)
	if j.verdict == again || j.verdict == hold || j.verdict == suspect {
		assert.NotEmpty(t, j.cause.Hint, "the operator has to know where to look")
	}
	requireNoValues(t, r, j.cause.Text())
}

func (r *recorded) checkRequest(t *testing.T, answer []byte) {
	var reader answerReader
	v, cause := judgeRequest(&reply{
		status: r.Status, failure: reader.request(answer, r.Status), typed: strings.Contains(string(r.Request[0]), `"_type"`),
	})
	want := fits[r.Verdict]
	if r.Verdict == "dead" {
		want = fits["split"] // first the document has to be found
	}
	assert.Contains(t, want, v, "%s %d: %s", cause.Type, cause.Status, cause.Reason)
	assert.NotEmpty(t, cause.Hint)
	requireNoValues(t, r, cause.Text())
}

// requestOf makes a request of recorded bulk lines.
func requestOf[L ~string](t *testing.T, lines []L) *request {
	req := &request{}
	for n := 0; n < len(lines); n += 2 {
		var action map[string]struct {
			ID json.RawMessage `json:"_id"`
		}
		require.NoError(t, json.Unmarshal([]byte(lines[n]), &action))
		for name, a := range action {
			s := sentItem{create: name == "create", own: true, mayIndex: true, stamped: true}
			if len(a.ID) > 2 {
				from := len(req.body) + strings.Index(string(lines[n]), string(a.ID)) + 1
				s.id = span{int32(from), int32(from + len(a.ID) - 2)}
			}
			req.sent = append(req.sent, s)
			req.items = append(req.items, int32(len(req.items)))
		}
		req.body = append(req.body, lines[n]...)
	}
	return req
}

// requireNoValues wants no string that a document of the request holds as a value
// in a text.
func requireNoValues(t *testing.T, r *recorded, text string) {
	for n := 1; n < len(r.Request); n += 2 {
		var doc any
		if json.Unmarshal([]byte(r.Request[n]), &doc) == nil {
			eachValue(doc, func(value string) {
				if len(value) > 3 {
					assert.NotContains(t, text, value)
				}
			})
		}
	}
}

func eachValue(v any, visit func(string)) {
	switch v := v.(type) {
	case map[string]any:
		for _, inner := range v {
			eachValue(inner, visit)
		}
	case []any:
		for _, inner := range v {
			eachValue(inner, visit)
		}
	case string:
		visit(v)
	}
}
