package servers

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

type faultKind uint8

const (
	faultNone faultKind = iota
	faultRefuse
	faultReset
	faultCut
	faultStall
	faultSlow
	faultFreeze
	faultLose
)

// A fault is one that is or was turned on. Its fields but over are guarded by
// the proxy's lock.
type fault struct {
	kind  faultKind
	bytes int64         // what a connection may still pass before it is struck
	times int           // connections that may still be struck; below 0: any
	rate  int           // bytes a second of faultSlow
	over  chan struct{} // closed when the fault has ended
}

func newFault(kind faultKind) *fault {
	return &fault{kind: kind, times: -1, over: make(chan struct{})}
}

func (f *fault) limit(bytes int64, times int) *fault {
	f.bytes = bytes
	if times > 0 {
		f.times = times
	}
	return f
}

type direction uint8

const (
	request direction = iota // client to server
	answer                   // server to client
)

// strikes reports whether the fault concerns bytes in this direction.
func (f *fault) strikes(d direction) bool {
	switch f.kind {
	case faultReset:
		return d == request
	case faultCut, faultStall:
		return d == answer
	case faultSlow, faultFreeze:
		return true
	case faultNone, faultRefuse, faultLose:
		return false
	default:
		return false
	}
}

// A faultConn is one client's connection and the one to the target behind it.
type faultConn struct {
	proxy  *FaultProxy
	client *net.TCPConn
	gone   chan struct{} // closed when the connection is given up
	once   sync.Once

	// Guarded by the proxy's lock.
	server *net.TCPConn // nil until the target was reached
	fault  *fault       // that passed and struck belong to
	passed [2]int64     // bytes in each direction
	struck bool
	lost   *fault // set for a connection that is silent for good; never over
}

func (c *faultConn) serve() {
	defer func() {
		c.proxy.mu.Lock()
		delete(c.proxy.conns, c)
		c.proxy.mu.Unlock()
	}()
	if !c.thaw() || !c.dial() {
		c.reset()
		return
	}
	var wg sync.WaitGroup
	wg.Go(func() { c.pump(request, c.server, c.client) })
	wg.Go(func() { c.pump(answer, c.client, c.server) })
	wg.Wait()
	_, _ = c.client.Close(), c.server.Close()
}

func (c *faultConn) dial() bool {
	var d net.Dialer
	conn, err := d.DialContext(c.proxy.ctx, "tcp", c.proxy.target)
	if err != nil {
		return false
	}
	c.proxy.mu.Lock()
	defer c.proxy.mu.Unlock()
	c.server = conn.(*net.TCPConn)
	select {
	case <-c.gone: // reset while dialing, without the server
		reset(c.server)
		return false
	default:
		return true
	}
}

// reset gives the connection up at both ends; the proxy's lock is held or the
// connection has no pumps yet.
func (c *faultConn) reset() {
	c.once.Do(func() { close(c.gone) })
	reset(c.client)
	if c.server != nil {
		reset(c.server)
	}
}

// reset closes a connection with an RST.
func reset(conn *net.TCPConn) {
	_ = conn.SetLinger(0)
	_ = conn.Close()
}

// pump passes one direction's bytes on, as the faults let it, until its end.
func (c *faultConn) pump(d direction, to, from *net.TCPConn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 && !c.pass(d, to, buf[:n]) {
			// Read on: an unread byte would turn the client's close into a reset.
			_, _ = io.Copy(io.Discard, from)
			return
		}
		if err == nil {
			continue
		}
		if c.thaw() {
			if errors.Is(err, io.EOF) {
				_ = to.CloseWrite()
			} else {
				reset(to)
			}
		}
		return
	}
}

// pass writes b, or as much of it as the faults let through, and reports
// whether the connection goes on.
func (c *faultConn) pass(d direction, to *net.TCPConn, b []byte) bool {
	for {
		n, f := c.judge(d, len(b))
		if n > 0 {
			if _, err := to.Write(b[:n]); err != nil {
				return false
			}
		}
		b = b[n:]
		switch {
		case f == nil:
			return true
		case f.kind == faultReset:
			c.proxy.mu.Lock()
			c.reset()
			c.proxy.mu.Unlock()
			return false
		case f.kind == faultCut:
			_ = c.client.CloseWrite()
			_ = c.server.Close()
			return false
		case f.kind == faultSlow:
			if !c.wait(f, c.proxy.after(time.Duration(n)*time.Second/time.Duration(f.rate))) {
				return false
			}
			if len(b) == 0 {
				return true
			}
		default: // stalled or frozen: until another fault takes its place
			if !c.wait(f, nil) {
				return false
			}
		}
	}
}

// wait returns false when the connection was given up, and true when the time
// is up or the fault has ended.
func (c *faultConn) wait(f *fault, timer <-chan time.Time) bool {
	select {
	case <-timer:
		return true
	case <-f.over:
		return true
	case <-c.gone:
		return false
	}
}

// judge says how many of n bytes may pass now, and which fault strikes after
// them; none if all may pass.
func (c *faultConn) judge(d direction, n int) (int, *fault) {
	p := c.proxy
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.lost != nil {
		return 0, c.lost
	}
	f := p.fault
	c.follow(f)
	if !f.strikes(d) || (!c.struck && f.times == 0) {
		return n, nil
	}
	if f.kind == faultSlow {
		// Ten times a second, so that slow is not the same as seldom.
		n = min(n, max(1, f.rate/10))
	} else {
		left := f.bytes - c.passed[d]
		if int64(n) <= left {
			c.passed[d] += int64(n)
			return n, nil
		}
		n = int(left)
		c.passed[d] = f.bytes
	}
	c.strike()
	return n, f
}

// follow starts a new account when another fault is on; the lock is held.
func (c *faultConn) follow(f *fault) {
	if c.fault != f {
		c.fault, c.passed, c.struck = f, [2]int64{}, false
	}
}

// strike notes that the fault has struck the connection; the lock is held.
func (c *faultConn) strike() {
	if c.struck {
		return
	}
	c.struck = true
	if c.fault.times > 0 {
		c.fault.times--
	}
	c.proxy.count(c.fault.kind)
}

// thaw waits while the proxy is frozen, and reports whether the connection
// goes on.
func (c *faultConn) thaw() bool {
	for {
		p := c.proxy
		p.mu.Lock()
		f := p.fault
		c.follow(f)
		if c.lost != nil {
			f = c.lost
		} else if f.kind == faultFreeze {
			c.strike()
		}
		p.mu.Unlock()
		if f.kind != faultFreeze {
			return true
		}
		if !c.wait(f, nil) {
			return false
		}
	}
}
