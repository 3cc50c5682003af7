//go:build e2e

package trigger

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

// chaosReport is what was lived through.
type chaosReport struct {
	rows               []chaosRow
	documents, letters int
	missing, twice     int
	gone               int // lost with a log before they were read
}

// chaosRow is one kind of fault.
type chaosRow struct {
	name                string
	times, struck       int
	recovered, caughtUp []time.Duration
}

func (r *chaosReport) add(name string, struck int, recovered, caughtUp time.Duration) {
	i := slices.IndexFunc(r.rows, func(row chaosRow) bool { return row.name == name })
	if i < 0 {
		i = len(r.rows)
		r.rows = append(r.rows, chaosRow{name: name})
	}
	row := &r.rows[i]
	row.times++
	row.struck += struck
	row.recovered, row.caughtUp = append(row.recovered, recovered), append(row.caughtUp, caughtUp)
}

// count returns how many times a kind of fault came.
func (r *chaosReport) count(name string) int {
	for _, row := range r.rows {
		if row.name == name {
			return row.times
		}
	}
	return 0
}

func (r *chaosReport) text(c *chaos, seed int, took time.Duration) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d records, seed %d, %v\n\n", c.produced, seed, took.Round(time.Second))
	tab := tabwriter.NewWriter(&b, 0, 8, 2, ' ', 0)
	fmt.Fprintln(tab, "fault\ttimes\tstruck\tfirst batch after it: median, longest\tall caught up: median, longest")
	for _, row := range r.rows {
		fmt.Fprintf(tab, "%s\t%d\t%d\t%s\t%s\n", row.name, row.times, row.struck, spread(row.recovered), spread(row.caughtUp))
	}
	_ = tab.Flush()
	sum := c.tally()
	fmt.Fprintf(&b, "\nin Elasticsearch %d, in the dead letters %d, gone with a log before they were read %d, missing %d, twice %d, written again under their ids %d\n",
		r.documents, r.letters, r.gone, r.missing, r.twice, c.rewritten)
	fmt.Fprintf(&b, "batches %d, delivered again %d, records that an earlier delivery had stored %d\n", sum.batches, sum.retries, sum.duplicates)
	fmt.Fprintf(&b, "bulk requests %d, of which repeated %d\n", sum.requests, sum.repeated)
	return b.String()
}

func spread(d []time.Duration) string {
	slices.Sort(d)
	return fmt.Sprintf("%v, %v", d[len(d)/2].Round(10*time.Millisecond), d[len(d)-1].Round(10*time.Millisecond))
}

// tally adds up what all triggers and their functions said.
type tally struct{ batches, retries, duplicates, requests, repeated int }

func (c *chaos) tally() (sum tally) {
	for _, e := range c.ran {
		for _, l := range e.all() {
			switch l.Event {
			case "batch":
				sum.batches++
				sum.duplicates += l.Account.Duplicate
			case "retry":
				sum.retries++
			}
		}
		e.mu.Lock()
		for said := range strings.Lines(e.stderr.String()) {
			var batch struct {
				Message  string `json:"msg"`
				Requests int    `json:"requests"`
				Retries  int    `json:"retries"`
			}
			if json.Unmarshal([]byte(said), &batch) == nil && batch.Message == "batch" {
				sum.requests += batch.Requests
				sum.repeated += batch.Retries
			}
		}
		e.mu.Unlock()
	}
	return sum
}
