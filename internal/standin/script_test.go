package standin

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// start serves s until the test ends.
func start(t *testing.T, s *Server) string {
	t.Helper()
	l, err := s.Start()
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, l.Close()) })
	return l.URL()
}

// three is a bulk body of three documents.
func three() string {
	return lines(`{"create":{"_index":"i","_id":"a"}}`, `{"n":1}`, `{"create":{"_index":"i","_id":"b"}}`, `{"n":2}`, `{"create":{"_index":"j","_id":"c"}}`, `{"n":3}`)
}

// send posts a bulk body over a connection of its own.
func send(t *testing.T, url, body string) (*http.Response, []byte, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/_bulk", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", ndjson)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(resp.Body)
	return resp, data, err
}

// statuses are those of the items of a bulk answer.
func statuses(t *testing.T, data []byte) []int {
	t.Helper()
	var answer struct {
		Errors bool
		Items  []map[string]struct{ Status int }
	}
	require.NoError(t, json.Unmarshal(data, &answer), "%s", data)
	var out []int
	for _, item := range answer.Items {
		for _, a := range item {
			out = append(out, a.Status)
		}
	}
	return out
}

func TestFaults(t *testing.T) {
	tests := map[string]struct {
		fault    Fault
		status   int    // 0: no answer
		items    []int  // of a 200
		body     string // part of it
		header   string // "name: value"
		err      error
		applied  int
		noStatus bool // the log knows of no answer
	}{
		"none":                  {status: 200, items: []int{201, 201, 201}, applied: 3},
		"whole request refused": {fault: Refuse(503, "master_not_discovered_exception", "no master"), status: 503, body: `"type":"master_not_discovered_exception"`},
		"too many requests":     {fault: Reject(), status: 429, body: `"root_cause":[{"type":"es_rejected_execution_exception"`},
		"Retry-After":           {fault: Fault{Answer: &Answer{Status: 429}, Header: http.Header{"Retry-After": {"7"}}}, status: 429, header: "Retry-After: 7"},
		"redirect":              {fault: Fault{Answer: &Answer{Status: 304}}, status: 304},
		"a proxy's page":        {fault: Fault{Answer: &Answer{502, "<html>bad gateway</html>"}, Header: http.Header{"Content-Type": {"text/html"}}}, status: 502, body: "<html>", header: "Content-Type: text/html"},
		"one item refused":      {fault: RejectItems(func(i Item) bool { return i.ID == "b" }), status: 200, items: []int{201, 429, 201}, body: "es_rejected_execution_exception", applied: 2},
		"items by place and index": {fault: Fault{Item: func(i Item) *ItemError {
			return map[bool]*ItemError{true: {503, "unavailable_shards_exception", "x"}}[i.N == 0 || i.Index == "j"]
		}}, status: 200, items: []int{503, 201, 503}, applied: 1},
		"items by source": {fault: Fault{Item: func(i Item) *ItemError {
			return map[bool]*ItemError{true: {400, "x", "x"}}[string(i.Source) == `{"n":2}`]
		}}, status: 200, items: []int{201, 400, 201}, applied: 2},
		"reset before the body":      {fault: Fault{Break: ResetBeforeRead}, err: syscall.ECONNRESET, noStatus: true},
		"reset before the work":      {fault: Fault{Break: ResetBeforeWork}, err: syscall.ECONNRESET, noStatus: true},
		"reset after the work":       {fault: Fault{Break: ResetBeforeAnswer}, err: syscall.ECONNRESET, applied: 3, noStatus: true},
		"reset in the answer":        {fault: Fault{Break: ResetInAnswer}, status: 200, err: syscall.ECONNRESET, applied: 3},
		"cut answer":                 {fault: Fault{Break: CutAnswer}, status: 200, err: io.ErrUnexpectedEOF, applied: 3},
		"close after the answer":     {fault: Fault{Break: CloseAfterAnswer}, status: 200, items: []int{201, 201, 201}, applied: 3},
		"one item too few":           {fault: Fault{Surplus: -1}, status: 200, items: []int{201, 201}, applied: 3},
		"no items":                   {fault: Fault{Surplus: -9}, status: 200, items: nil, applied: 3},
		"two items too many":         {fault: Fault{Surplus: 2}, status: 200, items: []int{201, 201, 201, 201, 201}, applied: 3},
		"unreadable":                 {fault: Fault{Edit: func(b []byte) []byte { return b[:len(b)-2] }}, status: 200, body: `"items":[`, applied: 3},
		"refused item, cut":          {fault: Fault{Item: RejectItems(func(i Item) bool { return i.N == 2 }).Item, Break: CutAnswer}, status: 200, err: io.ErrUnexpectedEOF, applied: 2},
		"a pause that is over":       {fault: Fault{Pause: Pause{Until: closed()}}, status: 200, items: []int{201, 201, 201}, applied: 3},
		"a pause before the answer":  {fault: Fault{Pause: Pause{At: BeforeAnswer, Until: closed()}}, status: 200, items: []int{201, 201, 201}, applied: 3},
		"a pause in the answer":      {fault: Fault{Pause: Pause{At: InAnswer, Until: closed()}}, status: 200, items: []int{201, 201, 201}, applied: 3},
		"answer instead, then reset": {fault: Fault{Answer: &Answer{Status: 500}, Break: ResetBeforeAnswer}, err: syscall.ECONNRESET, noStatus: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := New()
			url := start(t, s)
			s.Script(Sequence(tt.fault))
			resp, data, err := send(t, url, three())
			if tt.err != nil {
				assert.ErrorIs(t, err, tt.err)
			} else {
				require.NoError(t, err)
				assert.Equal(t, tt.status, resp.StatusCode)
				assert.Contains(t, string(data), tt.body)
				if name, value, ok := strings.Cut(tt.header, ": "); ok {
					assert.Equal(t, value, resp.Header.Get(name))
				}
				if tt.status == 200 && tt.fault.Edit == nil {
					assert.Equal(t, tt.items, statuses(t, data))
				}
			}
			log := s.BulkRequests()
			require.Len(t, log, 1)
			assert.Equal(t, tt.applied, log[0].Applied, "applied")
			assert.Equal(t, tt.applied, s.Count(""), "stored")
			assert.Equal(t, tt.noStatus, log[0].Status == 0, "status %d", log[0].Status)

			// The fault is over, and nothing was left behind.
			resp, data, err = send(t, url, three())
			require.NoError(t, err)
			assert.Equal(t, 200, resp.StatusCode)
			assert.Len(t, statuses(t, data), 3)
			assert.Equal(t, 3, s.Count(""))
			assert.Empty(t, s.Twice())
		})
	}
}

func closed() <-chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}

func TestCloseAfterAnswerLooksKeptAlive(t *testing.T) {
	s := New()
	s.Script(Sequence(Fault{Break: CloseAfterAnswer}))
	conn, err := net.Dial("tcp", strings.TrimPrefix(start(t, s), "http://"))
	require.NoError(t, err)
	defer conn.Close()
	body := three()
	_, err = fmt.Fprintf(conn, "POST /_bulk HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", ndjson, len(body), body)
	require.NoError(t, err)
	r := bufio.NewReader(conn)
	resp, err := http.ReadResponse(r, nil)
	require.NoError(t, err)
	_, err = io.ReadAll(resp.Body)
	require.NoError(t, err)
	assert.False(t, resp.Close, "the answer must not say that the connection ends")
	_, err = r.ReadByte()
	assert.Equal(t, io.EOF, err)
}

func TestScriptSeesItemsAndAttempts(t *testing.T) {
	s := New()
	url := start(t, s)
	var mu sync.Mutex
	var seen []string
	s.Script(func(a *Attempt) Fault {
		mu.Lock()
		defer mu.Unlock()
		for _, i := range a.Items() {
			seen = append(seen, fmt.Sprint(a.Bulk, i.N, i.Op, " ", i.Index, "/", i.ID, " ", string(i.Source), i.Attempt))
			if i.ID == "b" && a.Bulk == 1 {
				return Refuse(400, "parse_exception", "the culprit is in here")
			}
		}
		return Fault{}
	})
	resp, _, err := send(t, url, three())
	require.NoError(t, err)
	assert.Equal(t, 400, resp.StatusCode)
	assert.Zero(t, s.Count(""))
	_, _, err = send(t, url, lines(`{"index":{"_index":"i","_id":"b"}}`, `{}`, `{"index":{"_index":"i"}}`, `{}`, `{"delete":{"_index":"i","_id":"b"}}`))
	require.NoError(t, err)
	assert.Equal(t, []string{
		`1 0create i/a {"n":1}1`, `1 1create i/b {"n":2}1`,
		`2 0index i/b {}2`, `2 1index i/ {}1`, `2 2delete i/b 3`,
	}, seen)
	s.Script(func(a *Attempt) Fault { return Fault{Answer: &Answer{Status: 500 + len(a.Items())}} })
	resp, _, err = send(t, url, "not a bulk request\n")
	require.NoError(t, err)
	assert.Equal(t, 500, resp.StatusCode, "what cannot be read has no items")
	s.Script(nil)
	resp, _, err = send(t, url, three())
	require.NoError(t, err)
	assert.Equal(t, 200, resp.StatusCode)
}

func TestSequenceLeavesOtherRequestsAlone(t *testing.T) {
	s := New()
	url := start(t, s)
	s.Script(Sequence(Reject()))
	assert.Contains(t, ask(t, url, "7.17.28", get("/_count")), `"count":0`)
	resp, _, err := send(t, url, three())
	require.NoError(t, err)
	assert.Equal(t, 429, resp.StatusCode, "the first bulk request, though it is the second request")
}

// TestClientGivesUp: a client that goes away during a pause finds its
// documents stored or not, depending on where the pause was.
func TestClientGivesUp(t *testing.T) {
	for name, tt := range map[string]struct {
		at     Stage
		stored int
	}{
		"before the work":   {BeforeWork, 0},
		"before the answer": {BeforeAnswer, 3},
		"in the answer":     {InAnswer, 3},
	} {
		t.Run(name, func(t *testing.T) {
			s := New()
			l, err := s.Start()
			require.NoError(t, err)
			defer l.Close()
			never := make(chan struct{})
			s.Script(Sequence(Fault{Pause: Pause{At: tt.at, Until: never}}))
			ctx, giveUp := context.WithCancel(t.Context())
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, l.URL()+"/_bulk", strings.NewReader(three()))
			require.NoError(t, err)
			req.Header.Set("Content-Type", ndjson)
			ended := make(chan error, 1)
			go func() {
				resp, err := http.DefaultTransport.RoundTrip(req)
				if err == nil {
					_, err = io.ReadAll(resp.Body)
					resp.Body.Close()
				}
				ended <- err
			}()
			poll(t, func() bool {
				log := s.BulkRequests()
				return len(log) == 1 && log[0].Items == 3 && log[0].Applied == tt.stored
			})
			giveUp()
			assert.ErrorIs(t, <-ended, context.Canceled)
			require.NoError(t, l.Close(), "waits until nothing is in work")
			assert.Equal(t, tt.stored, s.Count(""))
		})
	}
}

// poll waits until ready says so, at most ten seconds.
func poll(t *testing.T, ready func() bool) {
	t.Helper()
	assert.Eventually(t, ready, 10*time.Second, time.Millisecond)
}

func TestCloseEndsPauses(t *testing.T) {
	s := New()
	l, err := s.Start()
	require.NoError(t, err)
	never := make(chan struct{})
	s.Script(Sequence(Fault{Pause: Pause{Until: never}}))
	ended := make(chan error, 1)
	go func() {
		_, _, err := send(t, l.URL(), three())
		ended <- err
	}()
	poll(t, func() bool { return s.MaxInFlight() == 1 })
	require.NoError(t, l.Close())
	require.NoError(t, l.Close(), "again")
	assert.Error(t, <-ended)
	assert.Zero(t, s.Count(""))
}

func TestPauseForATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		from := time.Now()
		assert.True(t, Pause{For: time.Minute}.pause(t.Context()))
		assert.Equal(t, time.Minute, time.Since(from))
		assert.True(t, Pause{For: time.Hour, Until: closed()}.pause(t.Context()), "whichever comes first")
		assert.Equal(t, time.Minute, time.Since(from))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.False(t, Pause{For: time.Hour}.pause(ctx))
		assert.Equal(t, time.Minute+time.Second, time.Since(from))
		assert.True(t, Pause{}.pause(ctx), "no pause")
	})
}

// TestBrokenBodyIsNotApplied: documents of a request that did not arrive whole
// must not be stored, although the ones that came are complete.
func TestBrokenBodyIsNotApplied(t *testing.T) {
	s := New()
	conn, err := net.Dial("tcp", strings.TrimPrefix(start(t, s), "http://"))
	require.NoError(t, err)
	body := three()
	_, err = fmt.Fprintf(conn, "POST /_bulk HTTP/1.1\r\nHost: x\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s", ndjson, len(body)+100, body)
	require.NoError(t, err)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	rest, err := io.ReadAll(conn)
	if !errors.Is(err, syscall.ECONNRESET) {
		require.NoError(t, err)
	}
	assert.Empty(t, rest)
	require.NoError(t, conn.Close())
	poll(t, func() bool { return len(s.BulkRequests()) == 1 })
	assert.Zero(t, s.Count(""))
}
