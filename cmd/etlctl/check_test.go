package main

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/standin"
)

// serve starts a stand-in. Answers are given instead of its own, by
// "METHOD /path"; a path that ends in * stands for all that start so.
func serve(t *testing.T, answers map[string]standin.Answer, options ...standin.Option) (*standin.Server, string) {
	t.Helper()
	s := standin.New(options...)
	s.Script(func(a *standin.Attempt) standin.Fault {
		for at, answer := range answers {
			request := a.Method + " " + a.Path
			if prefix, ok := strings.CutSuffix(at, "*"); request == at || ok && strings.HasPrefix(request, prefix) {
				return standin.Fault{Answer: &answer}
			}
		}
		return standin.Fault{}
	})
	l, err := s.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	return s, l.URL()
}

const (
	forbidden = `{"error":{"type":"security_exception","reason":"action is unauthorized for user [writer]"},"status":403}`
	secret    = "correct-horse"
)

func TestCheckElasticsearch(t *testing.T) {
	for _, c := range []struct {
		name    string
		answers map[string]standin.Answer
		options []standin.Option
		env     []string
		code    int
		want    []string // in the output, in this order
		left    []string // indices that stay
	}{
		{
			name: "an API key", code: exitOK,
			options: []standin.Option{standin.WithCredentials(standin.Credentials{APIKey: "Y29ycmVjdC1ob3JzZQ=="})},
			env:     []string{"ES_ApiKey=Y29ycmVjdC1ob3JzZQ=="},
			want:    []string{"ES_ApiKey             ***", "· credentials   not refused", "✓ write", "✓ clean-up"},
		},
		{
			name: "all well", code: exitOK,
			want: []string{
				"✓ server        Elasticsearch 7.17.28", "✓ credentials   none are set and none were asked for",
				"✓ write         a document as the function's was written to log-", "· template      not shown to us",
				"✓ dead letters  one was written to dead-letter-log-etlctl-check-", "dead-letter-log is not there yet",
				"✓ clean-up      what was written is deleted", "\nall well\n",
			},
		},
		{
			name: "6.8, with an update of documents", options: []standin.Option{standin.WithVersion(standin.ES68)}, code: exitOK,
			env: []string{"ES_Op_Type=index", "ES_Gzip=6"}, want: []string{"Elasticsearch 6.8.23", "✓ write", "✓ dead letters", "✓ clean-up"},
		},
		{
			// The rights that the function needs, and no more.
			name: "a user who may only write", code: exitOK,
			options: []standin.Option{standin.WithCredentials(standin.Credentials{User: "writer", Password: secret})},
			env:     []string{"ES_User=writer", "ES_Password=" + secret},
			answers: map[string]standin.Answer{
				"GET /": {Status: 403, Body: forbidden}, "HEAD /*": {Status: 403}, "DELETE /*": {Status: 403, Body: forbidden},
				"GET /_security/_authenticate": {Status: 200, Body: `{"username":"writer","roles":["logs","kibana"]}`},
			},
			want: []string{
				"· server        it does not tell its version (HTTP 403)", "✓ credentials   accepted as writer (roles logs, kibana)",
				"✓ write", "✓ dead letters  one was written to dead-letter-log\n",
				"! clean-up      left behind: the index log-", "with one document; the document etlctl-check-0-", " in dead-letter-log\n",
				"all well, 1 warning",
			},
			left: []string{"dead-letter-log", "log-*-etlctl-check-*"},
		},
		{
			name: "a server without the right to write", code: exitFailure,
			env:     []string{"ES_ApiKey=Y29ycmVjdC1ob3JzZQ=="},
			answers: map[string]standin.Answer{"POST /_bulk": {Status: 403, Body: forbidden}},
			want: []string{
				"✗ write         no document was written to log-", "security_exception (HTTP 403): action is unauthorized for user [writer]",
				"→ give the key of ES_ApiKey the privileges index and auto_configure (before 7.9: index and create_index) on log-*",
				"✗ dead letters  dead-letter-log is not there yet", "on dead-letter-log; if it has them for just this name, make the index and check again",
				"\n2 problems\n",
			},
		},
		{
			name: "a wrong password", code: exitFailure,
			options: []standin.Option{standin.WithCredentials(standin.Credentials{User: "writer", Password: "another"})},
			env:     []string{"ES_User=writer", "ES_Password=" + secret},
			want:    []string{"✗ credentials   refused (HTTP 401)", "→ look at ES_User and ES_Password", "\n1 problem\n"},
		},
		{
			name: "no password", code: exitFailure,
			options: []standin.Option{standin.WithCredentials(standin.Credentials{User: "writer", Password: "another"})},
			want:    []string{"✗ credentials   the server wants some, and none are set (HTTP 401)", "→ set ES_User and ES_Password, or ES_ApiKey"},
		},
		{
			// Its gateway knows _bulk, _doc and _search.
			name: "a serverless edition", code: exitOK,
			answers: map[string]standin.Answer{
				"GET /": {Status: 404}, "HEAD /*": {Status: 404}, "GET /_*": {Status: 404},
				"DELETE /_data_stream*": {Status: 404}, "DELETE /log-*": {Status: 404}, "DELETE /dead*": {Status: 405},
			},
			want: []string{"· server        it has no GET / (HTTP 404), as in the serverless edition", "✓ write", "✓ dead letters", "! clean-up      left behind: the index log-"},
			left: []string{"dead-letter-log-etlctl-check-*", "log-*-etlctl-check-*"},
		},
		{
			name: "an index that is a data stream", code: exitOK,
			answers: map[string]standin.Answer{
				"DELETE /log-*":              {Status: 400, Body: `{"error":{"type":"illegal_argument_exception","reason":"matches a data stream"}}`},
				"DELETE /_data_stream/log-*": {Status: 200, Body: `{"acknowledged":true}`},
			},
			want: []string{"✓ clean-up      what was written is deleted"},
			left: []string{"log-*-etlctl-check-*"}, // the stand-in has no data streams
		},
		{
			name: "a server that refuses what the function writes", code: exitFailure,
			answers: map[string]standin.Answer{"POST /_bulk": {Status: 413}},
			env:     []string{"ES_Dead_Letter_Index=none"},
			want: []string{
				"✗ write         log-", "would refuse every record: http_413 (HTTP 413)", "→ look at http.max_content_length", "· dead letters  none are kept",
			},
		},
		{
			// A template said strict and did not know the function's own time stamp:
			// all was well, and every record was refused.
			name: "a strict mapping without the stamp", code: exitFailure,
			answers: map[string]standin.Answer{"POST /_bulk": {Status: 200, Body: `{"items":[{"create":{"_id":"x","status":400,"error":{"type":"strict_dynamic_mapping_exception","reason":"mapping set to strict, dynamic introduction of [@timestamp] within [_doc] is not allowed"}}}]}`}},
			env:     []string{"ES_Dead_Letter_Index=none"},
			want:    []string{"✗ write         no document was written to log-", "→ add the field to the mapping, or look at ES_Time_Field"},
		},
		{
			name: "a reason that nobody knows", code: exitFailure,
			answers: map[string]standin.Answer{"POST /_bulk": {Status: 200, Body: `{"items":[{"create":{"_id":"x","status":400,"error":{"type":"brand_new_exception","reason":"the template is no good"}}}]}`}},
			env:     []string{"ES_Dead_Letter_Index=none"},
			want:    []string{"✗ write         log-", "would refuse every record: brand_new_exception (HTTP 400): the template is no good", "→ look at the index, its template and ES_Pipeline"},
		},
		{
			name: "a pipeline that wants fields", code: exitOK,
			answers: map[string]standin.Answer{"POST /_bulk": {Status: 200, Body: `{"items":[{"create":{"_id":"x","status":400,"error":{"type":"illegal_argument_exception","reason":"field [host] not present as part of path [host]"}}}]}`}},
			env:     []string{"ES_Dead_Letter_Index=none", "ES_Pipeline=hosts"},
			want:    []string{"! write         allowed, but log-", "→ no fault if the pipeline wants fields that your records have"},
		},
		{
			name: "an ill cluster", code: exitFailure,
			answers: map[string]standin.Answer{
				"GET /": {Status: 503, Body: `{"error":{"type":"master_not_discovered_exception","reason":"no master"}}`}, "POST /_bulk": {Status: 503},
			},
			want: []string{"✗ server        not in order: HTTP 503 no master", "→ look at the cluster's health", "✗ write         no document was written to"},
		},
		{
			name: "not Elasticsearch", code: exitFailure,
			answers: map[string]standin.Answer{"GET /": {Status: 200, Body: "<html>Welcome</html>"}, "POST /_bulk": {Status: 405, Body: "<html>no</html>"}},
			want:    []string{"✗ server        it answers, but not as Elasticsearch does: HTTP 200 with something else than JSON", "→ look at ES_Address: is it Elasticsearch?"},
		},
		{
			name: "a redirect", code: exitFailure, answers: map[string]standin.Answer{"GET /": {Status: 301}},
			want: []string{"✗ server        HTTP 301", "→ look at ES_Address: it redirects elsewhere", "\n1 problem\n"},
		},
		{
			name: "HTTP to an HTTPS port", code: exitFailure,
			answers: map[string]standin.Answer{"GET /": {Status: 400, Body: "<title>400 The plain HTTP request was sent to HTTPS port</title>"}},
			want:    []string{"✗ server        it wants TLS", "→ look at ES_Address: is it https?", "\n1 problem\n"},
		},
		{
			name: "too old", code: exitOK, answers: map[string]standin.Answer{"GET /": {Status: 200, Body: `{"version":{"number":"5.6.16"}}`}},
			want: []string{"! server        Elasticsearch 5.6.16", "→ the function is made for 6.8 to 9.x"},
		},
		{
			name: "too new", code: exitOK, answers: map[string]standin.Answer{"GET /": {Status: 200, Body: `{"version":{"number":"10.0.0"}}`}},
			want: []string{"! server        Elasticsearch 10.0.0"},
		},
		{
			name: "the OSS edition", code: exitOK, answers: map[string]standin.Answer{
				"GET /": {Status: 200, Body: `{"cluster_name":"c","version":{"number":"7.10.2","build_flavor":"oss"}}`},
			},
			want: []string{"✓ server        Elasticsearch 7.10.2 (oss), cluster c"},
		},
		{
			name: "a template of either kind", code: exitOK, answers: map[string]standin.Answer{
				"GET /_index_template": {Status: 200, Body: `{"index_templates":[{"name":"all","index_template":{"index_patterns":["*"]}}]}`},
				"GET /_template":       {Status: 200, Body: `{"old":{"index_patterns":["x","dead-*-log"]}}`},
			},
			want: []string{"✓ template      old covers dead-letter-log"},
		},
		{
			name: "no template", code: exitOK,
			answers: map[string]standin.Answer{"GET /_template": {Status: 200, Body: `{"old":{"index_patterns":["dead-*-logs"]}}`}},
			want:    []string{"! template      none covers dead-letter-log", "→ install the dead-letter template of deploy/"},
		},
		{
			name: "nothing is made by itself", options: []standin.Option{standin.AutoCreate(false)}, code: exitFailure,
			want: []string{"index_not_found_exception", "→ it is not made by itself: let action.auto_create_index allow log-*, or make it yourself", "✗ dead letters"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			server, url := serve(t, c.answers, c.options...)
			env := append([]string{"ES_Address=" + url, "ES_Index_KeyWord=log"}, c.env...)
			out, errOut, code := runTool(t, env, "check", "--timeout", "2s")
			assert.Equal(t, c.code, code, out)
			rest := out
			for _, want := range c.want {
				_, after, ok := strings.Cut(rest, want)
				require.True(t, ok, "%q is not, or not there, in\n%s", want, out)
				rest = after
			}
			assert.NotContains(t, out+errOut, secret)
			assert.NotContains(t, out+errOut, "Y29ycmVjdC")

			left := server.Indices()
			require.Len(t, left, len(c.left), "%v", left)
			for i, pattern := range c.left {
				assert.True(t, matchPattern(pattern, left[i]), "%s is left", left[i])
			}
		})
	}
}

// TestCheckElasticsearchAddresses looks at each address by itself: a dead one
// does not hide behind one that works.
func TestCheckElasticsearchAddresses(t *testing.T) {
	_, url := serve(t, nil, standin.WithPrefix("/es"), standin.WithCredentials(standin.Credentials{User: "writer", Password: secret}))
	address := strings.Replace(url, "//", "//writer:"+secret+"@", 1) + "/es"
	out, errOut, code := runTool(t, []string{"ES_Address=" + address + ",127.0.0.1:1", "ES_Index_KeyWord=log"}, "check")
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, out, "ES_Address            "+url+"/es (user writer, password ***), http://127.0.0.1:1\n")
	assert.Contains(t, out, "✓ clean-up")
	assert.Contains(t, out, "✗ connection    nothing listens at 127.0.0.1:1\n")
	assert.Contains(t, errOut, "etlctl: 1 check failed\n")
	assert.NotContains(t, out+errOut, secret)
}

// TestCheckNoWrite sends nothing but questions.
func TestCheckNoWrite(t *testing.T) {
	server, url := serve(t, nil)
	out, _, code := runTool(t, []string{"ES_Address=" + url, "ES_Index_KeyWord=log"}, "check", "--no-write")
	assert.Equal(t, exitOK, code)
	assert.Contains(t, out, "· write         not tried: --no-write")
	for _, r := range server.Requests() {
		assert.Equal(t, http.MethodGet, r.Method, r.Path)
	}
}

// TestCheckInterrupted cleans up although the user has had enough.
func TestCheckInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	server, url := serve(t, nil)
	server.Script(func(a *standin.Attempt) standin.Fault {
		if a.Bulk == 0 {
			return standin.Fault{}
		}
		return standin.Fault{Edit: func(body []byte) []byte { cancel(); return body }}
	})
	var out, errOut strings.Builder
	sys := &system{stdin: strings.NewReader(""), stdout: &out, stderr: &errOut, environ: []string{"ES_Address=" + url + ",127.0.0.1:1", "ES_Index_KeyWord=log"}}
	assert.Equal(t, exitFailure, realMain(ctx, sys, []string{"check"}))
	assert.Contains(t, errOut.String(), "etlctl: interrupted: not everything was checked\n")
	assert.NotContains(t, out.String(), "dead letters")
	assert.Empty(t, server.Indices())
	assert.True(t, slices.ContainsFunc(server.Requests(), func(r standin.Request) bool { return r.Method == http.MethodDelete }))
}

func TestCheckJSON(t *testing.T) {
	_, url := serve(t, nil)
	out, errOut, code := runTool(t, []string{"ES_Address=" + url, "ES_Index_KeyWord=Log", "ES_User=u", "ES_Password=" + secret}, "check", "--json")
	assert.Equal(t, exitOK, code)
	assert.Empty(t, errOut)
	var r checkReport
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	assert.True(t, r.OK)
	assert.Zero(t, r.Failed)
	assert.Contains(t, r.Settings, setting{Name: "ES_Password", Value: "***"})
	assert.Contains(t, r.Settings, setting{Name: "ES_Index_KeyWord", Value: "log"})
	assert.Contains(t, r.Settings, setting{Name: "ES_Gzip", Value: "0", Default: true})
	assert.Len(t, r.Warnings, 1)
	assert.Contains(t, r.Checks, finding{Target: url, Check: "clean-up", Status: statusOK, Text: "what was written is deleted"})
	assert.Equal(t, 1, strings.Count(out, "\n"), "one object on one line")

	out, errOut, code = runTool(t, []string{"ES_Index_Keyword=log", "ES_Password=" + secret}, "check", "--json")
	assert.Equal(t, exitUsage, code)
	assert.Equal(t, "etlctl: the configuration has 3 problems; no server was contacted\n", errOut)
	r = checkReport{}
	require.NoError(t, json.Unmarshal([]byte(out), &r))
	assert.False(t, r.OK)
	assert.Len(t, r.Problems, 3)
	assert.Len(t, r.Warnings, 1)
	assert.NotContains(t, out+errOut, secret)
}

func TestMatchPattern(t *testing.T) {
	for _, c := range []struct {
		pattern, name string
		want          bool
	}{
		{"a", "a", true},
		{"a", "ab", false},
		{"a*", "a", true},
		{"a*", "abc", true},
		{"*c", "abc", true},
		{"a*c", "abc", true},
		{"a*c", "ac", true},
		{"ab*bc", "abc", false},
		{"a*b*c", "a-b-c", true},
		{"a*b*c", "a-c", false},
		{"*", "", true},
		{"", "", true},
		{"", "a", false},
	} {
		assert.Equal(t, c.want, matchPattern(c.pattern, c.name), "%q %q", c.pattern, c.name)
	}
}

// The index of today is there: that is where the probe goes, and only its
// document is deleted.
func TestCheckWritesToTheIndexThatIsThere(t *testing.T) {
	s := standin.New()
	l, err := s.Start()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, l.Close()) })
	today := "log-" + time.Now().UTC().Format("2006-01-02")
	res, err := http.Post(l.URL()+"/_bulk", "application/x-ndjson", strings.NewReader(`{"index":{"_index":"`+today+`","_id":"1"}}`+"\n"+`{"n":1}`+"\n"))
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	require.Equal(t, 1, s.Count(today))
	out, _, code := runTool(t, []string{"ES_Address=" + l.URL(), "ES_Index_KeyWord=log", "ES_Id_Prefix=p-", "ES_Index_TimeZone=UTC"}, "check")
	require.Equal(t, exitOK, code, out)
	require.Contains(t, out, "a document as the function's was written to "+today+"\n")
	require.Equal(t, 1, s.Count(today), "what was there stays, the probe does not")
}
