package main

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/bench/candidate/fastjson"
	"ckafka-etl/bench/candidate/ours"
	"ckafka-etl/bench/candidate/simdjson"
	"ckafka-etl/bench/candidate/sonic"
	"ckafka-etl/bench/candidate/stdjson"
	"ckafka-etl/bench/candidate/tokens"
	"ckafka-etl/bench/job"
)

// TestCandidatesAgree fails if a candidate does another job than ours, apart
// from what candidates says of it.
func TestCandidatesAgree(t *testing.T) {
	const n = 240 // twice all lines of text
	for _, c := range []struct {
		name  string
		new   func() (job.Candidate, error)
		exact bool // numbers too
	}{
		{"stdjson", stdjson.New, false},
		{"tokens", tokens.New, true},
		{"fastjson", fastjson.New, true},
		{"sonic", sonic.New, true},
		{"simdjson", simdjson.New, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			mine, err := ours.New()
			require.NoError(t, err)
			theirs, err := c.new()
			require.NoError(t, err)
			for _, in := range inputs() {
				event := payload(in.name, in.bodies(n))
				want, _, err := mine.Run(event, nil)
				require.NoError(t, err)
				for range 2 { // memory is reused
					got, records, err := theirs.Run(event, nil)
					require.NoError(t, err, in.name)
					require.Equal(t, n, records, in.name)
					different := 0
					for i, d := range split(got) {
						if meaning, _ := compare(d, split(want)[i], false); meaning == 0 {
							different++
						}
					}
					switch {
					case in.name == "text":
						assert.Less(t, different, n/20, "only masked texts differ")
					case in.name == "nested" && !c.exact:
						assert.Equal(t, n, different, "their integers do not fit into a float64")
					default:
						assert.Zero(t, different, in.name)
					}
				}
			}
		})
	}
}

func TestCandidatesUnwrap(t *testing.T) {
	bodies := [][]byte{
		[]byte(layers(`{"a":1,"token":"t","password":"p","@timestamp":"now"}`, 2)),
		[]byte(layers(`{"a":1}`, 9)),
		[]byte(`{"message":"{\"a\":2,\"token\":1}","a":1,"b":"é\n"}`),
		[]byte(`{"log_id":"the id","message":"text"}`),
		[]byte(`{"log_id":42,"message":"{}"}`),
		[]byte(`[1]`), []byte(`"text"`), []byte(``), []byte(`null`), []byte(`{"a":`),
	}
	event := payload("t", bodies)
	mine, err := ours.New()
	require.NoError(t, err)
	body, _, err := mine.Run(event, nil)
	require.NoError(t, err)
	want := split(body)
	require.Len(t, want, len(bodies))
	assert.Contains(t, string(want[0].source), `{"a":1,"@timestamp":"now"}`)
	for _, create := range []func() (job.Candidate, error){stdjson.New, tokens.New, fastjson.New, sonic.New, simdjson.New} {
		c, err := create()
		require.NoError(t, err)
		body, _, err := c.Run(event, nil)
		require.NoError(t, err)
		got := split(body)
		require.Len(t, got, len(bodies))
		for i := range want {
			meaning, _ := compare(got[i], want[i], false)
			assert.Equal(t, 1, meaning, "%T: %s\n%s%s\n%s%s", c, bodies[i], got[i].action, got[i].source, want[i].action, want[i].source)
		}
	}
}

func TestEqual(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{`{"a":1,"b":[true,null]}`, `{"b":[true,null],"a":1.0}`, true},
		{`{"a":1e400}`, `{"a":10e399}`, true},
		{`{"a":9007199254740993}`, `{"a":9007199254740992}`, false},
		{`{"a":1}`, `{"a":"1"}`, false},
		{`{"a":1}`, `{"a":1,"b":2}`, false},
		{`{"a":null}`, `{"b":null}`, false},
		{`[1,2]`, `[2,1]`, false},
		{`[1]`, `[1,1]`, false},
		{`"é"`, `"\u00e9"`, true},
	} {
		a, okA := decode([]byte(c.a))
		b, okB := decode([]byte(c.b))
		require.True(t, okA && okB)
		assert.Equal(t, c.want, equal(a, b), "%s %s", c.a, c.b)
		assert.Equal(t, c.want, equal(b, a), "%s %s", c.b, c.a)
	}
	_, ok := decode([]byte(`{} x`))
	assert.False(t, ok)
}

func TestJudge(t *testing.T) {
	const action = `{"create":{}}` + "\n"
	for _, c := range []struct {
		name string
		text text
		body string
		want strict
	}{
		{"kept", text{"n", `{"a":1}`, true}, action + `{"a":1,"@timestamp":"t"}` + "\n", strict{valid: 1}},
		{"refused", text{"n", `{"a":1}`, true}, action + `{"msg_body":"{\"a\":1}"}` + "\n", strict{valid: 1, refused: []string{"n"}}},
		{"changed", text{"n", `{"a":1}`, true}, action + `{"a":2}` + "\n", strict{valid: 1, changed: []string{"n"}}},
		{"caught", text{"n", `{`, false}, action + `{"msg_body":"{"}` + "\n", strict{invalid: 1}},
		{"taken", text{"n", `{"a":01}`, false}, action + `{"a":1}` + "\n", strict{invalid: 1, taken: []string{"n"}}},
		{"broken", text{"n", `{"a":01}`, false}, action + `{"a":01}` + "\n", strict{invalid: 1, taken: []string{"n"}, broken: []string{"n"}}},
		{"two lines", text{"n", `{}`, true}, action + "{}\n{}\n", strict{valid: 1, broken: []string{"n"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got strict
			got.judge(c.text, []byte(c.body))
			assert.Equal(t, c.want, got)
		})
	}
	var failed strict
	failed.judge(text{"n", `{}`, true}, nil)
	assert.Equal(t, strict{valid: 1, failed: []string{"n"}}, failed)
}

func TestWorstGrowth(t *testing.T) {
	at := func(n, bytes int, cpu time.Duration) point { return point{n, bytes, cpu} }
	for _, c := range []struct {
		name   string
		points []point
		want   float64
	}{
		{"straight", []point{at(1, 100, 100), at(10, 1000, 1000)}, 1},
		{"a fixed cost", []point{at(1, 100, 900), at(10, 1000, 1800)}, 1},
		{"quadratic", []point{at(1, 100, 100), at(10, 1000, 10_000)}, 10},
		{"falls, then grows", []point{at(1, 100, 900), at(10, 1000, 1000), at(100, 10_000, 30_000)}, 3},
	} {
		t.Run(c.name, func(t *testing.T) {
			assert.InDelta(t, c.want, growth{points: c.points}.worst(), 1e-9)
		})
	}
}

func TestShapesHaveTheirSizes(t *testing.T) {
	assert.Len(t, lines(40), 40)
	assert.Len(t, lines(1_000_000), 1_000_000)
	assert.Equal(t, `"\"{\\\"a\\\":1}\""`, layers(`{"a":1}`, 2))
	c, err := ours.New()
	require.NoError(t, err)
	for _, s := range shapes() {
		_, records, err := c.Run(s.event(s.sizes[0]), nil)
		require.NoError(t, err, s.what)
		assert.Positive(t, records, s.what)
	}
}

func TestUSD(t *testing.T) {
	// 128 MB are a tenth of a core: 8 s of CPU time are 80 s there, 10 GB-seconds.
	assert.InDelta(t, 10*usdPerGBSecond, usd(8*time.Second), 1e-12)
}

func TestReportAndChart(t *testing.T) {
	var r report
	for _, in := range inputs() {
		s := speed{input: in, records: 10, bytes: 4000, body: 400}
		for i, c := range candidates() {
			s.rows = append(s.rows, row{candidate: c, cpu: time.Duration(i+1) * time.Second, mbps: 100 / float64(i+1), two: 150, spread: 0.1})
		}
		r.speed = append(r.speed, s)
	}
	for _, c := range candidates() {
		r.exact = append(r.exact, exact{candidate: c, input: "access", total: 9, meaning: 8, verbatim: 7})
		r.strict = append(r.strict, strict{candidate: c, valid: 2, invalid: 3, taken: []string{"<&>"}})
		r.starts = append(r.starts, starts{candidate: c, added: 1000, ready: time.Millisecond})
	}
	r.growth = []growth{{what: "more", unit: "records", points: []point{{1, 100, time.Microsecond}, {10, 1000, time.Millisecond}}}}

	text := r.markdown(options{rounds: 3, atLeast: time.Second})
	for _, want := range []string{
		"| sonic | 5.00 |", "| fastjson | 4000 | 4.00 | 25 | 150 | 0.000 |", "| jsontext | 8 (7) |", "| fastjson | 0 | 0 | 1 | 0 | 0 |",
		"1: 10.00, 10: 1000.00 (records) | 100.00 |", "one thread",
	} {
		assert.Contains(t, text, want)
	}
	for line := range strings.Lines(text) {
		assert.NotContains(t, line, "%!", "a format that does not fit")
	}

	d := xml.NewDecoder(strings.NewReader(string(chart(&r))))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		require.NoError(t, err)
	}
	assert.NotContains(t, string(chart(&r)), "NaN")
}
