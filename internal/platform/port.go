package platform

import (
	"context"
	"fmt"
	"net"
	"net/rpc"
	"os/exec"
	"strconv"
	"time"
)

// portVariable tells a function the port to listen on.
const portVariable = "_LAMBDA_SERVER_PORT"

// port is a link as the platform's: the function listens.
type port struct {
	number int
	free   func()
}

func newPort() (*port, error) {
	number, free, err := reservePort()
	if err != nil {
		return nil, err
	}
	return &port{number, free}, nil
}

func (p *port) attach(*exec.Cmd) ([]string, error) {
	return []string{portVariable + "=" + strconv.Itoa(p.number)}, nil
}

// connect dials as soon as the function listens. There is nothing to wait on but
// the port itself, so it is tried again after short waits; a cold start takes a
// few milliseconds.
func (p *port) connect(ctx context.Context, i *Instance) (*rpc.Client, error) {
	const first, longest = 200 * time.Microsecond, 10 * time.Millisecond
	addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(p.number))
	var dialer net.Dialer
	timer := time.NewTimer(first)
	defer timer.Stop()
	for wait := first; ; wait = min(wait*5/4, longest) {
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err == nil {
			return rpc.NewClient(conn), nil
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-i.proc.exited:
			return nil, err
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (p *port) failed(i *Instance, ended bool) error {
	if ended {
		return i.crashed("")
	}
	return fmt.Errorf("%s did not answer on port %s within %v: is it built with the platform's library for Go?",
		i.fn.Path, portVariable, i.fn.InitTimeout)
}

func (p *port) release() { p.free() }
