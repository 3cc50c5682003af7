package main

import (
	"context"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
)

// newDemo makes the command that shows a newcomer what the function does. It is
// replay with recorded events and with variables that have something to remove.
func newDemo(sys *system) *cobra.Command {
	flags := replayFlags{repeat: 1, show: 2}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "send the project's recorded events through the function",
		Long: `demo builds the function, starts it as the platform does, and sends it three of the
project's recorded events: access logs, application logs, and records wrapped in
message. It is run within the project's source tree.

Documents go to a stand-in for Elasticsearch inside etlctl, or to ES_Address if
that is set. ES_Log_IgnoreWord and ES_Index_TimeField have values that suit the
events unless they are set.

` + environHelp,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), sys, &flags) },
	}
	flags.environ.register(cmd.Flags())
	flags.function.register(cmd.Flags())
	return cmd
}

func runDemo(ctx context.Context, sys *system, flags *replayFlags) error {
	wd, err := os.Getwd()
	if err != nil {
		return err
	}
	tree, ok := sourceTree(wd)
	if !ok {
		return usagef("the recorded events are in the source tree of ckafka-etl, and %s is not within it; etlctl replay FILE sends events of your own", wd)
	}
	demo := *sys
	demo.environ = append([]string{"ES_Log_IgnoreWord=token,**.password", "ES_Index_TimeField=@timestamp"}, sys.environ...)
	events := make([]string, 0, 3)
	for _, name := range []string{"access-100", "app-200", "message-200"} {
		events = append(events, filepath.Join(tree, "testdata", "events", name+".json"))
	}
	return runReplay(ctx, &demo, flags, events)
}
