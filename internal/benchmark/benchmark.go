// Package benchmark measures ways to bring the records of a Kafka topic into
// Elasticsearch side by side: ours, the plain posting of bodies that are ready
// (the control), a Python function as the templates have it, and rsyslog.
//
// Each contender is a process of its own, so that its CPU time and memory are
// its own. They take turns, round by round, on the same servers, with the same
// records and a fresh index for each turn, and what they wrote is read back and
// counted.
package benchmark

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"ckafka-etl/internal/event"
)

// Config says what is measured. The zero value of a number is no default:
// Validate refuses it where it makes no sense.
type Config struct {
	Elasticsearch Server
	// Brokers of a Kafka without TLS and login. Without any, what reads a topic
	// is left out.
	Brokers []string
	// Records are written by each turn, FaultRecords by each under a fault.
	Records, FaultRecords int
	// Rounds are counted, Warmup rounds before them are not: a server that was
	// just started needs about a million documents to come to speed.
	Rounds, Warmup int
	// Partitions of the topic, records in an event, instances of the function.
	Partitions, MaxMsgNum, Instances int
	// Function is the built function.
	Function string
	// Tool is the command line of etlctl, Worker one that calls Work.
	Tool, Worker []string
	// Profiled, with ProfileDir, is the command line that takes a folder and
	// the arguments of etlctl and runs them with a CPU profile; ProfiledFunction
	// one that takes a folder and is the function with a CPU profile.
	Profiled, ProfiledFunction []string
	// Python is an interpreter that has the package elasticsearch, Rsyslogd the
	// daemon with the modules imkafka and omelasticsearch. "" leaves them out.
	Python, Rsyslogd string
	// Faults are rows of the second table; FaultTime is how long a server is
	// away or refuses.
	Faults    []string
	FaultTime time.Duration
	// Outage stops the server for a while. nil: a proxy refuses connections.
	Outage func(ctx context.Context, d time.Duration) error
	// ProfileDir has one more turn of the trigger write CPU profiles there.
	ProfileDir string
	// Say tells a person what is going on. nil: nobody is told.
	Say func(format string, args ...any)
}

// Server is how to reach Elasticsearch: 7.x, 8.x or OpenSearch 2.
type Server struct {
	URL            string // http://host:port, without user and path
	User, Password string
}

// Faults are the rows of the second table.
func Faults() []string { return []string{faultDown, fault429, faultKilled, faultConflict} }

// Validate reports all that is wrong, with the names of the flags.
func (c *Config) Validate() error {
	var errs []error
	least := func(name string, got, from int) {
		if got < from {
			errs = append(errs, fmt.Errorf("%s: got %d, want at least %d", name, got, from))
		}
	}
	least("records", c.Records, 1)
	least("rounds", c.Rounds, 1)
	least("warmup", c.Warmup, 0)
	least("partitions", c.Partitions, 1)
	least("instances", c.Instances, 1)
	if c.MaxMsgNum < 1 || c.MaxMsgNum > event.MaxRecords {
		errs = append(errs, fmt.Errorf("max-msg-num: got %d, want 1 to %d", c.MaxMsgNum, event.MaxRecords))
	}
	faults := c.faults()
	if len(faults) > 0 {
		least("fault-records", c.FaultRecords, 10)
		if c.FaultTime <= 0 {
			errs = append(errs, fmt.Errorf("fault-time: got %v, want more than 0", c.FaultTime))
		}
	}
	for _, f := range faults {
		if !slices.Contains(Faults(), f) {
			errs = append(errs, fmt.Errorf("faults: got %q, want some of %s", f, strings.Join(Faults(), ", ")))
		}
	}
	if !strings.HasPrefix(c.Elasticsearch.URL, "http://") && !strings.HasPrefix(c.Elasticsearch.URL, "https://") {
		errs = append(errs, fmt.Errorf("the address of Elasticsearch: got %q, want http://host:port", c.Elasticsearch.URL))
	}
	if strings.HasPrefix(c.Elasticsearch.URL, "https://") && (c.Rsyslogd != "" || len(faults) > 0) {
		errs = append(errs, errors.New("rsyslog and faults need a server without TLS: http"))
	}
	if c.Rsyslogd != "" && len(c.Brokers) == 0 {
		errs = append(errs, errors.New("rsyslogd: reads a topic, and no brokers are given"))
	}
	return errors.Join(errs...)
}

// faults are the rows that there are: it takes a topic to lose nothing of.
func (c *Config) faults() []string {
	if len(c.Brokers) == 0 || slices.Equal(c.Faults, []string{NoFaults}) {
		return nil
	}
	return c.Faults
}

// bench is a run.
type bench struct {
	cfg      Config
	es       *elasticsearch
	dir      string
	name     string // of topics and groups, and the index prefix: ours alone
	index    string
	data     *dataset // what the turns write
	faulty   *dataset // what those under faults write
	poisoned *dataset // the same with a record that the mapping refuses
	topics   []string // that were made
	turns    int
	report   *Report
}

// Run measures. It makes topics, consumer groups and indices named etlctl-bench-…
// and removes them. The files that it needs, some 250 MB for 200,000 records, are in the
// system's folder for temporary files until it returns. The report is there as
// far as Run came, also with an error.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	if cfg.Say == nil {
		cfg.Say = func(string, ...any) {}
	}
	if cfg.ProfileDir != "" {
		if err := os.MkdirAll(cfg.ProfileDir, 0o750); err != nil {
			return nil, err
		}
	}
	dir, err := os.MkdirTemp("", "etlctl-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	random := make([]byte, 4)
	_, _ = rand.Read(random) // never fails
	b := &bench{cfg: cfg, dir: dir, name: "etlctl-bench-" + hex.EncodeToString(random), es: &elasticsearch{server: cfg.Elasticsearch}}
	b.index = b.name + "-" + recordsDay
	if err := b.es.remove(ctx, b.index); err != nil { // there is none: it is to answer
		return nil, fmt.Errorf("look at ES_Address and at the server: %w", err)
	}
	b.report = newReport(ctx, b)
	defer b.cleanUp(context.WithoutCancel(ctx))
	for _, part := range []func(context.Context) error{b.prepare, b.measure, b.profile, b.faults} {
		if err := part(ctx); err != nil {
			return b.report, err
		}
	}
	return b.report, nil
}

// cleanUp removes what the run made on the servers.
func (b *bench) cleanUp(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := b.es.remove(ctx, b.index, "dead-letter-"+b.name); err != nil {
		b.cfg.Say("not removed: index %s: %v", b.index, err)
	}
	if len(b.cfg.Brokers) > 0 && b.turns > 0 {
		if err := deleteGroups(ctx, b.cfg.Brokers, b.groups()); err != nil {
			b.cfg.Say("not removed: consumer groups %s-…: %v", b.name, err)
		}
	}
	for _, topic := range b.topics {
		if err := deleteTopic(ctx, b.cfg.Brokers, topic); err != nil {
			b.cfg.Say("not removed: topic %s: %v", topic, err)
		}
	}
}

// group is a consumer group for the turn.
func (b *bench) group() string { return fmt.Sprintf("%s-%d", b.name, b.turns) }

// groups are those of all turns.
func (b *bench) groups() (names []string) {
	for ; b.turns > 0; b.turns-- {
		names = append(names, b.group())
	}
	return names
}

// measure has the contenders take turns.
func (b *bench) measure(ctx context.Context) error {
	contenders := b.contenders()
	defer b.report.summarize(contenders)
	for round := -b.cfg.Warmup; round < b.cfg.Rounds; round++ {
		for i := range contenders {
			// Each is first in its turn.
			c := contenders[(i+round+b.cfg.Warmup)%len(contenders)]
			turn, err := b.turn(ctx, c, b.data)
			if err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
			what := fmt.Sprintf("round %d of %d", round+1, b.cfg.Rounds)
			if round < 0 {
				what = "warm-up"
			} else {
				turn.Round = round + 1
				b.report.Turns = append(b.report.Turns, turn)
			}
			b.cfg.Say("%s: %s: %s", what, c.name, turn.text())
		}
	}
	return nil
}

// profile has the trigger write profiles in a turn that does not count.
func (b *bench) profile(ctx context.Context) error {
	if b.cfg.ProfileDir == "" || len(b.cfg.Brokers) == 0 {
		return nil
	}
	turn, err := b.turn(ctx, b.profiled(), b.data)
	if err == nil {
		b.cfg.Say("profiles are in %s: %s", b.cfg.ProfileDir, turn.text())
	}
	return err
}
