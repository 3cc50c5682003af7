package esclient

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"ckafka-etl/record"
)

func lettersOf(recs []record.Record, sink string, cause record.Cause) []record.DeadLetter {
	letters := make([]record.DeadLetter, len(recs))
	for i := range recs {
		own := cause
		letters[i] = record.DeadLetter{Record: &recs[i], Cause: &own, Sink: sink}
	}
	return letters
}

// A letter says when, why, where from, where to and what.
func TestLetter(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		c := testClient(t, f, nil)
		recs := bodies(`{"n":1}`)
		recs[0].Key = []byte("2026-11-26")
		letters := lettersOf(recs, "elasticsearch", record.Cause{Type: "t", Status: 400, Reason: "2026 is no date", Index: "k-1", ID: "i"})
		letters = append(letters, lettersOf(recs, "kafka", record.Cause{Type: "t", Raw: true})...)
		for range 2 { // a second delivery writes no second letter
			results, _ := c.DeadLetters().Write(t.Context(), letters)
			require.Equal(t, map[record.Outcome]int{record.Dead: 2}, outcomes(results))
		}
		require.Len(t, f.docs, 2)
		id := ""
		for key, source := range f.docs {
			require.True(t, json.Valid([]byte(source)))
			if !strings.HasSuffix(key, "-kafka") {
				id = strings.TrimPrefix(key, "dead/")
				require.JSONEq(t, `{"@timestamp":"2026-11-26T12:00:00.000Z","error":{"type":"t","reason":"'2026 is no date","status":400},
					"source":{"topic":"t","partition":0,"offset":0,"key":"'2026-11-26"},"target":{"sink":"elasticsearch","index":"k-1","id":"i"},
					"document":"{\"n\":1,\"stamp\":\"2026-11-26T12:00:00.000Z\"}"}`, source)
			} else {
				require.Contains(t, source, `"document":"{\"n\":1}","raw":true`)
			}
		}
		require.Contains(t, f.docs, "dead/"+id+"-kafka")
	})
}

// What even a letter is refused for is cut: for a keyword's 32,766 bytes first, for
// a request's size by halves.
func TestLetterIsCut(t *testing.T) {
	long := `{"a":"` + strings.Repeat("中", 50_000) + `"}`
	for _, c := range []struct {
		name  string
		limit int
		said  answer
		kept  int // at least so many bytes are kept
	}{
		{"a template makes keywords of all fields", 32_766, answer{item: func(o op) string {
			var d struct{ Document string }
			if json.Unmarshal([]byte(o.source), &d); len(d.Document) > 32_766 {
				return `"status":400,"error":{"type":"illegal_argument_exception","reason":"Document contains at least one immense term in field=\"document\" (whose UTF8 encoding is longer than the max length 32766)"}`
			}
			return ""
		}}, 31_000},
		{"the request is too large", 20_000, answer{status: 413}, 8_000},
		{"a reason that nobody knows", 0, answer{item: func(o op) string {
			if strings.Contains(o.source, "中") {
				return strange
			}
			return ""
		}}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				f := newFakeES(t)
				f.script = func(_ int, a *asked) answer {
					if c.said.status != 0 && a.size <= c.limit {
						return answer{}
					}
					return c.said
				}
				results, _ := testClient(t, f, nil).DeadLetters().Write(t.Context(), lettersOf(bodies(long, `{"n":1}`), "elasticsearch", record.Cause{Type: "t"}))
				require.Equal(t, map[record.Outcome]int{record.Dead: 2}, outcomes(results))
				for _, source := range f.docs {
					var d struct {
						Document  string
						Truncated bool
						Bytes     int `json:"document_bytes"`
					}
					require.NoError(t, json.Unmarshal([]byte(source), &d))
					if strings.Contains(d.Document, `"n"`) {
						require.False(t, d.Truncated)
						continue
					}
					require.True(t, d.Truncated)
					require.GreaterOrEqual(t, len(d.Document), c.kept)
					require.Greater(t, d.Bytes, 150_000)
				}
			})
		})
	}
}

// A letter that nothing takes leaves its record unsettled, and names the index.
func TestLetterIsNotTaken(t *testing.T) {
	for name, said := range map[string]answer{
		"refused":       {item: when("", strange)},
		"no such index": {item: when("", `"status":404,"error":{"type":"index_not_found_exception","reason":"no such index [dead]"}`)},
		"whole":         {status: 400},
		"no rights":     {status: 403, body: `{"error":{"type":"security_exception","reason":"no"},"status":403}`},
	} {
		t.Run(name, func(t *testing.T) {
			virtual(t, func(t *testing.T) {
				f := newFakeES(t)
				f.script = func(int, *asked) answer { return said }
				results, _ := testClient(t, f, nil).DeadLetters().Write(t.Context(), lettersOf(numbered(300), "elasticsearch", record.Cause{Type: "t"}))
				require.Equal(t, map[record.Outcome]int{record.Unsettled: 300}, outcomes(results))
				require.Contains(t, results[0].Cause.Text(), "ES_Dead_Letter_Index (dead)")
				require.LessOrEqual(t, len(f.asked), maxRefusals+6)
			})
		})
	}
}

// Documents that are ready, as redrive has them: what is refused is refused.
func TestWriteReady(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		f.script = func(int, *asked) answer { return answer{item: when("bad", strange)} }
		c := testClient(t, f, nil)
		docs := []Ready{{"i", "own", true, []byte(`{"a":1}`)}, {"i", `f"1`, false, []byte(`{"a":2}`)}, {"i", "x", true, []byte(`{"bad":3}`)}}
		for n := range 2 {
			results, stats := c.WriteReady(t.Context(), docs)
			want := []record.Outcome{record.Stored, record.Stored, record.Refused}
			if n == 1 {
				want[0] = record.Duplicate
			}
			for i := range want {
				require.Equal(t, want[i], results[i].Outcome)
			}
			require.Positive(t, stats.Requests)
		}
		require.Equal(t, `{"a":2}`, f.docs[`i/f"1`])
	})
}

// A record that no document is made of needs no server to be refused: its
// neighbours are stored, and its letter says that it holds the beginning.
func TestRecordWithTooManyMembers(t *testing.T) {
	virtual(t, func(t *testing.T) {
		f := newFakeES(t)
		c := testClient(t, f, nil)
		wide := `{"n":1` + strings.Repeat(`,"a long name":1.000000000000000000000000000000000000000`, 25_000) + `}`
		recs := bodies(`{"n":1}`, wide, `{"n":2}`)
		results := write(t, c, record.Delivery{Records: recs})
		require.Equal(t, map[record.Outcome]int{record.Stored: 2, record.Refused: 1}, outcomes(results))
		cause := results[1].Cause
		require.Equal(t, "too_many_members: the record has 25001 members, 20000 are taken; look at what writes the record", cause.Text())
		require.Equal(t, "k-2026-11-26", cause.Index)
		require.Contains(t, cause.ID, "t-0-1-")
		require.Len(t, f.docs, 2)

		buried, _ := c.DeadLetters().Write(t.Context(), []record.DeadLetter{{Record: &recs[1], Cause: cause, Sink: c.Name()}})
		require.Equal(t, map[record.Outcome]int{record.Dead: 1}, outcomes(buried))
		letter := f.docs["dead/"+cause.ID]
		require.Contains(t, letter, `","truncated":true,"document_bytes":`+strconv.Itoa(len(wide)))
		require.Contains(t, letter, `"document":"{\"msg_body\":\"{\\\"n\\\":1,\\\"a long name`)
		require.Less(t, len(letter), len(wide))
	})
}
