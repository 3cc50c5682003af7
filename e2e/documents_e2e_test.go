//go:build e2e

package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/event"
	"ckafka-etl/pipeline"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// recorded returns an event of testdata.
func recorded(t *testing.T, path string) []byte {
	t.Helper()
	payload, err := os.ReadFile(filepath.Join("..", "testdata", filepath.FromSlash(path)))
	require.NoError(t, err)
	return payload
}

const topic, partition, firstOffset = "orders", 2, 100

// eventOf returns an event of these bodies, at successive offsets.
func eventOf(bodies ...string) []byte {
	recs := make([]event.Record, len(bodies))
	for i, body := range bodies {
		recs[i] = event.Record{Topic: topic, Partition: partition, Offset: firstOffset + int64(i), Key: []byte("key-7"), Body: []byte(body)}
	}
	return event.Append(nil, recs)
}

// wanted is what a record has to become: a document or a dead letter.
type wanted struct {
	record.Record
	index, id, source string
	generated         bool   // the id is made of the record's coordinates
	letter            string // id of its dead letter
}

// want returns what the records of an event have to become, in order, as
// package transform has it. What that makes of a record is its own tests'
// business; here it is whether the servers have just that.
func want(t *testing.T, env vars, payload []byte) []wanted {
	t.Helper()
	environ := make([]string, 0, len(env))
	for name, value := range env {
		environ = append(environ, name+"="+value)
	}
	cfg, err := config.Load(environ)
	require.NoError(t, err)
	program, err := transform.New(pipeline.Options(cfg))
	require.NoError(t, err)
	worker := program.NewWorker()
	recs, err := new(event.Decoder).Decode(payload, time.Now(), nil)
	require.NoError(t, err)
	all := make([]wanted, len(recs))
	for i := range recs {
		doc := worker.Do(&recs[i])
		w := wanted{Record: recs[i], index: doc.Index, id: unescape(t, doc.ID), generated: doc.Generated}
		w.source = string(doc.AppendSource(nil))
		w.letter = unescape(t, worker.CoordinateID(&recs[i]))
		all[i] = w
	}
	return all
}

// unescape returns what the content of a JSON string stands for.
func unescape(t *testing.T, content []byte) (s string) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(`"`+string(content)+`"`), &s))
	return s
}

// letter is a dead letter.
type letter struct {
	Timestamp time.Time `json:"@timestamp"`
	Error     struct {
		Type   string `json:"type"`
		Reason string `json:"reason"`
		Status int    `json:"status"`
	} `json:"error"`
	Source struct {
		Topic     string `json:"topic"`
		Partition *int32 `json:"partition"`
		Offset    *int64 `json:"offset"`
		Key       string `json:"key"`
	} `json:"source"`
	Target struct {
		Sink  string `json:"sink"`
		Index string `json:"index"`
		ID    string `json:"id"`
	} `json:"target"`
	Document  string `json:"document"`
	Truncated bool   `json:"truncated"`
	Bytes     int    `json:"document_bytes"`
}

// contents are a test's documents by "index/id" and its dead letters by id.
type contents struct {
	docs    map[string]servers.Document
	letters map[string]letter
	// rewritten says that the server may have written documents anew: a
	// pipeline does so. Then they need only mean the same.
	rewritten bool
	// proven says that the function may have written one document again as it
	// is, to see whether its index still takes any.
	proven bool
}

// read returns everything that the index keyword and its dead letters hold.
func read(t *testing.T, es *servers.Elasticsearch, env vars) contents {
	t.Helper()
	ctx, c := within(t), contents{letters: make(map[string]letter)}
	name := env["ES_Index_KeyWord"]
	days, dead := name+"-*", "dead-letter-"+name+"*" // patterns, so that none is no error
	require.NoError(t, es.Refresh(ctx, days+","+dead))
	var err error
	c.docs, err = es.Documents(ctx, days)
	require.NoError(t, err)
	buried, err := es.Documents(ctx, dead)
	require.NoError(t, err)
	for _, d := range buried {
		assert.Equal(t, "dead-letter-"+name, d.Index)
		assert.Equal(t, 1, d.Version, "no letter is written twice")
		decoder := json.NewDecoder(strings.NewReader(string(d.Source)))
		decoder.DisallowUnknownFields()
		var l letter
		require.NoError(t, decoder.Decode(&l), "%s", d.Source)
		c.letters[d.ID] = l
	}
	return c
}

// mustHold reports whether each record of the events, delivered so many times,
// is there exactly once: as its document, byte for byte, or as a dead letter.
// It returns the ids of the letters.
func (c *contents) mustHold(t *testing.T, deliveries int, records ...wanted) (dead map[string]letter) {
	t.Helper()
	type written struct {
		wanted
		times int
	}
	docs, dead := make(map[string]written), make(map[string]letter)
	for _, w := range records {
		if l, ok := c.letters[w.letter]; ok {
			l.mustTell(t, w)
			dead[w.letter] = l
			continue
		}
		at := w.index + "/" + w.id
		docs[at] = written{w, docs[at].times + deliveries}
	}
	sameKeys(t, "letters", dead, c.letters)
	sameKeys(t, "documents", docs, c.docs)
	var wrong []string
	for at, w := range docs {
		d := c.docs[at]
		if c.rewritten {
			assert.JSONEq(t, w.source, string(d.Source), at)
		} else if w.source != string(d.Source) {
			wrong = append(wrong, at+" is "+string(d.Source)+", not "+w.source)
		}
		times := w.times
		if w.generated {
			times = 1
		}
		if times != d.Version && !c.proven {
			wrong = append(wrong, fmt.Sprintf("%s was written %d times, not %d", at, d.Version, times))
		}
	}
	if len(wrong) > 0 {
		t.Errorf("%d documents are not as they should be, such as:\n%s", len(wrong), strings.Join(wrong[:min(3, len(wrong))], "\n"))
	}
	return dead
}

// sameKeys ends the test unless both maps have the same keys.
func sameKeys[V, W any](t *testing.T, what string, want map[string]V, got map[string]W) {
	t.Helper()
	var missing, strange []string
	for k := range want {
		if _, ok := got[k]; !ok {
			missing = append(missing, k)
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			strange = append(strange, k)
		}
	}
	if len(missing)+len(strange) > 0 {
		t.Fatalf("%s: %d are missing, such as %q, and %d should not be there, such as %q", what,
			len(missing), missing[:min(3, len(missing))], len(strange), strange[:min(3, len(strange))])
	}
}

// mustHoldAll is mustHold of events that a server takes as a whole.
func (c *contents) mustHoldAll(t *testing.T, records ...wanted) {
	t.Helper()
	assert.Empty(t, c.mustHold(t, 1, records...))
}

// mustTell checks that a letter says what is documented of it.
func (l *letter) mustTell(t *testing.T, w wanted) {
	t.Helper()
	assert.WithinDuration(t, time.Now(), l.Timestamp, time.Hour)
	assert.NotEmpty(t, l.Error.Type)
	assert.NotEmpty(t, l.Error.Reason)
	assert.Equal(t, w.Topic, strings.TrimPrefix(l.Source.Topic, "'"))
	if assert.Equal(t, w.Partition != record.Unknown, l.Source.Partition != nil) && l.Source.Partition != nil {
		assert.Equal(t, w.Partition, *l.Source.Partition)
	}
	if assert.Equal(t, w.Offset != record.Unknown, l.Source.Offset != nil) && l.Source.Offset != nil {
		assert.Equal(t, w.Offset, *l.Source.Offset)
	}
	assert.Equal(t, string(w.Key), strings.TrimPrefix(l.Source.Key, "'"))
	assert.Equal(t, "elasticsearch", l.Target.Sink)
	assert.Equal(t, w.index, l.Target.Index)
	if !l.Truncated {
		assert.Equal(t, w.source, l.Document)
		return
	}
	assert.Len(t, w.source, l.Bytes)
	assert.True(t, strings.HasPrefix(w.source, l.Document), "the beginning of the document")
}
