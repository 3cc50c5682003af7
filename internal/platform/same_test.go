package platform

import (
	"encoding/json"
	"fmt"
	"net/rpc"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"
	"pgregory.net/rapid"
)

// Outside the platform our own service answers, in place of the platform's
// library. Whatever is asked, both give the same answer: a function that works
// here works there.
func TestBothServicesAnswerTheSame(t *testing.T) {
	ours := startTest(t, Function{})
	theirs := startTest(t, Function{Listens: true})
	same := func(t require.TestingT, req messages.InvokeRequest) {
		require.Equal(t, answer(t, theirs, req), answer(t, ours, req))
	}

	for kind := range 6 {
		t.Run(fmt.Sprint("error ", kind), func(t *testing.T) {
			same(t, messages.InvokeRequest{Payload: command{Do: "error", Text: "an <error>", Code: kind}.payload(t)})
		})
	}
	for kind := range 9 {
		t.Run(fmt.Sprint("panic ", kind), func(t *testing.T) {
			req := messages.InvokeRequest{Payload: command{Do: "panic", Text: "a\npanic", Code: kind}.payload(t)}
			same(t, req)
			require.True(t, answer(t, ours, req).Error.ShouldExit)
		})
	}
	t.Run("any request", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) { same(t, drawRequest(t)) })
	})
	for name, c := range map[string][3]any{
		"no such method":  {"Function.Stop", &messages.PingRequest{}, &messages.PingResponse{}},
		"no such service": {"Handler.Invoke", &messages.InvokeRequest{}, &messages.InvokeResponse{}},
		"another message": {"Function.Invoke", &struct{ Payload int }{7}, &messages.InvokeResponse{}},
	} {
		t.Run(name, func(t *testing.T) {
			want := theirs.client.Call(c[0].(string), c[1], c[2])
			require.ErrorAs(t, want, new(rpc.ServerError))
			require.Equal(t, want, ours.client.Call(c[0].(string), c[1], c[2]))
		})
	}
}

// answer returns what a function says to a request, without what cannot be the
// same in two processes.
func answer(t require.TestingT, i *Instance, req messages.InvokeRequest) messages.InvokeResponse {
	var resp messages.InvokeResponse
	require.NoError(t, i.client.Call("Function.Invoke", &req, &resp))
	var described map[string]any
	if json.Unmarshal(resp.Payload, &described) == nil {
		delete(described, "remaining")
		delete(described, "environ")
		resp.Payload, _ = json.Marshal(described)
	}
	if resp.Error != nil {
		for _, f := range resp.Error.StackTrace {
			if f.Label = strings.ReplaceAll(f.Label, "(*function)", "(*Function)"); strings.HasPrefix(f.Label, "(*Function)") {
				f.Path, f.Line = "", 0 // of the service
			}
		}
	}
	return resp
}

func drawRequest(t *rapid.T) messages.InvokeRequest {
	text := rapid.StringN(0, 20, 40)
	object := rapid.SampledFrom([]string{
		"", "{}", "null", "[]", "{", `"text"`, `{"A":"1","B":"","é\n":"\u0000"}`, `{"A":1}`, `{"A":null}`, `{"a":"1","a":"2"}`,
		`{"client":{"installation_id":"i","app_title":"t"},"env":{"a":"b"},"custom":{"c":"d"}}`, `{"client":7}`, `{} {}`,
	})
	payload := rapid.SampledFrom([]string{`{"do":"context"}`, `{"do":"echo","text":"x"}`, `{"do":"error"}`, `{"do":`, `xxx`, ``})
	far := time.Hour + time.Duration(rapid.Int64Range(0, 1e15).Draw(t, "far")) // it is over in both, or in none
	at := time.Now().Add(rapid.SampledFrom([]time.Duration{-far, far}).Draw(t, "in"))
	if rapid.Bool().Draw(t, "no deadline") {
		at = time.Unix(0, 0)
	}
	return messages.InvokeRequest{
		Payload: []byte(payload.Draw(t, "payload")), RequestId: text.Draw(t, "id"), TraceId: text.Draw(t, "trace"),
		Deadline:              messages.InvokeRequest_Timestamp{Seconds: at.Unix(), Nanos: int64(at.Nanosecond())},
		InvokedFunctionUnique: text.Draw(t, "unique"), ClientContext: []byte(object.Draw(t, "client")),
		Namespace: text.Draw(t, "namespace"), FunctionName: text.Draw(t, "name"), FunctionVersion: text.Draw(t, "version"),
		MemoryLimitInMb: rapid.Int32().Draw(t, "memory"), TimeLimitInMs: rapid.Int32().Draw(t, "limit"),
		Environment: object.Draw(t, "environment"), TencentcloudRegion: text.Draw(t, "region"),
		TencentcloudAppID: text.Draw(t, "app"), TencentcloudUin: text.Draw(t, "uin"), FunctionTrace: text.Draw(t, "function trace"),
	}
}

// The library writes the variables of each request into the process's
// environment, where they stay. Ours leaves them in the request.
func TestVariablesStayInTheRequest(t *testing.T) {
	for _, listens := range []bool{true, false} {
		i := startTest(t, Function{Env: map[string]string{"ES_Password": "S3CRET"}, Listens: listens})
		r, err := i.Invoke(t.Context(), command{Do: "context"}.payload(t))
		require.NoError(t, err)
		var got struct{ Environ []string }
		require.NoError(t, json.Unmarshal(r.Payload, &got))
		if listens {
			require.Contains(t, got.Environ, "ES_Password=S3CRET")
		} else {
			require.NotContains(t, strings.Join(got.Environ, "\n"), "S3CRET")
		}
	}
}

// A program that knows nothing of the pipes wants to listen. It is refused by
// name and has not listened; whoever insists has it listen.
func TestListenerIsRefused(t *testing.T) {
	listener := variant(t, "listening")
	_, err := Start(t.Context(), Function{Path: listener})
	require.Equal(t, &ListensError{Path: listener}, err)
	require.ErrorContains(t, err, listener+" can only be called over a port that everybody on the network reaches; ")
	p, err := NewPool(Function{Path: listener}, 1)
	require.NoError(t, err)
	t.Cleanup(p.Stop)
	_, err = p.Invoke(t.Context(), command{Do: "count"}.payload(t))
	require.ErrorAs(t, err, new(*ListensError))

	i := startTest(t, Function{Path: listener, Listens: true})
	r, err := i.Invoke(t.Context(), command{Do: "echo", Text: "hello"}.payload(t))
	require.NoError(t, err)
	require.Equal(t, "hello", string(r.Payload))
}

// A function ends when nobody is there to call it, in the middle of an event as
// well: on systems where the end of its parent does not end it, it would go on
// for ever.
func TestFunctionEndsWithItsConnection(t *testing.T) {
	for _, do := range []string{"count", "hang"} {
		t.Run(do, func(t *testing.T) {
			log := newLineSink()
			i := startTest(t, Function{Timeout: 900 * time.Second, Stdout: log})
			call := i.client.Go("Function.Invoke", &messages.InvokeRequest{Payload: command{Do: do}.payload(t)}, &messages.InvokeResponse{}, nil)
			if do == "hang" {
				select {
				case <-log.came:
				case <-call.Done:
					require.Fail(t, "it does not hang", "%v", call.Error)
				}
			}
			require.NoError(t, i.client.Close())
			<-i.proc.exited
			require.Equal(t, &CrashError{Status: "exit status 0"}, i.ended(""))
		})
	}
}
