package main

import (
	"context"
	"os"
	"os/signal"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"ckafka-etl/config"
	"ckafka-etl/internal/metrics"
	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/trigger"
)

type triggerFlags struct {
	source        sourceFlags
	environ       environFlags
	function      functionFlags
	group         string
	eager         bool
	maxWait       time.Duration
	retry         int
	instances     int
	oversize      string
	oversizeTopic string
	grace         time.Duration
	memory        int64
	http          string
	logFormat     string
	json          bool
}

func newTrigger(sys *system) *cobra.Command {
	var flags triggerFlags
	cmd := &cobra.Command{
		Use:   "trigger",
		Short: "run the function on a Kafka topic, as the CKafka trigger does",
		Long: `trigger reads a topic in a consumer group, makes events as the platform's trigger
does, and has the function handle them: it is the way to run the function
outside SCF.

Each partition has one batch in flight. A batch that fails is delivered again,
at most --retry times; then its partition stops, and nothing of it is passed
over. Between deliveries trigger waits, each partition for itself: the function
gets Retry_Pace=0 unless you set it. Offsets are committed only after success.
Ctrl-C or SIGTERM lets the batches in flight end, commits them and leaves the
group, within --grace; a second one ends at once.

A partition that is added later is read from its start, whatever --position is.
Records that retention deleted before they were read are counted and said, and
trigger exits 1 at its end. If the log lost its tail, or the topic was deleted
and made anew, trigger goes back to what is there now, and says so.

` + sourceHelp + `

` + environHelp + `

` + flagVarsHelp + `

` + functionHelp + `

As a service: start as many triggers of the same --group as are needed, and end
them with SIGTERM; the group spreads the partitions. --http has Prometheus
metrics at /metrics; /health/live, which answers while the process works; and
/health/ready, which answers 200 while the trigger is a member of the group and
has a partition that is not stopped, or none, and else says in a line why not.

` + logHelp + `

Exit codes: 0 it was told to end and all is well, 1 a partition stopped, records
were deleted before they were read, or the topic or group could not be read, 2
the command line, a variable or the configuration is wrong and nothing was read.`,
		Example: `  export ES_Address=http://10.0.17.2:9200 ES_Index_KeyWord=app
  etlctl trigger --brokers 10.0.17.3:9092 --topic app-log --group etl --position earliest
  etlctl trigger --brokers kafka:9093 --tls --ca ca.pem --mechanism SCRAM-SHA-512 \
      --user etl --password-env KAFKA_PASSWORD --topic app-log --group etl --max-msg-num 10000`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return flags.run(cmd.Context(), sys, cmd.Flags()) },
	}
	flags.register(cmd.Flags())
	return cmd
}

func (f *triggerFlags) register(flags *pflag.FlagSet) {
	f.source.register(flags, "latest")
	f.environ.register(flags)
	f.function.register(flags)
	flags.StringVar(&f.group, "group", "", "the consumer `GROUP` (required)")
	flags.BoolVar(&f.eager, "eager", false, "rebalance by ranges, for groups with members that know nothing else")
	flags.DurationVar(&f.maxWait, "max-wait", trigger.DefaultMaxWait, "how long a record waits for others to come into its event, at most 60s")
	flags.IntVar(&f.retry, "retry", trigger.DefaultRetry, "how many `TIMES` a failed batch is delivered again, 0 to 10000")
	flags.IntVar(&f.instances, "instances", 0, "most instances of the function at a time; default one for each core, and no more than partitions")
	flags.StringVar(&f.oversize, "oversize", string(trigger.OversizeStop), "what becomes of a record that fits into no event (6 MB): stop, skip or dead")
	flags.StringVar(&f.oversizeTopic, "oversize-topic", "", "the `TOPIC` of the same Kafka that such records are produced to, with --oversize dead")
	flags.DurationVar(&f.grace, "grace", trigger.DefaultGrace, "how long batches in flight may go on at the end")
	flags.Int64Var(&f.memory, "memory-budget", trigger.DefaultMemoryBudget>>20, "how many `MB` records and events may take in this process, however many partitions there are; at least 32")
	flags.StringVar(&f.http, "http", "", "serve metrics and health at `ADDRESS`: a port (9090 or :9090) is on loopback, 0.0.0.0:9090 on every address; default none")
	flags.StringVar(&f.logFormat, "log-format", "", "json: all that is said as JSON lines on stderr; text: lines for people on stderr; default as said above")
	flags.BoolVar(&f.json, "json", false, "print JSON lines on a terminal, too")
}

// run sets the flags that variables have, and runs the trigger.
func (f *triggerFlags) run(ctx context.Context, sys *system, flags *pflag.FlagSet) error {
	if f.environ.file == "" {
		path, _ := lookup(sys.environ, variableOf("env-file"))
		f.environ.file = strings.TrimSpace(path)
	}
	list, err := f.environ.read()
	if err != nil {
		return err
	}
	for _, v := range list {
		if v.Name == variableOf("env-file") {
			return usagef("--env-file: %s:%d: %s has no effect in the file itself", f.environ.file, v.Line, v.Name)
		}
	}
	environ := over(sys.environ, list)
	set, err := setByVariables(flags, environ)
	if err != nil {
		return err
	}
	if err := f.checkService(); err != nil {
		return byVariable(err, set)
	}
	var log *serviceLog
	own := *sys
	if f.logFormat == formatJSON {
		log = newServiceLog(sys.stderr)
		own.stderr = textLog{log}
	}
	if password, _ := lookup(environ, passwordVariable); password != "" && f.source.passwordEnv == "" {
		f.source.passwordEnv = passwordVariable
	}
	err = byVariable(runTrigger(ctx, &own, environ, f, log), set)
	if err != nil && log != nil {
		log.Error(strings.ReplaceAll(err.Error(), "\n", "; "))
		return &toldError{err}
	}
	return err
}

// runTrigger runs the trigger. environ is the environment with the file of
// variables over it. log is nil unless all is to be logged.
func runTrigger(ctx context.Context, sys *system, environ []string, flags *triggerFlags, log *serviceLog) error {
	cfg, err := flags.config(environ)
	if err != nil {
		return err
	}
	vars, err := flags.environ.variables(sys.environ)
	if err != nil {
		return err
	}
	if name := flags.source.passwordEnv; !config.IsRelevant(name) {
		delete(vars, name) // it is not the function's
	}
	if vars["ES_Address"] == "" && vars["kafka_address"] == "" {
		return usagef("neither ES_Address nor kafka_address is set: the function has nowhere to write")
	}
	withoutPace(vars)
	to, err := newTarget(sys, vars) //nolint:contextcheck // it starts a stand-in only where there is no address
	if err != nil {
		return err
	}
	defer to.close()
	fn, err := flags.function.function(ctx, vars)
	if err != nil {
		return err
	}
	m := newMetrics(flags, to.config)
	fn.Stdout, fn.Stderr = functionOutput(sys, flags, log, m)
	pools, err := newPools(fn, flags.instances)
	if err != nil {
		return err
	}
	defer pools.stop()
	if log != nil {
		log.level.Set(to.config.LogLevel)
	}
	view := newTriggerView(sys, flags, log, to.name())
	for _, p := range pools {
		cfg.Functions = append(cfg.Functions, p)
	}
	cfg.Timeout, cfg.Report = fn.Timeout, view.report
	if m != nil {
		cfg.Report = func(n trigger.Notice) { m.Report(n); view.report(n) }
	}
	if _, ok := lookup(sys.environ, "GOMEMLIMIT"); !ok {
		debug.SetMemoryLimit(cfg.MemoryBudget)
	}
	t, err := trigger.New(cfg)
	if err != nil {
		return usagef("%s", flagged(err))
	}
	if m != nil {
		closeService, err := flags.serve(ctx, m, t, pools, view)
		if err != nil {
			return err
		}
		defer closeService()
	}

	// A second signal ends the process as if nobody had asked for the first.
	defer context.AfterFunc(ctx, func() {
		view.say("finishing the batches in flight, for at most %v", flags.grace)
		signal.Reset(os.Interrupt, syscall.SIGTERM)
	})()
	var watch sync.WaitGroup
	watching, stop := context.WithCancel(context.WithoutCancel(ctx))
	watch.Go(func() { view.watch(watching, t) })
	err = t.Run(ctx)
	stop()
	watch.Wait()
	pools.stop()
	if printErr := view.summary(fn, pools); printErr != nil {
		return printErr
	}
	return err
}

// config reads the flags that concern reading.
func (f *triggerFlags) config(environ []string) (cfg trigger.Config, err error) {
	cfg = trigger.Config{
		Topic: f.source.topic, Group: f.group, Eager: f.eager, MaxMsgNum: f.source.maxMsgNum, MaxWait: f.maxWait,
		Retry: f.retry, Oversize: trigger.Oversize(f.oversize), OversizeTopic: f.oversizeTopic, Grace: f.grace, MemoryBudget: f.memory << 20,
	}
	if f.memory < trigger.MinMemoryBudget>>20 || f.memory > 1<<20 {
		return cfg, usagef("--memory-budget: got %d MB, want %d to %d", f.memory, trigger.MinMemoryBudget>>20, 1<<20)
	}
	if f.group == "" {
		return cfg, usagef("--group: not set")
	}
	if f.instances < 0 {
		return cfg, usagef("--instances: got %d, want at least 1, or 0 for one for each core", f.instances)
	}
	if cfg.Position, err = f.source.where(); err != nil {
		return cfg, err
	}
	cfg.Client, err = f.source.client(environ)
	return cfg, err
}

// flagged puts the dashes before the names of flags.
func flagged(err error) string {
	return "--" + strings.ReplaceAll(err.Error(), "\n", "\n--")
}

// functionPools each hold one instance. A partition keeps to one of them, so
// that a batch that comes again meets the instance that knows what is settled.
// An instance starts with its first event: there are never more than
// partitions.
type functionPools []*platform.Pool

func newPools(fn platform.Function, n int) (functionPools, error) {
	if n == 0 {
		n = runtime.GOMAXPROCS(0) // in a container the cores that it may use
	}
	pools := make(functionPools, n)
	for i := range pools {
		var err error
		if pools[i], err = platform.NewPool(fn, 1); err != nil {
			return nil, usage(err)
		}
	}
	return pools, nil
}

func (p functionPools) stop() {
	for _, pool := range p {
		pool.Stop()
	}
}

// Instances is what metrics tell of them.
func (p functionPools) Instances() metrics.Instances {
	used, started := p.usage()
	n := metrics.Instances{Started: started, CPU: used.CPU(), PeakRSS: used.PeakRSS}
	for _, pool := range p {
		n.Running += pool.Running()
	}
	return n
}

// usage returns what all have used, and how many instances were started.
func (p functionPools) usage() (u platform.Usage, started int) {
	for _, pool := range p {
		v := pool.Usage()
		u.User, u.System, u.PeakRSS = u.User+v.User, u.System+v.System, max(u.PeakRSS, v.PeakRSS)
		started += pool.Started()
	}
	return u, started
}
