package service

import (
	"context"
	"fmt"
	"io"
	"net/rpc"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"
)

// That the answers are those of the platform's library is tested in package
// platform, from one process to another.

type handlerFunc func(ctx context.Context, payload []byte) ([]byte, error)

func (f handlerFunc) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	return f(ctx, payload)
}

type parentConn struct {
	io.Reader
	io.WriteCloser
}

// serving serves h on pipes within the process. done is closed when serve
// returns.
func serving(t *testing.T, h handlerFunc) (client *rpc.Client, done chan struct{}) {
	t.Helper()
	calls, toFunction := io.Pipe()
	fromFunction, answers := io.Pipe()
	done = make(chan struct{})
	go func() {
		defer close(done)
		if err := newConn(calls, answers).serve(h); err != nil {
			t.Error(err)
		}
	}()
	client = rpc.NewClient(parentConn{fromFunction, toFunction})
	return client, done
}

func TestServe(t *testing.T) {
	client, done := serving(t, func(_ context.Context, payload []byte) ([]byte, error) {
		return append([]byte("got "), payload...), nil
	})
	require.NoError(t, client.Call("Function.Ping", &messages.PingRequest{}, &messages.PingResponse{}))
	var resp messages.InvokeResponse
	require.NoError(t, client.Call("Function.Invoke", &messages.InvokeRequest{Payload: []byte("an event")}, &resp))
	require.Equal(t, "got an event", string(resp.Payload))
	require.NoError(t, client.Close())
	<-done
}

// A parent that is gone needs no answer: its function does not wait for a
// handler that may never end.
func TestServeEndsWhileAHandlerRuns(t *testing.T) {
	handling := make(chan struct{})
	client, done := serving(t, func(context.Context, []byte) ([]byte, error) {
		close(handling)
		select {}
	})
	client.Go("Function.Invoke", &messages.InvokeRequest{}, &messages.InvokeResponse{}, nil)
	<-handling
	require.NoError(t, client.Close())
	<-done
}

// Somebody has set the variable who has no pipes to hand over: the function says
// which variable it is and does not listen instead.
func TestRunWithoutPipes(t *testing.T) {
	for _, pipes := range []string{"yes", "3", ",", "3,", "-1,4", "99999999999,3"} {
		err := Run(nil, pipes)
		require.ErrorContains(t, err, "CKAFKA_ETL_PIPES: ", pipes)
	}
	const closed = 1 << 30 // more than a process can open
	err := Run(nil, fmt.Sprintf("%d,%d", closed, closed+1))
	require.ErrorContains(t, err, "CKAFKA_ETL_PIPES: the pipe for calls, number 1073741824: ")
}
