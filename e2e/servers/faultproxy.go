package servers

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// FaultProxy is a TCP proxy on the loopback interface that does to the
// connections through it what networks and dying servers do. One fault is on
// at a time; each of the methods named after one ends the fault before it and
// lets what that one held go on. It is safe for concurrent use.
//
// Where a fault takes a number of bytes, it counts each connection's from the
// moment that the fault is turned on and strikes at the byte after them. Where
// it takes a number of times, that many connections are struck and the others
// pass; 0 is no limit.
//
// While the target is down, a client is accepted and then reset.
type FaultProxy struct {
	target string
	addr   string
	after  func(time.Duration) <-chan time.Time
	stop   context.CancelFunc
	ctx    context.Context // done at Close
	wg     sync.WaitGroup

	mu       sync.Mutex
	closed   bool
	release  func()
	listener net.Listener // nil while connections are refused
	fault    *fault
	conns    map[*faultConn]struct{}
	counts   FaultCounts
	counted  chan struct{} // closed and replaced when counts change
}

// FaultCounts are how many connections a fault has struck so far, except
// Refused: how many times connections were turned away began, because the
// kernel does that unseen.
type FaultCounts struct {
	Refused, Reset, Cut, Stalled, Slowed, Frozen, Lost int
}

// NewFaultProxy starts a proxy in front of target (host:port). It passes
// everything until a fault is turned on.
func NewFaultProxy(target string) (*FaultProxy, error) {
	ports, release, err := reservePorts(1)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	p := &FaultProxy{
		target:  target,
		addr:    loopback(ports[0]),
		after:   time.After,
		ctx:     ctx,
		stop:    stop,
		release: release,
		fault:   newFault(faultNone),
		conns:   map[*faultConn]struct{}{},
		counted: make(chan struct{}),
	}
	if err := p.Heal(); err != nil {
		stop()
		release()
		return nil, err
	}
	return p, nil
}

// Addr returns the proxy's address as host:port.
func (p *FaultProxy) Addr() string { return p.addr }

// Heal ends the fault: everything passes, also what was held so far.
func (p *FaultProxy) Heal() error { return p.set(newFault(faultNone)) }

// Refuse resets every connection and refuses new ones, as where no server is.
func (p *FaultProxy) Refuse() error { return p.set(newFault(faultRefuse)) }

// Freeze lets nothing pass in either direction, not even a connection's end:
// connections stay open and are accepted, silently. They go on afterwards.
func (p *FaultProxy) Freeze() error { return p.set(newFault(faultFreeze)) }

// Stall passes requests and the answers' first bytes and holds the rest: the
// server has done its work and the client does not hear of it. A connection
// that is held stays so until the next fault or Heal, also when times is used
// up.
func (p *FaultProxy) Stall(bytes int64, times int) error {
	return p.set(newFault(faultStall).limit(bytes, times))
}

// Cut passes requests and the answers' first bytes and then closes the
// connection in good order (FIN), in the middle of the answer.
func (p *FaultProxy) Cut(bytes int64, times int) error {
	return p.set(newFault(faultCut).limit(bytes, times))
}

// Reset passes the requests' first bytes and then resets (RST) the connection
// at both ends.
func (p *FaultProxy) Reset(bytes int64, times int) error {
	return p.set(newFault(faultReset).limit(bytes, times))
}

// Lose makes the connections that there are silent for good, as a firewall does
// that has forgotten them: nothing passes in either direction any more, not
// even their end. It is no fault that stays on: new connections pass.
func (p *FaultProxy) Lose() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errors.New("the fault proxy is closed")
	}
	for c := range p.conns {
		if c.lost == nil {
			c.lost = newFault(faultFreeze)
			p.count(faultLose)
		}
	}
	return nil
}

// Slow passes so many bytes a second (at least 1) on each connection and in
// each direction.
func (p *FaultProxy) Slow(bytesPerSecond int) error {
	f := newFault(faultSlow)
	f.rate = max(1, bytesPerSecond)
	return p.set(f)
}

// Counts returns what was lived through so far.
func (p *FaultProxy) Counts() FaultCounts {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.counts
}

// Await returns when the counts satisfy ok, which it calls after each change.
func (p *FaultProxy) Await(ctx context.Context, ok func(FaultCounts) bool) error {
	for {
		p.mu.Lock()
		counts, counted := p.counts, p.counted
		p.mu.Unlock()
		if ok(counts) {
			return nil
		}
		select {
		case <-counted:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Close resets every connection, stops listening and waits until nothing of
// the proxy runs any more.
func (p *FaultProxy) Close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	p.shut()
	p.mu.Unlock()
	p.stop()
	p.wg.Wait()
	p.release()
}

// set turns a fault on in place of the one before.
func (p *FaultProxy) set(f *fault) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return errors.New("the fault proxy is closed")
	}
	if f.kind == faultRefuse {
		p.shut()
		p.count(f.kind)
	} else if p.listener == nil {
		l, err := net.Listen("tcp", p.addr) //nolint:noctx // a loopback address is not looked up
		if err != nil {
			return err
		}
		p.listener = l
		p.wg.Go(func() { p.accept(l) })
	}
	close(p.fault.over)
	p.fault = f
	return nil
}

// shut stops listening and resets the connections; the lock is held.
func (p *FaultProxy) shut() {
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for c := range p.conns {
		c.reset()
	}
}

// count notes that a fault has struck; the lock is held.
func (p *FaultProxy) count(kind faultKind) {
	switch kind {
	case faultNone:
		return
	case faultRefuse:
		p.counts.Refused++
	case faultReset:
		p.counts.Reset++
	case faultCut:
		p.counts.Cut++
	case faultStall:
		p.counts.Stalled++
	case faultSlow:
		p.counts.Slowed++
	case faultFreeze:
		p.counts.Frozen++
	case faultLose:
		p.counts.Lost++
	}
	close(p.counted)
	p.counted = make(chan struct{})
}

func (p *FaultProxy) accept(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		c := &faultConn{proxy: p, client: conn.(*net.TCPConn), gone: make(chan struct{})}
		p.mu.Lock()
		if p.listener != l { // refused or closed since
			p.mu.Unlock()
			reset(c.client)
			return
		}
		p.conns[c] = struct{}{}
		p.wg.Go(c.serve)
		p.mu.Unlock()
	}
}
