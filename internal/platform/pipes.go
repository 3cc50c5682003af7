package platform

import (
	"context"
	"errors"
	"fmt"
	"net/rpc"
	"os"
	"os/exec"
	"strings"

	"ckafka-etl/internal/service"
)

// pipes is a link that nobody else can reach.
type pipes struct {
	conn   pipeConn
	theirs []*os.File // the end to read from, the end to write to
}

// noPort is given as a port to a function that is called over pipes: one that
// does not know them tries to listen on it, fails, and so ends at once without
// ever having listened.
const noPort = "65536"

func newPipes() (*pipes, error) {
	callsOut, calls, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("no pipe to the function: %w", err)
	}
	answers, answersIn, err := os.Pipe()
	if err != nil {
		_, _ = callsOut.Close(), calls.Close()
		return nil, fmt.Errorf("no pipe to the function: %w", err)
	}
	return &pipes{conn: pipeConn{answers, calls}, theirs: []*os.File{callsOut, answersIn}}, nil
}

func (p *pipes) attach(cmd *exec.Cmd) ([]string, error) {
	numbers, err := inherit(cmd, p.theirs)
	return []string{service.Variable + "=" + numbers, portVariable + "=" + noPort}, err
}

func (p *pipes) connect(context.Context, *Instance) (*rpc.Client, error) {
	conn := p.conn
	p.conn = pipeConn{}
	return rpc.NewClient(conn), nil
}

func (p *pipes) failed(i *Instance, ended bool) error {
	if !ended {
		return &ListensError{Path: i.fn.Path, Waited: i.fn.InitTimeout}
	}
	for _, line := range i.stderr.get() {
		if strings.Contains(line, noPort) {
			return &ListensError{Path: i.fn.Path}
		}
	}
	return i.crashed("")
}

func (p *pipes) release() {
	for _, f := range p.theirs {
		_ = f.Close()
	}
	p.theirs = nil
	if p.conn != (pipeConn{}) {
		_ = p.conn.Close()
	}
}

// pipeConn is our side of two pipes.
type pipeConn struct{ answers, calls *os.File }

func (c pipeConn) Read(p []byte) (int, error)  { return c.answers.Read(p) }
func (c pipeConn) Write(p []byte) (int, error) { return c.calls.Write(p) }
func (c pipeConn) Close() error                { return errors.Join(c.calls.Close(), c.answers.Close()) }
