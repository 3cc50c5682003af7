package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tencentyun/scf-go-lib/functioncontext"

	"ckafka-etl/handler"
	"ckafka-etl/pipeline"
)

// server is an Elasticsearch that does one thing wrong. It keeps what it got.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	bodies bytes.Buffer
	auth   []string
}

// newServer answers each request with what respond returns; status 0 means that
// the bulk is taken.
func newServer(t *testing.T, respond func(n int, body string) (status int, answer string)) *server {
	t.Helper()
	s := &server{}
	n := 0
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.bodies.Write(body)
		s.auth = append(s.auth, r.Header.Get("Authorization"))
		status, answer := respond(n, string(body))
		n++
		if status == 0 {
			status, answer = 200, taken(string(body), "")
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, answer)
	}))
	t.Cleanup(s.Close)
	return s
}

var actionID = regexp.MustCompile(`(?m)^\{"(create|index)":\{"_index":"([^"]*)"(?:,"_type":"_doc")?,"_id":("(?:[^"\\]|\\.)*")\}\}$`)

// taken answers a bulk: all stored, or all refused with an error.
func taken(body, refusal string) string {
	var items []string
	for _, m := range actionID.FindAllStringSubmatch(body, -1) {
		status := `201`
		if refusal != "" && !strings.HasPrefix(m[2], "dead-letter-") {
			status = refusal
		}
		items = append(items, `{"`+m[1]+`":{"_id":`+m[3]+`,"status":`+status+`}}`)
	}
	return `{"items":[` + strings.Join(items, ",") + `]}`
}

// function is the whole function but for the RPC: variables in, lines out.
type function struct {
	handler.Handler
	environ []string
	log     bytes.Buffer
}

func newFunction(environ ...string) *function {
	f := &function{environ: environ}
	f.Environ = func() []string { return f.environ }
	f.Build = pipeline.Build
	f.Log = &f.log
	return f
}

// invoke delivers an event as the platform does, with limit for a timeout.
func (f *function) invoke(t *testing.T, payload string, limit time.Duration) (string, error) {
	t.Helper()
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0)) // as without a deadline
	defer cancel()
	ctx = functioncontext.NewContext(ctx, &functioncontext.FunctionContext{
		RequestID: "req-1", TimeLimitInMs: int32(limit.Milliseconds()), MemoryLimitInMb: 128,
	})
	out, err := f.Invoke(ctx, []byte(payload))
	return string(out), err
}

const (
	password = "S3CRET-password"
	oneGood  = `{"Records":[{"Ckafka":{"topic":"t","partition":1,"offset":36,"msgKey":"None","msgBody":"{\"a\":1,\"password\":\"S3CRET-field\"}"}}]}`
	threeOf  = `{"Records":[{"Ckafka":{"topic":"t","partition":1,"offset":36,"msgBody":"{\"a\":\"S3CRET-content\",\"password\":\"S3CRET-field\"}"}},
		{"Ckafka":{"topic":"t","partition":1,"offset":37,"msgBody":"login password=S3CRET-field failed"}},{"Ckafka":{"topic":"t","partition":1,"offset":38,"msgBody":{"password":"S3CRET-field"}}}]}`
)

// No log line, result or error holds a secret or what a document holds, and no
// dead letter an ignored field, whatever goes wrong.
func TestNoSecretAnywhere(t *testing.T) {
	apiKey := base64.StdEncoding.EncodeToString([]byte("id:" + password))
	all := func(status int, answer string) func(int, string) (int, string) {
		return func(int, string) (int, string) { return status, answer }
	}
	refuse := func(refusal string) func(int, string) (int, string) {
		return func(_ int, body string) (int, string) { return 200, taken(body, refusal) }
	}
	for _, c := range []struct {
		name    string
		respond func(int, string) (int, string)
		fails   bool
	}{
		{"all well", all(0, ""), false},
		{"401", all(401, `{"error":{"type":"security_exception","reason":"unable to authenticate user [u] for REST request [/_bulk]"},"status":401}`), true},
		{"403", all(403, `{"error":{"type":"security_exception","reason":"action is unauthorized for user [u]"},"status":403}`), true},
		{"404", all(404, `not here`), true},
		{"302", all(302, ``), true},
		{"413", all(413, `too large`), true},
		{"400", all(400, `{"error":{"type":"parse_exception","reason":"S3CRET-content is no JSON"},"status":400}`), true},
		{"429", all(429, `{"error":{"type":"es_rejected_execution_exception","reason":"queue"},"status":429}`), true},
		{"500", all(500, `S3CRET-content`), true},
		{"unreadable answer", all(200, `S3CRET-content`), true},
		{"mapping conflict", refuse(`400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse field [a] of type [long] in document with id 'x'. Preview of field's value: 'S3CRET-content'","caused_by":{"type":"illegal_argument_exception","reason":"For input string: \"S3CRET-content\""}}`), false},
		{"some other refusal", refuse(`400,"error":{"type":"brand_new_exception","reason":"S3CRET-content"}`), true},
		{"index missing", refuse(`404,"error":{"type":"index_not_found_exception","reason":"no such index [k]"}`), true},
		{"items rejected", refuse(`429,"error":{"type":"es_rejected_execution_exception","reason":"queue"}`), true},
	} {
		for how, login := range map[string]func(addr string) []string{
			"user": func(a string) []string { return []string{"ES_Address=" + a, "ES_User=u", "ES_Password=" + password} },
			"url": func(a string) []string {
				return []string{"ES_Address=http://u:" + password + "@" + strings.TrimPrefix(a, "http://")}
			},
			"api key": func(a string) []string { return []string{"ES_Address=" + a, "ES_ApiKey=" + apiKey} },
		} {
			t.Run(c.name+"/"+how, func(t *testing.T) {
				s := newServer(t, c.respond)
				f := newFunction(append(login(s.URL), "ES_Index_KeyWord=k", "ES_Log_IgnoreWord=password", "Log_Level=debug")...)
				out, err := f.invoke(t, threeOf, 700*time.Millisecond)
				require.Equal(t, c.fails, err != nil, "%s %v", out, err)
				said := f.log.String() + out
				if err != nil {
					said += err.Error()
					require.NotEmpty(t, f.log.String())
				}
				require.Empty(t, leaks(said, apiKey), said)
				require.NotContains(t, s.bodies.String(), "S3CRET-field", "no body, dead letters among them, holds an ignored field")
				require.NotEmpty(t, s.auth)
				require.NotEmpty(t, s.auth[0], "the secret was used")
				if how == "api key" {
					require.Equal(t, "ApiKey "+apiKey, s.auth[0])
				}
			})
		}
	}
	t.Run("unreachable", func(t *testing.T) {
		f := newFunction("ES_Address=http://u:"+password+"@"+closedPort(t), "ES_Index_KeyWord=k", "Log_Level=debug")
		_, err := f.invoke(t, threeOf, 700*time.Millisecond)
		require.ErrorContains(t, err, "ES_Address")
		require.Empty(t, leaks(f.log.String()+err.Error(), apiKey))
	})
	t.Run("configuration with mistakes", func(t *testing.T) {
		f := newFunction("ES_Address=htp://u:"+password+"@h:9x", "ES_Password="+password, "ES_ApiKey="+password+" !", "ES_Index_KeyWord=a/b")
		_, err := f.invoke(t, threeOf, time.Second)
		require.Error(t, err)
		require.Empty(t, leaks(f.log.String()+err.Error(), apiKey))
	})
}

func leaks(text, apiKey string) []string {
	found := regexp.MustCompile(`S3CRET-\w+`).FindAllString(text, -1)
	if strings.Contains(text, apiKey) {
		found = append(found, "the API key")
	}
	return found
}

func TestTheLookOutForSecretsSeesThem(t *testing.T) {
	require.Len(t, leaks("a "+password+" and a2V5 and S3CRET-field", "a2V5"), 3)
}

func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return l.Addr().String()
}

// A configuration is read when it comes, says everything that is wrong at once,
// and works as soon as it is right.
func TestConfigurationComesWithTheRequest(t *testing.T) {
	s := newServer(t, func(int, string) (int, string) { return 0, "" })
	f := newFunction()
	_, err := f.invoke(t, oneGood, time.Second)
	require.ErrorContains(t, err, "ES_Address")
	require.ErrorContains(t, err, "kafka_address")

	f.environ = []string{"ES_Address=" + s.URL, "ES_Index_TimeZone=Mars/Olympus", "ES_Bulk_Bytes=many"}
	_, err = f.invoke(t, oneGood, time.Second)
	for _, want := range []string{"ES_Index_KeyWord", "ES_Index_TimeZone", "ES_Bulk_Bytes"} {
		require.ErrorContains(t, err, want)
	}
	require.Empty(t, s.bodies.String(), "nothing is contacted before the configuration is right")

	f.environ = []string{"ES_Address=" + s.URL, "ES_Index_KeyWord=Log", "ES_Adress=x"}
	out, err := f.invoke(t, oneGood, time.Second)
	require.NoError(t, err)
	require.JSONEq(t, `{"records":1,"stored":1,"duplicate":0,"filtered":0,"dead":0,"unsettled":0}`, out)
	require.Contains(t, s.bodies.String(), `"_index":"log-`)
	require.Equal(t, 1, strings.Count(f.log.String(), "lower-case"), "warned once")
	require.Contains(t, f.log.String(), "ES_Adress")

	_, err = f.invoke(t, oneGood, time.Second)
	require.NoError(t, err)
	require.Equal(t, 1, strings.Count(f.log.String(), "ES_Adress"), "warned once")
}

// The invocation ends before the platform would kill it, whatever the server
// does, and says what it knows.
func TestTheTimeIsNeverUsedUp(t *testing.T) {
	stop := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stop }))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(stop) })
	f := newFunction("ES_Address="+s.URL, "ES_Index_KeyWord=k")
	started := time.Now()
	_, err := f.invoke(t, oneGood, 900*time.Millisecond)
	require.Less(t, time.Since(started), 900*time.Millisecond)
	var unsettled *handler.UnsettledError
	require.ErrorAs(t, err, &unsettled)
	require.ErrorContains(t, err, "t/1/36")
	require.False(t, unsettled.Permanent())
}

// A dead address costs one try, then the others do the work.
func TestDeadAddressIsSkipped(t *testing.T) {
	s := newServer(t, func(int, string) (int, string) { return 0, "" })
	f := newFunction("ES_Address="+closedPort(t)+","+s.URL, "ES_Index_KeyWord=k")
	for range 3 {
		_, err := f.invoke(t, oneGood, 2*time.Second)
		require.NoError(t, err)
	}
	require.Equal(t, 1, strings.Count(f.log.String(), `"requests":2`), f.log.String())
	require.Equal(t, 2, strings.Count(f.log.String(), `"requests":1`))
}

// A connection that the server has closed meanwhile is no failure: the request
// goes out again at once.
func TestClosedConnectionIsReplacedAtOnce(t *testing.T) {
	s := newServer(t, func(int, string) (int, string) { return 0, "" })
	f := newFunction("ES_Address="+s.URL, "ES_Index_KeyWord=k")
	for range 5 {
		_, err := f.invoke(t, oneGood, 2*time.Second)
		require.NoError(t, err)
		s.CloseClientConnections()
	}
	require.NotContains(t, f.log.String(), `"level":"ERROR"`)
}

// What the platform makes of a result: a short account, one line of log with
// first-level fields, none above 8 KB.
func TestLogLines(t *testing.T) {
	s := newServer(t, func(_ int, body string) (int, string) {
		return 200, taken(body, `400,"error":{"type":"mapper_parsing_exception","reason":"failed to parse field [`+strings.Repeat("f", 5000)+`] of type [long]"}`)
	})
	f := newFunction("ES_Address="+s.URL, "ES_Index_KeyWord=k")
	_, err := f.invoke(t, oneGood, 2*time.Second)
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(f.log.String()), "\n")
	require.Len(t, lines, 2)
	for _, line := range lines {
		require.Less(t, len(line), 8<<10)
		var fields map[string]any
		require.NoError(t, json.Unmarshal([]byte(line), &fields))
		require.Equal(t, "req-1", fields["request_id"])
		for name, v := range fields {
			require.NotContains(t, []string{"map[string]interface {}", "[]interface {}"}, typeName(v), name)
		}
	}
}

func typeName(v any) string {
	switch v.(type) {
	case map[string]any:
		return "map[string]interface {}"
	case []any:
		return "[]interface {}"
	}
	return "scalar"
}

// Every event of testdata gives an account whose sum holds, or a clear error.
func TestEveryRecordedEvent(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	s := newServer(t, func(int, string) (int, string) { return 0, "" })
	f := newFunction("ES_Address="+s.URL, "ES_Index_KeyWord=k", "ES_Log_IgnoreWord=password,**.password", "ES_Gzip=0", "Retry_Pace=0")
	for _, file := range files {
		payload, err := os.ReadFile(file)
		require.NoError(t, err)
		out, err := f.invoke(t, string(payload), 10*time.Second)
		if err != nil {
			require.ErrorContains(t, err, "no CKafka trigger event", file)
			continue
		}
		var a struct{ Records, Stored, Duplicate, Filtered, Dead, Unsettled int }
		require.NoError(t, json.Unmarshal([]byte(out), &a), file)
		require.Equal(t, a.Records, a.Stored+a.Duplicate+a.Filtered+a.Dead+a.Unsettled, file)
		require.Zero(t, a.Unsettled, file)
	}
	require.NotContains(t, s.bodies.String(), "S3CRET")
}
