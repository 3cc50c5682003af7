package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/internal/redrive"
	"ckafka-etl/transform"
)

type redriveFlags struct {
	environ       environFlags
	from, group   string
	fromStart     bool
	keep          bool
	toIndex       string
	cleaned       bool
	filter        redrive.Filter
	since, until  string
	limit         int
	timeout       time.Duration
	dryRun        bool
	verbose, json bool
}

func newRedrive(sys *system) *cobra.Command {
	var flags redriveFlags
	cmd := &cobra.Command{
		Use:   "redrive",
		Short: "send dead letters back to the sinks that refused them, and remove what is stored",
		Long: `redrive reads the dead letters of the function's configuration and sends each
to the sink that had refused it, once the cause is mended. A letter is removed
only after the sink has said that it has the document.

--from index reads ES_Dead_Letter_Index: what is stored is deleted from it. The
user needs the privileges read and delete on it.

--from topic reads kafka_dead_letter_topic. The offset that is committed for
--group is that of the first letter that stays; which of those behind it are
done is kept in its metadata. Letters before it are deleted where the user of
kafka_user has the right to (Delete on the topic; Kafka 0.11 or later), unless
--keep is given: who else reads the topic finds them no more. Nothing is written
into the topic.

A committed offset expires, by default a day after the last run on brokers
before 2.0 and a week on later ones; a deleted letter does not come back. So
where a partition holds letters and the group has no offset for it, nobody knows
which were redriven before, and nothing is sent, not even in a dry run. For a
first run, say --from-start: it sends all of them, and changes nothing where
there is an offset. For a group whose offsets have expired, add --since with the
time of the last run, and keep it in later runs: the older letters count as not
sent from then on. A partition that is empty, or was added after the last run,
needs neither.

Where both are configured, say which; the two hold the same letters, so after
one of them the other's are duplicates in Elasticsearch, and twice in Kafka.

A letter of Elasticsearch goes to the index and id that it names: a generated id
that is there already counts as duplicate; an id from a field overwrites what is
there, which may be newer, while -e ES_Op_Type=create leaves that, and the
letter. Where an index's mapping cannot be mended, --to-index sends to another.
A letter of Kafka goes to kafka_topic_name with its key and source headers. With
kafka_value=raw it is sent only if it holds the body as it came: so it does
where no field is removed from records (ES_Log_IgnoreWord). --cleaned sends the
cleaned document in place of bodies that are not there.

A letter that is refused again, that was cut for its size, or that cannot be
sent stays as it is, and no new one is written. A run ends at the letters that
were there when it began.

Ctrl-C lets the batch in flight end; a second one ends at once. However it ends,
nothing is lost, and the next run goes on. What was stored and not yet removed
is then sent again: a duplicate or the same document in Elasticsearch, a second
message in Kafka (a batch has at most 200 letters). Run one redrive at a time.

Exit codes: 0 all letters that were chosen are stored, or there are none; 1 some
stay, or something failed; 2 the command line or the configuration is wrong, or
--from-start has to be said.

` + environHelp,
		Example: `  etlctl redrive --env-file prod.env --dry-run
  etlctl redrive --env-file prod.env --cause '*_parsing_exception' --since 48h
  etlctl redrive --env-file prod.env --from index --to-index '{index}-redriven'
  etlctl redrive --env-file prod.env --from topic --topic app-log
  etlctl redrive --env-file prod.env --from topic --from-start --dry-run`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRedrive(cmd.Context(), sys, &flags) },
	}
	f := cmd.Flags()
	flags.environ.register(f)
	f.StringVar(&flags.from, "from", "", "where the letters are: index or topic; default the one that is configured")
	f.BoolVar(&flags.fromStart, "from-start", false, "--from topic: where --group has no committed offset, send all letters")
	f.BoolVar(&flags.keep, "keep", false, "--from topic: delete nothing from it; only the offsets pass over what is done")
	f.StringVar(&flags.group, "group", "etlctl-redrive", "consumer `GROUP` for the offsets of --from topic; it may have no members")
	f.StringVar(&flags.toIndex, "to-index", "", "`INDEX` for the letters of Elasticsearch; {index} in it stands for the one that the letter names")
	f.BoolVar(&flags.cleaned, "cleaned", false, "with kafka_value=raw: send the cleaned document where the letter does not hold the body")
	f.StringArrayVar(&flags.filter.Causes, "cause", nil, "only letters with this error type, a name or a `PATTERN` of * and ?; may be repeated")
	f.StringArrayVar(&flags.filter.Topics, "topic", nil, "only records of this source topic, a name or a `PATTERN`; may be repeated")
	f.StringVar(&flags.since, "since", "", "only records that arrived at this `TIME` or later: RFC 3339, or how long ago, like 48h")
	f.StringVar(&flags.until, "until", "", "only records that arrived before this `TIME`")
	f.IntVar(&flags.limit, "limit", 0, "most letters to send; 0 = no limit")
	f.DurationVar(&flags.timeout, "timeout", redrive.DefaultTimeout, "how long the sinks may take for a batch of letters")
	f.BoolVar(&flags.dryRun, "dry-run", false, "send nothing, remove nothing and commit nothing: say what would be sent")
	f.BoolVarP(&flags.verbose, "verbose", "v", false, "a line for each letter that is chosen, with its coordinates")
	f.BoolVar(&flags.json, "json", false, "print JSON, one object a line")
	return narrow(cmd)
}

func runRedrive(ctx context.Context, sys *system, flags *redriveFlags) error {
	if err := flags.check(time.Now()); err != nil {
		return err
	}
	vars, err := flags.environ.variables(sys.environ)
	if err != nil {
		return err
	}
	cfg, err := config.Load(pairsOf(vars))
	if err != nil {
		return usage(err)
	}
	for _, w := range cfg.Warnings {
		printf(sys.stderr, "warning: %s\n", w)
	}
	source, name, closeSource, err := flags.source(cfg)
	if err != nil {
		return err
	}
	defer closeSource()
	sinks, err := redrive.NewSinks(cfg, redrive.SinkOptions{ToIndex: flags.toIndex, Cleaned: flags.cleaned})
	if err != nil {
		return usage(err)
	}
	defer sinks.Close()

	view := newRedriveView(sys, flags, name)
	if !flags.dryRun {
		// A second signal ends the process as if nobody had asked for the first.
		defer context.AfterFunc(ctx, func() {
			view.say("finishing the batch in flight")
			signal.Reset(os.Interrupt, syscall.SIGTERM)
		})()
	}
	report, err := redrive.Run(ctx, redrive.Config{
		Source: source, Sinks: sinks, Filter: flags.filter, Limit: flags.limit, Timeout: flags.timeout,
		DryRun: flags.dryRun, Seen: view.seen, Progress: view.progressed,
	})
	_, uncommitted := errors.AsType[*redrive.UncommittedError](err)
	if !uncommitted || flags.json {
		if printErr := view.end(report, err); printErr != nil {
			return printErr
		}
	}
	if uncommitted {
		return usage(err)
	}
	return flags.outcome(report, err)
}

// outcome is what the exit code tells. A dry run promises nothing.
func (f *redriveFlags) outcome(r *redrive.Report, err error) error {
	var left []string
	if n := r.Stays(); n > 0 && !f.dryRun {
		left = append(left, number(n, "letter")+" could not be redriven")
	}
	if r.NotRemoved > 0 {
		left = append(left, number(r.NotRemoved, "letter")+" stored but not removed: the next run sends them again")
	}
	if r.Interrupted {
		left = append(left, "interrupted: run it again to go on")
	}
	if err != nil {
		left = append([]string{err.Error()}, left...)
	}
	if left == nil {
		return nil
	}
	return errors.New(strings.Join(left, "; "))
}

// check reads the flags that have a form of their own.
func (f *redriveFlags) check(now time.Time) (err error) {
	if f.from != "" && f.from != fromIndex && f.from != fromTopic {
		return usagef("--from: got %q, want index or topic", f.from)
	}
	if f.group == "" {
		return usagef("--group: not set")
	}
	if f.limit < 0 {
		return usagef("--limit: got %d, want at least 1, or 0 for no limit", f.limit)
	}
	if f.timeout < time.Second {
		return usagef("--timeout: got %v, want at least 1s", f.timeout)
	}
	if f.filter.Since, err = timeOrAge(f.since, now); err != nil {
		return usagef("--since: %w", err)
	}
	if f.filter.Until, err = timeOrAge(f.until, now); err != nil {
		return usagef("--until: %w", err)
	}
	if err := f.filter.Validate(); err != nil {
		return usage(err)
	}
	if rest := strings.ReplaceAll(f.toIndex, "{index}", ""); strings.ContainsAny(rest, `{}\/*?"<>|,#: `) || strings.ToLower(rest) != rest {
		return usagef("--to-index: got %q, want the name of an index, in lower case; {index} may be in it", f.toIndex)
	}
	return nil
}

// timeOrAge reads a time of RFC 3339 or how long ago it was; "" = the zero time.
func timeOrAge(s string, now time.Time) (time.Time, error) {
	if s == "" {
		return time.Time{}, nil
	}
	if age, err := time.ParseDuration(s); err == nil && age >= 0 {
		return now.Add(-age), nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("got %q, want a time of RFC 3339 (2006-01-02T15:04:05+08:00), or how long ago (48h)", s)
	}
	return t, nil
}

// Where letters may be.
const (
	fromIndex = "index"
	fromTopic = "topic"
)

// source is where the letters are.
func (f *redriveFlags) source(cfg *config.Config) (s redrive.Source, name string, closeSource func(), err error) {
	index := cfg.ES != nil && cfg.ES.DeadLetterIndex != ""
	topic := cfg.Kafka != nil && cfg.Kafka.DeadLetterTopic != ""
	from := f.from
	switch {
	case from == "" && index && topic:
		return nil, "", nil, usagef("--from: not set, and dead letters go to an index and to a topic: say index or topic; the two hold the same letters")
	case from == "" && !index && !topic, from == fromIndex && !index && !topic:
		return nil, "", nil, usagef("no dead letters are kept: look at ES_Dead_Letter_Index and kafka_dead_letter_topic")
	case from == fromIndex && !index:
		return nil, "", nil, usagef("--from: got index, and there is none: look at ES_Address and ES_Dead_Letter_Index")
	case from == fromTopic && !topic:
		return nil, "", nil, usagef("--from: got topic, and there is none: look at kafka_address and kafka_dead_letter_topic")
	case from == "" && index:
		from = fromIndex
	case from == "":
		from = fromTopic
	}
	f.from = from
	if from == fromTopic {
		t := redrive.NewTopic(cfg.Kafka, redrive.TopicOptions{Group: f.group, FromStart: f.fromStart, Keep: f.keep})
		return t, "topic " + cfg.Kafka.DeadLetterTopic + " (group " + f.group + ")", t.Close, nil
	}
	switch {
	case f.fromStart:
		return nil, "", nil, usagef("--from-start: of no use with --from index, which needs no account of what is done: letters are deleted from it")
	case f.keep:
		return nil, "", nil, usagef("--keep: of no use with --from index, which has no other account of what is done")
	}
	program, err := transform.New(transform.Options{}) // nothing is cleaned
	if err != nil {
		return nil, "", nil, err
	}
	es, err := esclient.New(esclient.Config{Elasticsearch: *cfg.ES, Program: program})
	if err != nil {
		return nil, "", nil, usage(err)
	}
	return redrive.NewIndex(es, cfg.ES.DeadLetterIndex, f.filter), "index " + cfg.ES.DeadLetterIndex, es.Close, nil
}
