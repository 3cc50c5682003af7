package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
)

var testFunc string // the test function, built once

func TestMain(m *testing.M) {
	flag.Parse()
	if *orphan != "" {
		beParentOfOrphan()
	}
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "platform")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		testFunc = filepath.Join(dir, "testfunc")
		if err := Build(context.Background(), "testdata/testfunc", testFunc); err != nil {
			panic(err)
		}
		return m.Run()
	}())
}

// orphan makes the test binary the parent of an instance that outlives it, if
// it can.
var orphan = flag.String("orphan", "", "run the function at this path and wait to be killed")

func beParentOfOrphan() {
	i, err := Start(context.Background(), Function{Path: *orphan})
	if err != nil {
		panic(err)
	}
	fmt.Println(i.PID())
	select {}
}

// variant returns the path of a test function that behaves as its name says.
func variant(t *testing.T, name string) string {
	t.Helper()
	link := filepath.Join(t.TempDir(), "testfunc-"+name)
	require.NoError(t, os.Symlink(testFunc, link))
	return link
}

func startTest(t *testing.T, f Function) *Instance {
	t.Helper()
	if f.Path == "" {
		f.Path = testFunc
	}
	i, err := Start(t.Context(), f)
	require.NoError(t, err)
	t.Cleanup(i.Stop)
	return i
}

type command struct {
	Do   string `json:"do"`
	Text string `json:"text,omitempty"`
	Code int    `json:"code,omitempty"`
	Size int    `json:"size,omitempty"`
}

func (c command) payload(t *testing.T) []byte {
	t.Helper()
	data, err := json.Marshal(c)
	require.NoError(t, err)
	return data
}

// lineSink is a log that tells of every line.
type lineSink struct {
	mu    sync.Mutex
	lines []string
	came  chan string
}

func newLineSink() *lineSink { return &lineSink{came: make(chan string, 100)} }

func (s *lineSink) Write(p []byte) (int, error) {
	line, ok := bytes.CutSuffix(p, []byte("\n"))
	if !ok || bytes.Contains(line, []byte("\n")) {
		return 0, fmt.Errorf("not one complete line: %q", p)
	}
	s.mu.Lock()
	s.lines = append(s.lines, string(line))
	s.mu.Unlock()
	s.came <- string(line)
	return len(p), nil
}

func (s *lineSink) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]string(nil), s.lines...)
}

func gone(pid int) bool { return syscall.Kill(pid, 0) == syscall.ESRCH }

func TestInvoke(t *testing.T) {
	i := startTest(t, Function{})
	assert.Positive(t, i.StartTime())

	r, err := i.Invoke(t.Context(), command{Do: "echo", Text: "hello"}.payload(t))
	require.NoError(t, err)
	assert.Equal(t, "hello", string(r.Payload))
	assert.Nil(t, r.Error)
	assert.Positive(t, r.Duration)
	assert.Regexp(t, `^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`, r.RequestID)

	second, err := i.Invoke(t.Context(), command{Do: "count"}.payload(t))
	require.NoError(t, err)
	assert.Equal(t, "2", string(second.Payload), "the same process handled both")
	assert.NotEqual(t, r.RequestID, second.RequestID)
}

func TestInvokeContext(t *testing.T) {
	t.Setenv("OF_THE_CALLER", "must not be seen")
	t.Setenv("TZ", "Asia/Shanghai")
	i := startTest(t, Function{
		Env:     map[string]string{"ES_Address": "http://a<b>:9200", "kafka_topic_name": "主题"},
		Timeout: 60 * time.Second, MemoryMB: 256,
		Name: "etl", Namespace: "logs", Version: "3",
	})
	r, err := i.Invoke(t.Context(), command{Do: "context"}.payload(t))
	require.NoError(t, err)
	require.Nil(t, r.Error)
	var got struct {
		Context   map[string]any `json:"context"`
		Remaining float64        `json:"remaining"`
		Environ   []string       `json:"environ"`
		Timezone  string         `json:"timezone"`
	}
	require.NoError(t, json.Unmarshal(r.Payload, &got))

	assert.Equal(t, r.RequestID, got.Context["RequestID"])
	assert.Equal(t, "etl", got.Context["FunctionName"])
	assert.Equal(t, "logs", got.Context["Namespace"])
	assert.Equal(t, "3", got.Context["FunctionVersion"])
	assert.EqualValues(t, 256, got.Context["MemoryLimitInMb"])
	assert.EqualValues(t, 60_000, got.Context["TimeLimitInMs"])
	assert.Equal(t, map[string]any{"ES_Address": "http://a<b>:9200", "kafka_topic_name": "主题"}, got.Context["Environment"])
	assert.Greater(t, got.Remaining, 30.0)
	assert.LessOrEqual(t, got.Remaining, 60.0)
	assert.Equal(t, "UTC", got.Timezone)

	names := make([]string, len(got.Environ))
	for i, v := range got.Environ {
		names[i], _, _ = strings.Cut(v, "=")
	}
	assert.ElementsMatch(t, []string{
		"PATH", "TZ", "_LAMBDA_SERVER_PORT", "SCF_FUNCTIONNAME", "SCF_NAMESPACE", "SCF_FUNCTIONVERSION",
		"FUNCTION_NAME", "FUNCTION_VERSION", "FUNCTION_MEMORY_SIZE",
	}, names, "the variables of a request are in the request alone")
}

// Variables may change while an instance is warm: its next event has the new
// ones.
func TestSetEnv(t *testing.T) {
	i := startTest(t, Function{Env: map[string]string{"A": "1", "B": "2"}})
	require.ErrorContains(t, i.SetEnv(map[string]string{"SCF_X": "1"}), "SCF_X")
	require.NoError(t, i.SetEnv(map[string]string{"B": "3"}))
	r, err := i.Invoke(t.Context(), command{Do: "context"}.payload(t))
	require.NoError(t, err)
	var got struct {
		Context struct{ Environment map[string]string } `json:"context"`
	}
	require.NoError(t, json.Unmarshal(r.Payload, &got))
	assert.Equal(t, map[string]string{"B": "3"}, got.Context.Environment)
}

func TestInvokeFailures(t *testing.T) {
	for _, c := range []struct {
		name  string
		do    command
		check func(t *testing.T, r Reply, err error)
		alive bool
	}{
		{
			"the handler returns an error",
			command{Do: "error", Text: "1 unsettled"},
			func(t *testing.T, r Reply, err error) {
				t.Helper()
				require.NoError(t, err)
				assert.Equal(t, &FunctionError{Type: "OwnError", Message: "1 unsettled"}, r.Error)
				assert.Equal(t, "OwnError: 1 unsettled", r.Error.Error())
			}, true,
		},
		{
			"the handler panics",
			command{Do: "panic", Text: "boom"},
			func(t *testing.T, r Reply, err error) {
				t.Helper()
				require.NoError(t, err)
				require.NotNil(t, r.Error)
				assert.True(t, r.Error.Fatal)
				assert.Equal(t, "boom", r.Error.Message)
				assert.NotEmpty(t, r.Error.StackTrace)
			}, false,
		},
		{
			"a goroutine panics",
			command{Do: "crash", Text: "boom"},
			func(t *testing.T, r Reply, err error) {
				t.Helper()
				var crash *CrashError
				require.ErrorAs(t, err, &crash)
				assert.Equal(t, "exit status 2", crash.Status)
				assert.Equal(t, 2, crash.ExitCode)
				assert.Equal(t, "panic: boom", crash.Stderr[0], "the cause, not the end of the trace")
				assert.Equal(t, r.RequestID, crash.RequestID)
				assert.NotEmpty(t, r.RequestID)
			}, false,
		},
		{
			"the process exits",
			command{Do: "exit", Code: 7, Text: "first\nlast words"},
			func(t *testing.T, r Reply, err error) {
				t.Helper()
				var crash *CrashError
				require.ErrorAs(t, err, &crash)
				assert.Equal(t, 7, crash.ExitCode)
				assert.Equal(t, []string{"first", "last words"}, crash.Stderr)
				assert.Equal(t, "the function's process ended: exit status 7 (request "+r.RequestID+")\n\tfirst\n\tlast words", err.Error())
			}, false,
		},
		{
			"no answer in time",
			command{Do: "hang"},
			func(t *testing.T, r Reply, err error) {
				t.Helper()
				assert.Equal(t, &TimeoutError{RequestID: r.RequestID, Timeout: time.Second}, err)
				assert.GreaterOrEqual(t, r.Duration, time.Second)
			}, false,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			i := startTest(t, Function{Timeout: time.Second})
			r, err := i.Invoke(t.Context(), c.do.payload(t))
			c.check(t, r, err)
			assert.Equal(t, c.alive, i.Alive())
			assert.Equal(t, !c.alive, gone(i.PID()))
			_, err = i.Invoke(t.Context(), command{Do: "count"}.payload(t))
			assert.Equal(t, c.alive, err == nil, "%v", err)
		})
	}
}

func TestInvokeAfterTheEnd(t *testing.T) {
	stopped := startTest(t, Function{})
	stopped.Stop()
	stopped.Stop()
	_, err := stopped.Invoke(t.Context(), nil)
	assert.Equal(t, ErrStopped, err)

	panicked := startTest(t, Function{})
	_, err = panicked.Invoke(t.Context(), command{Do: "panic", Text: "boom"}.payload(t))
	require.NoError(t, err)
	_, err = panicked.Invoke(t.Context(), nil)
	require.ErrorIs(t, err, ErrStopped)
	assert.EqualError(t, err, "instance stopped: string: boom")

	killed := startTest(t, Function{})
	require.NoError(t, syscall.Kill(killed.PID(), syscall.SIGKILL))
	<-killed.proc.exited
	_, err = killed.Invoke(t.Context(), nil)
	assert.Equal(t, &CrashError{Status: "signal: killed", ExitCode: -1}, err)
}

func TestInvokeCancelled(t *testing.T) {
	log := newLineSink()
	i := startTest(t, Function{Timeout: 900 * time.Second, Stdout: log})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := i.Invoke(ctx, command{Do: "hang"}.payload(t))
		done <- err
	}()
	assert.Equal(t, "hanging", <-log.came)

	// An event whose time ends before its turn leaves the one before it alone.
	late, cancelLate := context.WithCancel(t.Context())
	cancelLate()
	_, err := i.Invoke(late, command{Do: "count"}.payload(t))
	require.ErrorIs(t, err, context.Canceled)
	assert.True(t, i.Alive())

	cancel()
	require.ErrorIs(t, <-done, context.Canceled)
	assert.True(t, gone(i.PID()))
}

// A function that was frozen reads nothing: sending a large event blocks, and
// the timeout has to end that too.
func TestInvokeTimeoutWhileSending(t *testing.T) {
	i := startTest(t, Function{Timeout: time.Second})
	require.NoError(t, i.Pause())
	_, err := i.Invoke(t.Context(), bytes.Repeat([]byte("x"), event.MaxBytes))
	var timeout *TimeoutError
	require.ErrorAs(t, err, &timeout)
	assert.True(t, gone(i.PID()))
}

func TestInvokeSize(t *testing.T) {
	i := startTest(t, Function{})
	r, err := i.Invoke(t.Context(), bytes.Repeat([]byte("x"), event.MaxBytes))
	require.NoError(t, err)
	assert.Equal(t, "6291456", string(r.Payload))

	_, err = i.Invoke(t.Context(), bytes.Repeat([]byte("x"), event.MaxBytes+1))
	require.ErrorIs(t, err, ErrPayloadTooLarge)
	assert.ErrorContains(t, err, "6291457 bytes, want at most 6291456")
	assert.True(t, i.Alive())
}

// A function that was named without a folder was looked for in PATH, after the
// settings had been found right.
func TestStartBareName(t *testing.T) {
	t.Chdir(filepath.Dir(testFunc))
	i := startTest(t, Function{Path: filepath.Base(testFunc)})
	assert.True(t, i.Alive())
}

func TestStartFailures(t *testing.T) {
	_, err := Start(t.Context(), Function{Path: variant(t, "exit")})
	assert.Equal(t, &CrashError{Status: "exit status 3", ExitCode: 3, Stderr: []string{"no configuration"}}, err)

	deaf := variant(t, "deaf")
	_, err = Start(t.Context(), Function{Path: deaf, InitTimeout: 100 * time.Millisecond})
	assert.Equal(t, &ListensError{Path: deaf, Waited: 100 * time.Millisecond}, err)
	require.ErrorContains(t, err, deaf+" has not answered within 100ms over the pipes that it was started with")
	_, err = Start(t.Context(), Function{Path: deaf, Listens: true, InitTimeout: 100 * time.Millisecond})
	require.EqualError(t, err, deaf+" did not answer on port _LAMBDA_SERVER_PORT within 100ms: is it built with the platform's library for Go?")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = Start(ctx, Function{Path: deaf})
	require.ErrorIs(t, err, context.Canceled)

	script := filepath.Join(t.TempDir(), "script")
	require.NoError(t, os.WriteFile(script, []byte("#!/no/such/interpreter\n"), 0o755))
	_, err = Start(t.Context(), Function{Path: script})
	require.ErrorContains(t, err, "the function could not be started")

	_, err = syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
	assert.Equal(t, syscall.ECHILD, err, "no process is left")
}

func TestLogLines(t *testing.T) {
	long := strings.Repeat("x", 3*maxLogLine)
	for _, keep := range []bool{false, true} {
		out, errs := newLineSink(), newLineSink()
		i := startTest(t, Function{Stdout: out, Stderr: errs, KeepLongLines: keep})
		_, err := i.Invoke(t.Context(), command{Do: "print", Text: "one\n\n" + long + "\nend", Size: 9000}.payload(t))
		require.NoError(t, err)
		i.Stop()
		want, wantErr := []string{"one", "", long, "end"}, strings.Repeat("e", 9000)
		if !keep {
			want[2], wantErr = long[:8192], wantErr[:8192]
		}
		assert.Equal(t, want, out.all(), "keep %v", keep)
		assert.Equal(t, []string{wantErr}, errs.all(), "keep %v", keep)
	}
}

// Lines of a log reach the tool in whatever pieces the pipe hands out.
func TestLineWriterPieces(t *testing.T) {
	text := "a\nbb\n\nccc"
	for size := 1; size <= len(text); size++ {
		out := newLineSink()
		w := &lineWriter{mu: new(sync.Mutex), to: out, max: 2}
		for rest := text; rest != ""; {
			n, err := w.Write([]byte(rest[:min(size, len(rest))]))
			require.NoError(t, err)
			rest = rest[n:]
		}
		w.close()
		assert.Equal(t, []string{"a", "bb", "", "cc"}, out.all(), "pieces of %d", size)
	}
}

func TestLineTail(t *testing.T) {
	var plain, crash lineTail
	for i := range 3 * maxTailLines {
		plain.add(strconv.Itoa(i))
	}
	assert.Len(t, plain.get(), maxTailLines)
	assert.Equal(t, strconv.Itoa(3*maxTailLines-1), plain.get()[maxTailLines-1])

	crash.add("before")
	crash.add("fatal error: all goroutines are asleep - deadlock!" + strings.Repeat(".", maxTailLine))
	for i := range 3 * maxTailLines {
		crash.add(strconv.Itoa(i))
	}
	assert.Len(t, crash.get(), maxTailLines)
	assert.Len(t, crash.get()[0], maxTailLine)
	assert.Equal(t, []string{"0", "1"}, crash.get()[1:3])
}

func TestUsage(t *testing.T) {
	// Memory of ours that a child must not be charged for: Linux does, in what
	// wait reports, because the child shares it until its exec.
	ours := bytes.Repeat([]byte("x"), 128<<20)
	i := startTest(t, Function{})
	_, err := i.Invoke(t.Context(), bytes.Repeat([]byte("x"), event.MaxBytes))
	require.NoError(t, err)
	i.Stop()
	u := i.Usage()
	assert.Greater(t, u.PeakRSS, int64(event.MaxBytes))
	assert.Less(t, u.PeakRSS, int64(len(ours)))
	assert.Positive(t, u.CPU())
}

func TestBuild(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	err := Build(t.Context(), t.TempDir(), out)
	require.ErrorContains(t, err, "go build in ")
	assert.NoFileExists(t, out)
	// That it builds is seen in TestMain.
}
