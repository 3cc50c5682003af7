//go:build e2e

package e2e

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var poisonTests = []test{
	{"poison first", func(t *testing.T, s *suite) { poison(t, s, 0) }},
	{"poison in the middle", func(t *testing.T, s *suite) { poison(t, s, 50) }},
	{"poison last", func(t *testing.T, s *suite) { poison(t, s, 97) }},
	{"no place for dead letters", noPlace},
	{"dead letters refused", lettersRefused},
}

// at is the event time of all events that tests make by hand: it names their
// index whatever the time is.
const (
	at  = `"@timestamp":"2026-11-20T12:00:00Z"`
	day = "2026-11-20"
)

// numbered returns a document whose field n is a number.
func numbered(i int) string { return fmt.Sprintf(`{%s,"n":%d}`, at, i) }

func numberedTo(n int) []string {
	bodies := make([]string, n)
	for i := range bodies {
		bodies[i] = numbered(i)
	}
	return bodies
}

// conflicting is a document that an index of numbered ones refuses.
const conflicting = `{` + at + `,"n":"no number","password":"` + marker + `-1"}`

// An index of numbers gets 97 good records and three that are not: each costs
// only itself, wherever it stands.
func poison(t *testing.T, s *suite, place int) {
	env := s.vars(t, s.es).with("ES_Log_IgnoreWord", "password")
	f := s.start(t, env)
	good := eventOf(numbered(-1))
	f.settle(t, good) // makes the field a number

	longID := `{` + at + `,"n":1,"log_id":"` + strings.Repeat("x", 513) + `"}`
	bodies := slices.Insert(numberedTo(97), place, conflicting, longID, "malformed")
	payload := eventOf(bodies...)
	payload = bytes.Replace(payload, []byte(`"msgBody":"malformed"`), []byte(`"msgBody":7,"password":"`+marker+`-2"`), 1)
	want100 := want(t, env, payload)

	for _, f := range []*function{f, f, s.start(t, env)} {
		out := f.settle(t, payload)
		assert.Equal(t, 97, out.present())
		assert.Equal(t, 3, out.Dead)
		assert.Less(t, out.requests, 5, "the poison is not looked for by halving")
	}
	there := read(t, s.es, env)
	dead := there.mustHold(t, 1, slices.Concat(want100, want(t, env, good))...)
	require.Len(t, dead, 3)
	conflict, long, malformed := dead[want100[place].letter], dead[want100[place+1].letter], dead[want100[place+2].letter]

	assert.Contains(t, []string{"mapper_parsing_exception", "document_parsing_exception"}, conflict.Error.Type)
	assert.Contains(t, conflict.Error.Reason, "[n]")
	assert.Equal(t, http.StatusBadRequest, conflict.Error.Status)
	assert.Equal(t, want100[place].id, conflict.Target.ID)
	assert.JSONEq(t, `{`+at+`,"n":"no number"}`, conflict.Document, "without the ignored field")
	assert.Equal(t, "id_too_long", long.Error.Type)
	assert.Equal(t, "record_malformed", malformed.Error.Type)
	assert.Contains(t, malformed.Error.Reason, "msgBody")
	for _, l := range dead {
		assert.NotContains(t, l.Document, marker)
		assert.Equal(t, "key-7", l.Source.Key)
		assert.WithinDuration(t, time.Now(), l.Timestamp, time.Minute)
	}
}

// Without dead letters a refused record holds its batch, and what is good in
// it is stored all the same.
func noPlace(t *testing.T, s *suite) {
	env := s.vars(t, s.es).with("ES_Dead_Letter_Index", "none")
	f := s.start(t, env)
	f.settle(t, eventOf(numbered(-1)))
	payload := eventOf(numbered(0), conflicting, numbered(2))
	out := f.refuse(t, payload, "ES_Dead_Letter_Index")
	assert.Equal(t, counts{Records: 3, Stored: 2, Unsettled: 1}, out.counts)
	there := read(t, s.es, env)
	assert.Len(t, there.docs, 3)
	assert.Empty(t, there.letters)
	out = s.start(t, env.with("ES_Dead_Letter_Index", "dead-letter-"+keyword(t))).settle(t, payload)
	assert.Equal(t, counts{Records: 3, Duplicate: 2, Dead: 1}, out.counts)
}

// A dead letter that cannot be written leaves its record unsettled.
func lettersRefused(t *testing.T, s *suite) {
	env := s.vars(t, s.es)
	f := s.start(t, env)
	f.settle(t, eventOf(numbered(-1)))
	index := "dead-letter-" + keyword(t)
	s.call(t, http.MethodPut, "/"+index, "")
	s.call(t, http.MethodPost, "/"+index+"/_close", "")
	payload := eventOf(numbered(0), conflicting, numbered(2))
	out := f.refuse(t, payload, "ES_Dead_Letter_Index", index)
	assert.Equal(t, counts{Records: 3, Stored: 2, Unsettled: 1}, out.counts)
	s.call(t, http.MethodPost, "/"+index+"/_open", "")
	// A process that remembers what it has settled counts it as it was.
	assert.Equal(t, counts{Records: 3, Stored: 2, Dead: 1}, f.settle(t, payload).counts)
}
