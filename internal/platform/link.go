package platform

import (
	"context"
	"errors"
	"fmt"
	"net/rpc"
	"os/exec"

	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"
)

// link is how a function is called.
type link interface {
	// attach hands over to a process that is to be started what it needs, and
	// returns the variables that tell it.
	attach(cmd *exec.Cmd) (variables []string, err error)
	// connect connects to the process once it runs.
	connect(ctx context.Context, i *Instance) (*rpc.Client, error)
	// failed returns the error for a process that ended, or gave no answer within
	// the init timeout.
	failed(i *Instance, ended bool) error
	// release lets go of what the process has now, or will not have.
	release()
}

func newLink(listens bool) (link, error) {
	if listens {
		return newPort()
	}
	return newPipes()
}

var errInit = errors.New("init timeout")

// connect returns a connection on which the function has answered a ping.
func (i *Instance) connect(ctx context.Context, l link) (*rpc.Client, error) {
	client, err := l.connect(ctx, i)
	if err != nil {
		return nil, i.notReady(ctx, l, err)
	}
	call := client.Go("Function.Ping", &messages.PingRequest{}, &messages.PingResponse{}, make(chan *rpc.Call, 1))
	select {
	case <-call.Done:
		if call.Error == nil {
			return client, nil
		}
		err = call.Error
	case <-i.proc.exited:
	case <-ctx.Done():
	}
	err = i.notReady(ctx, l, err)
	_ = client.Close()
	return nil, err
}

// notReady returns why there is no answer: the process has ended or is about to,
// its time is over, or it answers with something else.
func (i *Instance) notReady(ctx context.Context, l link, err error) error {
	if _, ok := errors.AsType[rpc.ServerError](err); ok {
		return fmt.Errorf("%s does not answer as the platform's library for Go does: %w", i.fn.Path, err)
	}
	select { // a connection that has ended is not yet a process that has
	case <-i.proc.exited:
		return l.failed(i, true)
	case <-ctx.Done():
	}
	if err := context.Cause(ctx); !errors.Is(err, errInit) {
		return err
	}
	return l.failed(i, false)
}
