package esclient

import (
	"maps"
	"slices"
	"sync"
	"time"

	"ckafka-etl/record"
)

// wave is what the requests of one wave have brought.
type wave struct {
	mu         sync.Mutex
	again      map[int32]*record.Cause // to be sent again
	failing    bool                    // something failed: back off
	repeating  bool                    // something is sent that was sent before
	retryAfter time.Duration
	halves     [][]int32                // items of requests that were refused as a whole
	blocked    map[uint64]*record.Cause // see job
	fatal      *record.Cause            // nothing more can be sent
}

// stopped, stop, repeat, resend, block, fail and split are what requests say to their wave.

func (w *wave) stopped() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fatal != nil
}

func (w *wave) stop(cause *record.Cause) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fatal = cause
}

func (w *wave) repeat(items []int32, cause *record.Cause) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, i := range items {
		w.again[i] = cause
	}
}

func (w *wave) fail(items []int32, cause *record.Cause, retryAfter time.Duration) {
	w.repeat(items, cause)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.failing, w.repeating = true, true
	w.retryAfter = max(w.retryAfter, retryAfter)
}

func (w *wave) block(keys map[uint64]*record.Cause) {
	if len(keys) == 0 {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	// A new map: the one of the waves before is being read.
	all := maps.Clone(keys)
	maps.Copy(all, w.blocked)
	w.blocked = all
}

func (w *wave) resend(items []int32) {
	w.repeat(items, nil)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.repeating = true
}

func (w *wave) split(items []int32) {
	items = slices.Clone(items) // the request is used again
	w.resend(items)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.halves = append(w.halves, items)
}
