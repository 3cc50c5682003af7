package transform

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/jsoncases"
)

// Every text of the grammar as a record: an object becomes a document with the
// same members, everything else is kept as text, broken JSON above all.
func TestConformance(t *testing.T) {
	opts := Options{IndexPrefix: "app"}
	w := newWorker(t, opts)
	for _, c := range jsoncases.All() {
		rec := newRecord(c.Text)
		agree(t, w, opts, rec)
		doc := w.Do(rec)
		// A byte order mark at the start is not the grammar's, and passed over.
		plain, isMarked := strings.CutPrefix(c.Text, "\uFEFF")
		valid := c.Valid || isMarked && refValid(plain)
		isObject := valid && strings.HasPrefix(strings.TrimLeft(plain, " \t\r\n"), "{")
		isString := c.Valid && strings.HasPrefix(c.Text, `"`)
		require.Equal(t, !isObject, doc.Text, "%s: %q", c.Name, c.Text)
		if doc.Text && !isString {
			var got map[string]string
			require.NoError(t, json.Unmarshal(doc.AppendSource(nil), &got))
			require.Equal(t, map[string]string{"msg_body": c.Text}, got, c.Name)
		}
	}
}

// Every text as a member's value, plain and encoded in a string, and as a field
// message: what is JSON stays as it was written, what is not makes the record a
// text.
func TestConformanceOfValues(t *testing.T) {
	opts := Options{IndexPrefix: "app", Ignore: []string{"gone", "**.secret"}}
	w := newWorker(t, opts)
	for i, c := range jsoncases.All() {
		if strings.Contains(c.Text, ",") && !c.Valid || len(c.Text) > 500 {
			continue // with a comma it may be two members; deep nesting has its own tests
		}
		body := `{"gone":1,"k":` + c.Text + `,"z":0}`
		valid := refValid(body) // an odd number of quotes may make sense here
		want := `{"k":` + strings.Trim(c.Text, " \t\r\n") + `,"z":0}`
		for _, layers := range []int{0, 2} {
			if layers > 0 && i%4 != 0 {
				continue
			}
			rec := newRecord(encoded(body, layers))
			agree(t, w, opts, rec)
			doc := w.Do(rec)
			require.Equal(t, !valid, doc.Text, "%s: %q", c.Name, body)
			if c.Valid && valid && doc.Replaced == 0 && !strings.ContainsAny(c.Text, "\r\n") {
				assert.Equal(t, want, string(doc.AppendSource(nil)), c.Name)
			}
		}
		rec := newRecord(`{"a":1,"message":` + encoded(c.Text, 1) + `}`)
		agree(t, w, opts, rec)
		require.False(t, w.Do(rec).Text)
	}
}
