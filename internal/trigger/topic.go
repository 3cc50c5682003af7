package trigger

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"ckafka-etl/internal/topicmeta"
	"ckafka-etl/internal/trigger/policy"
)

// topicView is what the brokers say of the topic. It does not change.
type topicView struct {
	id         [16]byte // zero where brokers have none
	partitions int
	leaders    map[int32]leader
	times      int // the topic was made anew since the start
}

type leader struct{ node, epoch int32 }

func (v *topicView) name() string {
	if v.id == ([16]byte{}) {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(v.id[:])
}

func newTopicView(meta *kmsg.MetadataResponseTopic) *topicView {
	v := &topicView{id: meta.TopicID, leaders: make(map[int32]leader)}
	for _, p := range meta.Partitions {
		v.partitions = max(v.partitions, int(p.Partition)+1)
		if p.Leader >= 0 {
			v.leaders[p.Partition] = leader{p.Leader, p.LeaderEpoch}
		}
	}
	return v
}

// How long the first look at the topic may take, and one broker's answer.
const (
	firstLook   = 20 * time.Second
	firstAnswer = 5 * time.Second
)

// look asks the cluster for the topic, so that what is wrong with the address,
// the login or the name is said at once. It asks all brokers that are known, so
// that one that is down does not matter, and returns the one that answered first.
func look(ctx context.Context, opts []kgo.Opt, topic string) (seeds, error) {
	client, err := kgo.NewClient(opts...)
	if err != nil {
		return seeds{}, err
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(ctx, firstLook)
	defer cancel()
	for wait := 100 * time.Millisecond; ; wait = min(2*wait, 2*time.Second) {
		first, err := lookOnce(ctx, client, topic)
		if err == nil || isFatal(err) || isAnswer(err) {
			return first, err
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return seeds{}, err
		}
	}
}

// seeds are the addresses of brokers that the settings name.
type seeds struct {
	all   []string
	first string // that answers, "" if that is not known
}

// isAnswer reports whether an error is a broker's that asking again does not
// change.
func isAnswer(err error) bool {
	e, ok := errors.AsType[*kerr.Error](err)
	return ok && (!e.Retriable || errors.Is(e, kerr.UnknownTopicOrPartition))
}

func lookOnce(ctx context.Context, client *kgo.Client, topic string) (seeds, error) {
	ctx, cancel := context.WithTimeout(ctx, firstAnswer)
	defer cancel() // those that have not answered yet
	type answer struct {
		broker int
		err    error
	}
	brokers := client.SeedBrokers()
	answers := make(chan answer, len(brokers))
	for i, b := range brokers {
		go func() { answers <- answer{i, ask(ctx, b, topic)} }()
	}
	s := seeds{}
	s.all, _ = client.OptValue(kgo.SeedBrokers).([]string)
	var errs []error
	for range brokers {
		a := <-answers
		if a.err == nil || isAnswer(a.err) || isFatal(a.err) {
			if len(s.all) == len(brokers) {
				s.first = s.all[a.broker]
			}
			return s, a.err
		}
		errs = append(errs, a.err)
	}
	return seeds{}, errors.Join(errs...)
}

// ask has one broker describe the topic.
func ask(ctx context.Context, b *kgo.Broker, topic string) error {
	req := kmsg.NewPtrMetadataRequest()
	t := kmsg.NewMetadataRequestTopic()
	t.Topic = &topic
	req.Topics = append(req.Topics, t)
	answer, err := b.Request(ctx, req)
	if err != nil {
		return err
	}
	resp, ok := answer.(*kmsg.MetadataResponse)
	if !ok || len(resp.Topics) != 1 {
		return fmt.Errorf("the broker described %d topics, 1 was asked for", len(resp.Topics))
	}
	return kerr.ErrorForCode(resp.Topics[0].ErrorCode)
}

// How often the topic is looked at: when nothing is amiss, and if a fetch says
// that something is.
const (
	topicEvery   = 30 * time.Second
	topicAtOnce  = 100 * time.Millisecond
	topicTrouble = 2 * time.Second
	topicGone    = 30 * time.Second // and then it will not come back
)

// watchTopic keeps the view of the topic up to date until ctx ends.
func (t *Trigger) watchTopic(ctx context.Context) {
	var bad, silent time.Time // since when the brokers say that it cannot be read, or nothing
	pause := topicAtOnce
	for ctx.Err() == nil {
		asked, cancel := context.WithTimeout(ctx, requestTimeout)
		meta, err := topicmeta.Describe(asked, t.client, t.cfg.Topic)
		cancel()
		_, answered := errors.AsType[*kerr.Error](err)
		switch {
		case err == nil:
			bad, silent = time.Time{}, time.Time{}
			t.see(newTopicView(meta))
		case answered && bad.IsZero():
			bad = time.Now()
			t.once(Trouble, "topic", fmt.Errorf("topic %s: %w", t.cfg.Topic, err))
		case answered && time.Since(bad) >= topicGone:
			t.fail(fmt.Errorf("topic %s, for %v: %w", t.cfg.Topic, topicGone, err))
			return
		case !answered && silent.IsZero():
			silent = time.Now()
		case !answered && time.Since(silent) >= patienceWithBroker:
			_ = t.client.UpdateSeedBrokers(t.seeds.all...) // the others may answer by now
			t.once(Trouble, "brokers", fmt.Errorf("no broker answers: %w", err))
		}
		pause = t.pauseTopic(ctx, pause, err != nil)
	}
}

// pauseTopic waits until the topic is to be looked at again. Those that ask for
// it at once wait longer if that does not help them.
func (t *Trigger) pauseTopic(ctx context.Context, pause time.Duration, trouble bool) time.Duration {
	timer := time.NewTimer(topicEvery)
	defer timer.Stop()
	if trouble {
		timer.Reset(pause)
	}
	select {
	case <-timer.C:
		if !trouble {
			return topicAtOnce
		}
	case <-t.lookAgain:
		timer.Reset(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	case <-ctx.Done():
	}
	return min(2*pause, topicTrouble)
}

// refresh has the topic be looked at again soon.
func (t *Trigger) refresh() {
	select {
	case t.lookAgain <- struct{}{}:
	default:
	}
}

// see takes note of what the brokers say by now.
func (t *Trigger) see(v *topicView) {
	t.mu.Lock()
	old := t.topic
	another := old != nil && old.id != v.id && old.name() != "" && v.name() != ""
	if old != nil {
		v.times = old.times
	}
	if another {
		v.times++
		t.remark = remark{Topic: v.name()} // all of it came later than the group
	}
	t.topic = v
	if old == nil {
		close(t.seen)
	}
	workers := t.list
	t.mu.Unlock()
	var moved []*worker
	var questions []int
	for _, w := range workers {
		if question, known := w.follow(v, another); another && known {
			moved, questions = append(moved, w), append(questions, question)
		}
	}
	if len(moved) > 0 {
		t.tasks.Go(func() { t.recreated(moved, questions) })
	}
	t.startReaders()
}

// follow takes note of the partition's leader, and of the topic being another
// one: then it is not to be fetched before it is told, and the question's number
// is returned if it is known at all.
func (w *worker) follow(v *topicView, another bool) (question int, known bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	known = w.p.Known()
	if another && known {
		w.another = true
		question = w.ask()
	}
	l, ok := v.leaders[w.partition]
	if !ok {
		w.node = -1
		return question, known
	}
	if l.epoch < w.epoch && !another && v.name() != "" { // old news
		return question, known
	}
	w.doubt = w.doubt || w.node >= 0 && (l.epoch != w.epoch || l.node != w.node)
	w.node, w.epoch = l.node, l.epoch
	return question, known
}

// topicWith returns the view of the topic as soon as it has the workers'
// partitions.
func (t *Trigger) topicWith(ctx context.Context, workers []*worker) (*topicView, error) {
	select {
	case <-t.seen:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	t.mu.Lock()
	v := t.topic
	t.mu.Unlock()
	for _, w := range workers {
		if int(w.partition) >= v.partitions {
			t.refresh()
			return nil, fmt.Errorf("%w: partition %d: %w", errOffsets, w.partition, kerr.UnknownTopicOrPartition)
		}
		w.follow(v, false)
	}
	return v, nil
}

// faultOf says what an error of a fetch means for a partition.
func faultOf(err error) policy.Fault {
	switch {
	case isNetwork(err):
		return policy.Moved
	case errors.Is(err, kerr.UnknownTopicOrPartition), errors.Is(err, kerr.UnknownTopicID), errors.Is(err, kerr.InconsistentTopicID):
		return policy.Gone
	case errors.Is(err, kerr.TopicAuthorizationFailed), errors.Is(err, kerr.ClusterAuthorizationFailed):
		return policy.Denied
	case errors.Is(err, kerr.KafkaStorageError):
		return policy.Storage
	case errors.Is(err, kerr.CorruptMessage):
		return policy.Corrupt
	case kerr.IsRetriable(err):
		return policy.Moved
	default:
		return policy.Other
	}
}
