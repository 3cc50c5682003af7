package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ckafka-etl/config"
	"ckafka-etl/internal/benchmark"
)

type benchFlags struct {
	brokers  string
	function string
	cfg      benchmark.Config
	json     bool
}

func newBench(sys *system) *cobra.Command {
	var flags benchFlags
	cmd := &cobra.Command{
		Use:   "bench",
		Short: "measure the function beside other ways, on real servers",
		Long: `bench brings the same records into Elasticsearch in several ways, which take turns
on the same servers, and compares their speed, CPU time and memory:

  bodies-by-event  posts bulk bodies that are ready, those of one event after
                   those of another: the control of what gets events
  function         the function, one event after the other
  python           a function that does what the Python template does (--python)
  bodies           posts the same bodies without a stop: the control of what
                   reads a topic
  trigger          etlctl trigger with the function (--brokers)
  without-ids      the same with ids that the server makes: what ours cost it
  rsyslog          imkafka and omelasticsearch (--brokers, --rsyslogd)

Each is a process of its own and gets a fresh index for each turn; what it wrote
is read back and counted. Ratios are taken within a round. With --brokers, those
who can lose something are then put under faults: the server down, the server
answering 429, the contender killed while a bulk is in flight and started again,
one record that the mapping refuses.

Elasticsearch (7.x, 8.x, OpenSearch 2) is the one address in ES_Address, with
ES_User and ES_Password; Kafka is without TLS and login. Topics, consumer
groups and indices are named etlctl-bench-… and removed in the end. The servers are put under full load:
do not use those that others rely on.

Without --function, etlctl builds the function if it is run within the project's
source tree. Exit code 1 also says that ours lost or doubled a record.`,
		Example: `  export ES_Address=http://127.0.0.1:9200
  etlctl bench --brokers 127.0.0.1:9092 --rsyslogd /usr/sbin/rsyslogd --python venv/bin/python
  etlctl bench --records 20000 --rounds 3 --faults none --json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runBench(cmd.Context(), sys, &flags) },
	}
	f, c := cmd.Flags(), &flags.cfg
	f.StringVar(&flags.brokers, "brokers", "", "bootstrap servers of a Kafka, `HOST:PORT`, commas between; without, only events are measured")
	f.StringVar(&flags.function, "function", "", "the built function, an executable `FILE`")
	f.StringVar(&c.Python, "python", "", "a Python `FILE` that has the package elasticsearch (the template's: 7.7.0)")
	f.StringVar(&c.Rsyslogd, "rsyslogd", "", "rsyslog's daemon, an executable `FILE` (Debian: rsyslog, rsyslog-kafka, rsyslog-elasticsearch)")
	c.Flags(f)
	f.BoolVar(&flags.json, "json", false, "print the report, with every turn, as JSON")
	cmd.AddCommand(newBenchWorker(sys), newBenchProfiled(sys), newBenchFunction(sys))
	return cmd
}

func runBench(ctx context.Context, sys *system, flags *benchFlags) error {
	cfg, err := flags.config(ctx, sys)
	if err != nil {
		return err
	}
	report, err := benchmark.Run(ctx, cfg)
	if report != nil {
		report.Command = strings.Join(os.Args, " ")
		var printErr error
		if flags.json {
			enc := json.NewEncoder(sys.stdout)
			enc.SetEscapeHTML(false)
			printErr = enc.Encode(report)
		} else {
			printErr = report.Print(sys.stdout)
		}
		err = errors.Join(err, printErr)
	}
	if err == nil && !report.Sound() {
		err = errors.New("records were lost or doubled by the function: see the report")
	}
	return err
}

func (f *benchFlags) config(ctx context.Context, sys *system) (cfg benchmark.Config, err error) {
	cfg = f.cfg
	if f.brokers != "" {
		cfg.Brokers = strings.Split(f.brokers, ",")
	}
	if cfg.Elasticsearch, err = benchServer(sys.environ); err != nil {
		return cfg, err
	}
	tool, err := os.Executable()
	if err != nil {
		return cfg, err
	}
	cfg.SetTool(tool)
	cfg.Say = func(format string, args ...any) { printf(sys.stderr, format+"\n", args...) }
	if err := cfg.Validate(); err != nil {
		return cfg, usagef("%s", flagged(err))
	}
	fn := functionFlags{path: f.function, timeout: time.Minute}
	function, err := fn.function(ctx, nil)
	cfg.Function = function.Path
	return cfg, err
}

// benchServer reads the variables that bench knows: what all contenders can be
// told.
func benchServer(environ []string) (server benchmark.Server, err error) {
	vars := map[string]string{"ES_Index_KeyWord": "bench"}
	for _, pair := range config.Relevant(environ) {
		name, value, _ := strings.Cut(pair, "=")
		switch name {
		case "ES_Address", "ES_User", "ES_Password":
			vars[name] = value
		case "ES_ApiKey", "ES_CA_Cert", "ES_CA_Fingerprint", "ES_Insecure":
			return server, usagef("%s: not for bench: not every contender can be told", name)
		}
	}
	if vars["ES_Address"] == "" {
		return server, usagef("ES_Address: not set")
	}
	cfg, err := config.Load(pairsOf(vars))
	if err != nil {
		return server, usage(err)
	}
	address := cfg.ES.Addresses[0]
	if len(cfg.ES.Addresses) > 1 || address.URL.Path != "" {
		return server, usagef("ES_Address: bench wants one address without a path")
	}
	server = benchmark.Server{URL: address.URL.String(), User: cfg.ES.User, Password: cfg.ES.Password.Reveal()}
	if address.User != "" {
		server.User, server.Password = address.User, address.Password.Reveal()
	}
	return server, nil
}
