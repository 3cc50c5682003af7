//go:build linux

package servers

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// control is where children connect to: each connection lives as long as the
// child behind it.
type control struct{ net.Listener }

func newControl(t *testing.T) control {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return control{l}
}

// next waits for a child to come and returns its connection.
func (c control) next(t *testing.T) net.Conn {
	t.Helper()
	conn, err := c.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// awaitEnd returns when the child behind the connection has ended.
func awaitEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	require.NoError(t, conn.SetReadDeadline(time.Now().Add(time.Minute)))
	_, err := io.Copy(io.Discard, conn)
	assert.NotErrorIs(t, err, os.ErrDeadlineExceeded, "the child still lives")
}

func testProcess(t *testing.T, c control, mode string) *Process {
	t.Helper()
	p, _, err := newProcess("child", "", 1)
	require.NoError(t, err)
	t.Cleanup(p.Close)
	p.argv = []string{os.Args[0]}
	p.env = []string{childVar + "=" + mode, controlVar + "=" + c.Addr().String()}
	p.ready = childReady
	p.answer = func(context.Context) error { return nil }
	return p
}

func TestProcessEnds(t *testing.T) {
	tests := map[string]struct {
		mode   string
		before func(*Process) error
		end    func(*Process) error
		err    string
	}{
		"stop":           {mode: "serves", end: (*Process).Stop},
		"kill":           {mode: "serves", end: func(p *Process) error { p.Kill(); return nil }},
		"close":          {mode: "serves", end: func(p *Process) error { p.Close(); return nil }},
		"stop paused":    {mode: "serves", before: (*Process).Pause, end: (*Process).Stop},
		"kill paused":    {mode: "serves", before: (*Process).Pause, end: func(p *Process) error { p.Kill(); return nil }},
		"stop resumed":   {mode: "serves", before: func(p *Process) error { return errors.Join(p.Pause(), p.Resume()) }, end: (*Process).Stop},
		"stop, stubborn": {mode: "stubborn", end: func(p *Process) error { p.grace = 1; return p.Stop() }, err: "was killed"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			c := newControl(t)
			p := testProcess(t, c, tt.mode)
			require.NoError(t, p.Restart(t.Context()))
			conn := c.next(t)
			assert.NotZero(t, p.PID())
			if tt.before != nil {
				require.NoError(t, tt.before(p))
			}
			err := tt.end(p)
			if tt.err != "" {
				require.ErrorContains(t, err, tt.err)
			} else {
				require.NoError(t, err)
			}
			assert.Zero(t, p.PID())
			awaitEnd(t, conn)
			require.Error(t, p.Pause(), "nothing is left to pause")
			require.NoError(t, p.Stop(), "stopping twice is stopping once")
		})
	}
}

func TestProcessRestart(t *testing.T) {
	c := newControl(t)
	p := testProcess(t, c, "serves")
	answered := 0
	p.answer = func(context.Context) error { answered++; return nil }
	require.NoError(t, p.Restart(t.Context()))
	first, pid := c.next(t), p.PID()
	require.NoError(t, p.Restart(t.Context()))
	awaitEnd(t, first)
	c.next(t)
	assert.NotEqual(t, pid, p.PID())
	assert.Equal(t, 2, answered)

	kept := t.TempDir()
	require.NoError(t, p.KeepLogs(kept))
	log, err := os.ReadFile(filepath.Join(kept, filepath.Base(p.Log())))
	require.NoError(t, err)
	assert.Equal(t, childReady+"\n"+childReady+"\n", string(log))

	p.Close()
	assert.NoDirExists(t, p.dir)
	require.ErrorContains(t, p.Restart(t.Context()), "closed")
}

func TestProcessStartFails(t *testing.T) {
	t.Run("it ends before it is ready", func(t *testing.T) {
		p := testProcess(t, newControl(t), "fails")
		err := p.Restart(t.Context())
		require.ErrorContains(t, err, "exit status 3")
		require.ErrorContains(t, err, "no such setting [colour]", "its last words must be told")
		assert.Zero(t, p.PID())
	})
	t.Run("it is never ready", func(t *testing.T) {
		c := newControl(t)
		p := testProcess(t, c, "mute")
		ctx, cancel := context.WithCancel(t.Context())
		failed := make(chan error, 1)
		go func() { failed <- p.Restart(ctx) }()
		conn := c.next(t)
		cancel()
		require.ErrorIs(t, <-failed, context.Canceled)
		awaitEnd(t, conn)
	})
	t.Run("it does not answer", func(t *testing.T) {
		c := newControl(t)
		p := testProcess(t, c, "serves")
		p.answer = func(context.Context) error { return errors.New("HTTP 503") }
		require.ErrorContains(t, p.Restart(t.Context()), "HTTP 503")
		awaitEnd(t, c.next(t))
	})
	t.Run("there is no such program", func(t *testing.T) {
		p := testProcess(t, newControl(t), "serves")
		p.argv = []string{filepath.Join(p.dir, "missing")}
		require.ErrorIs(t, p.Restart(t.Context()), os.ErrNotExist)
	})
}

func TestProcessDiesWithItsParent(t *testing.T) {
	c := newControl(t)
	parent := exec.CommandContext(t.Context(), os.Args[0])
	parent.Env = append(parent.Environ(), childVar+"=parent", controlVar+"="+c.Addr().String(), "TMPDIR="+t.TempDir())
	require.NoError(t, parent.Start())
	grandchild := c.next(t)
	require.NoError(t, parent.Process.Kill())
	require.Error(t, parent.Wait())
	awaitEnd(t, grandchild)
}

func TestProcessKeepsItsDir(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "named")
	p, _, err := newProcess("child", dir, 1)
	require.NoError(t, err)
	p.Close()
	assert.DirExists(t, dir)
}
