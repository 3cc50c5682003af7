package trigger

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kgo"
)

func testWorker(t *testing.T, cfg Config) *worker {
	t.Helper()
	tr := &Trigger{cfg: cfg.withDefaults(), lanes: []*lane{{}}}
	w, err := tr.newWorker(0)
	require.NoError(t, err)
	t.Cleanup(w.kill)
	return w
}

func at(offset int64, size int) *kgo.Record {
	return &kgo.Record{Topic: "t", Offset: offset, Value: make([]byte, size)}
}

// An event is closed when its first record has waited long enough, however
// many come after it.
func TestEventIsClosedByTheFirstRecordsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testWorker(t, Config{MaxWait: 10 * time.Second})
		begin := time.Now()
		for i := range int64(5) {
			time.AfterFunc(time.Hour+time.Duration(i)*4*time.Second, func() { w.queue.push([]*kgo.Record{at(i, 10)}) })
		}
		require.True(t, w.collect())
		assert.Equal(t, time.Hour+10*time.Second, time.Since(begin))
		assert.Equal(t, 3, w.builder.Len())
		assert.Equal(t, span{0, 2}, w.batch)
		require.True(t, w.collect())
		assert.Equal(t, span{3, 4}, w.batch)
		assert.Equal(t, time.Hour+22*time.Second, time.Since(begin))
	})
}

func TestEventIsClosedWhenFull(t *testing.T) {
	w := testWorker(t, Config{MaxMsgNum: 2, MaxWait: time.Minute})
	w.queue.push([]*kgo.Record{at(5, 1), at(6, 1), at(9, 1)})
	require.True(t, w.collect())
	assert.Equal(t, span{5, 6}, w.batch)
	assert.Equal(t, int64(7), w.next.Offset)
}

// Bytes count as they are in the event: a NUL takes six.
func TestEventIsClosedBySize(t *testing.T) {
	w := testWorker(t, Config{MaxMsgNum: 100, MaxWait: time.Minute})
	for i := range int64(5) {
		w.queue.push([]*kgo.Record{at(i, 400_000)})
	}
	require.True(t, w.collect())
	assert.Equal(t, span{0, 1}, w.batch)
}

// What was handled already is not handled again, wherever it comes from.
func TestRecordsThatWereHandledAreDropped(t *testing.T) {
	w := testWorker(t, Config{})
	w.queue.push([]*kgo.Record{at(1, 1), at(2, 1), at(1, 1), at(2, 1), at(3, 1)})
	require.True(t, w.collect())
	assert.Equal(t, 3, w.builder.Len())
	assert.Equal(t, span{1, 3}, w.batch)
}

func TestCollectEndsWithTheWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := testWorker(t, Config{MaxWait: time.Minute})
		w.queue.push([]*kgo.Record{at(0, 1)})
		time.AfterFunc(time.Second, w.halt)
		assert.False(t, w.collect())
	})
}

func TestPauseGrowsAndIsBounded(t *testing.T) {
	for n := 1; n <= 10_000; n++ {
		p := pause(n)
		assert.GreaterOrEqual(t, p, firstWait/2)
		assert.Less(t, p, longestWait)
	}
	assert.GreaterOrEqual(t, pause(10_000), longestWait/2)
}
