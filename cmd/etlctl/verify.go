package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"ckafka-etl/internal/verify"
)

type verifyFlags struct {
	source, target verifySide
	environ        environFlags
	match          string
	partition      string
	bodies         bool
	since, until   string
	targetSince    string
	fromOffset     string
	allowed        verify.Allowed
	show           int
	memory         int64
	json           bool
}

func newVerify(sys *system) *cobra.Command {
	var flags verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "compare a topic with its copy in another Kafka, record by record",
		Long: `verify reads two topics and says what is missing, extra, changed, twice,
misplaced or out of order in the second, with coordinates: those of a record, or
of all that follow each other. It shows no keys and no bodies, joins no group
and writes nothing.

What is compared: committed records, from the source's beginning (or --since,
--from-offset) to where it ended when verify began (or --until). What the source
has removed by age, size or compaction is not missing; copies of it are counted
as gone. While the source is still written to, give an --until that the copy has
surely passed, or what is on its way is missing. Where the target has removed
records, those are missing: verify before its retention does. Where the source
has no record, nothing was compared, and that is a failure unless --allow-empty
is given: a topic or a time may be mistaken.

--match headers (default) pairs a record with the source record that its
headers name, as the function writes them (kafka_headers=true). Every fault is
counted exactly. Records of the target that come from other topics or from
outside the range are left aside; those that name nothing are extra.

--match content pairs by key and body, for copies without such headers:
kafka_headers=false, MirrorMaker 2, and all targets before Kafka 0.11 or with an
older message.format.version. A changed record is then one missing and one
extra; with --partition keep a misplaced one is, too. Both topics should be at
rest; --since and --until go by both topics' time stamps, which the function
does not pass on. Order is checked by a sample if the source has more than some
million records; the report says how many.

--partition keep or key says where records have to be, as kafka_partition does:
in the partition with the source's number, or where Kafka's clients put the key
(murmur2; records without a key may be anywhere). It counts with as many
partitions as the target has now. Without it any partition is right.

Out of order is a first copy that stands behind a later record of its source
partition in the same partition of the target. A batch that was written again
is counted as twice, not as out of order.

kafka_value=document changes the bodies: compare with --bodies=false, by keys
and coordinates only.

Memory: some 300 MB for what is read ahead, up to twice that with several
brokers. Besides, by headers, 0.3 bytes a record (60 MB for 200 million), by
content at most 48 MB, and 0.2 bytes for each record that is missing or extra.
Where the topics are equal each is read once. By headers blocks of 1,024 offsets
that differ are read again, by content both topics: as often as it takes if what
is kept of them is to fit into --memory. By content it holds the samples of the
order, too.

No password stands on the command line: --source-password-env and
--target-password-env name the variables that hold them. The target is that of
the function's kafka_* variables where no --target-… option says otherwise.

` + environHelp + `

Exit codes: 0 the target is a copy of the source; 1 it is not, a topic could not
be read, or there was nothing to compare; 2 the command line is wrong. Records
that are there twice make it 1 unless --allow-twice is given: a function whose
instance was lost writes its batch again.`,
		Example: `  etlctl verify --source-address 10.0.17.3:9092 --source-topic orders \
      --target-address 10.0.18.3:9092 --target-topic orders --partition keep
  etlctl verify --env-file prod.env --source-address 10.0.17.3:9092 \
      --source-topic orders --allow-twice --until 2026-11-24T10:00:00+08:00
  etlctl verify … --match content --json | jq .total`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runVerify(cmd.Context(), sys, &flags) },
	}
	f := cmd.Flags()
	flags.source.register(f, "source", " (required)")
	flags.target.register(f, "target", "; default that of the function's variables")
	flags.environ.register(f)
	f.StringVar(&flags.match, "match", string(verify.Headers), "what makes a record a copy: headers or content")
	f.StringVar(&flags.partition, "partition", string(verify.Anywhere), "where records have to be: any, keep or key")
	f.BoolVar(&flags.bodies, "bodies", true, "compare bodies; =false: keys and coordinates only")
	f.StringVar(&flags.since, "since", "", "compare source records from this `TIME` on (RFC 3339)")
	f.StringVar(&flags.until, "until", "", "compare source records before this `TIME` (RFC 3339)")
	f.StringVar(&flags.targetSince, "target-since", "", "read the target from this `TIME` on (RFC 3339); default its beginning, by content --since")
	f.StringVar(&flags.fromOffset, "from-offset", "", "source offsets to begin at, as `PARTITION:OFFSET`, commas between; other partitions from their beginning")
	f.BoolVar(&flags.allowed.Twice, "allow-twice", false, "exit with 0 even if records are there twice")
	f.BoolVar(&flags.allowed.Empty, "allow-empty", false, "exit with 0 even if there was nothing to compare")
	f.IntVar(&flags.show, "show", 20, "most ranges of records of each kind to name, and partitions")
	f.Int64Var(&flags.memory, "memory", verify.DefaultMemory>>20, "most `MB` for what is read again")
	f.BoolVar(&flags.json, "json", false, "print the report as JSON")
	return narrow(cmd)
}

func runVerify(ctx context.Context, sys *system, flags *verifyFlags) error {
	cfg, err := flags.config(sys)
	if err != nil {
		return err
	}
	bar := newRecordProgress(sys.stderr)
	cfg.Progress = bar.show
	report, err := verify.Run(ctx, cfg)
	bar.clear()
	if err != nil {
		return err
	}
	if err := printVerify(sys.stdout, newPaint(sys, sys.stdout), &cfg, report, flags); err != nil {
		return err
	}
	return verifyVerdict(&cfg, report, flags.allowed)
}

// verifyVerdict is what the exit code tells.
func verifyVerdict(cfg *verify.Config, r *verify.Report, allowed verify.Allowed) error {
	wrong := faults(&r.Total, allowed.Twice)
	switch {
	case r.Same(allowed):
		return nil
	case wrong != "":
		return fmt.Errorf("topic %s is not a copy of %s: %s", cfg.Target.Name, cfg.Source.Name, wrong)
	case !cfg.Source.Since.IsZero() || !cfg.Source.Until.IsZero() || cfg.Source.From != nil:
		return fmt.Errorf("nothing was compared: topic %s has no records in this range; look at --since, --until and --from-offset, or give --allow-empty", cfg.Source.Name)
	default:
		return fmt.Errorf("nothing was compared: topic %s has no records; look at --source-address and --source-topic, or give --allow-empty", cfg.Source.Name)
	}
}

// config reads the command line.
func (f *verifyFlags) config(sys *system) (cfg verify.Config, err error) {
	cfg = verify.Config{
		Match: verify.Match(f.match), Placement: verify.Placement(f.partition),
		KeysOnly: !f.bodies, Show: f.show, Memory: f.memory << 20,
	}
	switch {
	case cfg.Match != verify.Headers && cfg.Match != verify.Content:
		return cfg, usagef("--match: got %q, allowed: headers, content", f.match)
	case cfg.Placement != verify.Anywhere && cfg.Placement != verify.Keep && cfg.Placement != verify.ByKey:
		return cfg, usagef("--partition: got %q, allowed: any, keep, key", f.partition)
	case f.show < 0:
		return cfg, usagef("--show: got %d, want at least 0", f.show)
	case f.memory < 1 || f.memory > 1<<20:
		return cfg, usagef("--memory: got %d, want 1 to 1048576 MB", f.memory)
	case f.since != "" && f.fromOffset != "":
		return cfg, usagef("--since and --from-offset: give one of them")
	case f.fromOffset != "" && cfg.Match == verify.Content:
		return cfg, usagef("--from-offset: of no use with --match content, which cannot tell where the target's part begins; take --since")
	}
	if cfg.Source.From, err = offsetList(f.fromOffset); err != nil {
		return cfg, err
	}
	for _, x := range []struct {
		name, value string
		into        *time.Time
	}{
		{"--since", f.since, &cfg.Source.Since},
		{"--until", f.until, &cfg.Source.Until},
		{"--target-since", f.targetSince, &cfg.Target.Since},
	} {
		if x.value == "" {
			continue
		}
		if *x.into, err = time.Parse(time.RFC3339, x.value); err != nil {
			return cfg, usagef("%s: got %q, want a time of RFC 3339, such as 2026-11-24T10:00:00+08:00", x.name, x.value)
		}
	}
	if cfg.Match == verify.Content {
		cfg.Target.Until = cfg.Source.Until
		if f.targetSince == "" {
			cfg.Target.Since = cfg.Source.Since
		}
	}
	vars, err := f.source.variables(sys.environ, "source", nil)
	if err != nil {
		return cfg, err
	}
	if err := verifyTopic(&cfg.Source, vars, "source"); err != nil {
		return cfg, err
	}
	function, err := f.environ.variables(sys.environ)
	if err != nil {
		return cfg, err
	}
	if vars, err = f.target.variables(sys.environ, "target", function); err != nil {
		return cfg, err
	}
	vars["kafka_topic_name"] = strings.ReplaceAll(vars["kafka_topic_name"], "{topic}", cfg.Source.Name)
	return cfg, verifyTopic(&cfg.Target, vars, "target")
}

// offsetList reads PARTITION:OFFSET, commas between.
func offsetList(text string) (map[int32]int64, error) {
	if text == "" {
		return nil, nil
	}
	offsets := make(map[int32]int64)
	for pair := range strings.SplitSeq(text, ",") {
		p, o, ok := strings.Cut(strings.TrimSpace(pair), ":")
		partition, err := strconv.ParseInt(p, 10, 32)
		offset, err2 := strconv.ParseInt(o, 10, 64)
		if !ok || err != nil || err2 != nil || partition < 0 || offset < 0 {
			return nil, usagef("--from-offset: got %q, want PARTITION:OFFSET, such as 0:1200,1:0", pair)
		}
		offsets[int32(partition)] = offset
	}
	return offsets, nil
}

// faults lists what is wrong.
func faults(c *verify.Counts, allowTwice bool) string {
	var list []string
	for _, x := range []struct {
		n    int64
		what verify.Kind
	}{
		{c.Missing, verify.Missing},
		{c.Extra, verify.Extra},
		{c.Changed, verify.Changed},
		{c.Twice, verify.Twice},
		{c.Misplaced, verify.Misplaced},
		{c.OutOfOrder, verify.OutOfOrder},
	} {
		if x.n > 0 && (x.what != verify.Twice || !allowTwice) {
			list = append(list, thousands(x.n)+" "+string(x.what))
		}
	}
	return strings.Join(list, ", ")
}
