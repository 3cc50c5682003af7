package trigger_test

import (
	"context"
	"fmt"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/kversion"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/trigger"
	"ckafka-etl/record"
)

const (
	topic = "logs"
	group = "etl"
	limit = 3 * time.Minute // what no step of a test may take; most are in virtual time
)

// fakeKafka is a cluster in this process, and how to reach it.
type fakeKafka struct {
	*kfake.Cluster
	opts []kgo.Opt
	dial func(ctx context.Context, network, address string) (net.Conn, error) // in virtual time
}

func cluster(t *testing.T, partitions int32, opts ...kfake.Opt) *fakeKafka {
	t.Helper()
	opts = append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(partitions, topic), kfake.SeedTopics(1, "oversize")}, opts...)
	c, err := kfake.NewCluster(opts...)
	require.NoError(t, err)
	t.Cleanup(c.Close)
	return &fakeKafka{Cluster: c, opts: []kgo.Opt{kgo.SeedBrokers(c.ListenAddrs()...)}}
}

// virtual is a cluster for a test in virtual time.
func virtual(t *testing.T, partitions int32, opts ...kfake.Opt) *fakeKafka {
	t.Helper()
	var network kfake.VirtualNetwork
	c := cluster(t, partitions, append([]kfake.Opt{kfake.Ports(9092, 9093, 9094), kfake.NumBrokers(3), kfake.ListenFn(network.Listen)}, opts...)...)
	c.dial = network.DialContext
	c.opts = append(c.opts, kgo.Dialer(c.dial))
	return c
}

func client(t *testing.T, c *fakeKafka, opts ...kgo.Opt) *kgo.Client {
	t.Helper()
	cl, err := kgo.NewClient(append(opts, c.opts...)...)
	require.NoError(t, err)
	t.Cleanup(cl.Close)
	return cl
}

func within(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	t.Cleanup(cancel)
	return ctx
}

// produce writes records "p-n" to each of the partitions, n from first on.
func produce(t *testing.T, c *fakeKafka, partitions int32, first, n int) {
	t.Helper()
	var recs []*kgo.Record
	for p := range partitions {
		for i := range n {
			recs = append(recs, &kgo.Record{Topic: topic, Partition: p, Value: fmt.Appendf(nil, "%d-%d", p, first+i)})
		}
	}
	produceAll(t, c, recs...)
}

func produceAll(t *testing.T, c *fakeKafka, recs ...*kgo.Record) {
	t.Helper()
	cl := client(t, c, kgo.RecordPartitioner(kgo.ManualPartitioner()), kgo.ProducerBatchMaxBytes(16<<20))
	require.NoError(t, cl.ProduceSync(within(t), recs...).FirstErr())
}

// committed returns the group's offset in each partition, -1 without one.
func committed(t *testing.T, c *fakeKafka, partitions int32) []int64 {
	t.Helper()
	offsets := make([]int64, partitions)
	for _, p := range fetchOffsets(t, c, partitions) {
		offsets[p.Partition] = p.Offset
	}
	return offsets
}

func fetchOffsets(t *testing.T, c *fakeKafka, partitions int32) []kmsg.OffsetFetchResponseGroupTopicPartition {
	t.Helper()
	req := kmsg.NewPtrOffsetFetchRequest()
	req.Group = group
	g := kmsg.NewOffsetFetchRequestGroup()
	g.Group = group
	gt := kmsg.NewOffsetFetchRequestGroupTopic()
	gt.Topic, gt.TopicID = topic, c.TopicInfo(topic).TopicID
	for p := range partitions {
		gt.Partitions = append(gt.Partitions, p)
	}
	g.Topics = append(g.Topics, gt)
	req.Groups = append(req.Groups, g)
	resp, err := req.RequestWith(within(t), client(t, c))
	require.NoError(t, err)
	require.Len(t, resp.Groups, 1)
	if len(resp.Groups[0].Topics) == 0 { // there is no such group
		return nil
	}
	return resp.Groups[0].Topics[0].Partitions
}

// delivery is a batch as a function got it.
type delivery struct {
	partition   int32
	first, last int64
	records     int
}

// function is a Function that remembers what it got.
type function struct {
	// handle decides what becomes of a delivery; nil: success.
	handle func(ctx context.Context, d delivery) error

	mu      sync.Mutex
	busy    map[int32]bool
	got     []delivery
	handled map[int32][]int64 // offsets of successful deliveries
	changed chan struct{}
	faults  []string
}

func newFunction(handle func(context.Context, delivery) error) *function {
	return &function{handle: handle, busy: make(map[int32]bool), handled: make(map[int32][]int64), changed: make(chan struct{})}
}

func (f *function) Invoke(ctx context.Context, payload []byte) (platform.Reply, error) {
	recs, err := new(event.Decoder).Decode(payload, time.Now(), nil)
	if err != nil || len(recs) == 0 {
		f.fault("not an event with records: %v", err)
		return platform.Reply{}, err
	}
	d := delivery{recs[0].Partition, recs[0].Offset, recs[len(recs)-1].Offset, len(recs)}
	f.mu.Lock()
	if f.busy[d.partition] {
		f.faults = append(f.faults, fmt.Sprintf("two batches of partition %d at a time", d.partition))
	}
	f.busy[d.partition] = true
	f.got = append(f.got, d)
	f.notify()
	f.mu.Unlock()
	if f.handle != nil {
		err = f.handle(ctx, d)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.busy[d.partition] = false
	if err == nil {
		f.take(recs)
	}
	f.notify()
	return platform.Reply{RequestID: "r"}, err
}

func (f *function) take(recs []record.Record) {
	for i := range recs {
		f.handled[recs[i].Partition] = append(f.handled[recs[i].Partition], recs[i].Offset)
		if want := fmt.Sprintf("%d-%d", recs[i].Partition, recs[i].Offset); len(recs[i].Body) < 100 && string(recs[i].Body) != want {
			f.faults = append(f.faults, fmt.Sprintf("record %s holds %q", want, recs[i].Body))
		}
	}
}

func (f *function) notify() {
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *function) fault(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.faults = append(f.faults, fmt.Sprintf(format, args...))
}

// await returns when ok does, which is called with mu held.
func (f *function) await(t *testing.T, ok func() bool) {
	t.Helper()
	timeout := time.After(limit)
	for {
		f.mu.Lock()
		done, changed := ok(), f.changed
		f.mu.Unlock()
		if done {
			return
		}
		select {
		case <-changed:
		case <-timeout:
			require.FailNow(t, "it took too long", "handled %v", f.counts())
		}
	}
}

func (f *function) counts() map[int32]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := make(map[int32]int)
	for p, offsets := range f.handled {
		n[p] = len(offsets)
	}
	return n
}

func (f *function) awaitHandled(t *testing.T, n int) {
	t.Helper()
	f.await(t, func() bool {
		sum := 0
		for _, offsets := range f.handled {
			sum += len(offsets)
		}
		return sum >= n
	})
}

// mustHave checks that each partition's records from first on came once each
// and in order.
func (f *function) mustHave(t *testing.T, partitions int32, first, n int64) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	assert.Empty(t, f.faults)
	for p := range partitions {
		want := make([]int64, n)
		for i := range want {
			want[i] = first + int64(i)
		}
		assert.Equal(t, want, f.handled[p], "partition %d", p)
	}
}

// running is a trigger that runs.
type running struct {
	*trigger.Trigger
	cancel context.CancelFunc
	done   chan struct{}
	err    error

	mu      sync.Mutex
	notices []trigger.Notice
	changed chan struct{}
}

// run starts a trigger. Unless set, the settings are those of a test: earliest,
// no waiting.
func run(t *testing.T, c *fakeKafka, cfg trigger.Config) *running {
	t.Helper()
	r := &running{done: make(chan struct{}), changed: make(chan struct{})}
	cfg.Client, cfg.Topic, cfg.Group = append(slices.Clone(c.opts), kgo.HeartbeatInterval(50*time.Millisecond)), topic, group
	tell := cfg.Report
	cfg.Report = func(n trigger.Notice) {
		if tell != nil {
			tell(n)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.notices = append(r.notices, n)
		close(r.changed)
		r.changed = make(chan struct{})
	}
	var err error
	r.Trigger, err = trigger.New(cfg)
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	r.cancel = cancel
	go func() {
		defer close(r.done)
		r.err = r.Run(ctx)
	}()
	t.Cleanup(func() { cancel(); <-r.done })
	return r
}

// end ends the trigger in good order and returns what Run did.
func (r *running) end() error {
	r.cancel()
	<-r.done
	return r.err
}

// await returns the first notice that ok accepts.
func (r *running) await(t *testing.T, ok func(trigger.Notice) bool) trigger.Notice {
	t.Helper()
	timeout := time.After(limit)
	for {
		r.mu.Lock()
		for _, n := range r.notices {
			if ok(n) {
				r.mu.Unlock()
				return n
			}
		}
		changed := r.changed
		r.mu.Unlock()
		select {
		case <-changed:
		case <-timeout:
			require.FailNow(t, "it took too long", "%+v", r.notices)
		}
	}
}

// awaitStatus returns the status as soon as ok accepts it.
func (r *running) awaitStatus(t *testing.T, ok func([]trigger.PartitionStatus) bool) []trigger.PartitionStatus {
	t.Helper()
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	timeout := time.After(limit)
	for {
		if list := r.Status(); ok(list) {
			return list
		}
		select {
		case <-poll.C:
		case <-timeout:
			require.FailNow(t, "it took too long", "%+v", r.Status())
		}
	}
}

func isKind(k trigger.Kind) func(trigger.Notice) bool {
	return func(n trigger.Notice) bool { return n.Kind == k }
}

func (r *running) count(k trigger.Kind) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, notice := range r.notices {
		if notice.Kind == k {
			n++
		}
	}
	return n
}

// oldVersions are those of Kafka 2.4.
func oldVersions() *kversion.Versions { return kversion.V2_4_0() }
