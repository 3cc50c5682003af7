//go:build e2e

package kafka

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/platform"
)

// programs builds etlctl and the function.
func programs(t *testing.T) (tool, function string) {
	t.Helper()
	dir := t.TempDir()
	tool, function = filepath.Join(dir, "etlctl"), filepath.Join(dir, "main")
	require.NoError(t, platform.Build(t.Context(), "../..", function))
	build := exec.CommandContext(t.Context(), "go", "build", "-o", tool, "./cmd/etlctl")
	build.Dir = "../.."
	said, err := build.CombinedOutput()
	require.NoError(t, err, "%s", said)
	return tool, function
}

// triggered is a running etlctl trigger.
type triggered struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // how it ended; read after done

	mu      sync.Mutex
	events  map[string]int // by kind
	records int            // in batches that were handled
	failure string         // the last one of a delivery
	changed chan struct{}
	stderr  bytes.Buffer // read after done
}

// startTrigger runs etlctl trigger.
func startTrigger(t *testing.T, tool string, args ...string) *triggered {
	t.Helper()
	e := &triggered{done: make(chan struct{}), changed: make(chan struct{}), events: map[string]int{}}
	e.cmd = exec.Command(tool, append([]string{"trigger", "--json"}, args...)...)
	e.cmd.Stderr = &e.stderr
	out, err := e.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, e.cmd.Start())
	go func() {
		defer close(e.done)
		scanner := bufio.NewScanner(out)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			e.take(scanner.Bytes())
		}
		e.err = e.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = e.cmd.Process.Kill()
		<-e.done
		if t.Failed() {
			t.Logf("etlctl said: %s\nthe last delivery that failed: %s", e.stderr.String(), e.failure)
		}
	})
	return e
}

func (e *triggered) take(text []byte) {
	var l struct {
		Event   string `json:"event"`
		Records int    `json:"records"`
		Error   string `json:"error"`
	}
	if json.Unmarshal(text, &l) != nil {
		return
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.events[l.Event]++
	switch l.Event {
	case "batch":
		e.records += l.Records
	case "retry":
		e.failure = l.Error
	}
	close(e.changed)
	e.changed = make(chan struct{})
}

// await returns when ok says so of what has happened.
func (e *triggered) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	timeout := time.After(3 * time.Minute)
	for {
		e.mu.Lock()
		fine, changed := ok(), e.changed
		e.mu.Unlock()
		if fine {
			return
		}
		select {
		case <-changed:
		case <-e.done:
			require.FailNow(t, "etlctl ended", "waiting for %s: %v", what, e.err)
		case <-timeout:
			require.FailNow(t, "it took too long", "waiting for %s", what)
		}
	}
}

func (e *triggered) awaitRecords(t *testing.T, n int) {
	t.Helper()
	e.await(t, strconv.Itoa(n)+" records", func() bool { return e.records >= n })
}

// end asks the tool to end, with everything committed.
func (e *triggered) end(t *testing.T) {
	t.Helper()
	require.NoError(t, e.cmd.Process.Signal(os.Interrupt))
	select {
	case <-e.done:
	case <-time.After(time.Minute):
		require.FailNow(t, "etlctl does not end")
	}
	require.NoError(t, e.err)
}

// killFunctions ends the tool's functions in the middle of whatever they do, and
// returns how many there were.
func (e *triggered) killFunctions(t *testing.T) (n int) {
	t.Helper()
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(e.cmd.Process.Pid) + "/task/*/children")
	require.NoError(t, err)
	for _, task := range tasks {
		children, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		for field := range strings.FieldsSeq(string(children)) {
			pid, err := strconv.Atoi(field)
			require.NoError(t, err)
			_ = syscall.Kill(pid, syscall.SIGKILL)
			n++
		}
	}
	return n
}
