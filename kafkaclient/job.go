package kafkaclient

import (
	"context"
	"errors"
	"slices"
	"time"

	"ckafka-etl/internal/core/budget"
	"ckafka-etl/record"
)

const (
	// minTry is the least time that a request is worth being started with.
	minTry = 20 * time.Millisecond
	// maxTry is how long a request may wait for its answer.
	maxTry = 10 * time.Second
	// maxAbsent is how often a topic may seem not to exist. A broker that has
	// just started, or a topic that was just made, is not known everywhere.
	maxAbsent = 4
)

// job brings a list of items to Kafka, each as a message. Items that come from
// one partition and go to one partition make up a lane, which keeps their
// order.
type job struct {
	c        *Client
	variable string // that names the topic
	n        int
	rec      func(i int) *record.Record
	// target returns the topic for records of a source topic.
	target func(topic string) string
	// keep says that the partition's number is the source's.
	keep bool
	// headers says that items are nothing without their headers.
	headers bool
	// admit settles an item that is not to be written at all. nil: there is none.
	admit func(i int) *record.Result
	// encode makes item i's message, or returns what becomes of it instead.
	encode func(i int, m *message) *record.Result
	// culprit settles an item whose message Kafka does not take, or returns
	// false if it has made it smaller and it is to be sent again.
	culprit func(i int, cause *record.Cause) (record.Result, bool)
	// tag tells apart items of the same record. nil: there are none.
	tag func(i int) string

	results []record.Result
	lanes   []*lane
	stats   record.Stats
	msg     message

	events   chan func() // what goroutines have to say to the job
	running  int         // goroutines
	busy     map[int32]bool
	asking   bool
	askTries int
	askAt    time.Time
}

// run settles all items, as far as ctx lets it. What is not settled when it
// returns is Unsettled, with the last cause. Nothing is in flight then.
func (j *job) run(ctx context.Context) {
	j.results = make([]record.Result, j.n)
	if end, ok := ctx.Deadline(); ok {
		// Connections that have to be closed at the end take some time.
		const most = 50 * time.Millisecond
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, end.Add(-min(most, time.Until(end)/10)))
		defer cancel()
	}
	j.prepare(ctx)
	j.produce(ctx)
	for _, l := range j.lanes {
		l.finish(j)
	}
	for i := range j.results {
		if r := &j.results[i]; r.Outcome == record.Unsettled && r.Cause == nil {
			r.Cause = noTimeLeft()
		}
	}
}

func noTimeLeft() *record.Cause {
	return &record.Cause{
		Type: "no_time_left", Safe: "the invocation's time was nearly over",
		Hint: "look at the function's timeout, at maxMsgNum of the trigger and at the brokers' load",
	}
}

// persist calls f until it succeeds. It returns the last cause if it cannot
// succeed or if the time is over.
func (j *job) persist(ctx context.Context, topic string, f func(context.Context) error) *record.Cause {
	if !budget.Room(ctx, minTry) {
		return noTimeLeft()
	}
	var last *record.Cause
	for try := 1; ; try++ {
		limited, cancel := context.WithTimeout(ctx, tryTime(ctx))
		err := f(limited)
		cancel()
		if err == nil {
			return nil
		}
		if errors.Is(err, limited.Err()) {
			j.c.disconnect() // who does not answer may be there no more
		}
		m, cause := place{j.variable, topic}.classify(err)
		if ctx.Err() != nil && last != nil {
			return last // the reason why there was no time left
		}
		last = cause
		if m.verdict == absent && try >= maxAbsent {
			m.verdict, cause.Permanent = hold, true
		}
		wait := pause(try)
		if m.verdict == hold || m.verdict == unnumbered || !budget.Room(ctx, wait+minTry) {
			return cause
		}
		budget.Wait(ctx, wait)
	}
}

// tryTime is how long to wait for an answer: so that there is time for a
// second try, if there is time at all.
func tryTime(ctx context.Context) time.Duration { return min(budget.Share(ctx, 2), maxTry) }

// produce sends the lanes' batches and reads the answers, until all is settled
// or the time is over. At most one request is on its way to each broker.
func (j *job) produce(ctx context.Context) {
	if len(j.lanes) == 0 {
		return
	}
	j.events = make(chan func(), 1)
	j.busy = make(map[int32]bool)
	for ctx.Err() == nil {
		wake := j.start(ctx)
		if j.running == 0 && (wake.IsZero() || !budget.Room(ctx, time.Until(wake)+minTry)) {
			return
		}
		j.encodeAhead()
		j.await(ctx, wake)
	}
	// Requests end with ctx. Their answers may have come just now.
	interrupted := j.running > 0
	for j.running > 0 {
		(<-j.events)()
	}
	if interrupted {
		j.c.disconnect()
	}
}

// await waits until something has happened, or for wake if it is not zero.
func (j *job) await(ctx context.Context, wake time.Time) {
	var timer <-chan time.Time
	if !wake.IsZero() {
		t := time.NewTimer(time.Until(wake))
		defer t.Stop()
		timer = t.C
	}
	select {
	case event := <-j.events:
		event()
	case <-timer:
	case <-ctx.Done():
	}
}

// spawn runs f beside the job. What it returns is run by the job itself.
func (j *job) spawn(f func() func()) {
	j.running++
	go func() {
		event := f()
		j.events <- func() { j.running--; event() }
	}()
}

// start sends what can be sent, and returns when more can be; zero if that
// depends on answers alone.
func (j *job) start(ctx context.Context) (wake time.Time) {
	now := time.Now()
	later := func(t time.Time) {
		if wake.IsZero() || t.Before(wake) {
			wake = t
		}
	}
	ready := make(map[int32][]*lane)
	var brokers []int32
	for _, l := range j.lanes {
		if l.flying || l.stuck || l.stale || !l.load(j) {
			continue
		}
		if l.waits.After(now) {
			later(l.waits)
			continue
		}
		leader := j.c.topics[l.topic].leader(l.partition)
		if leader == noLeader {
			l.fail(j, meaning{verdict: moved, hint: hintLeader}, l.noLeader())
			continue
		}
		if !j.busy[leader] {
			if ready[leader] == nil {
				brokers = append(brokers, leader)
			}
			ready[leader] = append(ready[leader], l)
		}
	}
	if !j.asking && slices.ContainsFunc(j.lanes, (*lane).asks) {
		if j.askAt.After(now) {
			later(j.askAt)
		} else {
			j.ask(ctx)
		}
	}
	if budget.Room(ctx, minTry) {
		slices.Sort(brokers)
		for _, b := range brokers {
			j.send(ctx, b, ready[b])
		}
	}
	return wake
}

// ask asks for the metadata that lanes wait for.
func (j *job) ask(ctx context.Context) {
	j.asking = true
	var names []string
	for _, l := range j.lanes {
		if l.asks() && !slices.Contains(names, l.topic) {
			names = append(names, l.topic)
		}
	}
	k, err := j.c.connection()
	abilities := j.c.abilities
	limited, cancel := context.WithTimeout(ctx, tryTime(ctx))
	j.spawn(func() func() {
		defer cancel()
		var found map[string]*topic
		if err == nil {
			found, err = describe(limited, k, abilities, names)
		}
		return func() { j.told(ctx, names, found, err) }
	})
}

// told takes in metadata, and lets those go on that waited for it.
func (j *job) told(ctx context.Context, names []string, found map[string]*topic, err error) {
	j.asking = false
	j.askTries++
	j.askAt = time.Now().Add(pause(j.askTries))
	if err != nil {
		if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
			j.c.disconnect()
		}
		for _, l := range j.lanes {
			if l.asks() {
				m, cause := l.classify(err)
				l.cause, l.stuck = cause, m.verdict == hold
			}
		}
		return
	}
	for _, name := range names {
		j.c.topics[name] = found[name]
	}
	for _, l := range j.lanes {
		t := found[l.topic]
		if t == nil || !l.asks() {
			continue
		}
		if l.stale = false; t.err != nil {
			m, cause := l.classify(t.err)
			l.fail(j, m, cause)
		}
	}
}
