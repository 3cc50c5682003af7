package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"ckafka-etl/internal/outcome"
)

// report is what came of a replay.
type report struct {
	Function    string          `json:"function"`
	Target      string          `json:"target"`
	StandIn     bool            `json:"stand_in"`
	Events      int             `json:"events"`
	Deliveries  int             `json:"deliveries"`
	Failed      int             `json:"failed"`
	Unaccounted int             `json:"unaccounted"` // failed deliveries without an account: killed, crashed
	Account     outcome.Account `json:"account"`
	Time        times           `json:"ms"`
	Instances   int             `json:"instances"`
	PeakRSS     int64           `json:"peak_rss_bytes"`
	CPU         time.Duration   `json:"-"`
	Indices     []indexCount    `json:"indices,omitempty"`
	Failures    []failure       `json:"failures,omitempty"`
	Documents   []document      `json:"documents,omitempty"`
}

// times are durations; as JSON they are milliseconds.
type times struct {
	Total, Median, Longest, ColdStart time.Duration
}

func (t times) MarshalJSON() ([]byte, error) {
	ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
	return json.Marshal(map[string]float64{
		"total": ms(t.Total), "median": ms(t.Median), "longest": ms(t.Longest), "cold_start": ms(t.ColdStart),
	})
}

// indexCount is the number of documents in an index of the stand-in, or of
// records whose documents were sent to an index of a real server.
type indexCount struct {
	Index     string `json:"index"`
	Documents int    `json:"documents,omitempty"`
	Sent      int    `json:"records_sent,omitempty"`
}

func (r *report) print(w io.Writer, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(w)
		enc.SetEscapeHTML(false)
		return enc.Encode(r)
	}
	var b strings.Builder
	r.text(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

func (r *report) text(b *strings.Builder) {
	tab := tabwriter.NewWriter(b, 0, 8, 2, ' ', 0)
	row := func(name, format string, args ...any) {
		_, _ = fmt.Fprintf(tab, "%s\t%s\n", name, fmt.Sprintf(format, args...)) // a Builder takes everything
	}

	row("written to", "%s", r.Target)
	row("events", "%s, %s, %s failed", number(r.Events, "event"), number(r.Deliveries, "delivery"), thousands(r.Failed))
	row("records", "%s", countsText(r.Account.Counts))
	for _, name := range slices.Sorted(maps.Keys(r.Account.Sinks)) {
		row("  "+name, "%s", countsText(r.Account.Sinks[name]))
	}
	if odd := oddText(r.Account.Odd); odd != "" {
		row("", "%s", odd)
	}
	if r.Unaccounted > 0 {
		row("", "and those of %s without an account", number(r.Unaccounted, "failed delivery"))
	}
	row("time", "%v in all; an event: median %v, longest %v", short(r.Time.Total), short(r.Time.Median), short(r.Time.Longest))
	row("function", "cold start %v, %s, peak memory %.0f MB, CPU %v",
		short(r.Time.ColdStart), number(r.Instances, "instance"), float64(r.PeakRSS)/(1<<20), short(r.CPU))
	_ = tab.Flush()

	if len(r.Indices) > 0 {
		b.WriteByte('\n')
		what := "documents"
		if !r.StandIn {
			what = "records sent"
		}
		row("index", "%s", what)
		for _, i := range r.Indices {
			row(i.Index, "%s", thousands(i.Documents+i.Sent)) // one of them is 0
		}
		_ = tab.Flush()
	}
	after := "after "
	if !r.StandIn {
		after = "sent  " // it was not read back
	}
	for _, d := range r.Documents {
		fmt.Fprintf(b, "\n%s, record %d → %s/_doc/%s\n", d.Event, d.Record, d.Index, d.ID)
		fmt.Fprintf(b, "  before  %s\n", clip(oneLine(d.Before)))
		fmt.Fprintf(b, "  %s  %s\n", after, clip(oneLine(d.text())))
	}
}

func countsText(c outcome.Counts) string {
	return fmt.Sprintf("%s: %s stored, %s duplicate, %s filtered, %s dead, %s unsettled", thousands(c.Records),
		thousands(c.Stored), thousands(c.Duplicate), thousands(c.Filtered), thousands(c.Dead), thousands(c.Unsettled))
}

// number is a number of things: "1 event", "2 events".
func number(n int, what string) string {
	if n != 1 {
		if stem, ok := strings.CutSuffix(what, "y"); ok {
			what = stem + "ie"
		}
		what += "s"
	}
	return thousands(n) + " " + what
}

// thousands writes a number with a comma every three digits.
func thousands[T int | int64](n T) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// short rounds a duration to about three digits.
func short(d time.Duration) time.Duration {
	switch {
	case d >= time.Second:
		return d.Round(10 * time.Millisecond)
	case d >= time.Millisecond:
		return d.Round(10 * time.Microsecond)
	default:
		return d.Round(time.Microsecond)
	}
}

// clip keeps a text short enough to look at. --json has the whole.
func clip(s string) string {
	const longest = 1500
	if len(s) <= longest {
		return s
	}
	return strings.ToValidUTF8(s[:longest], "") + fmt.Sprintf("… (%s bytes)", thousands(len(s)))
}
