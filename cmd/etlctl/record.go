package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"ckafka-etl/internal/trigger"
)

type recordFlags struct {
	source  sourceFlags
	out     string
	events  int
	maxWait time.Duration
}

func newRecord(sys *system) *cobra.Command {
	var flags recordFlags
	cmd := &cobra.Command{
		Use:   "record",
		Short: "write a topic's records into event files, for replay",
		Long: `record reads a topic and writes its records as the events that the platform's
trigger would send, each into a file DIR/TOPIC-PARTITION-OFFSET.json. It joins
no group and commits nothing. It ends after --events files, or where the topic
ended when it began; with --position latest it waits for new records. A file
that exists is not overwritten.

The files hold whatever the records hold. Mind what is in them before they go
into a repository.

` + sourceHelp,
		Example: `  etlctl record --brokers 10.0.17.3:9092 --topic app-log --out events/ --events 5 --max-msg-num 100
  etlctl replay events/`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runRecord(cmd.Context(), sys, &flags) },
	}
	flags.source.register(cmd.Flags(), "earliest")
	cmd.Flags().StringVar(&flags.out, "out", "", "the folder `DIR` for the files, made if it is not there (required)")
	cmd.Flags().IntVar(&flags.events, "events", 10, "most files to write")
	cmd.Flags().DurationVar(&flags.maxWait, "max-wait", trigger.DefaultMaxWait, "how long a record waits for others to come into its event, at most 60s")
	return cmd
}

func runRecord(ctx context.Context, sys *system, flags *recordFlags) error {
	if flags.out == "" {
		return usagef("--out: not set")
	}
	if flags.events < 1 {
		return usagef("--events: got %d, want at least 1", flags.events)
	}
	if flags.maxWait < 0 || flags.maxWait > trigger.MaxWait {
		return usagef("--max-wait: got %v, want 0 to %v", flags.maxWait, trigger.MaxWait)
	}
	position, err := flags.source.where()
	if err != nil {
		return err
	}
	client, err := flags.source.client(sys.environ)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(flags.out, 0o750); err != nil {
		return usagef("--out: %w", err)
	}
	records := 0
	n, err := trigger.Record(ctx, trigger.RecordConfig{
		Client: client, Topic: flags.source.topic, Position: position,
		Events: flags.events, MaxMsgNum: flags.source.maxMsgNum, MaxWait: flags.maxWait,
		Write: func(e trigger.RecordedEvent) error {
			name := filepath.Join(flags.out, fmt.Sprintf("%s-%d-%d.json", flags.source.topic, e.Partition, e.First))
			if err := writeNew(name, e.Payload); err != nil {
				return err
			}
			records += e.Records
			printf(sys.stdout, "%s\t%s, offsets %d to %d, %s bytes\n", name, number(e.Records, "record"), e.First, e.Last, thousands(len(e.Payload)))
			return nil
		},
		Dropped: func(err error) { printf(sys.stderr, "left out: %v\n", err) },
	})
	if err != nil {
		return err
	}
	printf(sys.stderr, "%s with %s\n", number(n, "event"), number(records, "record"))
	return nil
}

// writeNew writes a file that must not be there yet, with a line end.
func writeNew(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(append(text, '\n'))
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	return err
}
