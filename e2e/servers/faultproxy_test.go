package servers

import (
	"context"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	question = "question: what is the time?\n"
	reply    = "answer: twelve\n"
)

// A clock answers each question with the reply and notes how often it was
// asked.
type clock struct {
	net.Listener
	asked chan struct{} // one element a question
	hush  chan struct{} // closed: the clock closes its connections
}

func newClock(t *testing.T) *clock {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &clock{l, make(chan struct{}, 10000), make(chan struct{})}
	var wg sync.WaitGroup
	t.Cleanup(wg.Wait)
	t.Cleanup(func() { _ = l.Close() })
	wg.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			wg.Go(func() { c.serve(conn) })
		}
	})
	return c
}

func (c *clock) serve(conn net.Conn) {
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-c.hush:
		case <-done:
		}
		_ = conn.Close()
	}()
	buf := make([]byte, len(question))
	for {
		if _, err := io.ReadFull(conn, buf); err != nil {
			return
		}
		c.asked <- struct{}{}
		if _, err := io.WriteString(conn, reply); err != nil {
			return
		}
	}
}

func newTestProxy(t *testing.T, c *clock) *FaultProxy {
	t.Helper()
	p, err := NewFaultProxy(c.Addr().String())
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p
}

func dialProxy(t *testing.T, p *FaultProxy) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", p.Addr())
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	// Only so that a bug is a failure and not a test that never ends.
	require.NoError(t, conn.SetDeadline(time.Now().Add(time.Minute)))
	return conn
}

func ask(t *testing.T, conn net.Conn) {
	t.Helper()
	_, err := io.WriteString(conn, question)
	require.NoError(t, err)
}

func mustRead(t *testing.T, conn net.Conn, want string) {
	t.Helper()
	buf := make([]byte, len(want))
	n, err := io.ReadFull(conn, buf)
	require.NoError(t, err, "read %q", buf[:n])
	assert.Equal(t, want, string(buf))
}

func mustBeReset(t *testing.T, conn net.Conn) {
	t.Helper()
	n, err := conn.Read(make([]byte, 1))
	assert.Zero(t, n, "more came than the fault lets through")
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func await(t *testing.T, p *FaultProxy, ok func(FaultCounts) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, p.Await(ctx, ok), "counts: %+v", p.Counts())
}

func TestFaultProxyPasses(t *testing.T) {
	p := newTestProxy(t, newClock(t))
	conn := dialProxy(t, p)
	for range 3 {
		ask(t, conn)
		mustRead(t, conn, reply)
	}
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	rest, err := io.ReadAll(conn)
	require.NoError(t, err, "a connection's end passes as it is")
	assert.Empty(t, rest)
	assert.Zero(t, p.Counts())
}

func TestFaultProxyRefuse(t *testing.T) {
	p := newTestProxy(t, newClock(t))
	conn := dialProxy(t, p)
	ask(t, conn)
	mustRead(t, conn, reply)
	for range 2 {
		require.NoError(t, p.Refuse())
		_, err := net.Dial("tcp", p.Addr())
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
	}
	mustBeReset(t, conn)

	require.NoError(t, p.Heal())
	conn = dialProxy(t, p)
	ask(t, conn)
	mustRead(t, conn, reply)
	assert.Equal(t, FaultCounts{Refused: 2}, p.Counts())
}

func TestFaultProxyStrikesAtTheByte(t *testing.T) {
	tests := map[string]struct {
		fault func(*FaultProxy) error
		read  string // what the client still gets
		reset bool   // and how the connection then ends
		want  FaultCounts
	}{
		"reset at once":             {func(p *FaultProxy) error { return p.Reset(0, 0) }, "", true, FaultCounts{Reset: 1}},
		"reset in the request":      {func(p *FaultProxy) error { return p.Reset(10, 0) }, "", true, FaultCounts{Reset: 1}},
		"cut before the answer":     {func(p *FaultProxy) error { return p.Cut(0, 0) }, "", false, FaultCounts{Cut: 1}},
		"cut in the answer":         {func(p *FaultProxy) error { return p.Cut(7, 0) }, reply[:7], false, FaultCounts{Cut: 1}},
		"cut before the last byte":  {func(p *FaultProxy) error { return p.Cut(int64(len(reply))-1, 0) }, reply[:len(reply)-1], false, FaultCounts{Cut: 1}},
		"cut after a whole answer":  {func(p *FaultProxy) error { return p.Cut(int64(len(reply)), 0) }, reply, false, FaultCounts{Cut: 1}},
		"reset after a whole reply": {func(p *FaultProxy) error { return p.Reset(int64(len(question)), 0) }, reply, true, FaultCounts{Reset: 1}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			p := newTestProxy(t, newClock(t))
			conn := dialProxy(t, p)
			ask(t, conn)
			mustRead(t, conn, reply) // bytes from before the fault do not count
			require.NoError(t, tt.fault(p))
			ask(t, conn)
			if len(tt.read) == len(reply) {
				mustRead(t, conn, tt.read)
				tt.read = ""
				ask(t, conn)
			}
			mustRead(t, conn, tt.read)
			if tt.reset {
				mustBeReset(t, conn)
			} else {
				_, err := conn.Read(make([]byte, 1))
				require.ErrorIs(t, err, io.EOF)
			}
			assert.Equal(t, tt.want, p.Counts())
		})
	}
}

func TestFaultProxyTimes(t *testing.T) {
	p := newTestProxy(t, newClock(t))
	require.NoError(t, p.Cut(3, 2))
	var got []string
	for range 4 {
		conn := dialProxy(t, p)
		ask(t, conn)
		require.NoError(t, conn.(*net.TCPConn).CloseWrite())
		answer, err := io.ReadAll(conn)
		require.NoError(t, err)
		got = append(got, string(answer))
	}
	assert.Equal(t, []string{reply[:3], reply[:3], reply, reply}, got)
	assert.Equal(t, FaultCounts{Cut: 2}, p.Counts())
}

func TestFaultProxyStall(t *testing.T) {
	c := newClock(t)
	p := newTestProxy(t, c)
	stalled, other, lost := dialProxy(t, p), dialProxy(t, p), dialProxy(t, p)

	require.NoError(t, p.Stall(4, 1))
	ask(t, stalled)
	await(t, p, func(n FaultCounts) bool { return n.Stalled == 1 })
	<-c.asked // the server has done its work
	mustRead(t, stalled, reply[:4])
	ask(t, other)
	mustRead(t, other, reply) // one was all
	require.NoError(t, p.Heal())
	mustRead(t, stalled, reply[4:])

	require.NoError(t, p.Stall(4, 0))
	ask(t, lost)
	mustRead(t, lost, reply[:4])
	require.NoError(t, p.Refuse())
	mustBeReset(t, lost) // and nothing came of what was held
	assert.Equal(t, FaultCounts{Stalled: 2, Refused: 1}, p.Counts())
}

func TestFaultProxyFreeze(t *testing.T) {
	c := newClock(t)
	p := newTestProxy(t, c)
	kept := dialProxy(t, p)
	ask(t, kept)
	mustRead(t, kept, reply)
	<-c.asked

	require.NoError(t, p.Freeze())
	ask(t, kept)
	fresh := dialProxy(t, p) // is accepted
	ask(t, fresh)
	await(t, p, func(n FaultCounts) bool { return n.Frozen == 2 })
	assert.Empty(t, c.asked, "nothing reaches the server")
	require.NoError(t, p.Heal())
	mustRead(t, kept, reply)
	mustRead(t, fresh, reply)

	// The end of a connection does not pass either: what the client sees in
	// the end is the reset that follows, not the server's close.
	require.NoError(t, p.Freeze())
	close(c.hush)
	await(t, p, func(n FaultCounts) bool { return n.Frozen == 4 })
	require.NoError(t, p.Refuse())
	mustBeReset(t, kept)
	mustBeReset(t, fresh)
}

func TestFaultProxyLose(t *testing.T) {
	c := newClock(t)
	p := newTestProxy(t, c)
	lost := dialProxy(t, p)
	ask(t, lost)
	mustRead(t, lost, reply)
	<-c.asked

	require.NoError(t, p.Lose())
	require.NoError(t, p.Lose()) // a connection is lost once
	ask(t, lost)
	fresh := dialProxy(t, p)
	ask(t, fresh)
	mustRead(t, fresh, reply)
	<-c.asked
	require.NoError(t, p.Stall(0, 0))
	require.NoError(t, p.Heal()) // which ends no loss
	ask(t, fresh)
	mustRead(t, fresh, reply)
	<-c.asked
	assert.Empty(t, c.asked, "nothing reaches the server")
	assert.Equal(t, 1, p.Counts().Lost)

	// Nor does the server's end: what the client sees is the reset that follows.
	close(c.hush)
	n, err := fresh.Read(make([]byte, 1))
	assert.Zero(t, n)
	require.ErrorIs(t, err, io.EOF)
	require.NoError(t, p.Refuse())
	mustBeReset(t, lost)
}

func TestFaultProxySlow(t *testing.T) {
	p := newTestProxy(t, newClock(t))
	var (
		mu     sync.Mutex
		waited time.Duration
		waits  int
	)
	p.after = func(d time.Duration) <-chan time.Time {
		mu.Lock()
		defer mu.Unlock()
		waited += d
		waits++
		now := make(chan time.Time, 1)
		now <- time.Time{}
		return now
	}
	require.NoError(t, p.Slow(50))
	conn := dialProxy(t, p)
	ask(t, conn)
	require.NoError(t, conn.(*net.TCPConn).CloseWrite())
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Equal(t, reply, string(answer))
	mu.Lock()
	defer mu.Unlock()
	assert.Equal(t, time.Second*time.Duration(len(question)+len(reply))/50, waited)
	assert.GreaterOrEqual(t, waits, (len(question)+len(reply))/5, "a few bytes at a time")
	assert.Equal(t, FaultCounts{Slowed: 1}, p.Counts())
}

func TestFaultProxySlowEnds(t *testing.T) {
	p := newTestProxy(t, newClock(t))
	p.after = func(time.Duration) <-chan time.Time { return nil } // never
	require.NoError(t, p.Slow(1))
	conn := dialProxy(t, p)
	ask(t, conn)
	await(t, p, func(n FaultCounts) bool { return n.Slowed == 1 })
	require.NoError(t, p.Heal())
	mustRead(t, conn, reply)
}

func TestFaultProxyTargetDown(t *testing.T) {
	c := newClock(t)
	p := newTestProxy(t, c)
	require.NoError(t, c.Close())
	conn, err := net.Dial("tcp", p.Addr())
	if err == nil { // else the reset was faster than the dialer
		_, err = conn.Read(make([]byte, 1))
		require.NoError(t, conn.Close())
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestFaultProxyClose(t *testing.T) {
	p := newTestProxy(t, newClock(t))
	require.NoError(t, p.Freeze())
	conn := dialProxy(t, p)
	await(t, p, func(n FaultCounts) bool { return n.Frozen == 1 })
	p.Close()
	p.Close()
	mustBeReset(t, conn)
	_, err := net.Dial("tcp", p.Addr())
	require.ErrorIs(t, err, syscall.ECONNREFUSED)
	require.ErrorContains(t, p.Heal(), "closed")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, p.Await(ctx, func(FaultCounts) bool { return false }), context.Canceled)
}

// Every fault in turn under many connections: whatever a client reads is the
// beginning of the right answer, and after Heal all is well.
func TestFaultProxyConcurrency(t *testing.T) {
	p := newTestProxy(t, newClock(t))
	p.after = func(time.Duration) <-chan time.Time { now := make(chan time.Time); close(now); return now }
	stop := make(chan struct{})
	var clients sync.WaitGroup
	for range 8 {
		clients.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				conn, err := net.Dial("tcp", p.Addr())
				if err != nil {
					continue
				}
				_, _ = io.WriteString(conn, question)
				buf := make([]byte, len(reply))
				n, _ := io.ReadFull(conn, buf)
				assert.Truef(t, strings.HasPrefix(reply, string(buf[:n])), "%q", buf[:n])
				_ = conn.Close()
			}
		})
	}
	faults := []struct {
		on func() error
		n  func(FaultCounts) int
	}{
		{func() error { return p.Freeze() }, func(c FaultCounts) int { return c.Frozen }},
		{func() error { return p.Stall(2, 0) }, func(c FaultCounts) int { return c.Stalled }},
		{func() error { return p.Cut(2, 0) }, func(c FaultCounts) int { return c.Cut }},
		{func() error { return p.Reset(2, 0) }, func(c FaultCounts) int { return c.Reset }},
		{func() error { return p.Slow(1 << 20) }, func(c FaultCounts) int { return c.Slowed }},
		{func() error { return p.Refuse() }, func(c FaultCounts) int { return c.Refused }},
	}
	for round := range 5 {
		for i, f := range faults {
			before := f.n(p.Counts())
			require.NoError(t, f.on(), fmt.Sprint(round, i))
			await(t, p, func(c FaultCounts) bool { return f.n(c) > before })
		}
	}
	require.NoError(t, p.Heal())
	close(stop)
	clients.Wait()
	conn := dialProxy(t, p)
	ask(t, conn)
	mustRead(t, conn, reply)
}
