//go:build e2e

package trigger

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
)

// stepTimeout is what no step of a test may take.
const stepTimeout = 3 * time.Minute

// line is a JSON line of etlctl trigger.
type line struct {
	Event     string `json:"event"`
	Partition int32  `json:"partition"`
	Offset    int64  `json:"offset"`
	Last      int64  `json:"last_offset"`
	Records   int    `json:"records"`
	Bytes     int    `json:"bytes"`
	Gaps      int    `json:"gaps"`
	Delivery  int    `json:"delivery"`
	Error     string `json:"error"`
	Account   struct {
		Records   int `json:"records"`
		Stored    int `json:"stored"`
		Duplicate int `json:"duplicate"`
		Dead      int `json:"dead"`
	} `json:"account"`
	at time.Time
}

// etlctl is a running etlctl trigger.
type etlctl struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error // how it ended; read after done

	mu      sync.Mutex
	lines   []line
	stderr  bytes.Buffer
	changed chan struct{}
}

// start runs the built tool. The function's variables are in environ.
func start(t *testing.T, tool string, environ []string, args ...string) *etlctl {
	t.Helper()
	e := &etlctl{done: make(chan struct{}), changed: make(chan struct{})}
	e.cmd = exec.Command(tool, append([]string{"trigger", "--json"}, args...)...)
	e.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, environ...) //nolint:forbidigo // passed on
	e.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	e.cmd.Stderr = lockedWriter{&e.mu, &e.stderr}
	out, err := e.cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, e.cmd.Start())
	go func() {
		defer close(e.done)
		scanner := bufio.NewScanner(out)
		scanner.Buffer(nil, 1<<20)
		for scanner.Scan() {
			l := line{at: time.Now()}
			if json.Unmarshal(scanner.Bytes(), &l) == nil {
				e.mu.Lock()
				e.lines = append(e.lines, l)
				close(e.changed)
				e.changed = make(chan struct{})
				e.mu.Unlock()
			}
		}
		e.err = e.cmd.Wait()
	}()
	t.Cleanup(func() {
		e.kill()
		if t.Failed() {
			e.mu.Lock()
			defer e.mu.Unlock()
			t.Logf("etlctl said:\n%s", tailOf(e.stderr.String(), 8<<10))
			for _, l := range e.lines[max(0, len(e.lines)-20):] {
				t.Logf("%+v", l)
			}
		}
	})
	return e
}

func tailOf(s string, n int) string { return s[max(0, len(s)-n):] }

type lockedWriter struct {
	mu *sync.Mutex
	b  *bytes.Buffer
}

func (w lockedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.b.Write(p)
}

// await returns when the lines so far satisfy ok.
func (e *etlctl) await(t *testing.T, what string, ok func([]line) bool) {
	t.Helper()
	timeout := time.After(stepTimeout)
	for {
		e.mu.Lock()
		fine, changed := ok(e.lines), e.changed
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

func (e *etlctl) all() []line {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]line(nil), e.lines...)
}

func count(lines []line, event string) (n int) {
	for _, l := range lines {
		if l.Event == event {
			n++
		}
	}
	return n
}

// atLeast is a condition for await.
func atLeast(n int, event string) func([]line) bool {
	return func(lines []line) bool { return count(lines, event) >= n }
}

// kill ends the tool at once. Its functions end with it.
func (e *etlctl) kill() {
	_ = e.cmd.Process.Kill()
	<-e.done
}

// interrupt asks the tool to end and returns how it did.
func (e *etlctl) interrupt(t *testing.T) error {
	t.Helper()
	require.NoError(t, e.cmd.Process.Signal(os.Interrupt))
	select {
	case <-e.done:
	case <-time.After(stepTimeout):
		require.FailNow(t, "etlctl does not end")
	}
	return e.err
}

// functions returns the processes of the tool's functions.
func (e *etlctl) functions(t *testing.T) (pids []int) {
	t.Helper()
	tasks, err := filepath.Glob("/proc/" + strconv.Itoa(e.cmd.Process.Pid) + "/task/*/children")
	require.NoError(t, err)
	for _, task := range tasks {
		children, err := os.ReadFile(task)
		if err != nil {
			continue // the thread has ended
		}
		for pid := range strings.FieldsSeq(string(children)) {
			n, err := strconv.Atoi(pid)
			require.NoError(t, err)
			pids = append(pids, n)
		}
	}
	return pids
}

// killFunctions ends the tool's functions in the middle of whatever they do,
// and returns how many there were.
func (e *etlctl) killFunctions(t *testing.T) int {
	t.Helper()
	pids := e.functions(t)
	for _, pid := range pids {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
	return len(pids)
}
