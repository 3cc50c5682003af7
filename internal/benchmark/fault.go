package benchmark

import (
	"context"
	"fmt"
	"time"
)

// The faults.
const (
	faultDown     = "down"     // the server is away for a while
	fault429      = "429"      // the server refuses every bulk request for a while
	faultKilled   = "killed"   // the contender is killed while a bulk is in flight, and started again
	faultConflict = "conflict" // the mapping refuses one record
)

// FaultRow is what one contender made of one fault.
type FaultRow struct {
	Fault     string  `json:"fault"`
	Contender string  `json:"contender"`
	Seconds   float64 `json:"seconds"`
	// DeadLetters are kept by ours only.
	DeadLetters int `json:"dead_letters"`
	// Unfinished: it was ended before it had brought in everything.
	Unfinished bool `json:"unfinished"`
	Counts
}

// faults puts each contender under each fault.
func (b *bench) faults(ctx context.Context) error {
	for _, fault := range b.cfg.faults() {
		for _, c := range b.exposed() {
			row, err := b.fault(ctx, c, fault)
			if err != nil {
				return fmt.Errorf("%s, %s: %w", fault, c.name, err)
			}
			b.report.Faults = append(b.report.Faults, row)
			b.cfg.Say("fault %s: %s: %s, %d dead letters, %.0f s", fault, c.name, row.text(), row.DeadLetters, row.Seconds)
		}
	}
	return nil
}

// exposure is one contender under one fault.
type exposure struct {
	*bench
	c     contender
	run   run
	proxy *proxy
	p     *process
}

func (b *bench) fault(ctx context.Context, c contender, fault string) (*FaultRow, error) {
	letters := "dead-letter-" + b.name
	if err := b.es.create(ctx, b.index); err != nil {
		return nil, err
	}
	if err := b.es.remove(ctx, letters); err != nil {
		return nil, err
	}
	proxy, err := newProxy(ctx, b.cfg.Elasticsearch.URL)
	if err != nil {
		return nil, err
	}
	defer proxy.refuse()
	b.turns++
	e := &exposure{bench: b, c: c, proxy: proxy, run: run{d: b.faulty, url: "http://" + proxy.addr, group: b.group()}}
	if fault == faultConflict {
		e.run.d = b.poisoned
	}
	if fault == faultDown && b.cfg.Outage != nil {
		e.run.url = b.cfg.Elasticsearch.URL // the server itself goes away
	}
	begin := time.Now()
	if err := e.start(ctx); err != nil {
		return nil, err
	}
	defer func() { e.p.kill() }()
	if err := e.strike(ctx, fault); err != nil {
		return nil, err
	}
	row := &FaultRow{Fault: fault, Contender: c.name}
	if row.Unfinished, err = e.settle(ctx); err != nil {
		return nil, err
	}
	row.Seconds = time.Since(begin).Seconds()
	e.p.stop()
	if row.Counts, err = b.count(ctx, e.run.d); err != nil {
		return nil, err
	}
	row.DeadLetters, err = b.es.count(ctx, letters)
	return row, err
}

func (e *exposure) start(ctx context.Context) error {
	cmd, err := e.c.command(e.run)
	if err != nil {
		return err
	}
	e.p, err = start(ctx, cmd)
	return err
}

// strike has the fault come when a third of the records is written, in the
// middle of an event.
func (e *exposure) strike(ctx context.Context, fault string) error {
	if fault == faultConflict {
		return nil // it lies in the middle
	}
	want, event := e.run.d.want(), e.cfg.MaxMsgNum
	for n, at := 0, min(want/3/event*event+event/2, want/2); n < at; {
		if err := pause(ctx, pollInterval); err != nil {
			return err
		}
		if e.p.ended() {
			return fmt.Errorf("it ended before the fault could come: %w", e.p.failure())
		}
		n, _ = e.es.written(ctx, e.index) // it answers again, or ctx ends
	}
	switch {
	case fault == faultKilled:
		if err := e.proxy.awaitBulk(ctx); err != nil {
			return err
		}
		e.p.kill()
		e.run.skip = e.p.stdout.count() // what it has reported as done, if it gets events
		return e.start(ctx)
	case fault == fault429:
		e.proxy.reject.Store(true)
	case e.cfg.Outage != nil:
		return e.cfg.Outage(ctx, e.cfg.FaultTime)
	default:
		e.proxy.refuse()
	}
	if err := pause(ctx, e.cfg.FaultTime); err != nil {
		return err
	}
	return e.proxy.heal(ctx)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// settle returns when the contender has ended, or has written everything and
// then nothing more for as long as the fault took, or has written nothing for
// much longer. It reports whether it was not to be waited for.
func (e *exposure) settle(ctx context.Context) (unfinished bool, err error) {
	const silence, patience = 45 * time.Second, time.Minute
	begin := time.Now()
	last := moment{at: begin}
	for {
		if e.p.ended() {
			return false, nil
		}
		if n, err := e.es.written(ctx, e.index); err == nil && n != last.n {
			last = moment{time.Now(), n}
		}
		quiet := time.Since(last.at)
		if !e.c.ends && quiet >= e.cfg.FaultTime {
			// What was written is counted anew by a server that was away.
			if n, err := e.es.count(ctx, e.index); err == nil && n >= e.run.d.want() {
				return false, nil
			}
		}
		switch {
		case quiet >= silence+e.cfg.FaultTime, time.Since(begin) >= patience+6*e.cfg.FaultTime:
			return true, nil
		}
		if err := pause(ctx, 4*pollInterval); err != nil {
			return true, err
		}
	}
}
