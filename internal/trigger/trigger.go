package trigger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kversion"

	"ckafka-etl/internal/event"
)

// Trigger reads a topic and has functions handle its records.
type Trigger struct {
	cfg       Config
	client    *kgo.Client
	lanes     []*lane
	committer committer
	causes    causes
	slots     slots
	seeds     seeds
	gaps      atomic.Int64

	read         *memory        // what is fetched and not handled
	delivery     *memory        // events
	shops        chan *workshop // that are idle
	largest      int            // what a batch may decompress to
	largestFetch int64
	share        atomic.Int64 // what a partition may hold

	life      context.Context // ends with Run
	work      context.Context // ends the deliveries that are under way
	kill      context.CancelFunc
	tasks     sync.WaitGroup
	lookAgain chan struct{} // holds a token when the topic is to be looked at
	seen      chan struct{} // closed when the topic was looked at

	mu      sync.Mutex
	end     context.CancelCauseFunc // ends Run
	topic   *topicView
	remark  remark
	workers map[int32]*worker
	list    []*worker                 // by partition; replaced, never changed
	ending  map[int32]<-chan struct{} // workers of partitions that were lost
	readers map[int32]*reader
	member  bool // of the group, maybe without partitions
	closing bool
}

// What of the budget is for what. The rest is for what was used a moment ago and
// is not collected yet, and for the process itself.
const (
	readPart     = 3.0 / 8
	deliveryPart = 3.0 / 8
	batchPart    = 1.0 / 4 // of the whole, for one batch that is decompressed

	// eventCost is how many times its size an event takes: it is made, and then
	// encoded for the function.
	eventCost = 2

	// Bounds of what a partition may hold. With many partitions not all of them
	// hold as much at a time.
	mostAhead  = 8 << 20
	leastAhead = 256 << 10
)

// New checks the settings. It contacts nobody.
func New(cfg Config) (*Trigger, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	t := &Trigger{
		cfg: cfg, lookAgain: make(chan struct{}, 1), seen: make(chan struct{}),
		workers: make(map[int32]*worker), ending: make(map[int32]<-chan struct{}), readers: make(map[int32]*reader),
	}
	t.committer.turn = make(chan struct{}, 1)
	for _, fn := range cfg.Functions {
		t.lanes = append(t.lanes, &lane{fn: fn, turn: make(chan struct{}, 1)})
	}
	budget := float64(cfg.MemoryBudget)
	t.read = newMemory(int64(budget*readPart), t.wakeReaders)
	t.delivery = newMemory(int64(budget*deliveryPart), nil)
	t.largest = int(budget * batchPart)
	t.largestFetch = min(8<<20, t.read.limit/8)
	t.share.Store(mostAhead)
	t.shops = make(chan *workshop, max(1, min(len(t.lanes), int(t.delivery.limit/2/(eventCost*event.MaxBytes)))))
	if err := kgo.ValidateOpts(t.options()...); err != nil {
		return nil, err
	}
	return t, nil
}

// sessionTimeout is how long the partitions of a member that was killed wait
// for another. Heartbeats come every 3 s.
const sessionTimeout = 15 * time.Second

func (t *Trigger) options() []kgo.Opt {
	balancer := kgo.CooperativeStickyBalancer()
	if t.cfg.Eager {
		balancer = kgo.RangeBalancer()
	}
	// Commits by the identity of a topic would fail for one that was made anew:
	// kgo keeps to the identity that it saw first.
	versions := kversion.Stable()
	const offsetCommit, offsetFetch, byName = 8, 9, 9
	versions.SetMaxKeyVersion(offsetCommit, byName)
	versions.SetMaxKeyVersion(offsetFetch, byName)
	return append(slices.Clone(t.cfg.Client),
		kgo.MaxVersions(versions),
		kgo.DisableClientMetrics(),
		kgo.RequestRetries(20), // a restart of a broker is no reason to give up
		kgo.MetadataMaxAge(topicEvery),
		kgo.ConsumerGroup(t.cfg.Group),
		kgo.ConsumeTopics(t.cfg.Topic),
		kgo.Balancers(balancer),
		kgo.SessionTimeout(sessionTimeout),
		kgo.RebalanceTimeout(t.cfg.Timeout+commitTimeout+5*time.Second),
		kgo.DisableAutoCommit(),
		kgo.AdjustFetchOffsetsFn(unread),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { t.assigned(m[t.cfg.Topic]) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { t.revoked(m[t.cfg.Topic]) }),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, m map[string][]int32) { t.lost(m[t.cfg.Topic]) }),
		kgo.ProducerBatchMaxBytes(maxProduced),
	)
}

// unread gives kgo some offset for each partition, so that it asks no broker for
// one. It does not read them.
func unread(_ context.Context, offsets map[string]map[int32]kgo.Offset) (map[string]map[int32]kgo.Offset, error) {
	for _, partitions := range offsets {
		for p := range partitions {
			partitions[p] = kgo.NewOffset().At(0)
		}
	}
	return offsets, nil
}

// Run reads and delivers until ctx ends, then lets the batches in flight end
// and leaves the group. It returns an error if the topic cannot be read, if
// partitions stopped, or if records were deleted before they were read; it ends
// by itself when all of its partitions have stopped. Run can be called once.
func (t *Trigger) Run(ctx context.Context) error {
	var err error
	if t.seeds, err = look(ctx, t.cfg.Client, t.cfg.Topic); err != nil {
		if ctx.Err() != nil {
			return nil // it was told to end
		}
		return fmt.Errorf("topic %s: %w", t.cfg.Topic, err)
	}
	running, end := context.WithCancelCause(ctx)
	defer end(nil)
	var die context.CancelFunc
	t.life, die = context.WithCancel(context.WithoutCancel(ctx))
	defer die()
	t.work, t.kill = context.WithCancel(t.life)
	defer t.kill()
	if err := t.join(end); err != nil {
		return err
	}
	t.tasks.Go(func() { t.watchTopic(t.life) })
	t.tasks.Go(func() { t.watchGroup(running) })
	t.tasks.Go(func() { t.watchEnds(t.life) })
	t.tasks.Go(func() { t.commitAlways(t.life) })
	<-running.Done()
	errs := t.finish() //nolint:contextcheck // what is settled is committed even if ctx is over
	die()
	t.close()
	if cause := context.Cause(running); ctx.Err() == nil && !errors.Is(cause, errAllStopped) {
		errs = append(errs, cause)
	}
	if n := t.Gaps(); n > 0 {
		errs = append(errs, fmt.Errorf("%d records were deleted before they were read: look at the topic's retention", n))
	}
	return errors.Join(errs...)
}

// join makes the client, which joins the group at once. Its calls wait on mu
// until the client is known and reads nothing by itself.
func (t *Trigger) join(end context.CancelCauseFunc) (err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.end = end
	opts := t.options()
	if t.seeds.first != "" { // kgo would try those first that hang
		opts = append(opts, kgo.SeedBrokers(t.seeds.first))
	}
	if t.client, err = kgo.NewClient(opts...); err != nil {
		return err
	}
	t.client.PauseFetchTopics(t.cfg.Topic)
	return nil
}

// close ends everything, as far as that does not hang with a broker.
func (t *Trigger) close() {
	closed := make(chan struct{})
	go func() {
		defer close(closed)
		t.client.Close()
		t.tasks.Wait()
	}()
	timer := time.NewTimer(time.Second)
	defer timer.Stop()
	select {
	case <-closed:
	case <-timer.C:
	}
}

var errAllStopped = errors.New("all partitions stopped")

// fail ends Run.
func (t *Trigger) fail(err error) {
	t.mu.Lock()
	end := t.end
	t.mu.Unlock()
	end(err)
}

// partitionStopped ends Run if no partition is left that goes on.
func (t *Trigger) partitionStopped() {
	for _, w := range t.all() {
		w.mu.Lock()
		stopped := w.p.Reason() != nil
		w.mu.Unlock()
		if !stopped {
			return
		}
	}
	t.fail(errAllStopped)
}

// all returns the workers by partition.
func (t *Trigger) all() []*worker {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.list
}

// chunk is what may be fetched of a partition at a time, enough what it has when
// there is no need for more.
func (t *Trigger) chunk() int64  { return t.share.Load() }
func (t *Trigger) enough() int64 { return t.share.Load() / 2 }

// shop returns what an event is made with.
func (t *Trigger) shop() *workshop {
	select {
	case s := <-t.shops:
		return s
	default:
		b, err := event.NewBuilder(t.cfg.MaxMsgNum)
		if err != nil {
			panic(err) // the settings were checked
		}
		return &workshop{event: b}
	}
}

// giveShop keeps it for the next event, unless there are enough.
func (t *Trigger) giveShop(s *workshop) {
	if cap(s.scratch) > event.MaxBytes {
		s.scratch = nil
	}
	select {
	case t.shops <- s:
	default:
	}
}
