//go:build e2e

package trigger

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
)

// chaos is a run under faults.
//
// What is gone was in a log that lost it, or in a topic that was deleted: it may
// have been delivered before, and is there at most once.
type chaos struct {
	*bench
	proxy   *servers.FaultProxy
	random  *rand.Rand
	zone    string
	trigger *etlctl
	ran     []*etlctl // all triggers so far
	first   int       // number of the first record of the step
	gone    map[int]bool
	report  chaosReport
}

// chaosFault is a kind of fault. It lasts until strike returns; portion writes
// the records that it is to meet.
type chaosFault struct {
	name   string
	strike func(c *chaos, t *testing.T, portion func()) (struck int)
}

var chaosFaults = []chaosFault{
	{"server stopped and started", (*chaos).stopServer},
	{"429: write queue full", (*chaos).fillQueue},
	{"index read-only", (*chaos).readOnly},
	{"connections reset", (*chaos).resetConnections},
	{"answers stalled", (*chaos).stallAnswers},
	{"answers cut in the middle", (*chaos).cutAnswers},
	{"connections refused", (*chaos).refuseConnections},
	{"connections lost in silence", (*chaos).loseConnections},
	{"function killed", (*chaos).killFunction},
	{"trigger killed", (*chaos).killTrigger},
	{"member joined and left", (*chaos).joinAndLeave},
	{"hour crossed between deliveries", (*chaos).crossHour},
	{"broker stopped and started", (*chaos).stopBroker},
	{"log truncated", (*chaos).truncateLog},
	{"topic made anew", (*chaos).makeTopicAnew},
	{"partition added", (*chaos).addPartition},
	{"coordinator gone", (*chaos).loseCoordinator},
	{"three triggers restarted", (*chaos).restartTriggers},
}

// TestChaos has records come through every kind of fault, in an order that
// CHAOS_SEED decides. Every one is in Elasticsearch once, or in the dead letters
// once. CHAOS_RECORDS is how many there are, CHAOS_ROUNDS how many times each
// kind comes.
func TestChaos(t *testing.T) {
	if !selected(t) {
		return
	}
	records, rounds, seed := option(t, "CHAOS_RECORDS", 20_000), option(t, "CHAOS_ROUNDS", 1), option(t, "CHAOS_SEED", 1)
	c := newChaos(t, seed)
	begin := time.Now()
	c.start(t)
	portion := records / (rounds * len(chaosFaults))
	for range rounds {
		for _, i := range c.random.Perm(len(chaosFaults)) {
			c.step(t, chaosFaults[i], portion)
		}
	}
	c.produce(t, max(0, records-c.produced), c.body)
	c.awaitCommitted(t)
	require.NoError(t, c.trigger.interrupt(t))
	took := time.Since(begin)
	c.check(t)
	t.Logf("\n%s", c.report.text(c, seed, took))
}

func option(t *testing.T, name string, otherwise int) int {
	t.Helper()
	n, err := strconv.Atoi(cmp.Or(os.Getenv(name), strconv.Itoa(otherwise))) //nolint:forbidigo // the caller chooses
	require.NoError(t, err, name)
	require.Positive(t, n, name)
	return n
}

func newChaos(t *testing.T, seed int) *chaos {
	t.Helper()
	c := &chaos{
		bench:  newBench(t, map[string]string{"thread_pool.write.queue_size": "1"}),
		random: rand.New(rand.NewPCG(uint64(seed), 0)), // the same faults again
		zone:   "UTC",
		gone:   make(map[int]bool),
	}
	// Text has no time: its index is that of the day it comes. The day must not
	// change in the middle, or a killed function's records would get two.
	if hour := time.Now().UTC().Hour(); hour < 2 || hour >= 20 {
		c.zone = "Etc/GMT+8"
	}
	c.createIndex(t, dayIndex)
	var err error
	c.proxy, err = servers.NewFaultProxy(c.es.Addr())
	require.NoError(t, err)
	t.Cleanup(c.proxy.Close)
	return c
}

// dayIndex is where all but text goes: plain has a time.
const dayIndex = keyword + "-2026-11-20"

// createIndex makes an index that some of the records do not fit, if it is not
// there.
func (c *chaos) createIndex(t *testing.T, name string) {
	t.Helper()
	status, answer, err := c.es.Do(t.Context(), http.MethodPut, "/"+name,
		`{"mappings":{"properties":{"n":{"type":"long"},"level":{"type":"keyword"}}}}`)
	require.NoError(t, err)
	if !strings.Contains(string(answer), "resource_already_exists_exception") {
		require.Equal(t, http.StatusOK, status, "%s", answer)
	}
}

// start starts a trigger, in place of the one before.
func (c *chaos) start(t *testing.T) {
	t.Helper()
	c.trigger = c.another(t)
}

func (c *chaos) another(t *testing.T, args ...string) *etlctl {
	t.Helper()
	e := c.bench.trigger(t, c.proxy.Addr(), append([]string{
		"--max-msg-num", strconv.Itoa(chaosMost), "--instances", strconv.Itoa(chaosInstances), "--timeout", "6s",
		"-e", "ES_Request_Timeout=2s", "-e", "ES_Index_TimeZone=" + c.zone, "-e", "Log_Level=info",
	}, args...)...)
	c.ran = append(c.ran, e)
	return e
}

// What is in flight at most is a batch for each instance.
const chaosMost, chaosInstances = 500, 2

// body makes record i. Some are poison.
func (c *chaos) body(i int) string {
	switch kindOf(i) {
	case conflict:
		return fmt.Sprintf(`{"@timestamp":"2026-11-20T12:00:00Z","n":%d,"level":{"a":"conflict"}}`, i)
	case longID:
		return fmt.Sprintf(`{"@timestamp":"2026-11-20T12:00:00Z","n":%d,"log_id":"%s"}`, i, strings.Repeat("x", 513))
	case broken:
		return fmt.Sprintf(`{"n":%d,"level":"truncated`, i)
	default:
		return plain(i)
	}
}

type bodyKind int

const (
	good     bodyKind = iota
	conflict          // becomes a dead letter
	longID            // becomes a dead letter
	broken            // is stored as text
)

func kindOf(i int) bodyKind {
	switch i % 97 {
	case 13:
		return conflict
	case 41:
		return longID
	case 77:
		return broken
	default:
		return good
	}
}

// step has one fault come over n records and waits until all are settled.
func (c *chaos) step(t *testing.T, f chaosFault, n int) {
	t.Helper()
	last := n / 10
	c.first = c.produced
	struck := f.strike(c, t, func() { c.produce(t, n-last, c.body) })
	require.NoError(t, c.proxy.Heal())
	healed := time.Now()
	c.produce(t, last, c.body) // so that there is something to recover with
	c.trigger.await(t, "a batch after: "+f.name, func(lines []line) bool {
		return len(lines) > 0 && batchesSince(lines, healed) > 0
	})
	recovered := time.Since(healed)
	c.awaitCommitted(t)
	c.report.add(f.name, struck, recovered, time.Since(healed))
}

func batchesSince(lines []line, at time.Time) (n int) {
	for _, l := range lines {
		if l.Event == "batch" && l.at.After(at) {
			n++
		}
	}
	return n
}

// awaitRetry returns when the trigger has delivered a batch in vain.
func (c *chaos) awaitRetry(t *testing.T, before int) {
	t.Helper()
	c.trigger.await(t, "a failed delivery", atLeast(before+1, "retry"))
}

func (c *chaos) retries() int { return count(c.trigger.all(), "retry") }

func (c *chaos) stopServer(t *testing.T, portion func()) int {
	t.Helper()
	before := c.retries()
	portion()
	require.NoError(t, c.es.Stop())
	c.portionMore(t)
	c.awaitRetry(t, before)
	require.NoError(t, c.es.Restart(t.Context()))
	return 1
}

// portionMore writes a few records that cannot have been settled before the
// fault.
func (c *chaos) portionMore(t *testing.T) {
	t.Helper()
	c.produce(t, 20, c.body)
}

func (c *chaos) readOnly(t *testing.T, portion func()) int {
	t.Helper()
	before := c.retries()
	c.blockIndex(t, dayIndex, fullDisk, true)
	portion()
	c.awaitRetry(t, before)
	c.blockIndex(t, dayIndex, fullDisk, false)
	return 1
}

const (
	fullDisk = "index.blocks.read_only_allow_delete" // Elasticsearch sets it, and takes it away as soon as it sees room
	noWrites = "index.blocks.write"
)

// blockIndex sets or removes a block on an index.
func (c *chaos) blockIndex(t *testing.T, index, block string, on bool) {
	t.Helper()
	settings := map[string]any{block: nil}
	if on {
		settings[block] = true
	}
	require.NoError(t, c.es.PutSettings(t.Context(), index, settings))
}

// stopBroker takes the source away in the middle of work.
func (c *chaos) stopBroker(t *testing.T, portion func()) int {
	t.Helper()
	batches := count(c.trigger.all(), "batch")
	portion()
	c.trigger.await(t, "a batch", atLeast(batches+1, "batch"))
	require.NoError(t, c.kafka.Stop())
	require.NoError(t, c.kafka.Restart(t.Context()))
	return 1
}

func (c *chaos) refuseConnections(t *testing.T, portion func()) int {
	t.Helper()
	before := c.retries()
	require.NoError(t, c.proxy.Refuse())
	portion()
	c.awaitRetry(t, before)
	return 1
}

// strikes turns a fault of the proxy on and waits until it has struck so often.
func (c *chaos) strikes(t *testing.T, times int, on func(times int) error, counted func(servers.FaultCounts) int, portion func()) int {
	t.Helper()
	before := counted(c.proxy.Counts())
	require.NoError(t, on(times))
	portion()
	ctx, cancel := context.WithTimeout(t.Context(), stepTimeout)
	defer cancel()
	require.NoError(t, c.proxy.Await(ctx, func(n servers.FaultCounts) bool { return counted(n) >= before+times }))
	return times
}

func (c *chaos) resetConnections(t *testing.T, portion func()) int {
	t.Helper()
	at := c.random.Int64N(20_000)
	return c.strikes(t, 3+c.random.IntN(4), func(n int) error { return c.proxy.Reset(at, n) },
		func(n servers.FaultCounts) int { return n.Reset }, portion)
}

func (c *chaos) stallAnswers(t *testing.T, portion func()) int {
	t.Helper()
	at := c.random.Int64N(200)
	return c.strikes(t, 1+c.random.IntN(3), func(n int) error { return c.proxy.Stall(at, n) },
		func(n servers.FaultCounts) int { return n.Stalled }, portion)
}

func (c *chaos) cutAnswers(t *testing.T, portion func()) int {
	t.Helper()
	at := c.random.Int64N(200)
	return c.strikes(t, 3+c.random.IntN(4), func(n int) error { return c.proxy.Cut(at, n) },
		func(n servers.FaultCounts) int { return n.Cut }, portion)
}

func (c *chaos) loseConnections(t *testing.T, portion func()) int {
	t.Helper()
	before := c.proxy.Counts().Lost
	require.NoError(t, c.proxy.Lose())
	portion()
	return c.proxy.Counts().Lost - before
}

// fillQueue has others write so much that the server refuses requests, until
// the function has met that and every one of its records waits or is through.
func (c *chaos) fillQueue(t *testing.T, portion func()) int {
	t.Helper()
	before := c.rejected(t)
	bulk := strings.Repeat(`{"index":{}}`+"\n"+`{"side":"load"}`+"\n", 500)
	loading, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for range 8 {
		load.Go(func() {
			for loading.Err() == nil {
				_, _, _ = c.es.Do(loading, http.MethodPost, "/side-load/_bulk", bulk)
			}
		})
	}
	for deadline := time.Now().Add(stepTimeout); c.rejected(t) == before; {
		require.True(t, time.Now().Before(deadline), "the server refuses nothing")
	}
	portion()
	handled := count(c.trigger.all(), "batch")
	c.trigger.await(t, "a batch under load", func(lines []line) bool { return count(lines, "batch")+count(lines, "retry") > handled+1 })
	stop()
	load.Wait()
	return c.rejected(t) - before
}

// rejected is how many requests the server refused since it was started.
func (c *chaos) rejected(t *testing.T) int {
	t.Helper()
	var answer struct {
		Nodes map[string]struct {
			ThreadPool struct {
				Write struct {
					Rejected int `json:"rejected"`
				} `json:"write"`
			} `json:"thread_pool"`
		} `json:"nodes"`
	}
	_, text, err := c.es.Do(t.Context(), http.MethodGet, "/_nodes/stats/thread_pool", "")
	require.NoError(t, err)
	require.NoError(t, json.Unmarshal(text, &answer))
	for _, n := range answer.Nodes {
		return n.ThreadPool.Write.Rejected
	}
	return 0
}

func (c *chaos) killFunction(t *testing.T, portion func()) (killed int) {
	t.Helper()
	batches := count(c.trigger.all(), "batch")
	portion()
	for range 3 {
		c.trigger.await(t, "a batch", atLeast(batches+1, "batch"))
		killed += c.trigger.killFunctions(t)
		batches = count(c.trigger.all(), "batch")
		c.portionMore(t)
	}
	return killed
}

func (c *chaos) killTrigger(t *testing.T, portion func()) int {
	t.Helper()
	batches := count(c.trigger.all(), "batch")
	portion()
	c.trigger.await(t, "a batch", atLeast(batches+1, "batch"))
	c.trigger.kill()
	c.start(t)
	return 1
}

func (c *chaos) joinAndLeave(t *testing.T, portion func()) int {
	t.Helper()
	portion()
	e := c.another(t)
	e.await(t, "its share", atLeast(1, "assigned"))
	c.portionMore(t)
	require.NoError(t, e.interrupt(t))
	assert.Zero(t, count(e.all(), "lost"))
	return 1
}

// check reads back everything.
func (c *chaos) check(t *testing.T) {
	t.Helper()
	times := c.numbers(t, keyword+"-2*", chaosNumber)
	c.report.documents = len(times)
	wrong := 0
	for i := range times {
		if i < 0 || kindOf(i) == conflict || kindOf(i) == longID {
			wrong++
		}
	}
	assert.Zero(t, wrong, "documents that should be dead letters, or nobody's")
	dead := c.numbers(t, "dead-letter-"+keyword, letterNumber)
	c.report.letters = len(dead)
	for i, n := range dead {
		if kindOf(i) != conflict && kindOf(i) != longID {
			t.Errorf("record %d is sound and in the dead letters", i)
		}
		times[i] += n
	}
	for i := range c.gone {
		if times[i] == 0 {
			times[i] = 1
			c.report.gone++
		}
	}
	c.report.missing, c.report.twice = mustHoldOnce(t, times, c.produced)
	// A server that stops may call writes failed that it has made: they are
	// written again, under their ids. That is what is in flight at most.
	assert.LessOrEqual(t, c.rewritten, c.report.count("server stopped and started")*chaosInstances*chaosMost)
}

// chaosNumber finds the number of a document, text included.
func chaosNumber(source []byte) int {
	var d struct {
		Text string `json:"msg_body"`
	}
	if json.Unmarshal(source, &d) == nil && d.Text != "" {
		var n int
		if _, err := fmt.Sscanf(d.Text, `{"n":%d`, &n); err != nil {
			return -1
		}
		return n
	}
	return numberOf(source)
}

func letterNumber(source []byte) int {
	var l struct {
		Document string `json:"document"`
	}
	if json.Unmarshal(source, &l) != nil {
		return -1
	}
	return numberOf([]byte(l.Document))
}
