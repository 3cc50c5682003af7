package trigger_test

import (
	"context"
	"net"
	"sync"

	"github.com/twmb/franz-go/pkg/kgo"
)

// wire is the way to a cluster in virtual time. It can be cut: connections stay
// and nothing comes through any more, in neither direction.
type wire struct {
	mu   sync.Mutex
	hung chan struct{} // closed when it is mended; nil: it is whole
}

// newWire puts a wire between what connects to the cluster from now on and it.
func newWire(c *fakeKafka) *wire {
	w := new(wire)
	dial := c.dial
	c.opts = append(c.opts, kgo.Dialer(func(ctx context.Context, network, address string) (net.Conn, error) {
		if err := w.pass(ctx); err != nil {
			return nil, err
		}
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		closed, cancel := context.WithCancel(context.Background())
		return &wireConn{conn, w, closed, cancel}, nil
	}))
	return w
}

func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hung = make(chan struct{})
}

func (w *wire) mend() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.hung != nil {
		close(w.hung)
		w.hung = nil
	}
}

// pass waits until the wire is whole.
func (w *wire) pass(ctx context.Context) error {
	w.mu.Lock()
	hung := w.hung
	w.mu.Unlock()
	if hung == nil {
		return nil
	}
	select {
	case <-hung:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type wireConn struct {
	net.Conn
	wire   *wire
	closed context.Context
	cancel context.CancelFunc
}

func (c *wireConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if passErr := c.wire.pass(c.closed); passErr != nil {
		return 0, net.ErrClosed
	}
	return n, err
}

func (c *wireConn) Write(b []byte) (int, error) {
	if err := c.wire.pass(c.closed); err != nil {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

func (c *wireConn) Close() error {
	c.cancel()
	return c.Conn.Close()
}
