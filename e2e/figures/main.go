// Command figures measures the function beside other ways (see etlctl bench) on
// servers that it starts itself: Elasticsearch 7.17 and Kafka 3.9, with the
// Python client of the templates and with rsyslog. It needs Java 17, Maven,
// Python 3 and rsyslog; it installs nothing but the Python client, into a
// folder of its own in the user's cache.
//
// usage: go run ./e2e/figures [flags]
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/benchmark"
	"ckafka-etl/internal/platform"
)

type options struct {
	bench   benchmark.Config
	heap    string
	without []string
	json    string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "figures:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	var o options
	flags := pflag.NewFlagSet("figures", pflag.ContinueOnError)
	o.bench.Flags(flags)
	flags.StringVar(&o.heap, "heap", "1g", "the heap of Elasticsearch")
	flags.StringSliceVar(&o.without, "without", nil, "leave out python, rsyslog")
	flags.StringVar(&o.json, "json", "", "write the report, with every turn, into a `FILE`, too")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return nil
		}
		return err
	}
	if err := servers.Require(ctx, servers.KindES7, servers.KindKafka); err != nil {
		return err
	}
	if err := o.findOthers(ctx); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "figures-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if err := o.build(ctx, dir); err != nil {
		return err
	}
	stopServers, err := o.startServers(ctx)
	if err != nil {
		return err
	}
	defer stopServers()
	o.bench.Say = func(format string, args ...any) { _, _ = fmt.Fprintf(stderr, format+"\n", args...) }
	report, err := benchmark.Run(ctx, o.bench)
	if report != nil {
		report.Command = strings.Join(append([]string{"go run ./e2e/figures"}, args...), " ")
		err = errors.Join(err, report.Print(stdout), o.writeJSON(report))
	}
	if err == nil && !report.Sound() {
		err = errors.New("records were lost or doubled by the function")
	}
	return err
}

// findOthers looks for what is measured beside ours.
func (o *options) findOthers(ctx context.Context) (err error) {
	var errs []error
	if !slices.Contains(o.without, "python") {
		o.bench.Python, err = pythonClient(ctx)
		errs = append(errs, err)
	}
	if !slices.Contains(o.without, "rsyslog") {
		o.bench.Rsyslogd, err = rsyslogd()
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

func rsyslogd() (string, error) {
	const install = "no rsyslog: install rsyslog, rsyslog-kafka and rsyslog-elasticsearch, or say --without rsyslog"
	path, err := exec.LookPath("rsyslogd")
	if err != nil {
		if path, err = exec.LookPath("/usr/sbin/rsyslogd"); err != nil {
			return "", fmt.Errorf(install+": %w", err)
		}
	}
	for _, module := range []string{"imkafka", "omelasticsearch"} {
		found, _ := filepath.Glob("/usr/lib*/*/rsyslog/" + module + ".so")
		alike, _ := filepath.Glob("/usr/lib*/rsyslog/" + module + ".so")
		if len(found)+len(alike) == 0 {
			return "", errors.New(install + ": it has no module " + module)
		}
	}
	return path, nil
}

// clientVersion is the one that comes with the template.
const clientVersion = "7.7.0"

// pythonClient returns an interpreter that has the client, and installs it if it
// is not there.
func pythonClient(ctx context.Context) (string, error) {
	const install = "no Python with elasticsearch==" + clientVersion + ": install python3 and python3-venv, or say --without python"
	cache, err := servers.CacheDir()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(filepath.Dir(cache), "python-elasticsearch-"+clientVersion)
	python := filepath.Join(dir, "bin", "python")
	if exec.CommandContext(ctx, python, "-c", "import elasticsearch").Run() == nil {
		return python, nil
	}
	for _, argv := range [][]string{
		{"python3", "-m", "venv", "--clear", dir},
		{python, "-m", "pip", "install", "--quiet", "elasticsearch==" + clientVersion},
	} {
		if text, err := exec.CommandContext(ctx, argv[0], argv[1:]...).CombinedOutput(); err != nil {
			return "", fmt.Errorf(install+": %w\n%s", err, text)
		}
	}
	return python, nil
}

// build builds etlctl and the function of the source tree around the working
// folder.
func (o *options) build(ctx context.Context, dir string) error {
	tool := filepath.Join(dir, "etlctl")
	if text, err := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", tool, "ckafka-etl/cmd/etlctl").CombinedOutput(); err != nil {
		return fmt.Errorf("etlctl does not build: %w\n%s", err, text)
	}
	root, err := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}").Output()
	if err != nil {
		return err
	}
	o.bench.SetTool(tool)
	o.bench.Function = filepath.Join(dir, "main")
	return platform.Build(ctx, strings.TrimSpace(string(root)), o.bench.Function)
}

// startServers starts the servers as they run in production, as far as that is
// possible on one machine.
func (o *options) startServers(ctx context.Context) (stop func(), err error) {
	es, err := servers.StartElasticsearch(ctx, servers.KindES7, servers.ElasticsearchOptions{FullJIT: true, Heap: o.heap})
	if err != nil {
		return nil, err
	}
	kafka, err := servers.StartKafka(ctx, servers.KafkaOptions{FullJIT: true, Heap: "512m"})
	if err != nil {
		es.Close()
		return nil, err
	}
	o.bench.Elasticsearch = benchmark.Server{URL: es.URL()}
	o.bench.Brokers = kafka.Brokers()
	o.bench.Outage = func(ctx context.Context, d time.Duration) error {
		if err := es.Stop(); err != nil {
			return err
		}
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
			return es.Restart(ctx)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return func() {
		kafka.Close()
		es.Close()
	}, nil
}

func (o *options) writeJSON(report *benchmark.Report) error {
	if o.json == "" {
		return nil
	}
	text, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(o.json, append(text, '\n'), 0o600)
}
