package main

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"time"
)

// report is all that a run has found.
type report struct {
	missing []string
	exact   []exact
	strict  []strict
	speed   []speed
	growth  []growth
	starts  []starts
}

// page is a Markdown text.
type page struct{ strings.Builder }

func (p *page) line(format string, args ...any) { fmt.Fprintf(p, format+"\n", args...) }

// table begins a table. Columns whose name starts with ">" are numbers.
func (p *page) table(columns ...string) {
	rule := make([]string, len(columns))
	for i, c := range columns {
		rule[i] = "---"
		if strings.HasPrefix(c, ">") {
			columns[i], rule[i] = c[1:], "---:"
		}
	}
	p.line("")
	p.row(columns...)
	p.row(rule...)
}

func (p *page) row(cells ...string) { p.line("| %s |", strings.Join(cells, " | ")) }

// markdown returns the report as text.
func (r *report) markdown(o options) string {
	p := &page{}
	p.line("# The path of a record: trigger event to bulk body")
	p.line("")
	p.line("%s. %s.", machine(), time.Now().UTC().Format("2006-01-02"))
	p.line("Every figure is the median of %d rounds in which the candidates took turns, each with a process of its own,", o.rounds)
	p.line("%v or longer a turn. CPU time is what the process used, garbage collection included.", o.atLeast)
	if o.quick {
		p.line("**A quick run: rough numbers.**")
	}
	for _, m := range r.missing {
		p.line("Left out: %s.", m)
	}
	r.summary(p)
	r.speeds(p)
	r.exactTable(p)
	r.strictTable(p)
	r.growthTable(p)
	r.startTable(p)
	return p.String()
}

// summary compares CPU times.
func (r *report) summary(p *page) {
	p.line("\n## CPU time, one core, as a multiple of ours")
	columns := []string{"candidate"}
	for _, s := range r.speed {
		columns = append(columns, ">"+s.name)
	}
	p.table(columns...)
	for i, row := range r.speed[0].rows {
		cells := []string{row.name}
		for _, s := range r.speed {
			cells = append(cells, fmt.Sprintf("%.2f", ratio(s.rows[i], s.rows[0])))
		}
		p.row(cells...)
	}
	worst := 0.0
	for _, s := range r.speed {
		for _, row := range s.rows {
			worst = max(worst, row.spread)
		}
	}
	p.line("\nThe quartiles of a figure's rounds lie at most %.0f %% apart.", 100*worst)
}

func ratio(a, b row) float64 { return float64(a.cpu) / float64(b.cpu) }

func (r *report) speeds(p *page) {
	for _, s := range r.speed {
		p.line("\n## %s: %s", s.name, s.what)
		p.line("")
		p.line("%d records of %d bytes on average, an event of %.1f MB.", s.records, s.body, float64(s.bytes)/1e6)
		p.table("candidate", ">CPU ms a million records", ">× ours", ">MB/s, one core", ">MB/s, two cores", ">allocations a record", ">USD a million records")
		for _, row := range s.rows {
			two, allocs := fmt.Sprintf("%.0f", row.two), fmt.Sprintf("%.3f", row.allocs)
			if row.isTemplate() {
				two, allocs = "one thread", "not counted"
			}
			p.row(row.name, fmt.Sprintf("%.0f", row.cpu.Seconds()*1e3), fmt.Sprintf("%.2f", ratio(row, s.rows[0])),
				fmt.Sprintf("%.0f", row.mbps), two, allocs, fmt.Sprintf("%.6f", usd(row.cpu)))
		}
	}
	p.line("\nMB/s are megabytes of event: for one core by CPU time, for two by the clock, each working on one half of the records.")
	p.line("USD: CPU seconds × %.2f GB-seconds (a function has one core per %d MB, whatever its memory) × %.7f USD a GB-second",
		gbSecondsPerCPUSecond, mbPerCore, usdPerGBSecond)
	p.line("(Tencent Cloud document 583/17299, 2021-07-13). Waiting for servers and invocations come on top.")
}

func (r *report) exactTable(p *page) {
	p.line("\n## What comes out: documents that equal ours")
	p.line("\nEqual in meaning (the same members and values, the same index and id); in brackets those equal byte for byte.")
	columns, rows := []string{"candidate"}, [][]string{}
	for _, e := range r.exact {
		if e.isOurs() {
			columns = append(columns, fmt.Sprintf(">%s (%d)", e.input, e.total))
			continue
		}
		i := len(columns) - 2 // of the input
		k := 0
		for k < len(rows) && rows[k][0] != e.name {
			k++
		}
		if k == len(rows) {
			rows = append(rows, []string{e.name})
		}
		rows[k] = append(rows[k][:i+1], fmt.Sprintf("%d (%d)", e.meaning, e.verbatim))
	}
	p.table(append(columns, "differs in")...)
	for _, row := range rows {
		for _, c := range candidates() {
			if c.name == row[0] {
				p.row(append(row, c.differs)...)
			}
		}
	}
}

func (c candidate) isOurs() bool { return c.tag == "ours" }

func (r *report) strictTable(p *page) {
	p.line("\n## What is let through: texts around the edges of RFC 8259")
	p.table("candidate", fmt.Sprintf(">valid, but refused (of %d)", r.strict[0].valid), ">valid, but changed",
		fmt.Sprintf(">invalid, but taken (of %d)", r.strict[0].invalid), ">came out as invalid JSON", ">failed the whole event")
	for _, s := range r.strict {
		p.row(s.name, fmt.Sprint(len(s.refused)), fmt.Sprint(len(s.changed)), fmt.Sprint(len(s.taken)), fmt.Sprint(len(s.broken)),
			fmt.Sprint(len(s.failed)))
	}
	p.line("")
	for _, s := range r.strict {
		for _, list := range []struct {
			what  string
			names []string
		}{{"refuses", s.refused}, {"changes", s.changed}, {"takes", s.taken}, {"lets out as invalid JSON", s.broken}, {"fails at", s.failed}} {
			const most = 12
			if n := len(list.names); n > most {
				list.names = append(list.names[:most:most], fmt.Sprintf("and %d more", n-most))
			}
			if len(list.names) > 0 {
				p.line("- %s %s: %s", s.name, list.what, strings.Join(list.names, "; "))
			}
		}
	}
}

func (r *report) growthTable(p *page) {
	p.line("\n## Growth: our CPU time, nanoseconds a byte of event")
	p.table("as events get …", "size: ns a byte", ">worst growth")
	worst := 0.0
	for _, g := range r.growth {
		var sizes []string
		for _, point := range g.points {
			sizes = append(sizes, fmt.Sprintf("%d: %.2f", point.n, point.perByte()))
		}
		p.row(g.what, fmt.Sprintf("%s (%s)", strings.Join(sizes, ", "), g.unit), fmt.Sprintf("%.2f", g.worst()))
		worst = max(worst, g.worst())
	}
	p.line("\nWorst growth is the cost of a byte over its cost at any smaller size; 1 is a straight line. The worst of all is %.2f.", worst)
}

func (r *report) startTable(p *page) {
	if r.starts == nil {
		return
	}
	p.line("\n## Size and start: what each adds to a program")
	p.table("candidate", ">program grows by", ">process start to ready", ">first event of one record")
	for _, s := range r.starts {
		size := "not a program"
		if s.added >= 0 {
			size = fmt.Sprintf("%.0f KB", float64(s.added)/1e3)
		}
		p.row(s.name, size, fmt.Sprintf("%.1f ms", s.ready.Seconds()*1e3), fmt.Sprintf("%.2f ms", s.first.Seconds()*1e3))
	}
}

// machine says where the numbers come from.
func machine() string {
	parts := []string{runtime.GOOS + "/" + runtime.GOARCH, fmt.Sprintf("%d cores", runtime.NumCPU()), runtime.Version()}
	if info, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(info)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				parts = append([]string{strings.TrimSpace(value)}, parts...)
				break
			}
		}
	}
	if out, err := exec.Command("python3", "--version").Output(); err == nil {
		parts = append(parts, strings.TrimSpace(string(out)))
	}
	return strings.Join(parts, ", ")
}
