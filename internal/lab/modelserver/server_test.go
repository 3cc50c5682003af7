package modelserver_test

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/lab/modelserver"
)

// client posts bulk bodies.
type client struct {
	t *testing.T
	*modelserver.Transport
	packed bool
	query  string
}

func newClient(t *testing.T, s *modelserver.Server) *client {
	t.Helper()
	c := &client{t: t, Transport: s.Transport()}
	c.Begin(time.Now().Add(time.Hour))
	return c
}

// line is an action and a source.
func line(op, index, id, source string) string {
	return fmt.Sprintf("{%q:{\"_index\":%q,\"_id\":%q}}\n%s\n", op, index, id, source)
}

// post returns the status and the body of the answer.
func (c *client) post(body string) (int, string, error) {
	c.t.Helper()
	if c.packed {
		var b strings.Builder
		zw := gzip.NewWriter(&b)
		_, _ = io.WriteString(zw, body)
		require.NoError(c.t, zw.Close())
		body = b.String()
	}
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, "http://a:9200/_bulk"+c.query, strings.NewReader(body))
	require.NoError(c.t, err)
	req.Header.Set("Content-Type", "application/x-ndjson")
	if c.packed {
		req.Header.Set("Content-Encoding", "gzip")
	}
	res, err := c.RoundTrip(req)
	if err != nil {
		return 0, "", err
	}
	defer func() { require.NoError(c.t, res.Body.Close()) }()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, string(answer), err
}

// statuses posts a body and returns the items' statuses.
func (c *client) statuses(body string) (out []int) {
	c.t.Helper()
	_, answer, err := c.post(body)
	require.NoError(c.t, err)
	var parsed struct {
		Items []map[string]struct{ Status int }
	}
	require.NoError(c.t, json.Unmarshal([]byte(answer), &parsed), answer)
	for _, item := range parsed.Items {
		for _, one := range item {
			out = append(out, one.Status)
		}
	}
	return out
}

func TestBodiesThatNoServerReads(t *testing.T) {
	for name, body := range map[string]string{
		"nothing":              "",
		"no line break at end": strings.TrimSuffix(line("index", "i", "1", "{}"), "\n"),
		"no source":            `{"index":{"_index":"i","_id":"1"}}` + "\n",
		"no action":            "{}\n{}\n",
		"two actions":          `{"index":{"_index":"i","_id":"1"},"create":{"_index":"i","_id":"1"}}` + "\n{}\n",
		"delete":               `{"delete":{"_index":"i","_id":"1"}}` + "\n{}\n",
		"no index":             `{"index":{"_id":"1"}}` + "\n{}\n",
		"no id":                `{"index":{"_index":"i"}}` + "\n{}\n",
		"another parameter":    `{"index":{"_index":"i","_id":"1","_parent":"x"}}` + "\n{}\n",
		"something behind":     `{"index":{"_index":"i","_id":"1"}} {}` + "\n{}\n",
		"source is no object":  line("index", "i", "1", "[]"),
		"source is broken":     line("index", "i", "1", `{"a":}`),
		"not UTF-8":            line("index", "i", "1", "{\"a\":\"\xff\"}"),
	} {
		t.Run(name, func(t *testing.T) {
			s := modelserver.New(modelserver.Traits{})
			_, _, err := newClient(t, s).post(body)
			require.NoError(t, err)
			require.Len(t, s.Violations(), 1)
		})
	}
	s := modelserver.New(modelserver.Traits{})
	c := newClient(t, s)
	require.Equal(t, []int{201}, c.statuses(line("create", "i", `a"b\`, `{"a":"é"}`)))
	require.Equal(t, []int{200}, c.statuses(`{"index":{"_id":"a\"b\\","_index":"i","_type":"_doc"}}`+"\n{}\n"))
	require.Empty(t, s.Violations())
}

func TestWrites(t *testing.T) {
	s := modelserver.New(modelserver.Traits{})
	c := newClient(t, s)
	require.Equal(t, []int{201, 409, 200, 201, 201}, c.statuses(
		line("create", "i", "1", `{"v":1}`)+line("create", "i", "1", `{"v":2}`)+line("index", "i", "1", `{"v":3}`)+
			line("index", "i", "2", `{"v":4}`)+line("create", "j", "1", `{"v":5}`)))
	require.Equal(t, []modelserver.Document{
		{Index: "i", ID: "1", Source: []byte(`{"v":3}`), Writes: 2},
		{Index: "i", ID: "2", Source: []byte(`{"v":4}`), Writes: 1},
		{Index: "j", ID: "1", Source: []byte(`{"v":5}`), Writes: 1},
	}, s.Documents())
	require.Len(t, s.In("i"), 2)
	require.Equal(t, 4, s.Attempts("i"))
	require.Equal(t, 1, s.Requests())
}

// What a server does with a document that it answers with an error.
func TestWritesThatFail(t *testing.T) {
	for _, c := range []struct {
		keeps            modelserver.Keeps
		before, after    int // what a create meets, before and after the recovery
		durable, written bool
	}{
		{modelserver.KeepsNothing, 201, 409, true, true}, // by the create before
		{modelserver.KeepsDurable, 409, 409, true, true},
		{modelserver.KeepsVisible, 409, 201, false, false},
	} {
		t.Run(fmt.Sprint(c.keeps), func(t *testing.T) {
			s := modelserver.New(modelserver.Traits{})
			s.Plan(modelserver.Phase{Requests: 1, Fault: modelserver.Fault{
				How: modelserver.RefusesItems, Items: modelserver.Items{Refusal: modelserver.Refusal{Status: 500, Type: "x"}, Keeps: c.keeps},
			}})
			client := newClient(t, s)
			require.Equal(t, []int{500}, client.statuses(line("create", "i", "1", "{}")))
			require.Equal(t, []int{c.before}, client.statuses(line("create", "i", "1", "{}")))
			require.Equal(t, c.durable, len(s.Documents()) == 1)
			s.Recover()
			require.Equal(t, c.written, len(s.Documents()) == 1)
			require.Equal(t, []int{c.after}, client.statuses(line("create", "i", "1", "{}")))
		})
	}
}

// An index that follows such a failure is durable, like any that is answered so.
func TestIndexMakesDurable(t *testing.T) {
	s := modelserver.New(modelserver.Traits{})
	s.Plan(modelserver.Phase{Requests: 1, Fault: modelserver.Fault{
		How: modelserver.RefusesItems, Items: modelserver.Items{Refusal: modelserver.Refusal{Status: 500}, Keeps: modelserver.KeepsVisible},
	}})
	c := newClient(t, s)
	require.Equal(t, []int{500}, c.statuses(line("create", "i", "1", "{}")))
	require.Equal(t, []int{200}, c.statuses(line("index", "i", "1", "{}")))
	s.Recover()
	require.Len(t, s.Documents(), 1)
}

func TestPlan(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reply := func(status int) modelserver.Fault {
			return modelserver.Fault{How: modelserver.Replies, Reply: modelserver.Reply{Status: status}}
		}
		s := modelserver.New(modelserver.Traits{})
		c := newClient(t, s)
		status := func() int {
			got, _, err := c.post(line("index", "i", "1", "{}"))
			require.NoError(t, err)
			return got
		}
		s.Plan(
			modelserver.Phase{Fault: reply(500), Requests: 2}, modelserver.Phase{Requests: 1},
			modelserver.Phase{Fault: reply(503), For: time.Second}, modelserver.Phase{Fault: reply(404), For: time.Second, Requests: 1},
		)
		require.Equal(t, []int{500, 500, 200, 503, 503}, []int{status(), status(), status(), status(), status()})
		<-time.After(time.Second)
		require.Equal(t, []int{404, 200, 200}, []int{status(), status(), status()})

		s.PlanAgain(modelserver.Phase{Fault: reply(500), Requests: 1}, modelserver.Phase{Fault: reply(502), Requests: 1})
		require.Equal(t, []int{500, 502, 500, 502}, []int{status(), status(), status(), status()})

		elsewhere, spares := reply(500), reply(500)
		elsewhere.Host, spares.Spares = "b:9200", "i"
		s.Plan(modelserver.Phase{Fault: elsewhere, Requests: 1})
		require.Equal(t, 200, status())
		s.Plan(modelserver.Phase{Fault: spares, Requests: 1})
		require.Equal(t, 200, status())
	})
}

func TestWaysToFail(t *testing.T) {
	body := line("index", "i", "1", "{}") + line("index", "i", "2", "{}") + line("index", "i", "3", "{}")
	for _, c := range []struct {
		fault modelserver.Fault
		err   error
		there int
	}{
		{modelserver.Fault{How: modelserver.NoConnection}, syscall.ECONNREFUSED, 0},
		{modelserver.Fault{How: modelserver.Reset}, syscall.ECONNRESET, 0},
		{modelserver.Fault{How: modelserver.Reset, Worked: true}, syscall.ECONNRESET, 3},
		{modelserver.Fault{How: modelserver.BreaksInBody}, syscall.EPIPE, 0},
		{modelserver.Fault{How: modelserver.CutAnswer}, syscall.ECONNRESET, 3},
		{modelserver.Fault{How: modelserver.Replies, Reply: modelserver.Reply{Status: 502}, Worked: true}, nil, 3},
	} {
		t.Run(c.fault.String(), func(t *testing.T) {
			s := modelserver.New(modelserver.Traits{})
			s.Plan(modelserver.Phase{Fault: c.fault})
			_, _, err := newClient(t, s).post(body)
			require.ErrorIs(t, err, c.err)
			require.Len(t, s.Documents(), c.there)
		})
	}
	for how, want := range map[modelserver.How][]string{
		modelserver.Fine:           {"1", "2", "3"},
		modelserver.ShortAnswer:    {"2"},
		modelserver.LongAnswer:     {"1", "2", "3", "1", "2", "3"},
		modelserver.ShuffledAnswer: {"3", "2", "1"},
		modelserver.ForeignAnswer:  {"x1", "x2", "x3"},
	} {
		t.Run(modelserver.Fault{How: how}.String(), func(t *testing.T) {
			s := modelserver.New(modelserver.Traits{})
			s.Plan(modelserver.Phase{Fault: modelserver.Fault{How: how}})
			_, answer, err := newClient(t, s).post(body)
			require.NoError(t, err)
			var ids []string
			for _, m := range regexp.MustCompile(`"_id":"(\w+)"`).FindAllStringSubmatch(answer, -1) {
				ids = append(ids, m[1])
			}
			require.Equal(t, want, ids)
			require.Len(t, s.Documents(), 3)
		})
	}
}

func TestServerThatStalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := modelserver.New(modelserver.Traits{})
		s.Plan(modelserver.Phase{Fault: modelserver.Fault{How: modelserver.Stalls}})
		c := newClient(t, s)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://a:9200/_bulk", strings.NewReader(line("index", "i", "1", "{}")))
		require.NoError(t, err)
		began := time.Now()
		_, err = c.RoundTrip(req)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.Equal(t, time.Minute, time.Since(began))
	})
}
