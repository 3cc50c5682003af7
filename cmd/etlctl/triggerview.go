package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/bits"
	"strings"
	"sync"
	"text/tabwriter"
	"time"

	"golang.org/x/term"

	"ckafka-etl/internal/outcome"
	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/trigger"
)

// How often the progress is told.
const (
	everyOnTerminal = time.Second
	everyAsJSON     = 10 * time.Second
)

// triggerView tells people or programs what a trigger does. It is safe for
// concurrent use.
type triggerView struct {
	sys      *system
	json     bool
	log      *serviceLog // nil: lines for people or programs as they were asked for
	terminal int         // width of the progress line; 0: there is none
	paint    paint
	source   string
	target   string
	begin    time.Time

	mu      sync.Mutex
	line    bool // the progress line is on the screen
	totals  triggerTotals
	account outcome.Account
	last    struct { // the progress line before
		records int64
		at      time.Time
	}
}

// triggerTotals count what happened.
type triggerTotals struct {
	Records     int64 `json:"records"` // in batches that were handled
	Bytes       int64 `json:"bytes"`
	Batches     int64 `json:"batches"`
	Deliveries  int64 `json:"deliveries"`
	Failed      int64 `json:"failed"`      // deliveries
	Unaccounted int64 `json:"unaccounted"` // batches whose result was no account
	Dropped     int64 `json:"dropped"`     // records that fit into no event
	Stopped     int64 `json:"stopped"`     // partitions
	Gaps        int64 `json:"gaps"`        // records that were deleted before they were read
}

func newTriggerView(sys *system, flags *triggerFlags, log *serviceLog, target string) *triggerView {
	v := &triggerView{
		sys: sys, log: log, json: flags.json || flags.logFormat == "" && !isTerminal(sys.stdout), paint: newPaint(sys, sys.stderr), begin: time.Now(),
		source: fmt.Sprintf("topic %s, group %s", flags.source.topic, flags.group), target: target,
	}
	v.last.at = v.begin
	if f, ok := sys.stderr.(interface{ Fd() uintptr }); ok && !v.json && log == nil && !flags.function.verbose {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			v.terminal = width
		}
	}
	return v
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// triggerLine is what happened as a JSON line.
type triggerLine struct {
	Time      time.Time        `json:"time"`
	Event     string           `json:"event"`
	Partition *int32           `json:"partition,omitempty"`
	Offset    *int64           `json:"offset,omitempty"`
	Last      int64            `json:"last_offset,omitempty"`
	Records   int              `json:"records,omitempty"`
	Bytes     int              `json:"bytes,omitempty"`
	Delivery  int              `json:"delivery,omitempty"`
	RequestID string           `json:"request_id,omitempty"`
	MS        float64          `json:"ms,omitempty"`
	WaitMS    int64            `json:"wait_ms,omitempty"`
	Account   *outcome.Account `json:"account,omitempty"`
	Error     string           `json:"error,omitempty"`
}

// report takes what a trigger tells.
func (v *triggerView) report(n trigger.Notice) {
	v.mu.Lock()
	defer v.mu.Unlock()
	a := v.count(n)
	switch {
	case v.log != nil:
		v.log.notice(n, a)
		return
	case n.Kind == trigger.Committed || n.Kind == trigger.CommitFailed: // one a second
		return
	case v.json:
		l := triggerLine{
			Time: time.Now(), Event: string(n.Kind), Records: n.Records, Bytes: n.Bytes, Last: n.LastOffset, Delivery: n.Delivery,
			RequestID: n.Reply.RequestID, MS: milliseconds(n.Reply.Duration), WaitMS: n.Wait.Milliseconds(), Account: a,
		}
		if n.Partition >= 0 {
			l.Partition, l.Offset = &n.Partition, &n.Offset
		}
		if n.Err != nil {
			l.Error = n.Err.Error()
		}
		v.printJSON(l)
	default:
		if text := v.text(n); text != "" {
			v.printLine(text)
		}
	}
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (v *triggerView) count(n trigger.Notice) *outcome.Account {
	t := &v.totals
	switch n.Kind {
	case trigger.Batch:
		t.Batches++
		t.Deliveries++
		t.Records += int64(n.Records)
		t.Bytes += int64(n.Bytes)
		a, err := outcome.Read(n.Reply.Payload)
		if err != nil {
			t.Unaccounted++
			return nil
		}
		v.account.Add(a)
		return &a
	case trigger.Retry:
		t.Deliveries++
		t.Failed++
	case trigger.Dropped:
		t.Dropped++
	case trigger.Gap:
		t.Gaps += int64(n.Records)
	case trigger.Stopped:
		t.Stopped++
		if n.Delivery > 0 {
			t.Deliveries++
			t.Failed++
		}
	default:
	}
	return nil
}

// text says what happened for people; "" if it is not worth a line.
func (v *triggerView) text(n trigger.Notice) string {
	where := fmt.Sprintf("partition %d", n.Partition)
	switch n.Kind {
	case trigger.Batch:
		if n.Delivery > 1 {
			return v.paint.green(fmt.Sprintf("%s: records %d to %d are settled with delivery %d", where, n.Offset, n.LastOffset, n.Delivery))
		}
		return ""
	case trigger.Assigned:
		return fmt.Sprintf("%s: read from offset %d", where, n.Offset)
	case trigger.Revoked:
		return fmt.Sprintf("%s: given back, committed up to offset %d", where, n.Offset)
	case trigger.Lost:
		return v.paint.yellow(fmt.Sprintf("%s: lost, committed up to offset %d", where, n.Offset))
	case trigger.Retry:
		if !seldom(n.Delivery) {
			return ""
		}
		return v.paint.yellow(fmt.Sprintf("%s: records %d to %d: delivery %d failed: %v", where, n.Offset, n.LastOffset, n.Delivery, n.Err))
	case trigger.Dropped:
		return v.paint.red(fmt.Sprintf("%s: left out: %v", where, n.Err))
	case trigger.Stopped:
		return v.paint.red(fmt.Sprintf("%s: stopped before offset %d: %v", where, n.Offset, n.Err))
	case trigger.Uncertain:
		return v.paint.yellow(fmt.Sprintf("offsets could not be committed: %v", n.Err))
	case trigger.Gap:
		return v.paint.red(fmt.Sprintf("%s: offsets %d to %d (%s) were deleted before they were read", where, n.Offset, n.LastOffset, number(n.Records, "offset")))
	case trigger.Rewound:
		return v.paint.yellow(fmt.Sprintf("%s: the log is not what it was: read from offset %d again instead of %d", where, n.Offset, n.LastOffset))
	default:
		if n.Partition >= 0 {
			return v.paint.yellow(fmt.Sprintf("%s: reading at offset %d: %v", where, n.Offset, n.Err))
		}
		return v.paint.yellow(fmt.Sprintf("reading: %v", n.Err))
	}
}

// seldom picks the first deliveries, and then ever fewer.
func seldom(delivery int) bool { return bits.OnesCount(uint(delivery)) <= 1 }

// say tells people something.
func (v *triggerView) say(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch text := fmt.Sprintf(format, args...); {
	case v.log != nil:
		v.log.Info(text)
	case !v.json:
		v.printLine(text)
	}
}

// serving tells where metrics and health are.
func (v *triggerView) serving(address string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch {
	case v.log != nil:
		v.log.Info("serving", "address", address)
	case v.json:
		v.printJSON(struct {
			Time    time.Time `json:"time"`
			Event   string    `json:"event"`
			Address string    `json:"address"`
		}{time.Now(), "serving", address})
	default:
		v.printLine(fmt.Sprintf("serving http://%s%s", address, metricsPath))
	}
}

func (v *triggerView) printJSON(value any) {
	if line, err := json.Marshal(value); err == nil {
		printf(v.sys.stdout, "%s\n", line)
	}
}

func (v *triggerView) printLine(text string) {
	v.clear()
	printf(v.sys.stderr, "%s\n", text)
}

func (v *triggerView) clear() {
	if v.line {
		printf(v.sys.stderr, "\r\x1b[K")
		v.line = false
	}
}

// watch tells the progress from time to time until ctx ends.
func (v *triggerView) watch(ctx context.Context, t *trigger.Trigger) {
	every := everyAsJSON
	if v.log != nil {
		every = everyAsLog
	} else if !v.json {
		if every = everyOnTerminal; v.terminal == 0 {
			return
		}
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			v.progress(t.Status())
		case <-ctx.Done():
			v.mu.Lock()
			v.clear()
			v.mu.Unlock()
			return
		}
	}
}

// partitionLine is a partition's progress as JSON.
type partitionLine struct {
	Partition int32  `json:"partition"`
	State     string `json:"state"`
	Committed int64  `json:"committed"`
	Lag       int64  `json:"lag"`
	Gaps      int64  `json:"gaps,omitempty"`
	Delivery  int    `json:"delivery,omitempty"`
	Error     string `json:"error,omitempty"`
}

// triggerProgress is how far a trigger is.
type triggerProgress struct {
	rate, lag                     int64
	partitions, retrying, stopped int
	lines                         []partitionLine
}

// measure adds up the state of the partitions; mu is held.
func (v *triggerView) measure(status []trigger.PartitionStatus) (p triggerProgress, now time.Time) {
	p.partitions, p.lines = len(status), make([]partitionLine, len(status))
	for i, s := range status {
		l := partitionLine{Partition: s.Partition, State: s.State, Committed: s.Committed, Lag: s.Lag(), Gaps: s.Gaps, Delivery: s.Delivery}
		p.lag += s.Lag()
		if s.Retries > 0 {
			p.retrying++
		}
		if s.Err != nil {
			l.Error = s.Err.Error()
			p.stopped++
		}
		p.lines[i] = l
	}
	now = time.Now()
	p.rate = int64(float64(v.totals.Records-v.last.records) / max(now.Sub(v.last.at).Seconds(), 0.001))
	v.last.records, v.last.at = v.totals.Records, now
	return p, now
}

func (v *triggerView) progress(status []trigger.PartitionStatus) {
	v.mu.Lock()
	defer v.mu.Unlock()
	p, now := v.measure(status)
	if v.log != nil {
		v.log.status(&v.totals, &p)
		return
	}
	if v.json {
		v.printJSON(struct {
			Time  time.Time `json:"time"`
			Event string    `json:"event"`
			triggerTotals
			Rate       int64           `json:"records_per_second"`
			Partitions []partitionLine `json:"partitions"`
		}{now, "status", v.totals, p.rate, p.lines})
		return
	}
	parts := []string{
		thousands(v.totals.Records) + " records", thousands(p.rate) + "/s", "lag " + thousands(p.lag), number(p.partitions, "partition"),
	}
	if p.retrying > 0 {
		parts = append(parts, fmt.Sprintf("%d retrying", p.retrying))
	}
	if p.stopped > 0 {
		parts = append(parts, fmt.Sprintf("%d stopped", p.stopped))
	}
	text := strings.Join(parts, " · ")
	if room := max(v.terminal-1, 1); len([]rune(text)) > room {
		text = string([]rune(text)[:room])
	}
	printf(v.sys.stderr, "\r\x1b[K%s", text)
	v.line = true
}

// summary tells at the end what came of it all.
func (v *triggerView) summary(fn platform.Function, pools functionPools) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	took := time.Since(v.begin)
	used, instances := pools.usage()
	if v.log != nil {
		v.log.summary(&v.totals, &v.account, took, used, instances)
		return nil
	}
	if v.json {
		enc := json.NewEncoder(v.sys.stdout)
		return enc.Encode(struct {
			Time  time.Time `json:"time"`
			Event string    `json:"event"`
			triggerTotals
			Account   outcome.Account `json:"account"`
			MS        float64         `json:"ms"`
			Function  string          `json:"function"`
			Instances int             `json:"instances"`
			CPU       float64         `json:"function_cpu_ms"`
			PeakRSS   int64           `json:"function_peak_rss_bytes"`
		}{time.Now(), "summary", v.totals, v.account, milliseconds(took), fn.Path, instances, milliseconds(used.CPU()), used.PeakRSS})
	}
	var b strings.Builder
	tab := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		printf(tab, "%s\t%s\n", name, fmt.Sprintf(format, args...))
	}
	t := v.totals
	row("read from", "%s", v.source)
	row("written to", "%s", v.target)
	row("records", "%s", countsText(v.account.Counts))
	if t.Unaccounted > 0 {
		row("", "and those of %s batches without an account", thousands(t.Unaccounted))
	}
	if t.Gaps > 0 {
		row("missed", "%s that were deleted before they were read", number(int(t.Gaps), "record"))
	}
	if t.Dropped > 0 {
		row("left out", "%s that fit into no event", number(int(t.Dropped), "record"))
	}
	row("batches", "%s, %s, %s failed", thousands(t.Batches), number(int(t.Deliveries), "delivery"), thousands(t.Failed))
	row("time", "%v, %s records a second", short(took), thousands(int64(float64(t.Records)/max(took.Seconds(), 0.001))))
	row("function", "%s, peak memory %.0f MB, CPU %v", number(instances, "instance"), float64(used.PeakRSS)/(1<<20), short(used.CPU()))
	_ = tab.Flush()
	_, err := io.WriteString(v.sys.stdout, b.String())
	return err
}
