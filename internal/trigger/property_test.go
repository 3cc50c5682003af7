package trigger_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"pgregory.net/rapid"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/trigger"
)

const parts = 3

// history is a cluster, what happened to it, and the triggers that read it.
type history struct {
	t        *testing.T
	c        *fakeKafka
	producer *kgo.Client
	log      [parts][]string // bodies by offset
	start    [parts]int64
	bodies   int
	running  []*running

	mu      sync.Mutex
	failing int // deliveries that fail from now on
	handled map[string]bool
	lives   map[int32]int // of a partition: how many times it was assigned
	seen    map[string]int
	twice   []string
}

func newHistory(t *testing.T) *history {
	t.Helper()
	h := &history{t: t, c: virtual(t, parts), handled: map[string]bool{}, lives: map[int32]int{}, seen: map[string]int{}}
	h.connect()
	return h
}

func (h *history) connect() {
	h.producer = client(h.t, h.c, kgo.RecordPartitioner(kgo.ManualPartitioner()))
}

// Invoke is the function. What it has handled it must not get again in the same
// life of the partition.
func (h *history) Invoke(_ context.Context, payload []byte) (platform.Reply, error) {
	recs, err := new(event.Decoder).Decode(payload, time.Now(), nil)
	if err != nil {
		return platform.Reply{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.failing > 0 {
		h.failing--
		return platform.Reply{}, errors.New("busy")
	}
	for i := range recs {
		body, life := string(recs[i].Body), h.lives[recs[i].Partition]
		if at, ok := h.seen[body]; ok && at == life {
			h.twice = append(h.twice, body)
		}
		h.handled[body], h.seen[body] = true, life
	}
	return platform.Reply{}, nil
}

func (h *history) produce(t *rapid.T) {
	p := rapid.Int32Range(0, parts-1).Draw(t, "partition")
	var recs []*kgo.Record
	for range rapid.IntRange(1, 30).Draw(t, "n") {
		h.bodies++
		body := fmt.Sprintf("record number %d of this history", h.bodies)
		recs = append(recs, &kgo.Record{Topic: topic, Partition: p, Value: []byte(body)})
		h.log[p] = append(h.log[p], body)
	}
	require.NoError(h.t, h.producer.ProduceSync(within(h.t), recs...).FirstErr())
}

func (h *history) recreate(*rapid.T) {
	require.NoError(h.t, h.c.DeleteTopic(topic))
	require.NoError(h.t, h.c.CreateTopic(topic, parts, nil))
	h.log, h.start = [parts][]string{}, [parts]int64{}
	h.connect()
}

func (h *history) deleteRecords(t *rapid.T) {
	p := rapid.Int32Range(0, parts-1).Draw(t, "partition")
	h.start[p] = rapid.Int64Range(h.start[p], int64(len(h.log[p]))).Draw(t, "before")
	require.NoError(h.t, h.c.DeleteRecords(topic, p, h.start[p]))
}

func (h *history) moveLeader(t *rapid.T) {
	p := rapid.Int32Range(0, parts-1).Draw(t, "partition")
	require.NoError(h.t, h.c.MoveTopicPartition(topic, p, rapid.Int32Range(0, 2).Draw(t, "to")))
}

func (h *history) failDeliveries(t *rapid.T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.failing = rapid.IntRange(1, 5).Draw(t, "deliveries")
}

func (h *history) failRequests(t *rapid.T) {
	key := rapid.SampledFrom([]kmsg.Key{kmsg.OffsetCommit, kmsg.Fetch, kmsg.ListOffsets}).Draw(t, "request")
	err := rapid.SampledFrom([]*kerr.Error{kerr.NotLeaderForPartition, kerr.UnknownTopicOrPartition}).Draw(t, "error")
	if key == kmsg.OffsetCommit {
		err = kerr.RebalanceInProgress
	}
	h.c.Fault(kfake.Fault{Keys: []kmsg.Key{key}, Topic: topic, Err: err, Count: rapid.IntRange(1, 6).Draw(t, "times")})
}

// join starts a trigger, if there are not two.
func (h *history) join(t *rapid.T) {
	if len(h.running) == 2 {
		return
	}
	h.running = append(h.running, run(h.t, h.c, trigger.Config{
		MaxMsgNum: rapid.IntRange(1, 20).Draw(t, "most"), MaxWait: rapid.SampledFrom([]time.Duration{0, time.Second}).Draw(t, "wait"),
		Retry: 10_000, Position: trigger.Earliest(), Functions: []trigger.Function{h, h}, Grace: 10 * time.Second, MemoryBudget: trigger.MinMemoryBudget,
		Report: func(n trigger.Notice) {
			if n.Kind == trigger.Assigned {
				h.mu.Lock()
				defer h.mu.Unlock()
				h.lives[n.Partition]++
			}
		},
	}))
}

// part ends a trigger. That records were deleted is an error of its.
func (h *history) part(t *rapid.T) {
	if len(h.running) == 0 {
		return
	}
	i := rapid.IntRange(0, len(h.running)-1).Draw(t, "who")
	err := h.running[i].end()
	if h.running[i].Gaps() == 0 {
		require.NoError(h.t, err)
	}
	h.running = append(h.running[:i], h.running[i+1:]...)
}

func (h *history) pass(t *rapid.T) {
	<-time.After(rapid.SampledFrom([]time.Duration{time.Millisecond, 100 * time.Millisecond, time.Second, time.Minute}).Draw(t, "time"))
}

// check looks whether a commit passes a record that nobody has handled, and
// whether anything was handled twice in a life.
func (h *history) check(t *rapid.T) {
	id := h.c.TopicInfo(topic).TopicID
	for _, p := range fetchOffsets(h.t, h.c, parts) {
		var remark struct {
			Topic string `json:"topic_id"`
		}
		if p.Offset < 0 || p.Metadata == nil || json.Unmarshal([]byte(*p.Metadata), &remark) != nil ||
			remark.Topic != base64.RawURLEncoding.EncodeToString(id[:]) {
			continue // it is another topic's
		}
		for offset := h.start[p.Partition]; offset < p.Offset && offset < int64(len(h.log[p.Partition])); offset++ {
			if !h.isHandled(h.log[p.Partition][offset]) {
				t.Fatalf("the commit %d of partition %d passes %d", p.Offset, p.Partition, offset)
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.twice) > 0 {
		t.Fatalf("handled twice in one life: %v", h.twice)
	}
}

func (h *history) isHandled(body string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.handled[body]
}

// missing returns how many records of the log nobody has handled.
func (h *history) missing() (n int) {
	for p := range h.log {
		for _, body := range h.log[p][h.start[p]:] {
			if !h.isHandled(body) {
				n++
			}
		}
	}
	return n
}

// TestProperty has a topic and its triggers go through any sequence of what may
// happen to them. Every record that is in the log at the end was handled; none
// twice in one life of a worker; no commit passes one that was not.
func TestProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHistory(t)
			rt.Repeat(map[string]func(*rapid.T){
				"produce": h.produce, "produce more": h.produce, "recreate": h.recreate, "delete records": h.deleteRecords,
				"move leader": h.moveLeader, "fail deliveries": h.failDeliveries, "fail requests": h.failRequests,
				"join": h.join, "part": h.part, "pass": h.pass, "pass again": h.pass, "": h.check,
			})
			h.join(rt)
			deadline := time.Now().Add(10 * time.Minute)
			for h.missing() > 0 && time.Now().Before(deadline) {
				<-time.After(time.Second)
			}
			if n := h.missing(); n > 0 {
				rt.Fatalf("%d records are missing: %+v", n, h.running[0].Status())
			}
			h.check(rt)
			for len(h.running) > 0 {
				h.part(rt)
			}
			h.check(rt)
		})
	})
}
