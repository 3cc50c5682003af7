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

Run it where the function runs: from outside its VPC a private address cannot be
reached. Exit codes: 0 all well, 1 a server has a problem, 2 the configuration has.

` + environHelp,
		Example: `  etlctl check
  etlctl check --env-file prod.env
  etlctl check --no-write --json | jq '.checks[] | select(.status == "failed")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runCheck(cmd.Context(), sys, &flags) },
	}
	flags.environ.register(cmd.Flags())
	cmd.Flags().BoolVar(&flags.noWrite, "no-write", false, "write nothing to Elasticsearch")
	cmd.Flags().BoolVar(&flags.json, "json", false, "print the result as one JSON object")
	cmd.Flags().DurationVar(&flags.timeout, "timeout", 10*time.Second, "time limit of each step")
	return cmd
}

func runCheck(ctx context.Context, sys *system, flags *checkFlags) error {
	if flags.timeout <= 0 {
		return usagef("--timeout: got %v, want more than 0", flags.timeout)
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
