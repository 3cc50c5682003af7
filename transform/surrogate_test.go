package transform

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// A record had the names "na\ud800me" and "na\udfffme", as a logger writes
// them that cuts names in the middle of a character. Elasticsearch took it.
// Seconds later its shard failed ("duplicate field names"), could not be
// recovered, and with it a whole day's index was lost; the next records waited
// for the shard until the trigger gave up. All versions from 6.8 to 8.17 and
// OpenSearch do so, and one such name in each of two records is enough.
func TestNamesHoldNoLoneSurrogates(t *testing.T) {
	for _, c := range []struct {
		name, body, want string
		replaced         int
	}{
		{"two that become one", `{"na\ud800me":1,"x":0,"na\udfffme":2}`, `{"na\ufffdme":2,"x":0}`, 2},
		{"beside U+FFFD itself", "{\"na\uFFFDme\":1,\"na\\ud800me\":2}", `{"na\ufffdme":2}`, 1},
		{"low and high", `{"\udc00\ud800":1}`, `{"\ufffd\ufffd":1}`, 2},
		{"half before a pair", `{"\ud800\ud83c\udf89":1}`, `{"\ufffd\ud83c\udf89":1}`, 1},
		{"pairs and other escapes", `{"\ud83c\udf89":1,"\\ud800":2,"\u0041\n":3,"a":{"\\\ud83c\udf89":4,"\"":5}}`, "", 0},
		{"nested", `{"a":{"\ud800" : [{"\"\udfff":"\ud800"}], "b":"\ud800"},"c":1}`, `{"a":{"\ufffd" : [{"\"\ufffd":"\ud800"}], "b":"\ud800"},"c":1}`, 2},
		{"in an array", `{"a":["\ud800",{"\ud801":"\ud802"}]}`, `{"a":["\ud800",{"\ufffd":"\ud802"}]}`, 1},
		{"on several lines", "{\"a\":{\n\"\\ud800\"\n:\n1}}", `{"a":{"\ufffd":1}}`, 1},
		{"an ignored field beside it", `{"a":{"\ud800":1,"password":2}}`, `{"a":{"\ufffd":1}}`, 1},
		{"in a message", `{"b":1,"message":"{\"\\ud800\":1,\"c\":{\"\\udfff\":2}}"}`, `{"b":1,"\ufffd":1,"c":{"\ufffd":2}}`, 2},
		{"among neighbours", `{"a":1,"b":2,"\ud800":3,"c":4,"d":{"\ud800":5},"e":6}`, `{"a":1,"b":2,"\ufffd":3,"c":4,"d":{"\ufffd":5},"e":6}`, 2},
		{"in text", `\ud800 {"\ud800":1}`, textDocument(`\ud800 {"\ud800":1}`), 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.want == "" {
				c.want = c.body
			}
			source, doc := document(t, Options{Ignore: []string{"**.password"}}, c.body)
			assert.Equal(t, c.want, source)
			assert.Equal(t, c.replaced, doc.Replaced)
		})
	}
}

// The names' text is kept in a buffer that grows while members point into it.
func TestManyNamesWithLoneSurrogates(t *testing.T) {
	var body, want strings.Builder
	for i := range 300 {
		n := strings.Repeat("n", i)
		body.WriteString(`,"` + n + `\ud800":{"` + n + `\udfff":1,"\u0041":2}`)
		want.WriteString(`,"` + n + `\ufffd":{"` + n + `\ufffd":1,"\u0041":2}`)
	}
	source, doc := document(t, Options{}, "{"+body.String()[1:]+"}")
	require.Equal(t, "{"+want.String()[1:]+"}", source)
	assert.Equal(t, 600, doc.Replaced)
}
