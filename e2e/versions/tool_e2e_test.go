//go:build e2e

package versions

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/platform"
)

// stepTimeout is what no command may take.
const stepTimeout = 2 * time.Minute

// password is of the one user that the brokers know.
const (
	user     = "ckafka-1#etl"
	password = "S3CRET-versions"
)

// programs are etlctl and the function.
type programs struct{ tool, function string }

func build(t *testing.T) programs {
	t.Helper()
	dir := t.TempDir()
	p := programs{filepath.Join(dir, "etlctl"), filepath.Join(dir, "main")}
	require.NoError(t, platform.Build(t.Context(), "../..", p.function))
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", p.tool, "./cmd/etlctl")
	cmd.Dir = "../.."
	said, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", said)
	return p
}

// command is a run of etlctl that is not started yet.
func (p programs) command(environ, args []string) *exec.Cmd {
	cmd := exec.Command(p.tool, args...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "PASSWORD=" + password}, environ...) //nolint:forbidigo // passed on
	return cmd
}

// run runs etlctl to its end, which has to be the exit code, and returns what it
// printed: to stdout, and in all.
func (p programs) run(t *testing.T, code int, environ []string, args ...string) (stdout, said string) {
	t.Helper()
	cmd := p.command(environ, args)
	var out, all bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &all
	require.NoError(t, cmd.Start())
	stop := time.AfterFunc(stepTimeout, func() { _ = cmd.Process.Kill() })
	defer stop.Stop()
	err := cmd.Wait()
	said = out.String() + all.String()
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		require.NoError(t, err)
	}
	require.Equal(t, code, got, "etlctl %s\n%s", strings.Join(args, " "), said)
	assert.NotContains(t, said, password)
	return out.String(), said
}

// summary is what etlctl trigger says at its end.
type summary struct {
	Event   string `json:"event"`
	Records int    `json:"records"`
	Failed  int    `json:"failed"` // deliveries
	Stopped int    `json:"stopped"`
	Gaps    int    `json:"gaps"`
	Account struct {
		Records   int                       `json:"records"`
		Stored    int                       `json:"stored"`
		Duplicate int                       `json:"duplicate"`
		Dead      int                       `json:"dead"`
		Unsettled int                       `json:"unsettled"`
		Sinks     map[string]map[string]int `json:"sinks"`
	} `json:"account"`
	// stderr is what else was said: the function's log.
	stderr string
}

// trigger runs etlctl trigger until so many records were handled, and ends it as
// Ctrl-C does.
func (p programs) trigger(t *testing.T, records int, environ []string, args ...string) summary {
	t.Helper()
	cmd := p.command(environ, append([]string{"trigger", "--json", "--verbose", "--function", p.function, "--position", "earliest", "--max-wait", "100ms"}, args...))
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	require.NoError(t, cmd.Start())
	var late atomic.Bool
	stop := time.AfterFunc(stepTimeout, func() { late.Store(true); _ = cmd.Process.Kill() })
	defer stop.Stop()
	var last summary
	var stdout strings.Builder
	lines := bufio.NewScanner(out)
	lines.Buffer(nil, 1<<20)
	for handled := 0; lines.Scan(); {
		stdout.Write(append(lines.Bytes(), '\n'))
		var l summary
		if json.Unmarshal(lines.Bytes(), &l) != nil {
			continue
		}
		if l.Event == "batch" {
			if handled += l.Records; handled >= records && handled-l.Records < records {
				require.NoError(t, cmd.Process.Signal(syscall.SIGINT))
			}
		}
		last = l
	}
	err = cmd.Wait()
	last.stderr = stderr.String()
	require.False(t, late.Load(), "the records were not handled in time\n%s\n%s", stdout.String(), last.stderr)
	require.NoError(t, err, "%s\n%s", stdout.String(), last.stderr)
	require.Equal(t, "summary", last.Event)
	assert.Equal(t, records, last.Records)
	assert.Zero(t, last.Failed+last.Stopped+last.Gaps+last.Account.Duplicate+last.Account.Unsettled, "%s\n%s", stdout.String(), last.stderr)
	assert.NotContains(t, stdout.String()+last.stderr, password)
	return last
}
