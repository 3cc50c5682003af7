package trigger

import (
	"context"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/trigger/policy"
)

// got is an event that a function got.
type got struct {
	first, last int64
	records     int
	at          time.Duration // since the start
}

// sink is a Function that takes note of what it gets.
type sink struct {
	began time.Time
	err   error

	mu  sync.Mutex
	all []got
}

func (s *sink) Invoke(_ context.Context, payload []byte) (platform.Reply, error) {
	recs, err := new(event.Decoder).Decode(payload, time.Now(), nil)
	if err != nil {
		return platform.Reply{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, got{recs[0].Offset, recs[len(recs)-1].Offset, len(recs), time.Since(s.began)})
	return platform.Reply{}, s.err
}

func (s *sink) events() []got {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]got(nil), s.all...)
}

// startWorker starts the worker of a partition that begins at 0.
func startWorker(t *testing.T, cfg Config, s *sink) *worker {
	t.Helper()
	cfg.Topic, cfg.Group, cfg.Functions = "t", "g", []Function{s}
	tr, err := New(cfg)
	require.NoError(t, err)
	tr.life, tr.end = t.Context(), func(error) {}
	tr.work, tr.kill = context.WithCancel(t.Context())
	w := tr.newWorker(0)
	tr.workers[0] = w
	tr.arrange()
	w.apply(policy.Assigned{Commit: policy.Nowhere, EpochEnd: policy.Nowhere, End: 1 << 30})
	s.began = time.Now()
	go w.run(nil)
	t.Cleanup(func() { w.end(); tr.kill(); <-w.done })
	return w
}

// fetched has records arrive, each with a value of size bytes, as one batch.
func fetched(t *testing.T, w *worker, size int, offsets ...int64) {
	t.Helper()
	var data []byte
	for _, o := range offsets {
		rec := []byte{0, 0}
		rec = binary.AppendVarint(rec, o-offsets[0])
		rec = binary.AppendVarint(rec, -1)
		rec = binary.AppendVarint(rec, int64(size))
		rec = append(rec, make([]byte, size)...)
		rec = append(rec, 0)
		data = append(binary.AppendVarint(data, int64(len(rec))), rec...)
	}
	last := offsets[len(offsets)-1]
	rb := kmsg.RecordBatch{
		FirstOffset: offsets[0], Magic: 2, LastOffsetDelta: int32(last - offsets[0]), NumRecords: int32(len(offsets)), Records: data,
		FirstTimestamp: time.Now().UnixMilli(),
	}
	raw := rb.AppendTo(nil)
	binary.BigEndian.PutUint32(raw[8:], uint32(len(raw)-12))
	binary.BigEndian.PutUint32(raw[17:], crc32.Checksum(raw[21:], crc32.MakeTable(crc32.Castagnoli)))
	p := kmsg.NewFetchResponseTopicPartition()
	p.RecordBatches, p.LogStartOffset, p.LastStableOffset = raw, 0, last+1
	r := &reader{t: w.t}
	w.mu.Lock()
	at := w.p.Read()
	w.answerLocked()
	w.mu.Unlock()
	r.takePartition(wanted{w, at, w.epoch}, &p, 1<<30)
}

// answerLocked has nothing be asked; mu is held.
func (w *worker) answerLocked() { w.asking = 0 }

// An event is closed when its first record has waited long enough, however
// many come after it.
func TestEventIsClosedByTheFirstRecordsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		w := startWorker(t, Config{MaxWait: 10 * time.Second}, s)
		for i := range int64(5) {
			time.AfterFunc(time.Hour+time.Duration(i)*4*time.Second, func() { fetched(t, w, 10, i) })
		}
		<-time.After(2 * time.Hour)
		assert.Equal(t, []got{
			{0, 2, 3, time.Hour + 10*time.Second},
			{3, 4, 2, time.Hour + 22*time.Second},
		}, s.events())
	})
}

func TestEventIsClosedWhenFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		w := startWorker(t, Config{MaxMsgNum: 2, MaxWait: time.Minute}, s)
		fetched(t, w, 1, 5, 6, 9)
		synctest.Wait()
		assert.Equal(t, []got{{5, 6, 2, 0}}, s.events())
		w.mu.Lock()
		assert.Equal(t, int64(7), w.p.Next())
		assert.Equal(t, 1, w.q.records)
		w.mu.Unlock()
		fetched(t, w, 1, 12)
		synctest.Wait()
		assert.Equal(t, got{9, 12, 2, 0}, s.events()[1])
	})
}

// Bytes count as they are in the event: a NUL takes six.
func TestEventIsClosedBySize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		w := startWorker(t, Config{MaxMsgNum: 100}, s)
		fetched(t, w, 400_000, 0, 1, 2, 3, 4)
		synctest.Wait()
		assert.Equal(t, []got{{0, 1, 2, 0}, {2, 3, 2, 0}, {4, 4, 1, 0}}, s.events())
	})
}

// Nothing is waited for when the partition holds as much as it may.
func TestEventIsClosedWhenThereIsNoRoomForMore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		w := startWorker(t, Config{MaxMsgNum: 1000, MaxWait: time.Minute}, s)
		var some []int64
		for i := range int64(31) {
			some = append(some, i)
		}
		fetched(t, w, int(w.t.enough()/32), some...)
		synctest.Wait()
		assert.Empty(t, s.events())
		fetched(t, w, int(w.t.enough()/32), 31)
		synctest.Wait()
		assert.NotEmpty(t, s.events())
	})
}

// An event that failed comes again unchanged, although more has come meanwhile,
// and what was fetched since is not lost.
func TestFailedEventIsMadeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{err: errors.New("busy")}
		w := startWorker(t, Config{MaxMsgNum: 100, Retry: 10}, s)
		fetched(t, w, 1, 0, 1, 2)
		synctest.Wait()
		fetched(t, w, 1, 3, 4)
		<-time.After(150 * time.Millisecond)
		s.mu.Lock()
		s.err = nil
		s.mu.Unlock()
		<-time.After(time.Second)
		assert.Equal(t, []got{
			{0, 2, 3, 0}, {0, 2, 3, 100 * time.Millisecond}, {0, 2, 3, 300 * time.Millisecond}, {3, 4, 2, 300 * time.Millisecond},
		}, s.events())
	})
}

// The memory for what was fetched is given back as it is handled, and all of it
// when the partition goes.
func TestMemoryIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := new(sink)
		w := startWorker(t, Config{MaxMsgNum: 2, MaxWait: time.Minute}, s)
		fetched(t, w, 1000, 0, 1, 2)
		fetched(t, w, 1000, 3, 4)
		synctest.Wait()
		w.mu.Lock()
		assert.Equal(t, w.q.bytes, w.t.read.used)
		w.mu.Unlock()
		assert.Less(t, w.t.read.used, int64(2500))
		assert.Positive(t, w.t.read.used)
		assert.Zero(t, w.t.delivery.used)
		w.leave(true)
		assert.Zero(t, w.t.read.used)
	})
}

// When there is no memory for a partition that has nothing, those that wait for
// their next delivery anyway give up what they hold.
func TestEviction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sink{err: errors.New("busy")}
		w := startWorker(t, Config{MaxMsgNum: 2, Retry: 100}, s)
		fetched(t, w, 1000, 0, 1, 2)
		<-time.After(5 * time.Second)
		assert.Positive(t, w.t.read.used)
		assert.True(t, w.t.evict(time.Now()))
		assert.Zero(t, w.t.read.used)
		assert.False(t, w.t.evict(time.Now()))
		w.mu.Lock()
		from, ok := w.p.MayFetch()
		due, _ := w.p.MayDeliver()
		w.mu.Unlock()
		require.True(t, ok)
		assert.Equal(t, due, from)
		// It is fetched when it is due, and the same batch is delivered.
		<-time.After(time.Until(due))
		events := len(s.events())
		fetched(t, w, 1000, 0)
		<-time.After(time.Second)
		assert.Len(t, s.events(), events, "it is not complete")
		fetched(t, w, 1000, 1, 2)
		synctest.Wait()
		assert.Equal(t, got{0, 1, 2, 0}.without(), s.events()[events].without())
	})
}

func (g got) without() got {
	g.at = 0
	return g
}
