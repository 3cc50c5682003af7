package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime/pprof"
	"time"

	"github.com/spf13/cobra"

	"ckafka-etl/config"
	"ckafka-etl/handler"
	"ckafka-etl/internal/benchmark"
	"ckafka-etl/internal/service"
	"ckafka-etl/pipeline"
)

// The commands in this file are what bench runs as processes of their own.

func newBenchWorker(sys *system) *cobra.Command {
	return &cobra.Command{
		Use: "worker", Hidden: true, Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return benchmark.Work(cmd.Context(), sys.stdin, sys.stdout)
		},
	}
}

// newBenchProfiled makes "profiled DIR COMMAND…": a command with a CPU profile.
func newBenchProfiled(sys *system) *cobra.Command {
	return &cobra.Command{
		Use: "profiled", Hidden: true, Args: cobra.MinimumNArgs(2), DisableFlagParsing: true,
		RunE: func(cmd *cobra.Command, args []string) error {
			stop, err := profile(args[0], "trigger")
			if err != nil {
				return err
			}
			code := realMain(cmd.Context(), sys, args[1:])
			if err := stop(); err != nil || code != exitOK {
				return errors.Join(err, fmt.Errorf("exit code %d", code))
			}
			return nil
		},
	}
}

// profileSlice is how long each of a function's profiles is. The platform kills
// a function without a word, and then the last one is lost.
const profileSlice = 2 * time.Second

// newBenchFunction makes "function DIR": the function with CPU profiles.
func newBenchFunction(sys *system) *cobra.Command {
	return &cobra.Command{
		Use: "function", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			go func() { _ = profileSlices(cmd.Context(), args[0]) }()
			return serveFunction(sys.stdout)
		},
	}
}

// serveFunction is what the function's main does.
func serveFunction(log io.Writer) error {
	own := config.Relevant(os.Environ())
	return service.Run(&handler.Handler{
		Environ:  func() []string { return own },
		Relevant: config.IsRelevant,
		Build:    pipeline.Build,
		Log:      log,
	}, os.Getenv(service.Variable))
}

func profileSlices(ctx context.Context, dir string) error {
	tick := time.NewTicker(profileSlice)
	defer tick.Stop()
	for {
		stop, err := profile(dir, "function")
		if err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return stop()
		}
		if err := stop(); err != nil {
			return err
		}
	}
}

// profile begins a CPU profile. It has its name only when it is whole.
func profile(dir, name string) (stop func() error, err error) {
	f, err := os.CreateTemp(dir, "."+name+"-*.pprof")
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, errors.Join(err, f.Close(), os.Remove(f.Name()))
	}
	return func() error {
		pprof.StopCPUProfile()
		return errors.Join(f.Close(), os.Rename(f.Name(), filepath.Join(dir, filepath.Base(f.Name())[1:])))
	}, nil
}
