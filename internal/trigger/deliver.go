package trigger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/platform"
)

const (
	firstWait   = 100 * time.Millisecond
	longestWait = 5 * time.Second

	// commitTimeout bounds one commit. It has to end long before a rebalance
	// or the grace at the end does.
	commitTimeout = 10 * time.Second
)

// lane is one Function, which takes one event at a time.
type lane struct {
	fn         Function
	turn       chan struct{} // holds a token while an event is handled
	partitions int           // that use it; guarded by the trigger's mu
}

// invoke waits for the lane and has the event handled. It returns false if the
// worker was to end before it was its turn.
func (w *worker) invoke(payload []byte) (platform.Reply, error, bool) {
	select {
	case w.lane.turn <- struct{}{}:
		defer func() { <-w.lane.turn }()
	case <-w.stop.Done():
		return platform.Reply{}, nil, false
	}
	if w.stop.Err() != nil {
		return platform.Reply{}, nil, false
	}
	reply, err := w.lane.fn.Invoke(w.ctx, payload)
	if err == nil && reply.Error != nil {
		err = reply.Error
	}
	return reply, err, true
}

// deliver has the batch handled, again and again until it succeeds. It reports
// false if it did not.
func (w *worker) deliver() bool {
	defer w.delivering(0)
	n := Notice{
		Partition: w.partition, Offset: w.batch.first, LastOffset: w.batch.last,
		Records: w.builder.Len(), Bytes: w.builder.Size(),
	}
	for n.Delivery = 1; ; n.Delivery++ {
		w.delivering(n.Delivery)
		reply, err, sent := w.invoke(w.builder.Event())
		if !sent || err != nil && w.ctx.Err() != nil {
			return false
		}
		n.Reply, n.Err = reply, err
		if err == nil {
			n.Kind = Batch
			w.t.cfg.Report(n)
			return true
		}
		if n.Delivery > w.t.cfg.Retry {
			w.fail(fmt.Errorf("records %s-%d-%d to %d were delivered %d times and are not settled: %w",
				w.t.cfg.Topic, w.partition, n.Offset, n.LastOffset, n.Delivery, err))
			return false
		}
		n.Kind, n.Wait = Retry, pause(n.Delivery)
		w.t.cfg.Report(n)
		if !w.sleep(n.Wait) {
			return false
		}
	}
}

func (w *worker) delivering(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.delivery = n
}

// pause returns how long to wait after so many deliveries.
func pause(deliveries int) time.Duration {
	longest := min(firstWait<<min(deliveries-1, 10), longestWait)
	return longest/2 + rand.N(longest/2) //nolint:gosec // not for secrets
}

func (w *worker) sleep(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-w.stop.Done():
		return false
	}
}

// commit commits what is settled. If that fails it is reported, and the next
// commit makes up for it.
func (w *worker) commit() {
	w.mu.Lock()
	at, needed := w.settled, w.known && !w.lost && w.settled.Offset != w.committed
	w.mu.Unlock()
	if !needed {
		return
	}
	// What was handled is to be committed even if all else is given up.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(w.ctx), commitTimeout)
	defer cancel()
	var failure error
	w.t.client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{w.t.cfg.Topic: {w.partition: at}},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, resp *kmsg.OffsetCommitResponse, err error) {
			failure = commitError(resp, err)
		})
	if failure != nil {
		w.t.cfg.Report(Notice{Kind: Uncertain, Partition: w.partition, Offset: at.Offset, Err: failure})
		return
	}
	w.mu.Lock()
	w.committed = at.Offset
	w.mu.Unlock()
}

func commitError(resp *kmsg.OffsetCommitResponse, err error) error {
	if err != nil {
		return err
	}
	var errs []error
	for _, t := range resp.Topics {
		for _, p := range t.Partitions {
			errs = append(errs, kerr.ErrorForCode(p.ErrorCode))
		}
	}
	return errors.Join(errs...)
}
