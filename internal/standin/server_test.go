package standin

import (
	"bytes"
	"compress/gzip"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// do sends a request to the handler itself.
func do(s *Server, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", ndjson)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestParseVersion(t *testing.T) {
	for text, want := range map[string]Version{
		"6.8.23": ES68, "6.8": ES68, "6": ES68, "7.10.2": ES710, "7.10": ES710, "7.17.28": ES717, "7": ES717, "8.17.0": ES817, "8": ES817, "opensearch 2.19.1": OpenSearch2, "OpenSearch": OpenSearch2, " opensearch 2 ": OpenSearch2,
	} {
		got, err := ParseVersion(text)
		require.NoError(t, err, text)
		assert.Equal(t, want, got, text)
	}
	for _, text := range []string{"", "5", "7.1", "7.17.2", "8.18", "opensearch 1", "elasticsearch"} {
		_, err := ParseVersion(text)
		assert.ErrorContains(t, err, "is not one of", text)
	}
}

func TestCredentials(t *testing.T) {
	const secret, key = "c2VjcmV0", "aWQ6a2V5"
	basic := "Authorization: Basic " + "ZWxhc3RpYzpjMlZqY21WMA==" // elastic:c2VjcmV0
	both := Credentials{User: "elastic", Password: secret, APIKey: key}
	tests := map[string]struct {
		credentials Credentials
		header      string
		ok          bool
		reason      string
	}{
		"none":                      {both, "", false, "missing authentication credentials"},
		"right password":            {both, basic, true, ""},
		"right key":                 {both, "Authorization: ApiKey " + key, true, ""},
		"wrong password":            {Credentials{User: "elastic", Password: "x"}, basic, false, "unable to authenticate user [elastic]"},
		"wrong user":                {Credentials{User: "x", Password: secret}, basic, false, "unable to authenticate user"},
		"wrong key":                 {both, "Authorization: ApiKey x", false, "unable to authenticate"},
		"key where none is known":   {Credentials{User: "elastic", Password: secret}, "Authorization: ApiKey ", false, "unable to authenticate"},
		"empty user, only a key":    {Credentials{APIKey: key}, "Authorization: Basic Og==", false, "unable to authenticate"},
		"password, only a key":      {Credentials{APIKey: key}, basic, false, "unable to authenticate"},
		"something else altogether": {both, "Authorization: Bearer x", false, "unable to authenticate"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := New(WithCredentials(tt.credentials))
			var header []string
			if tt.header != "" {
				header = append(header, tt.header)
			}
			w := do(s, "POST", "/_bulk", one717(), header...)
			if tt.ok {
				assert.Equal(t, 200, w.Code)
				assert.Equal(t, 1, s.Count("i"))
			} else {
				assert.Equal(t, 401, w.Code)
				assert.Equal(t, []string{`Basic realm="security" charset="UTF-8"`, "ApiKey"}, w.Header()["Www-Authenticate"])
				assert.Contains(t, w.Body.String(), `"type":"security_exception"`)
				assert.Contains(t, w.Body.String(), tt.reason)
				assert.Zero(t, s.Count(""))
			}
			for _, r := range s.Requests() {
				assert.NotContains(t, fmt.Sprint(r.Header), secret)
				assert.NotContains(t, fmt.Sprint(r.Header), key)
				assert.Empty(t, r.Header.Get("Authorization"))
			}
		})
	}
}

func one717() string { return lines(`{"index":{"_index":"i","_id":"1"}}`, `{"a":1}`) }

func TestMaxContentLength(t *testing.T) {
	big := strings.Repeat(one717(), 10)
	var packed bytes.Buffer
	w := gzip.NewWriter(&packed)
	_, err := w.Write([]byte(big))
	require.NoError(t, err)
	require.NoError(t, w.Close())
	require.Less(t, packed.Len(), 200)
	tests := map[string]struct {
		body     string
		encoding string
		chunked  bool
		status   int
	}{
		"just right":             {strings.Repeat("\n", 200-len(one717())) + one717(), "", false, 200},
		"one byte more":          {strings.Repeat("\n", 201-len(one717())) + one717(), "", false, 413},
		"length not told":        {big, "", true, 413},
		"inflated":               {packed.String(), "gzip", false, 413},
		"short, length not told": {one717(), "", true, 200},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			s := New(MaxContentLength(200))
			var body io.Reader = strings.NewReader(tt.body)
			if tt.chunked {
				body = io.MultiReader(body) // hides the length
			}
			req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, start(t, s)+"/_bulk", body)
			require.NoError(t, err)
			req.Header.Set("Content-Type", ndjson)
			req.Header.Set("Content-Encoding", tt.encoding)
			resp, err := http.DefaultClient.Do(req)
			require.NoError(t, err)
			defer resp.Body.Close()
			assert.Equal(t, tt.status, resp.StatusCode)
			if tt.status == 413 { // as seen: nothing more is said
				assert.Zero(t, resp.ContentLength)
				assert.Empty(t, resp.Header.Get("Content-Type"))
				assert.Empty(t, resp.Header.Get("X-Elastic-Product"))
				assert.Zero(t, s.Count(""))
			}
		})
	}
}

func TestPrefix(t *testing.T) {
	s := New(WithPrefix("/es"))
	assert.Equal(t, 200, do(s, "POST", "/es/_bulk", one717()).Code)
	assert.Equal(t, 200, do(s, "POST", "/es/x/_bulk", lines(`{"index":{}}`, `{}`)).Code)
	assert.Equal(t, 200, do(s, "GET", "/es/", "").Code)
	assert.Equal(t, 404, do(s, "POST", "/_bulk", one717()).Code)
	assert.Equal(t, 404, do(s, "GET", "/", "").Code)
	assert.Equal(t, 404, do(s, "GET", "/esx/_count", "").Code)
	assert.Equal(t, []string{"i", "x"}, s.Indices())
}

func TestPrefixIsForgiving(t *testing.T) {
	for prefix, path := range map[string]string{"": "/_count", "/": "/_count", "es": "/es/_count", "/a/b/": "/a/b/_count"} {
		assert.Equal(t, 200, do(New(WithPrefix(prefix)), "GET", path, "").Code, prefix)
	}
}

func TestMaxFields(t *testing.T) {
	s := New(MaxFields(3))
	w := do(s, "POST", "/_bulk", lines(`{"index":{"_index":"i"}}`, `{"a":"text and keyword","b":1}`, `{"index":{"_index":"i"}}`, `{"c":1}`, `{"index":{"_index":"j"}}`, `{"c":1}`))
	assert.Equal(t, []int{201, 400, 201}, statuses(t, w.Body.Bytes()))
	assert.Contains(t, w.Body.String(), "Limit of total fields [3]")
}

func TestPipelines(t *testing.T) {
	s := New(Pipelines("geo", "clean"))
	for path, want := range map[string]int{"/_bulk?pipeline=geo": 201, "/_bulk?pipeline=clean": 201, "/_bulk?pipeline=other": 400, "/_bulk": 201} {
		w := do(s, "POST", path, lines(`{"index":{"_index":"i"}}`, `{}`))
		assert.Equal(t, []int{want}, statuses(t, w.Body.Bytes()), path)
	}
	w := do(s, "POST", "/_bulk?pipeline=other", lines(`{"index":{"_index":"i","pipeline":"geo"}}`, `{}`))
	assert.Equal(t, []int{201}, statuses(t, w.Body.Bytes()), "the action's own")
}

func TestProductHeader(t *testing.T) {
	for v, want := range map[Version]string{ES68: "", ES710: "", ES717: "Elasticsearch", ES817: "Elasticsearch", OpenSearch2: ""} {
		s := New(WithVersion(v))
		w := do(s, "GET", "/", "")
		assert.Equal(t, want, w.Header().Get("X-Elastic-Product"), v)
		assert.Contains(t, w.Body.String(), `"number":"`+v.number()+`"`)
		assert.Equal(t, v == OpenSearch2, strings.Contains(w.Body.String(), `"distribution":"opensearch"`))
		assert.Contains(t, do(s, "GET", "/_nodes/_local", "").Body.String(), `"version":"`+v.number()+`"`)
	}
}

func TestUnsupported(t *testing.T) {
	s := New()
	tests := map[string]*httptest.ResponseRecorder{
		"the update action":                     do(s, "POST", "/_bulk", lines(`{"update":{"_index":"i","_id":"1"}}`, `{"doc":{}}`)),
		"the parameter [routing] of an action":  do(s, "POST", "/_bulk", lines(`{"index":{"_index":"i","routing":"x"}}`, `{}`)),
		"queries other than match_all":          do(s, "POST", "/_search", `{"query":{"term":{"a":1}}}`, "Content-Type: application/json"),
		"sorting by anything but":               do(s, "POST", "/_search", `{"sort":["a"]}`, "Content-Type: application/json"),
		"a body for PUT /{index}":               do(s, "PUT", "/k", `{}`, "Content-Type: application/json"),
		"GET /{}":                               do(s, "GET", "/k", ""),
		"GET /_cat/indices without format=json": do(s, "GET", "/_cat/indices", ""),
		"the column x":                          do(s, "GET", "/_cat/indices?format=json&h=x", ""),
		"format=yaml":                           do(s, "GET", "/?format=yaml", ""),
	}
	delete(tests, "the column x") // there is no index yet
	for what, w := range tests {
		assert.Equal(t, 400, w.Code, what)
		assert.Contains(t, w.Body.String(), "the stand-in does not support "+what)
	}
	assert.Empty(t, s.Indices())
}

func TestInspect(t *testing.T) {
	now := time.Unix(0, 0)
	s := New(KeepBodies(), Clock(func() time.Time { now = now.Add(7 * time.Millisecond); return now }))
	first := lines(`{"index":{"_index":"b","_id":"2"}}`, `{"n": 1}`, `{"index":{"_index":"b","_id":"1"}}`, `{"n":2}`, `{"index":{"_index":"a","_id":"9"}}`, `{"n":3}`)
	w := do(s, "POST", "/_bulk?refresh=true", first, "X-Test: yes", "Cookie: secret")
	require.Equal(t, 200, w.Code)
	assert.Contains(t, w.Body.String(), `"took":7,`)
	do(s, "POST", "/b/_bulk", lines(`{"index":{"_id":"2"}}`, `{"n":4}`, `{"index":{"_id":"2"}}`, `{"n":`, `{"delete":{"_id":"1"}}`, `{"delete":{"_id":"none"}}`))
	do(s, "GET", "/b/_count", "")

	assert.Equal(t, []Document{
		{"a", "9", []byte(`{"n":3}`), 1, 0, 1},
		{"b", "2", []byte(`{"n":4}`), 2, 2, 2},
	}, s.All())
	assert.Equal(t, s.All()[1:], s.Documents("b"))
	assert.Equal(t, s.All()[1:], s.Twice())
	assert.Empty(t, s.Documents("none"))
	assert.Equal(t, []string{"a", "b"}, s.Indices())
	assert.Equal(t, 1, s.Count("a"))
	assert.Equal(t, 2, s.Count(""))
	assert.Equal(t, 2, s.Writes("b", "2"))
	assert.Equal(t, 1, s.Writes("b", "1"), "deleted since")
	assert.Zero(t, s.Writes("b", "none"))
	assert.Zero(t, s.Writes("none", "1"))
	assert.Equal(t, 1, s.MaxInFlight())

	log := s.Requests()
	require.Len(t, log, 3)
	assert.Equal(t, log[:2], s.BulkRequests())
	got := log[0]
	assert.Equal(t, "yes", got.Header.Get("X-Test"))
	assert.Empty(t, got.Header.Get("Cookie"))
	got.Header = nil
	assert.Equal(t, Request{Number: 1, Bulk: 1, Method: "POST", Path: "/_bulk", Query: "refresh=true", WireBytes: int64(len(first)), Bytes: int64(len(first)), Items: 3, Applied: 3, Status: 200, Body: []byte(first)}, got)
	assert.Equal(t, 4, log[1].Items)
	assert.Equal(t, 2, log[1].Applied, "overwritten and deleted; refused and missing don't count")
	assert.Equal(t, "GET", log[2].Method)
	assert.Zero(t, log[2].Bulk)
}

func TestGeneratedIDs(t *testing.T) {
	s := New()
	w := do(s, "POST", "/_bulk", strings.Repeat(lines(`{"create":{"_index":"i"}}`, `{}`), 3))
	assert.Equal(t, []int{201, 201, 201}, statuses(t, w.Body.Bytes()))
	docs := s.Documents("i")
	require.Len(t, docs, 3)
	for i, d := range docs {
		assert.Len(t, d.ID, 20)
		assert.EqualValues(t, i, d.SeqNo, "ids are in the order of writing")
	}
}

// TestSourceIsOwn: the stored bytes must not be those of the request's buffer.
func TestSourceIsOwn(t *testing.T) {
	s := New(KeepBodies())
	do(s, "POST", "/_bulk", one717())
	body := s.Requests()[0].Body
	for i := range body {
		body[i] = 'x'
	}
	assert.Equal(t, `{"a":1}`, string(s.Documents("i")[0].Source))
}

func TestSearchPages(t *testing.T) {
	s := New()
	var l []string
	for i := range 25 {
		l = append(l, fmt.Sprintf(`{"index":{"_index":"i%d","_id":"%02d"}}`, i%2, 24-i), fmt.Sprintf(`{"n":%d}`, i))
	}
	do(s, "POST", "/_bulk", lines(l...))
	ids := func(path, body string) string {
		w := do(s, "POST", path, body, "Content-Type: application/json")
		var answer struct {
			Hits struct {
				Total struct{ Value int }
				Hits  []struct {
					ID string `json:"_id"`
				}
			}
		}
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer), w.Body.String())
		var out []string
		for _, h := range answer.Hits.Hits {
			out = append(out, h.ID)
		}
		return fmt.Sprint(answer.Hits.Total.Value, out)
	}
	assert.Equal(t, "25 [00 01 02 03 04 05 06 07 08 09]", ids("/_search", ""))
	assert.Equal(t, "25 [20 21 22 23 24]", ids("/i0,i1/_search?from=20", `{"size":100}`))
	assert.Equal(t, "13 [24 22]", ids("/i0/_search", `{"query":{"match_all":{}},"size":2,"sort":[{"_id":{"order":"desc"}}]}`))
	assert.Equal(t, "13 [24 22 20]", ids("/i0/_search", `{"size":3,"sort":"_doc"}`))
	assert.Equal(t, "12 [01]", ids("/i*,-i0/_search", `{"size":1,"sort":{"_seq_no":"desc"}}`))
	assert.Equal(t, "25 []", ids("/_search", `{"from":30}`))
}

func TestPretty(t *testing.T) {
	s := New()
	assert.Equal(t, "{\n  \"errors\": false\n}\n", do(s, "POST", "/_bulk?pretty&filter_path=errors", one717()).Body.String())
}

func TestTLS(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	cert, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	s := New()
	l, err := s.StartTLS(tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key})
	require.NoError(t, err)
	defer l.Close()
	require.True(t, strings.HasPrefix(l.URL(), "https://127.0.0.1:"))
	roots := x509.NewCertPool()
	roots.AddCert(cert)
	client := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true}}
	defer client.CloseIdleConnections()
	resp, err := client.Post(l.URL()+"/_bulk", ndjson, strings.NewReader(one717()))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, 200, resp.StatusCode)
	assert.Equal(t, 1, resp.ProtoMajor, "real servers speak HTTP/1.1 only")

	s.Script(func(*Attempt) Fault { return Fault{Break: ResetBeforeAnswer} })
	_, err = client.Post(l.URL()+"/_bulk", ndjson, strings.NewReader(one717()))
	assert.ErrorContains(t, err, "reset")
	_, err = http.Get(l.URL())
	assert.ErrorContains(t, err, "certificate")
}

// TestTwoListenersOneStore: several addresses of one cluster.
func TestTwoListenersOneStore(t *testing.T) {
	s := New()
	a, b := start(t, s), start(t, s)
	require.NotEqual(t, a, b)
	for _, url := range []string{a, b} {
		_, _, err := send(t, url, lines(`{"index":{"_index":"i"}}`, `{}`))
		require.NoError(t, err)
	}
	assert.Equal(t, 2, s.Count("i"))
}

func TestConcurrentBulks(t *testing.T) {
	s := New()
	url := start(t, s)
	const workers, bulks, docs = 8, 5, 20
	together := make(chan struct{})
	var waiting sync.WaitGroup
	waiting.Add(workers)
	s.Script(func(a *Attempt) Fault {
		if a.Bulk <= workers {
			waiting.Done()
			return Fault{Pause: Pause{Until: together}}
		}
		return Fault{}
	})
	go func() {
		waiting.Wait() // all are in work
		close(together)
	}()
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for b := range bulks {
				var l []string
				for d := range docs {
					l = append(l, fmt.Sprintf(`{"create":{"_index":"i%d","_id":"%d-%d-%d"}}`, d%3, w, b, d), `{"a":"x"}`)
				}
				_, _, err := send(t, url, lines(l...))
				assert.NoError(t, err)
				s.All()
				s.Requests()
			}
		})
	}
	wg.Wait()
	assert.Equal(t, workers*bulks*docs, s.Count(""))
	assert.Equal(t, workers, s.MaxInFlight())
	assert.Empty(t, s.Twice())
	assert.Len(t, s.BulkRequests(), workers*bulks)
}

func TestMatches(t *testing.T) {
	for pattern, names := range map[string]map[string]bool{
		"a":      {"a": true, "ab": false, "": false},
		"*":      {"": true, "a": true},
		"a*":     {"a": true, "abc": true, "b": false},
		"*a":     {"a": true, "ba": true, "ab": false},
		"a*b*c":  {"abc": true, "axbxc": true, "ac": false, "abcx": false, "abbc": true},
		"aba*ab": {"aba": false, "abaab": true, "ababab": true},
	} {
		for name, want := range names {
			assert.Equal(t, want, matches(pattern, name), "%s %s", pattern, name)
		}
	}
}
