package verify

import "sync/atomic"

// teller tells how far a comparison has come.
type teller struct {
	progress    func(read, total int64)
	done, total atomic.Int64
}

func newTeller(progress func(read, total int64)) *teller {
	if progress == nil {
		progress = func(int64, int64) {}
	}
	return &teller{progress: progress}
}

func (t *teller) expect(n int64) { t.total.Add(n) }

func (t *teller) read(n int64) { t.progress(t.done.Add(n), t.total.Load()) }
