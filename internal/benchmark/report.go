package benchmark

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

// Report is what a run has found.
type Report struct {
	Time     time.Time         `json:"time"`
	Command  string            `json:"command"`
	Machine  string            `json:"machine"`
	Versions []string          `json:"versions"`
	Settings map[string]string `json:"settings"`
	Summary  []Summary         `json:"summary"`
	Faults   []*FaultRow       `json:"faults"`
	Turns    []*Turn           `json:"turns"`
}

// Summary is what the turns of one contender come to.
type Summary struct {
	Contender string `json:"contender"`
	Control   string `json:"control"`
	PerSecond Range  `json:"documents_per_second"`
	// Ratio is its documents a second over the control's, round by round.
	Ratio           Range `json:"ratio_to_control"`
	CPUMicros       Range `json:"cpu_microseconds_per_record"`
	FunctionMicros  Range `json:"function_cpu_microseconds_per_record"`
	ServerMicros    Range `json:"server_cpu_microseconds_per_record"`
	PeakRSS         Range `json:"peak_rss_bytes"`
	FunctionPeakRSS Range `json:"function_peak_rss_bytes"`
	Unsound         int   `json:"unsound_turns"` // turns that lost or doubled records
}

// Range is the middle of some values and their ends.
type Range struct {
	Median float64 `json:"median"`
	Min    float64 `json:"min"`
	Max    float64 `json:"max"`
}

func rangeOf(values []float64) Range {
	if len(values) == 0 {
		return Range{}
	}
	s := slices.Sorted(slices.Values(values))
	n := len(s)
	return Range{(s[(n-1)/2] + s[n/2]) / 2, s[0], s[n-1]}
}

func newReport(ctx context.Context, b *bench) *Report {
	r := &Report{Time: time.Now().UTC(), Machine: machine(), Settings: map[string]string{
		"records":   fmt.Sprintf("%d access-log records of some 430 bytes, %d under faults", b.cfg.Records, b.cfg.FaultRecords),
		"events":    fmt.Sprintf("at most %d records; topic of %d partitions; the trigger waits %v", b.cfg.MaxMsgNum, b.cfg.Partitions, triggerWait),
		"rounds":    fmt.Sprintf("%d after %d to warm up, contenders in turn, a fresh index for each", b.cfg.Rounds, b.cfg.Warmup),
		"in flight": fmt.Sprintf("%d requests for an event; %d for the topic, %d instances", bulkConcurrency, bulkConcurrency*b.cfg.Instances, b.cfg.Instances),
		"index":     "1 shard, no copies, no refresh, keywords, best_compression",
	}}
	if version, err := b.es.version(ctx); err == nil {
		r.Versions = append(r.Versions, "Elasticsearch "+version)
	}
	r.Versions = append(r.Versions, runtime.Version())
	if b.cfg.Python != "" {
		r.Versions = append(r.Versions, said(ctx, b.cfg.Python, "-c",
			"import sys, elasticsearch; print('Python', sys.version.split()[0] + ', elasticsearch', elasticsearch.__versionstr__)"))
	}
	if b.cfg.Rsyslogd != "" {
		r.Versions = append(r.Versions, said(ctx, b.cfg.Rsyslogd, "-v"))
		r.Settings[rsyslog] = fmt.Sprintf("%d imkafka input; %s; %s", rsyslogInputs, b.rsyslogQueue(), rsyslogAction)
	}
	return r
}

// said is the first line that a program prints.
func said(ctx context.Context, argv ...string) string {
	text, err := exec.CommandContext(ctx, argv[0], argv[1:]...).Output()
	if err != nil {
		return argv[0] + ": " + err.Error()
	}
	line, _, _ := strings.Cut(string(text), "\n")
	return strings.Join(strings.Fields(line), " ")
}

func machine() string {
	model := runtime.GOARCH
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
				model = strings.TrimSpace(value)
				break
			}
		}
	}
	text := fmt.Sprintf("%s, %d cores, %s/%s", model, runtime.NumCPU(), runtime.GOOS, runtime.GOARCH)
	// Others that work on the machine spoil the figures.
	if load, err := os.ReadFile("/proc/loadavg"); err == nil {
		last, _, _ := strings.Cut(string(load), " ")
		text += ", load " + last + " before"
	}
	return text
}

// summarize fills Summary from Turns.
func (r *Report) summarize(contenders []contender) {
	r.Summary = nil
	for _, c := range contenders {
		s := Summary{Contender: c.name, Control: c.control}
		var speed, ratio, cpu, serverCPU, functionCPU, rss, functionRSS []float64
		for _, t := range r.Turns {
			if t.Contender != c.name {
				continue
			}
			speed, cpu, rss = append(speed, t.PerSecond), append(cpu, t.cpuMicros()), append(rss, float64(t.PeakRSS))
			serverCPU = append(serverCPU, t.serverMicros())
			functionCPU = append(functionCPU, t.FunctionCPU*1e6/float64(t.Records))
			functionRSS = append(functionRSS, float64(t.FunctionPeakRSS))
			if !t.Sound() {
				s.Unsound++
			}
			for _, other := range r.Turns {
				if other.Contender == c.control && other.Round == t.Round && other.PerSecond > 0 {
					ratio = append(ratio, t.PerSecond/other.PerSecond)
				}
			}
		}
		if len(speed) == 0 {
			continue
		}
		s.PerSecond, s.Ratio, s.CPUMicros, s.PeakRSS = rangeOf(speed), rangeOf(ratio), rangeOf(cpu), rangeOf(rss)
		s.ServerMicros = rangeOf(serverCPU)
		s.FunctionMicros, s.FunctionPeakRSS = rangeOf(functionCPU), rangeOf(functionRSS)
		r.Summary = append(r.Summary, s)
	}
}

func (r *Report) of(contender string) (Summary, bool) {
	i := slices.IndexFunc(r.Summary, func(s Summary) bool { return s.Contender == contender })
	if i < 0 {
		return Summary{}, false
	}
	return r.Summary[i], true
}

// Print writes the report for a person.
func (r *Report) Print(w io.Writer) error {
	var out strings.Builder
	fmt.Fprintf(&out, "%s, %s\n%s\n", r.Machine, r.Time.Format("2006-01-02"), strings.Join(r.Versions, "; "))
	for _, name := range []string{"records", "events", "rounds", "in flight", "index", rsyslog} {
		if text := r.Settings[name]; text != "" {
			fmt.Fprintf(&out, "%s: %s\n", name, text)
		}
	}
	if r.Command != "" {
		fmt.Fprintf(&out, "command: %s\n", r.Command)
	}
	r.table(&out, bodiesByEvent, "\nEvents, one after the other: the time of a whole invocation\n", "time ÷ control", func(s Summary) Range {
		return Range{1 / s.Ratio.Median, 1 / s.Ratio.Max, 1 / s.Ratio.Min}
	})
	r.table(&out, bodies, "\nKafka to Elasticsearch\n", "speed ÷ control", func(s Summary) Range { return s.Ratio })
	r.verdicts(&out)
	r.faultTable(&out)
	_, err := io.WriteString(w, out.String())
	return err
}

func (r *Report) table(out *strings.Builder, control, title, ratioName string, ratio func(Summary) Range) {
	if _, ok := r.of(control); !ok {
		return
	}
	out.WriteString(title)
	row, end := rows(out)
	defer end()
	row("\tdocuments/s\t%s\tCPU µs/record\tserver's CPU µs/record\tpeak RSS MB\t\n", ratioName)
	for _, s := range r.Summary {
		if s.Control != control {
			continue
		}
		of := ""
		if s.FunctionMicros.Median > 0 {
			of = fmt.Sprintf("of it the function %.1f µs, %.0f MB", s.FunctionMicros.Median, s.FunctionPeakRSS.Median/(1<<20))
		}
		if s.Unsound > 0 {
			of += fmt.Sprintf(" (turns that lost or doubled records: %d)", s.Unsound)
		}
		row("%s\t%s\t%s\t%s\t%s\t%.0f\t%s\n", s.Contender, s.PerSecond.text(0), ratio(s).text(2), s.CPUMicros.text(1), s.ServerMicros.text(1), s.PeakRSS.Median/(1<<20), of)
	}
}

// rows returns what writes rows of a table, and what ends it.
func rows(out *strings.Builder) (row func(format string, args ...any), end func()) {
	tab := tabwriter.NewWriter(out, 0, 8, 3, ' ', 0)
	return func(format string, args ...any) { _, _ = fmt.Fprintf(tab, format, args...) }, func() { _ = tab.Flush() }
}

func (r Range) text(digits int) string {
	f := func(v float64) string {
		s := strconv.FormatFloat(v, 'f', digits, 64)
		if digits == 0 {
			for i := len(s) - 3; i > 0; i -= 3 {
				s = s[:i] + "," + s[i:]
			}
		}
		return s
	}
	return fmt.Sprintf("%s (%s–%s)", f(r.Median), f(r.Min), f(r.Max))
}

// The figures to reach.
const (
	mostTime  = 1.05 // whole invocation ÷ control
	leastRate = 0.90 // documents a second of trigger and function ÷ control
	mostCPU   = 8.0  // µs a record of trigger and function
)

// verdicts says which figures are reached.
func (r *Report) verdicts(out *strings.Builder) {
	out.WriteString("\n")
	say := func(ok bool, format string, args ...any) {
		word := "reached"
		if !ok {
			word = "MISSED"
		}
		fmt.Fprintf(out, "%s: %s\n", word, fmt.Sprintf(format, args...))
	}
	if s, ok := r.of(function); ok && s.Ratio.Median > 0 {
		say(1/s.Ratio.Median <= mostTime, "a whole invocation takes %.3f times as long as posting its bodies (at most %.2f)", 1/s.Ratio.Median, mostTime)
	}
	s, ok := r.of(trigger)
	if !ok {
		return
	}
	say(s.Ratio.Median >= leastRate, "trigger and function bring %.2f times the control's documents a second (at least %.2f)", s.Ratio.Median, leastRate)
	say(s.CPUMicros.Median <= mostCPU, "trigger and function use %.1f µs of CPU a record (at most %.0f)", s.CPUMicros.Median, mostCPU)
	if other, ok := r.of(rsyslog); ok && other.PerSecond.Median > 0 {
		say(s.PerSecond.Median > other.PerSecond.Median, "trigger and function bring %.2f times rsyslog's documents a second (more than 1)", s.PerSecond.Median/other.PerSecond.Median)
	}
}

func (r *Report) faultTable(out *strings.Builder) {
	if len(r.Faults) == 0 {
		return
	}
	out.WriteString("\nFaults\n")
	row, end := rows(out)
	defer end()
	row("\t\trecords\tlost\ttwice\tdocuments too many\tdead letters\tseconds\t\n")
	for _, f := range r.Faults {
		note := ""
		if f.Unfinished {
			note = "ended by us: not through"
		}
		row("%s\t%s\t%d\t%d\t%d\t%d\t%d\t%.0f\t%s\n", f.Fault, f.Contender, f.Records, f.Lost, f.Twice, f.Extra, f.DeadLetters, f.Seconds, note)
	}
}

// Sound reports whether ours, and the control, brought in each record once.
func (r *Report) Sound() bool {
	for _, t := range r.Turns {
		if t.Contender != python && t.Contender != rsyslog && !t.Sound() {
			return false
		}
	}
	for _, f := range r.Faults {
		if f.Contender == trigger && (!f.Sound() || f.Unfinished) {
			return false
		}
	}
	return true
}
