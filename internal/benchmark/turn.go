package benchmark

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// Turn is what one contender did in one round.
type Turn struct {
	Contender string  `json:"contender"`
	Round     int     `json:"round"`
	Seconds   float64 `json:"seconds"`
	PerSecond float64 `json:"documents_per_second"`
	// FirstDocument is the time from the process's start to the first document.
	FirstDocument float64 `json:"first_document_seconds"`
	CPU           float64 `json:"cpu_seconds"` // user and system, children included
	PeakRSS       int64   `json:"peak_rss_bytes"`
	// ServerCPU is what Elasticsearch, the node that was asked, used meanwhile.
	ServerCPU float64 `json:"server_cpu_seconds"`
	// FunctionCPU and FunctionPeakRSS are the function's part of it.
	FunctionCPU     float64 `json:"function_cpu_seconds,omitempty"`
	FunctionPeakRSS int64   `json:"function_peak_rss_bytes,omitempty"`
	Counts
}

// Counts are what was found in the index.
type Counts struct {
	Records   int `json:"records"`
	Documents int `json:"documents"`
	Lost      int `json:"lost"`  // records of which there is no document
	Twice     int `json:"twice"` // records of which there are several
	Extra     int `json:"extra"` // documents that are one too many
}

// Sound reports whether every record is there once.
func (c Counts) Sound() bool { return c.Lost == 0 && c.Extra == 0 }

func (c Counts) text() string {
	if c.Sound() {
		return "each record once"
	}
	return fmt.Sprintf("%d lost, %d twice, %d documents too many", c.Lost, c.Twice, c.Extra)
}

func (t *Turn) text() string {
	return fmt.Sprintf("%.0f documents/s, %.1f µs CPU a record, the server %.1f µs, %d MB, %s",
		t.PerSecond, t.cpuMicros(), t.serverMicros(), t.PeakRSS>>20, t.Counts.text())
}

func (t *Turn) cpuMicros() float64    { return t.CPU * 1e6 / float64(t.Records) }
func (t *Turn) serverMicros() float64 { return t.ServerCPU * 1e6 / float64(t.Records) }

const (
	// pollInterval is how often the server is asked how far it is.
	pollInterval = 50 * time.Millisecond
	// stall is how long nothing may be written before a turn is over.
	stall = time.Minute
)

// turn has a contender write all records into a fresh index.
func (b *bench) turn(ctx context.Context, c contender, d *dataset) (*Turn, error) {
	if err := b.es.create(ctx, b.index); err != nil {
		return nil, err
	}
	b.turns++
	cmd, err := c.command(run{d: d, url: b.cfg.Elasticsearch.URL, group: b.group()})
	if err != nil {
		return nil, err
	}
	serverCPU, begin := b.es.cpu(ctx), time.Now()
	p, err := start(ctx, cmd)
	if err != nil {
		return nil, err
	}
	defer p.kill()
	watched, err := b.watch(ctx, p, d.want())
	if err != nil {
		return nil, err
	}
	serverCPU = b.es.cpu(ctx) - serverCPU
	p.lookAtMemory()
	if c.ends {
		select {
		case <-p.done:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	} else {
		p.stop()
	}
	if err := p.failure(); err != nil && c.name != rsyslog { // it says nothing of use with its code
		return nil, err
	}
	t := &Turn{
		Contender: c.name, FirstDocument: watched.first.at.Sub(begin).Seconds(), CPU: p.cpu().Seconds(), PeakRSS: p.peakRSS(),
		ServerCPU: serverCPU.Seconds(),
		Seconds:   watched.last.at.Sub(watched.first.at).Seconds(), PerSecond: watched.perSecond(),
	}
	var res result
	if json.Unmarshal([]byte(p.stdout.last()), &res) == nil {
		t.FunctionCPU, t.FunctionPeakRSS = res.FunctionCPU/1000, res.FunctionPeakRSS
	}
	if c.ends {
		if res.Seconds == 0 {
			return nil, errNoResult
		}
		t.Seconds, t.PerSecond = res.Seconds, float64(d.records)/res.Seconds
	}
	t.Counts, err = b.count(ctx, d)
	return t, err
}

// moment is how many documents there were when.
type moment struct {
	at time.Time
	n  int
}

// span is from the first documents that were seen to the last.
type span struct{ first, last moment }

// perSecond leaves out what came before the first look at documents: how long a
// process takes to start is no part of its speed.
func (s span) perSecond() float64 {
	if took := s.last.at.Sub(s.first.at).Seconds(); took > 0 {
		return float64(s.last.n-s.first.n) / took
	}
	return 0
}

// watch returns when so many documents are written, or none any more, or the
// process has ended.
func (b *bench) watch(ctx context.Context, p *process, want int) (s span, err error) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	begin := time.Now()
	for {
		ended := p.ended()
		n, err := b.es.written(ctx, b.index)
		if err != nil {
			return s, err
		}
		now := moment{time.Now(), n}
		switch {
		case n > 0 && s.first.n == 0:
			s.first, s.last = now, now
		case n > s.last.n:
			s.last = now
		}
		quietSince := begin
		if s.last.n > 0 {
			quietSince = s.last.at
		}
		if n >= want || ended || now.at.Sub(quietSince) > stall {
			if n == 0 {
				return s, fmt.Errorf("it wrote nothing: %w %s", errNoResult, strings.TrimSpace(p.stderr.last()))
			}
			return s, nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return s, context.Cause(ctx)
		}
	}
}

// count reads back what is in the index.
func (b *bench) count(ctx context.Context, d *dataset) (Counts, error) {
	times := make([]int, d.records)
	c := Counts{Records: d.records}
	err := b.es.ids(ctx, b.index, func(id string) {
		c.Documents++
		if i, known := d.ids[id]; known {
			times[i]++
		} else {
			c.Extra++ // nobody's
		}
	})
	for _, i := range d.ids {
		switch n := times[i]; {
		case n == 0:
			c.Lost++
		case n > 1:
			c.Twice++
			c.Extra += n - 1
		}
	}
	return c, err
}
