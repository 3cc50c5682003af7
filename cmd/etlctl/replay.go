package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"ckafka-etl/internal/outcome"
	"ckafka-etl/internal/platform"
)

type replayFlags struct {
	environ  environFlags
	function functionFlags
	repeat   int
	show     int
	json     bool
	failFast bool
}

func newReplay(sys *system) *cobra.Command {
	var flags replayFlags
	cmd := &cobra.Command{
		Use:   "replay FILE...",
		Short: "send recorded events to the function",
		Long: `replay starts the function as the platform does and sends it recorded events,
one after another. What fails is not tried again, and the function does not wait
before it says so: it gets Retry_Pace=0 unless you set it.

` + payloadHelp + `

Documents go to the Elasticsearch of ES_Address. If neither ES_Address nor
kafka_address is set, they go to a stand-in inside etlctl, which is as strict as
the real one and forgets everything at the end; ES_Index_KeyWord is then "demo"
unless it is set.

` + environHelp + `

` + functionHelp,
		Example: `  etlctl replay testdata/events/access-100.json
  etlctl replay -e ES_Log_IgnoreWord=password,token --show 5 events/
  etlctl replay --repeat 2 events.jsonl      # every event twice: no document twice
  ES_Address=http://10.0.17.2:9200 ES_Index_KeyWord=test etlctl replay events.jsonl
  zcat events.jsonl.gz | etlctl replay --json -`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return runReplay(cmd.Context(), sys, &flags, args) },
	}
	flags.environ.register(cmd.Flags())
	flags.function.register(cmd.Flags())
	cmd.Flags().IntVar(&flags.repeat, "repeat", 1, "deliver every event `N` times, as the platform may")
	cmd.Flags().IntVar(&flags.show, "show", 2, "show `N` records and their documents")
	cmd.Flags().BoolVar(&flags.json, "json", false, "print the result as one JSON object")
	cmd.Flags().BoolVar(&flags.failFast, "fail-fast", false, "stop at the first failure")
	return cmd
}

func runReplay(ctx context.Context, sys *system, flags *replayFlags, args []string) error {
	if flags.repeat < 1 {
		return usagef("--repeat: got %d, want at least 1", flags.repeat)
	}
	if flags.show < 0 {
		return usagef("--show: got %d, want at least 0", flags.show)
	}
	files, err := findPayloads(args)
	if err != nil {
		return err
	}
	vars, err := flags.environ.variables(sys.environ)
	if err != nil {
		return err
	}
	withoutPace(vars)
	to, err := newTarget(sys, vars) //nolint:contextcheck // the stand-in serves until it is closed
	if err != nil {
		return err
	}
	defer to.close()
	fn, err := flags.function.function(ctx, vars)
	if err != nil {
		return err
	}
	shown, err := newShown(to.config, flags.show)
	if err != nil {
		return err
	}
	r := &replay{sys: sys, flags: flags, to: to, shown: shown}
	if flags.function.verbose {
		r.log.show = sys.stderr
	}
	fn.Stdout, fn.Stderr = &r.log, &r.log
	return r.run(ctx, fn, files)
}

// replay sends events and remembers what became of them.
type replay struct {
	sys   *system
	flags *replayFlags
	to    *target
	log   functionLog
	bar   *progress
	pool  *platform.Pool
	shown *shown

	events    int
	durations []time.Duration
	coldStart time.Duration // the first one
	sum       outcome.Account
	failures  []failure
	requests  []string // ids of the failed deliveries
}

// failure is a delivery that was not a success.
type failure struct {
	Event    string `json:"event"`
	Delivery int    `json:"delivery"` // from 1
	Error    string `json:"error"`
}

var errFailFast = errors.New("stopped at the first failure")

func (r *replay) run(ctx context.Context, fn platform.Function, files *payloadFiles) error {
	var err error
	if r.pool, err = platform.NewPool(fn, 1); err != nil {
		return usage(err)
	}
	defer r.pool.Stop()
	total := files.bytes
	if total > 0 {
		total *= int64(r.flags.repeat)
	}
	if r.flags.function.verbose {
		r.bar = &progress{} // it would stand between the lines
	} else {
		r.bar = newProgress(r.sys.stderr, total)
	}

	begin := time.Now()
	err = files.each(endingWith(ctx, r.sys.stdin), func(p payload) error {
		r.shown.look(p)
		for n := range r.flags.repeat {
			if err := r.deliver(ctx, p, n+1); err != nil {
				return err
			}
		}
		return nil
	})
	took := time.Since(begin)
	r.bar.clear()
	r.pool.Stop() // now the log is complete, and what the function used is known
	if len(r.durations) == 0 && err != nil {
		return err
	}
	if printErr := r.report(fn, took).print(r.sys.stdout, r.flags.json); printErr != nil {
		return printErr
	}
	switch {
	case err != nil && !errors.Is(err, errFailFast):
		return fmt.Errorf("stopped after %s: %w", number(len(r.durations), "delivery"), err)
	case len(r.failures) > 0:
		hint := ""
		if !r.flags.function.verbose {
			hint = "; --verbose shows the function's log"
		}
		return fmt.Errorf("%s of %s failed%s", thousands(len(r.failures)), number(len(r.durations), "delivery"), hint)
	}
	return nil
}

// deliver sends an event once. An error stops the replay.
func (r *replay) deliver(ctx context.Context, p payload, n int) error {
	reply, err := r.pool.Invoke(ctx, p.data)
	if err != nil && reply.RequestID == "" {
		return fmt.Errorf("%s was not sent: %w", p.name, err)
	}
	if ctx.Err() != nil && err != nil {
		return fmt.Errorf("interrupted while %s was handled", p.name)
	}
	if len(r.durations) == 0 {
		r.coldStart = reply.StartTime
	}
	if n == 1 {
		r.events++
	}
	r.durations = append(r.durations, reply.Duration)
	r.bar.add(len(p.data))
	if err == nil && reply.Error != nil {
		err = reply.Error
	}
	if err == nil {
		var a outcome.Account
		if a, err = outcome.Read(reply.Payload); err == nil {
			r.sum.Add(a)
			return nil
		}
	}
	r.requests = append(r.requests, reply.RequestID)
	r.failures = append(r.failures, failure{Event: p.name, Delivery: n, Error: err.Error()})
	r.bar.clear()
	printf(r.sys.stderr, "%s: delivery %d failed: %v\n", p.name, n, err)
	if r.flags.failFast {
		return errFailFast
	}
	return nil
}

func (r *replay) report(fn platform.Function, took time.Duration) *report {
	used := r.pool.Usage()
	unaccounted := 0
	for _, id := range r.requests {
		if c, ok := r.log.of(id); ok {
			r.sum.Counts.Add(c)
		} else {
			unaccounted++
		}
	}
	slices.Sort(r.durations)
	return &report{
		Function: fn.Path, Target: r.to.name(), StandIn: r.to.standIn != nil,
		Events: r.events, Deliveries: len(r.durations), Failed: len(r.failures), Unaccounted: unaccounted,
		Account: r.sum,
		Time: times{
			Total: took, ColdStart: r.coldStart,
			Median: r.durations[len(r.durations)/2], Longest: r.durations[len(r.durations)-1],
		},
		Instances: r.pool.Started(), PeakRSS: used.PeakRSS, CPU: used.CPU(),
		Indices: r.to.indices(r.shown.sent), Failures: r.failures, Documents: r.shown.documents(r.to),
	}
}
