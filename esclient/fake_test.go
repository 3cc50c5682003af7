package esclient

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

// op is one operation of a bulk body.
type op struct {
	action, index, id, source string
	typed                     bool
}

// asked is one request as the fake server saw it.
type asked struct {
	at     time.Time
	host   string
	header http.Header
	size   int
	ops    []op
}

// answer is what the fake server says. The zero answer takes what it should:
// item decides for each operation.
type answer struct {
	err    error
	status int // of a refusal of the whole request
	body   string
	header http.Header
	// item refuses an operation: an item's members without the id, such as
	// `"status":429,"error":{…}`. "" applies it.
	item func(o op) string
	// rewrite changes the answer.
	rewrite func(items []string) []string
	// lost applies everything and answers nothing.
	lost bool
	wait time.Duration
}

// fakeES is an Elasticsearch behind a RoundTripper: it keeps documents, and
// answers each request as script says.
type fakeES struct {
	t      *testing.T
	script func(n int, a *asked) answer // nil: takes all

	mu    sync.Mutex
	docs  map[string]string // index/id
	asked []asked
}

func newFakeES(t *testing.T) *fakeES { return &fakeES{t: t, docs: make(map[string]string)} }

func (f *fakeES) RoundTrip(req *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(req.Body)
	require.NoError(f.t, err)
	require.NoError(f.t, req.Body.Close())
	if end, ok := req.Context().Deadline(); ok {
		require.True(f.t, time.Now().Before(end), "nothing is sent when the time is over")
	}
	a := asked{at: time.Now(), host: req.URL.Host, header: req.Header, size: len(body)}
	if req.Header.Get("Content-Encoding") == "" {
		a.ops = parseOps(f.t, body)
	}
	f.mu.Lock()
	f.asked = append(f.asked, a)
	n := len(f.asked)
	f.mu.Unlock()
	var said answer
	if f.script != nil {
		said = f.script(n, &a)
	}
	if said.wait > 0 {
		select {
		case <-time.After(said.wait):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	switch {
	case said.err != nil:
		return nil, said.err
	case said.status != 0:
		return response(req, said.status, said.header, said.body), nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	items := make([]string, 0, len(a.ops))
	for _, o := range a.ops {
		items = append(items, f.apply(o, said.item))
	}
	if said.lost {
		return nil, io.ErrUnexpectedEOF
	}
	if said.rewrite != nil {
		items = said.rewrite(items)
	}
	return response(req, 200, said.header, `{"took":1,"items":[`+strings.Join(items, ",")+`]}`), nil
}

func (f *fakeES) apply(o op, item func(op) string) string {
	id, _ := json.Marshal(o.id)
	said := ""
	if item != nil {
		said = item(o)
	}
	key := o.index + "/" + o.id
	if _, there := f.docs[key]; said == "" && o.action == "create" && there {
		said = `"status":409,"error":{"type":"version_conflict_engine_exception","reason":"document already exists"}`
	}
	if said == "" {
		said = `"status":201`
		if _, there := f.docs[key]; there {
			said = `"status":200`
		}
		f.docs[key] = o.source
	}
	return fmt.Sprintf(`{%q:{"_id":%s,%s}}`, o.action, id, said)
}

func response(req *http.Request, status int, header http.Header, body string) *http.Response {
	if header == nil {
		header = http.Header{}
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(strings.NewReader(body)), Request: req}
}

func parseOps(t *testing.T, body []byte) []op {
	lines := bytes.Split(bytes.TrimSuffix(body, []byte("\n")), []byte("\n"))
	require.Zero(t, len(lines)%2)
	var ops []op
	for i := 0; i < len(lines); i += 2 {
		var action map[string]struct {
			Index string  `json:"_index"`
			ID    string  `json:"_id"`
			Type  *string `json:"_type"`
		}
		require.NoError(t, json.Unmarshal(lines[i], &action))
		require.True(t, json.Valid(lines[i+1]))
		for name, at := range action {
			ops = append(ops, op{name, at.Index, at.ID, string(lines[i+1]), at.Type != nil})
		}
	}
	return ops
}

// sent returns the numbers of operations in each request.
func (f *fakeES) sent() (sizes []int) {
	for _, a := range f.asked {
		sizes = append(sizes, len(a.ops))
	}
	return sizes
}

// testClient makes a client of a fake server.
func testClient(t *testing.T, f http.RoundTripper, change func(*Config)) *Client {
	program, err := transform.New(transform.Options{IndexPrefix: "k", IDField: "log_id", TimeField: "stamp"})
	require.NoError(t, err)
	cfg := Config{
		Elasticsearch: config.Elasticsearch{
			Addresses: []config.Address{{URL: &url.URL{Scheme: "http", Host: "a:9200"}}}, Keyword: "k",
			BulkBytes: 5 << 20, BulkConcurrency: 2, RequestTimeout: 30 * time.Second, DeadLetterIndex: "dead",
		},
		Program: program, Transport: f, Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	require.NoError(t, err)
	return c
}

// bodies makes records of values, of partition 0 from offset 0 on.
func bodies(values ...string) []record.Record {
	batch := &record.Batch{Arrival: time.Date(2026, 11, 26, 12, 0, 0, 0, time.UTC)}
	recs := make([]record.Record, len(values))
	for i, v := range values {
		recs[i] = record.Record{Topic: "t", Offset: int64(i), Body: []byte(v), Pos: i, Batch: batch}
	}
	return recs
}

// numbered makes n records without ids of their own.
func numbered(n int) []record.Record {
	values := make([]string, n)
	for i := range values {
		values[i] = fmt.Sprintf(`{"n":%d}`, i)
	}
	return bodies(values...)
}

// write writes records with a minute's time, in virtual time.
func write(t *testing.T, c *Client, d record.Delivery) []record.Result {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	results, _ := c.Write(ctx, d)
	require.Len(t, results, len(d.Records))
	return results
}

func outcomes(results []record.Result) map[record.Outcome]int {
	n := make(map[record.Outcome]int)
	for _, r := range results {
		n[r.Outcome]++
	}
	return n
}

// virtual runs a test in virtual time.
func virtual(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}

const (
	conflictOfMapping = `"status":400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse field [n] of type [long] in document with id 'x'. Preview of field's value: 'S3CRET'"}`
	strange           = `"status":400,"error":{"type":"brand_new_exception","reason":"S3CRET"}`
	diskFull          = `"status":500,"error":{"type":"i_o_exception","reason":"No space left on device"}`
	bug               = `"status":500,"error":{"type":"null_pointer_exception","reason":"null"}`
	overload          = `"status":429,"error":{"type":"es_rejected_execution_exception","reason":"queue"}`
)

// when refuses the operations whose document holds a text.
func when(text, item string) func(op) string {
	return func(o op) string {
		if strings.Contains(o.source, text) {
			return item
		}
		return ""
	}
}

func newTextLogger(w io.Writer) *slog.Logger { return slog.New(slog.NewTextHandler(w, nil)) }
