package benchmark

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// The contenders.
const (
	bodiesByEvent = "bodies-by-event" // the control of what gets events
	function      = "function"
	python        = "python"
	bodies        = "bodies" // the control of what reads the topic
	withoutIDs    = "without-ids"
	trigger       = "trigger"
	rsyslog       = "rsyslog"
)

// contender is a way to bring the records into Elasticsearch.
type contender struct {
	name    string
	control string
	// ends says that it ends by itself and tells how long it took. The others
	// are stopped when everything is written.
	ends bool
	// command is what to run.
	command func(run) (command, error)
}

// run is one start of a contender.
type run struct {
	d     *dataset
	url   string // of Elasticsearch
	group string // of consumers
	skip  int    // events that are done
}

// bulkConcurrency is the default of ES_Bulk_Concurrency.
const bulkConcurrency = 2

// contenders returns those that there are.
func (b *bench) contenders() []contender {
	list := []contender{
		{bodiesByEvent, bodiesByEvent, true, b.post(bulkConcurrency, true, false)},
		{function, bodiesByEvent, true, b.invoke},
	}
	if b.cfg.Python != "" {
		list = append(list, contender{python, bodiesByEvent, true, b.python})
	}
	if len(b.cfg.Brokers) == 0 {
		return list
	}
	list = append(list, contender{bodies, bodies, true, b.post(bulkConcurrency*b.cfg.Instances, false, false)},
		contender{trigger, bodies, false, b.trigger(b.cfg.Tool, b.cfg.Function)})
	if b.cfg.Rsyslogd != "" {
		list = append(list, contender{withoutIDs, bodies, true, b.post(bulkConcurrency*b.cfg.Instances, false, true)},
			contender{rsyslog, bodies, false, b.rsyslog})
	}
	return list
}

// exposed returns those that are put under faults.
func (b *bench) exposed() (list []contender) {
	for _, c := range b.contenders() {
		if c.name == trigger || c.name == python || c.name == rsyslog {
			list = append(list, c)
		}
	}
	return list
}

// profiled is the trigger, which writes profiles.
func (b *bench) profiled() contender {
	return contender{"trigger, profiled", bodies, false, func(r run) (command, error) {
		// The function gets no arguments and only the variables that come with
		// events.
		script := filepath.Join(b.dir, "function")
		words := make([]string, 0, len(b.cfg.ProfiledFunction)+1)
		for _, word := range append(b.cfg.ProfiledFunction, b.cfg.ProfileDir) {
			words = append(words, "'"+strings.ReplaceAll(word, "'", `'\''`)+"'")
		}
		if err := os.WriteFile(script, []byte("#!/bin/sh\nexec "+strings.Join(words, " ")+"\n"), 0o700); err != nil { //nolint:gosec // the platform executes it: it needs the x, and it is in a folder of our own
			return command{}, err
		}
		return b.trigger(append(b.cfg.Profiled, b.cfg.ProfileDir), script)(r)
	}}
}

// post is the plain loop. Without ids it shows what they cost the server:
// rsyslog sends none.
func (b *bench) post(inFlight int, byEvent, withoutIDs bool) func(run) (command, error) {
	return func(r run) (command, error) {
		dir := r.d.bodies
		if withoutIDs {
			dir = r.d.withoutIDs
		}
		return b.worker(job{Server: b.cfg.Elasticsearch, Dir: dir, Records: r.d.records, InFlight: inFlight, ByEvent: byEvent})
	}
}

// invoke is the function, fed with events.
func (b *bench) invoke(r run) (command, error) {
	env := map[string]string{"Retry_Pace": "0"}
	for _, pair := range b.variables(r.url) {
		name, value, _ := strings.Cut(pair, "=")
		env[name] = value
	}
	return b.worker(job{Dir: r.d.events, Function: b.cfg.Function, Env: env})
}

func (b *bench) worker(j job) (command, error) {
	text, err := json.Marshal(j)
	return command{argv: b.cfg.Worker, stdin: text}, err
}

// triggerWait is short: at the end of the topic the last records would wait for
// others that never come, which is no part of the speed.
const triggerWait = 100 * time.Millisecond

// trigger is etlctl trigger with the function.
func (b *bench) trigger(tool []string, function string) func(run) (command, error) {
	return func(r run) (command, error) {
		return command{
			argv: append(append([]string{}, tool...), "trigger", "--json",
				"--brokers", strings.Join(b.cfg.Brokers, ","), "--topic", r.d.topic, "--group", r.group, "--position", "earliest",
				"--max-msg-num", strconv.Itoa(b.cfg.MaxMsgNum), "--max-wait", triggerWait.String(), "--instances", strconv.Itoa(b.cfg.Instances), "--function", function),
			env: b.variables(r.url),
		}, nil
	}
}

//go:embed template.py
var templateScript []byte

// python is a function in Python, fed with events.
func (b *bench) python(r run) (command, error) {
	script := filepath.Join(b.dir, "template.py")
	if err := os.WriteFile(script, templateScript, 0o600); err != nil {
		return command{}, err
	}
	return command{
		argv: []string{b.cfg.Python, script, r.d.events, strconv.Itoa(b.cfg.Partitions), strconv.Itoa(r.skip)},
		env: []string{
			"ES_Address=" + r.url, "ES_User=" + b.cfg.Elasticsearch.User, "ES_Password=" + b.cfg.Elasticsearch.Password,
			"ES_Index_KeyWord=" + b.name, "ES_Index_TimeFormat=" + recordsDay,
		},
	}, nil
}

// rsyslogInputs is how many consumers rsyslog has, and rsyslogWorkers how many
// requests in flight.
const rsyslogInputs, rsyslogWorkers = 1, 2

// rsyslog is rsyslogd with a configuration of its own.
func (b *bench) rsyslog(r run) (command, error) {
	dir, err := os.MkdirTemp(b.dir, "rsyslog-")
	if err != nil {
		return command{}, err
	}
	file := filepath.Join(dir, "rsyslog.conf")
	if err := os.WriteFile(file, []byte(b.rsyslogConfig(r, dir)), 0o600); err != nil {
		return command{}, err
	}
	return command{argv: []string{b.cfg.Rsyslogd, "-n", "-f", file, "-i", filepath.Join(dir, "pid")}}, nil
}

// rsyslogConfig follows what rsyslog's documents advise for throughput (bulk
// mode, a queue with several workers, large batches) and against loss (endless
// resumption, retries of single documents). The documents are like ours, with the
// time of their arrival.
func (b *bench) rsyslogConfig(r run, dir string) string {
	brokers := strings.Split(strings.Join(b.cfg.Brokers, ","), ",")
	for i, broker := range brokers {
		brokers[i] = strconv.Quote(broker)
	}
	var s strings.Builder
	fmt.Fprintf(&s, `global(workDirectory=%q)
module(load="imkafka")
module(load="omelasticsearch")
template(name="body" type="string" string="{\"time\":\"%%timegenerated:::date-rfc3339%%\",%%msg:2:$%%")
`, dir)
	for range rsyslogInputs {
		fmt.Fprintf(&s, `input(type="imkafka" topic=%q broker=[%s] consumergroup=%q ruleset="write"
  confParam=["auto.offset.reset=earliest", "session.timeout.ms=15000"])
`, r.d.topic, strings.Join(brokers, ", "), r.group)
	}
	login := ""
	if b.cfg.Elasticsearch.User != "" {
		login = fmt.Sprintf("\n    uid=%q pwd=%q", b.cfg.Elasticsearch.User, b.cfg.Elasticsearch.Password)
	}
	fmt.Fprintf(&s, `ruleset(name="write" %s) {
  action(type="omelasticsearch" server=%q searchIndex=%q searchType="" template="body"
    %s%s)
}
`, b.rsyslogQueue(), r.url, b.index, rsyslogAction, login)
	return s.String()
}

const rsyslogAction = `bulkmode="on" maxbytes="5m" retryfailures="on" action.resumeRetryCount="-1" action.resumeInterval="1"`

func (b *bench) rsyslogQueue() string {
	return fmt.Sprintf(`queue.type="LinkedList" queue.size="50000" queue.dequeueBatchSize="%d" queue.workerThreads="%d" queue.workerThreadMinimumMessages="1000" queue.timeoutShutdown="10000"`,
		b.cfg.MaxMsgNum, rsyslogWorkers)
}
