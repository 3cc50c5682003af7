package trigger

import (
	"context"
	"errors"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/topicmeta"
)

// Trigger reads a topic and has functions handle its records.
type Trigger struct {
	cfg    Config
	client *kgo.Client
	lanes  []*lane
	wake   chan struct{} // holds a token when a partition may want more
	room   atomic.Int64  // bytes of a partition that may be read ahead

	mu      sync.Mutex
	end     context.CancelCauseFunc // ends Run
	workers map[int32]*worker
	ending  map[int32]<-chan struct{} // workers of partitions that were lost
	closing bool
}

// New checks the settings. It contacts nobody.
func New(cfg Config) (*Trigger, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	t := &Trigger{
		cfg: cfg, wake: make(chan struct{}, 1),
		workers: make(map[int32]*worker), ending: make(map[int32]<-chan struct{}),
	}
	for _, fn := range cfg.Functions {
		t.lanes = append(t.lanes, &lane{fn: fn, turn: make(chan struct{}, 1)})
	}
	if err := kgo.ValidateOpts(t.options()...); err != nil {
		return nil, err
	}
	return t, nil
}

// sessionTimeout is how long the partitions of a member that was killed wait
// for another. Heartbeats come every 3 s.
const sessionTimeout = 15 * time.Second

func (t *Trigger) options() []kgo.Opt {
	// A worker lives longer than any call.
	assigned := func(_ context.Context, _ *kgo.Client, m map[string][]int32) { t.assigned(m[t.cfg.Topic]) } //nolint:contextcheck // see above
	balancer := kgo.CooperativeStickyBalancer()
	if t.cfg.Eager {
		balancer = kgo.RangeBalancer()
	}
	return append(slices.Clone(t.cfg.Client),
		kgo.RequestRetries(20), // a restart of a broker is no reason to give up
		kgo.ConsumerGroup(t.cfg.Group),
		kgo.ConsumeTopics(t.cfg.Topic),
		kgo.Balancers(balancer),
		kgo.ConsumeStartOffset(kgo.NewOffset().AtStart()), // adjust puts the position in its place
		kgo.SessionTimeout(sessionTimeout),
		kgo.RebalanceTimeout(t.cfg.Timeout+commitTimeout+5*time.Second),
		kgo.DisableAutoCommit(),
		kgo.BlockRebalanceOnPoll(),
		kgo.AdjustFetchOffsetsFn(t.adjust),
		kgo.OnPartitionsAssigned(assigned),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { t.revoked(m[t.cfg.Topic]) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { t.lost(m[t.cfg.Topic]) }),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()),
		kgo.FetchMaxPartitionBytes(leastAhead),
		kgo.FetchMaxBytes(16<<20),
		// A partition that is read again waits for the fetch that is open, which
		// those at their end keep open for so long.
		kgo.FetchMaxWait(250*time.Millisecond),
		kgo.ProducerBatchMaxBytes(maxProduced),
	)
}

// Run reads and delivers until ctx ends, then lets the batches in flight end
// and leaves the group. It returns an error if the topic cannot be read, or if
// partitions stopped; it ends by itself when all of its partitions have. Run can
// be called once.
func (t *Trigger) Run(ctx context.Context) error {
	if err := checkTopic(ctx, t.cfg.Client, t.cfg.Topic); err != nil {
		if ctx.Err() != nil {
			return nil // it was told to end
		}
		return err
	}
	poll, end := context.WithCancelCause(ctx)
	defer end(nil)
	if err := t.join(end); err != nil {
		return err
	}
	defer t.client.CloseAllowingRebalance()
	for poll.Err() == nil {
		t.awaitHunger(poll)
		fetches := t.client.PollFetches(poll)
		err := t.dispatch(fetches)
		t.client.AllowRebalance()
		if err != nil {
			end(err)
		}
	}
	errs := t.finish()
	if cause := context.Cause(poll); ctx.Err() == nil && !errors.Is(cause, errAllStopped) {
		errs = append(errs, cause)
	}
	return errors.Join(errs...)
}

// join makes the client, which joins the group at once. Its calls wait on mu
// until the client is known.
func (t *Trigger) join(end context.CancelCauseFunc) (err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = end
	t.client, err = kgo.NewClient(t.options()...)
	return err
}

var errAllStopped = errors.New("all partitions stopped")

// awaitHunger returns when a partition wants to be read further. Reading what
// nobody has room for would mean to read it twice.
func (t *Trigger) awaitHunger(ctx context.Context) {
	for !t.hungry() {
		select {
		case <-t.wake:
		case <-ctx.Done():
			return
		}
	}
}

func (t *Trigger) hungry() bool {
	workers := t.all()
	return len(workers) == 0 || slices.ContainsFunc(workers, (*worker).hungry)
}

func (t *Trigger) wakePoll() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// dispatch hands out what was read. An error ends everything.
func (t *Trigger) dispatch(fetches kgo.Fetches) error {
	var fatal error
	fetches.EachError(func(_ string, p int32, err error) {
		if errors.Is(err, context.Canceled) || errors.Is(err, kgo.ErrClientClosed) {
			return
		}
		if isFatal(err) {
			fatal = err
			return
		}
		t.cfg.Report(Notice{Kind: Trouble, Partition: p, Err: err})
	})
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		w := t.worker(p.Partition)
		if w == nil || len(p.Records) == 0 || w.stop.Err() != nil || w.failed() != nil {
			return
		}
		w.queue.push(p.Records)
		if _, bytes := w.queue.size(); bytes > 2*int(t.room.Load()) {
			w.pause()
		}
	})
	return fatal
}

// isFatal reports whether an error of reading stays until somebody changes
// something.
func isFatal(err error) bool {
	for _, e := range []error{
		kerr.GroupAuthorizationFailed, kerr.TopicAuthorizationFailed, kerr.SaslAuthenticationFailed,
		kerr.InconsistentGroupProtocol, kerr.InvalidGroupID, kerr.InvalidSessionTimeout,
	} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

func (t *Trigger) only(partition int32) map[string][]int32 {
	return map[string][]int32{t.cfg.Topic: {partition}}
}

// share divides the memory for what is read ahead; mu is held.
func (t *Trigger) share() {
	t.room.Store(int64(min(mostAhead, max(leastAhead, allAhead/max(1, len(t.workers))))))
}

func (t *Trigger) worker(partition int32) *worker {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.workers[partition]
}

// all returns the workers by partition.
func (t *Trigger) all() []*worker {
	t.mu.Lock()
	defer t.mu.Unlock()
	workers := make([]*worker, 0, len(t.workers))
	for _, p := range slices.Sorted(maps.Keys(t.workers)) {
		workers = append(workers, t.workers[p])
	}
	return workers
}

// Status returns how far each assigned partition is. If the brokers do not tell
// where the partitions end, it returns an error with all else.
func (t *Trigger) Status(ctx context.Context) ([]PartitionStatus, error) {
	var list []PartitionStatus
	var partitions []int32
	for _, w := range t.all() {
		if w.isKnown() {
			list, partitions = append(list, w.status()), append(partitions, w.partition)
		}
	}
	if len(list) == 0 {
		return nil, nil
	}
	ends, err := listOffsets(ctx, t.client, t.cfg.Topic, partitions, topicmeta.End)
	for i := range list {
		list[i].End = ends[list[i].Partition]
	}
	return list, err
}

// partitionStopped ends Run if no partition is left that goes on.
func (t *Trigger) partitionStopped() {
	if !slices.ContainsFunc(t.all(), func(w *worker) bool { return w.failed() == nil }) {
		t.mu.Lock()
		end := t.end
		t.mu.Unlock()
		end(errAllStopped)
	}
}

// newWorker makes the worker of a partition; mu is held.
func (t *Trigger) newWorker(partition int32) (*worker, error) {
	b, err := event.NewBuilder(t.cfg.MaxMsgNum)
	if err != nil {
		return nil, err
	}
	w := &worker{t: t, partition: partition, queue: newQueue(), builder: b, begin: make(chan start, 1), done: make(chan struct{})}
	w.ctx, w.kill = context.WithCancel(context.Background())
	w.stop, w.halt = context.WithCancel(w.ctx)
	w.lane = slices.MinFunc(t.lanes, func(a, b *lane) int { return a.partitions - b.partitions })
	w.lane.partitions++
	return w, nil
}
