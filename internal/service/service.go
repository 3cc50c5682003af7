// Package service answers the calls of whoever runs the function.
//
// On the platform that is the platform's library for Go, which listens on all
// interfaces: right there, where nobody but the platform reaches the port. On
// any other machine everybody who reaches it could call the function, with
// variables of his own. So a parent that is not the platform hands over two
// pipes, and the function answers on those and listens on nothing.
//
// Two pipes and not a socket, since they are the same on Linux, macOS and
// Windows, which has no socketpair; and not stdin and stdout, since stdout is
// the function's log here as it is on the platform, and a line that anything in
// the process prints must not end up between two messages. They are no slower
// than a connection over loopback.
package service

import (
	"errors"
	"fmt"
	"io"
	"net/rpc"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/tencentyun/scf-go-lib/cloudfunction"
)

// Variable is the environment variable with which a parent names the pipes it
// hands over: "3,4" for the descriptors (on Windows handles) of the one to read
// calls from and the one to write answers to.
const Variable = "CKAFKA_ETL_PIPES"

// Run serves h until whoever calls it is gone. pipes is what Variable says: with
// "" it is the platform, and Run does not return.
func Run(h cloudfunction.Handler, pipes string) error {
	if pipes == "" {
		cloudfunction.StartHandler(h)
		return errors.New("the platform's library has returned")
	}
	c, err := inherit(pipes)
	if err != nil {
		return err
	}
	if err := os.Unsetenv(Variable); err != nil { // to a child the numbers mean nothing
		return err
	}
	return c.serve(h)
}

// conn is the connection to the parent: one pipe for each direction.
type conn struct {
	calls   io.ReadCloser
	answers io.WriteCloser
	once    sync.Once
	ended   chan struct{} // closed when nothing more can be read
}

func newConn(calls io.ReadCloser, answers io.WriteCloser) *conn {
	return &conn{calls: calls, answers: answers, ended: make(chan struct{})}
}

// inherit opens the pipes that were handed over.
func inherit(pipes string) (*conn, error) {
	first, second, _ := strings.Cut(pipes, ",")
	calls, err := open(first, "calls")
	if err != nil {
		return nil, err
	}
	answers, err := open(second, "answers")
	if err != nil {
		return nil, err
	}
	return newConn(calls, answers), nil
}

func open(number, name string) (*os.File, error) {
	n, err := strconv.ParseUint(number, 10, 31)
	if err != nil {
		return nil, fmt.Errorf("%s: got %q, want the numbers of two pipes with a comma between; only a program that runs the function sets it", Variable, number)
	}
	if err := prepare(uintptr(n)); err != nil {
		return nil, fmt.Errorf("%s: the pipe for %s, number %d: %w", Variable, name, n, err)
	}
	return os.NewFile(uintptr(n), name), nil
}

// serve answers calls until the parent closes the connection or is gone. It does
// not wait for a call at hand: nobody is there for its answer.
func (c *conn) serve(h cloudfunction.Handler) error {
	server := rpc.NewServer()
	if err := server.RegisterName("Function", &function{h}); err != nil {
		return err
	}
	go server.ServeConn(c)
	<-c.ended
	return nil
}

// Read reads of the calls.
func (c *conn) Read(p []byte) (int, error) {
	n, err := c.calls.Read(p)
	if err != nil {
		c.end()
	}
	return n, err
}

// Write writes of the answers.
func (c *conn) Write(p []byte) (int, error) { return c.answers.Write(p) }

// Close closes both pipes.
func (c *conn) Close() error {
	c.end()
	return errors.Join(c.calls.Close(), c.answers.Close())
}

func (c *conn) end() { c.once.Do(func() { close(c.ended) }) }
