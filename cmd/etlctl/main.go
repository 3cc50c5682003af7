// Command etlctl is the operator's tool for the function: it runs the function
// on this machine as the platform does.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // something is unsettled or failed
	exitUsage   = 2 // the command line or the configuration is wrong; nothing was sent
)

// commands makes the commands. Each has a file of its own.
func commands(sys *system) []*cobra.Command {
	return []*cobra.Command{
		newDemo(sys),
		newReplay(sys),
		newPreview(sys),
		newCheck(sys),
		newTrigger(sys),
		newRecord(sys),
		newVerify(sys),
		newRedrive(sys),
		newBench(sys),
	}
}

// system is what a command sees of the machine.
type system struct {
	stdin          io.Reader
	stdout, stderr io.Writer
	environ        []string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code := realMain(ctx, &system{stdin: os.Stdin, stdout: os.Stdout, stderr: os.Stderr, environ: os.Environ()}, os.Args[1:])
	stop()
	os.Exit(code)
}

// realMain runs one command line and returns the exit code.
func realMain(ctx context.Context, sys *system, args []string) int {
	started := false
	root := &cobra.Command{
		Use:   "etlctl",
		Short: "run and look after the ckafka-etl function",
		Long: `etlctl looks after the ckafka-etl function: it shows what the function would do,
checks the servers that it writes to, and runs it on this machine as Tencent
Cloud's platform does.

Exit codes: 0 all is well, 1 something failed or is unsettled, 2 the command
line or the configuration is wrong and nothing was sent.`,
		SilenceErrors: true, SilenceUsage: true,
		// What cobra finds wrong, it finds before this.
		PersistentPreRun: func(*cobra.Command, []string) { started = true },
	}
	root.AddCommand(commands(sys)...) //nolint:contextcheck // cobra hands ctx to the command
	root.SetIn(sys.stdin)
	root.SetOut(sys.stdout)
	root.SetErr(sys.stderr)
	root.SetArgs(args)

	cmd, err := root.ExecuteContextC(ctx)
	_, told := errors.AsType[*toldError](err)
	switch {
	case err == nil:
		return exitOK
	case told && isUsage(err):
		return exitUsage
	case told:
		return exitFailure
	case started && !isUsage(err):
		printf(sys.stderr, "etlctl: %v\n", err)
		return exitFailure
	case started:
		printf(sys.stderr, "etlctl: %v\n", err)
	default:
		printf(sys.stderr, "etlctl: %v\nSee %s --help.\n", err, cmd.CommandPath())
	}
	return exitUsage
}

// printf writes to a person. That nobody reads it is no reason to fail.
func printf(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// usageError is an error that the user has to mend before anything can run.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(err error) error                   { return &usageError{err} }
func usagef(format string, args ...any) error { return usage(fmt.Errorf(format, args...)) }

func isUsage(err error) bool {
	_, ok := errors.AsType[*usageError](err)
	return ok
}
