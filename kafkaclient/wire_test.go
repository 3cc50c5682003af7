package kafkaclient_test

import (
	"bytes"
	"encoding/binary"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/kafkaclient"
	"ckafka-etl/record"
)

// wire is the network between client and brokers.
type wire struct {
	// loseAnswers has requests arrive and answers vanish.
	loseAnswers atomic.Bool
	// says is the error that brokers answer with to what they have written, as a
	// leader does that lost its place after it had appended; 0 = the truth.
	says     atomic.Int32
	accepted atomic.Int64
	open     atomic.Int64 // connections that the client has not closed

	mu    sync.Mutex
	conns []*wireConn
}

// wireConn is the broker's end of a connection.
type wireConn struct {
	net.Conn
	wire *wire
	mute atomic.Bool // answers vanish
	mu   sync.Mutex
	hold chan struct{} // while open, nothing more arrives; nil = no
	end  sync.Once

	came     []byte          // of requests, up to the end of a frame
	produces map[int32]int16 // versions of produce requests, by correlation id
}

func (w *wire) listen(network, address string) (net.Listener, error) {
	l, err := net.Listen(network, address)
	return &wireListener{l, w}, err
}

type wireListener struct {
	net.Listener
	wire *wire
}

func (l *wireListener) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.wire.accepted.Add(1)
	l.wire.open.Add(1)
	c := &wireConn{Conn: conn, wire: l.wire}
	l.wire.mu.Lock()
	defer l.wire.mu.Unlock()
	l.wire.conns = append(l.wire.conns, c)
	return c, nil
}

func (c *wireConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if err != nil {
		c.end.Do(func() { c.wire.open.Add(-1) })
	}
	c.mu.Lock()
	c.see(b[:n])
	hold := c.hold
	c.mu.Unlock()
	if hold != nil {
		<-hold
	}
	return n, err
}

func (c *wireConn) Write(b []byte) (int, error) {
	if c.mute.Load() || c.wire.loseAnswers.Load() {
		return len(b), nil
	}
	if code := int16(c.wire.says.Load()); code != 0 {
		_, err := c.Conn.Write(c.changed(b, code))
		return len(b), err
	}
	return c.Conn.Write(b)
}

// see notes which requests are to produce. c.mu is held.
func (c *wireConn) see(b []byte) {
	c.came = append(c.came, b...)
	for len(c.came) >= 12 {
		size := 4 + int(binary.BigEndian.Uint32(c.came))
		if int16(binary.BigEndian.Uint16(c.came[4:])) == produceKey {
			if c.produces == nil {
				c.produces = make(map[int32]int16)
			}
			c.produces[int32(binary.BigEndian.Uint32(c.came[8:]))] = int16(binary.BigEndian.Uint16(c.came[6:]))
		}
		if len(c.came) < size {
			return
		}
		c.came = c.came[size:]
	}
}

// changed returns an answer to a produce request with an error in place of each
// success, and any other answer as it is.
func (c *wireConn) changed(b []byte, code int16) []byte {
	c.mu.Lock()
	version, ok := c.produces[int32(binary.BigEndian.Uint32(b[4:]))]
	c.mu.Unlock()
	if !ok {
		return b
	}
	res := kmsg.NewPtrProduceResponse()
	res.Version = version
	head := 8
	if res.IsFlexible() {
		head++ // no tags
	}
	if err := res.ReadFrom(b[head:]); err != nil {
		panic(err)
	}
	for t := range res.Topics {
		for p := range res.Topics[t].Partitions {
			if p := &res.Topics[t].Partitions[p]; p.ErrorCode == 0 || p.ErrorCode == kerr.DuplicateSequenceNumber.Code {
				p.ErrorCode = code
			}
		}
	}
	out := res.AppendTo(bytes.Clone(b[:head]))
	binary.BigEndian.PutUint32(out, uint32(len(out)-4))
	return out
}

// cut has all connections that there are go silent: what is sent over them
// arrives when the returned function is called, and is not answered.
func (w *wire) cut() (release func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	hold := make(chan struct{})
	for _, c := range w.conns {
		c.mute.Store(true)
		c.mu.Lock()
		c.hold = hold
		c.mu.Unlock()
	}
	return sync.OnceFunc(func() { close(hold) })
}

func wired(t *testing.T, w *wire) *kfake.Cluster {
	t.Helper()
	return cluster(t, kfake.ListenFn(w.listen), kfake.NumBrokers(1), kfake.SeedTopics(2, "target", "letters"))
}

// A batch was written, but no answer came before the time was over. The record
// is unsettled, and the trigger delivers it again: it must not be written again,
// whatever else the instance has done since.
func TestUnknownBatchIsNotWrittenTwice(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(t *testing.T, k *kafkaclient.Client) []record.Record{
		"at once": func(*testing.T, *kafkaclient.Client) []record.Record { return nil },
		"after another partition's batch": func(t *testing.T, k *kafkaclient.Client) []record.Record {
			t.Helper()
			recs := batch(1, 50)
			all(t, record.Stored, write(t, k, recs))
			return recs
		},
		"after a try that reached nobody": func(t *testing.T, k *kafkaclient.Client) []record.Record {
			t.Helper()
			all(t, record.Unsettled, writeWithin(t, k, 15*time.Millisecond, batch(0, 60)))
			return nil
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w wire
			c := wired(t, &w)
			k := client(t, c)
			recs := batch(0, 60)
			all(t, record.Stored, write(t, k, recs[:10])) // makes connections and learns all there is to know
			w.loseAnswers.Store(true)
			cause := all(t, record.Unsettled, writeWithin(t, k, 300*time.Millisecond, recs[10:]))
			assert.Equal(t, "no_answer", cause.Type)
			require.Equal(t, 60, count(c, "target"), "the broker has them all the same")
			w.loseAnswers.Store(false)

			others := between(t, k)
			all(t, record.Stored, write(t, k, recs[10:]))
			requireInOrder(t, c, append(recs, others...))
		})
	}
}

// If other records come than those of which nobody knows, they are written:
// rather something twice than not at all. As many others, above all, must not
// be taken for those, as the broker would do by their numbers.
func TestUnknownBatchAndOthersCome(t *testing.T) {
	t.Parallel()
	for name, x := range map[string]struct {
		unknown, next [2]int
		want          int
	}{
		"as many others": {[2]int{10, 40}, [2]int{40, 70}, 70},
		"fewer":          {[2]int{10, 40}, [2]int{10, 20}, 50},
		"more":           {[2]int{10, 40}, [2]int{10, 70}, 70},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var w wire
			c := wired(t, &w)
			k := client(t, c, func(cfg *kafkaclient.Config) { cfg.KeepPartition = true })
			recs := batch(0, 70)
			all(t, record.Stored, write(t, k, recs[:10]))
			w.loseAnswers.Store(true)
			all(t, record.Unsettled, writeWithin(t, k, 300*time.Millisecond, recs[x.unknown[0]:x.unknown[1]]))
			w.loseAnswers.Store(false)
			all(t, record.Stored, write(t, k, recs[x.next[0]:x.next[1]]))
			assert.Equal(t, x.want, count(c, "target"))
			seen := make(map[string]bool)
			for _, m := range messages(t, c, "target")[0] {
				seen[string(m.Value)] = true
			}
			assert.Len(t, seen, max(x.unknown[1], x.next[1]))
		})
	}
}

// A request that was given up may still be on its way when the records have
// long been written by the next one.
func TestLateRequestIsNotWritten(t *testing.T) {
	t.Parallel()
	var w wire
	c := wired(t, &w)
	k := client(t, c)
	recs := batch(0, 60)
	all(t, record.Stored, write(t, k, recs[:10]))
	release := w.cut()
	defer release()
	all(t, record.Stored, writeWithin(t, k, 3*time.Second, recs[10:]))
	requireInOrder(t, c, recs)

	late := counting(c, produceKey)
	release()
	require.Eventually(t, func() bool { return late.count() > 0 }, 10*time.Second, time.Millisecond)
	all(t, record.Stored, write(t, k, batch(1, 1)))
	requireInOrder(t, c, append(recs, batch(1, 1)...))
}

// A frozen instance wakes up with connections that are dead, though nobody has
// told it. It must not wait for answers over them.
func TestThaw(t *testing.T) {
	t.Parallel()
	var w wire
	c := wired(t, &w)
	now := arrival
	k := client(t, c, func(cfg *kafkaclient.Config) { cfg.Now = func() time.Time { return now } })
	recs := batch(0, 30)
	all(t, record.Stored, write(t, k, recs[:10]))

	warm := w.accepted.Load()
	now = now.Add(5 * time.Second)
	all(t, record.Stored, write(t, k, recs[10:20]))
	assert.Equal(t, warm, w.accepted.Load(), "a warm client makes no new connections")

	defer w.cut()()
	now = now.Add(11 * time.Second)
	started := time.Now()
	all(t, record.Stored, write(t, k, recs[20:]))
	assert.Less(t, time.Since(started), 400*time.Millisecond, "no try may go into a dead connection")
	assert.Greater(t, w.accepted.Load(), warm)
	requireInOrder(t, c, recs)
}

// Nothing is to run on when Write has returned: what is still in flight at the
// deadline loses its connection.
func TestNothingGoesOnAfterTheDeadline(t *testing.T) {
	t.Parallel()
	var w wire
	c := wired(t, &w)
	k := client(t, c)
	all(t, record.Stored, write(t, k, batch(0, 10)))
	require.Positive(t, w.open.Load())
	w.loseAnswers.Store(true)
	all(t, record.Unsettled, writeWithin(t, k, 300*time.Millisecond, batch(1, 10)))
	require.Eventually(t, func() bool { return w.open.Load() == 0 }, 10*time.Second, time.Millisecond)
}

// Brokers that take connections and never say a word must not keep Write.
func TestMuteBrokers(t *testing.T) {
	t.Parallel()
	var w wire
	c := wired(t, &w)
	w.loseAnswers.Store(true)
	k := client(t, c)
	started := time.Now()
	cause := all(t, record.Unsettled, writeWithin(t, k, 300*time.Millisecond, batch(0, 3)))
	assert.Less(t, time.Since(started), 2*time.Second)
	assert.Equal(t, "no_answer", cause.Type)
	require.Eventually(t, func() bool { return w.open.Load() == 0 }, 10*time.Second, time.Millisecond)
}

// A connection that dies between one question and the next takes with it what
// is known of the topic.
func TestConnectionDiesWhilePreparing(t *testing.T) {
	t.Parallel()
	var w wire
	c := wired(t, &w)
	var once sync.Once
	c.ControlKey(initProducerIDKey, func(kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		once.Do(func() { w.cut()() })
		return nil, nil, false
	})
	recs := batch(0, 10)
	all(t, record.Stored, writeWithin(t, client(t, c), 3*time.Second, recs))
	requireInOrder(t, c, recs)
}
