package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"ckafka-etl/config"
)

type checkFlags struct {
	environ environFlags
	noWrite bool
	json    bool
	timeout time.Duration
	records []string // files
}

func newCheck(sys *system) *cobra.Command {
	var flags checkFlags
	cmd := &cobra.Command{
		Use:   "check",
		Short: "check the configuration, then the servers: reachable, version, credentials, rights",
		Long: `check says everything that is wrong with the configuration at once, and what it
comes to. Then it looks at each server of ES_Address and kafka_address: whether it
can be reached, its certificate, its version, whether it takes the credentials and
whether the function may write.

To see that, it writes what the function would write: a document that holds just
what the function itself adds, under an id of the same kind, to the index of
today if that is there, else to one beside it (…-etlctl-check-…), which the same
templates make; and one dead letter. It deletes both. What is refused of it would
be refused of every record. To Kafka nothing is written.

With --records it says how often each word of ES_Log_IgnoreWord matched in recorded
events or records, as preview takes them, and warns of one that never did.

Run it where the function runs: from outside its VPC a private address cannot be
reached. Exit codes: 0 all well, 1 a server has a problem, 2 the configuration has.

` + environHelp,
		Example: `  etlctl check
  etlctl check --env-file prod.env
  etlctl check --env-file prod.env --records events/
  etlctl check --no-write --json | jq '.checks[] | select(.status == "failed")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runCheck(cmd.Context(), sys, &flags) },
	}
	flags.environ.register(cmd.Flags())
	cmd.Flags().BoolVar(&flags.noWrite, "no-write", false, "write nothing to Elasticsearch")
	cmd.Flags().StringSliceVar(&flags.records, "records", nil, "`FILE` of recorded records in which the words of ES_Log_IgnoreWord are counted; may be given several times")
	cmd.Flags().BoolVar(&flags.json, "json", false, "print the result as one JSON object")
	cmd.Flags().DurationVar(&flags.timeout, "timeout", 10*time.Second, "time limit of each step")
	return cmd
}

func runCheck(ctx context.Context, sys *system, flags *checkFlags) error {
	if flags.timeout <= 0 {
		return usagef("--timeout: got %v, want more than 0", flags.timeout)
	}
	files, err := findPayloads(flags.records)
	if err != nil {
		return err
	}
	vars, err := flags.environ.variables(sys.environ)
	if err != nil {
		return err
	}
	rep := newCheckReport(sys, flags.json)
	cfg, err := config.Load(pairsOf(vars))
	if problems, ok := errors.AsType[*config.Error](err); ok {
		rep.invalid(problems)
		return errors.Join(rep.end(), usagef("the configuration has %s; no server was contacted", number(len(problems.Problems), "problem")))
	}
	if err != nil {
		return usage(err)
	}
	rep.valid(settings(cfg, vars), cfg.Warnings)

	if len(cfg.Cleaning.Ignore) > 0 {
		checkWords(sys, rep, cfg, files)
	}
	if cfg.ES != nil {
		checkElasticsearch(ctx, rep, cfg, flags)
	}
	if cfg.Kafka != nil && ctx.Err() == nil {
		checkKafka(ctx, rep, cfg.Kafka, flags)
	}
	if err := rep.end(); err != nil {
		return err
	}
	switch {
	case ctx.Err() != nil:
		return errors.New("interrupted: not everything was checked")
	case rep.Failed > 0:
		return fmt.Errorf("%s failed", number(rep.Failed, "check"))
	}
	return nil
}

// checkWords says how often each ignored word matches in recorded records.
func checkWords(sys *system, rep *checkReport, cfg *config.Config, files *payloadFiles) {
	const check = "words"
	rep.begin("Ignored fields", ignoreVariable)
	if len(files.names) == 0 {
		rep.note(check, "--records FILE says how often each word matches in recorded records")
		return
	}
	p, err := newPreviewer(cfg)
	if err != nil {
		rep.fail(check, "", "%v", err)
		return
	}
	source := &recordSource{files: files, stdin: sys.stdin, now: time.Now, broken: func(name string, err error) {
		rep.fail(check, "", "%s: %v", name, err)
	}}
	err = source.each(func(r sourceRecord) error {
		p.preview(r)
		return nil
	})
	if err != nil {
		rep.fail(check, "", "%v", err)
		return
	}
	p.words.each(func(word, text, hint string) {
		if hint != "" {
			rep.warn(check, hint, "%s %s", word, text)
		} else {
			rep.ok(check, "%s %s", word, text)
		}
	})
}
