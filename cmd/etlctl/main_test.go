package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/platform"
)

func TestMain(m *testing.M) {
	testscript.Main(removing{m}, map[string]func(){"etlctl": main})
}

// built are programs that the tests share: to link them takes seconds.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// removing removes them when all tests are over.
type removing struct{ m *testing.M }

func (r removing) Run() int {
	defer func() { _ = os.RemoveAll(built.dir) }()
	return r.m.Run()
}

// build compiles the project's function and the stub, once for all tests.
func build(t *testing.T) (function, stub, project string) {
	t.Helper()
	project, err := filepath.Abs("../..")
	require.NoError(t, err)
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "etlctl-test-"); built.err == nil { //nolint:usetesting // it outlives the test
			built.err = errors.Join(platform.Build(t.Context(), project, filepath.Join(built.dir, "main")),
				platform.Build(t.Context(), filepath.Join(project, "internal/platform/testdata/testfunc"), filepath.Join(built.dir, "stub")))
		}
	})
	require.NoError(t, built.err)
	return filepath.Join(built.dir, "main"), filepath.Join(built.dir, "stub"), project
}

// TestScripts runs the tool as its users do. FUNCTION is the project's
// function, STUB one that does what its event says (see package platform's
// testdata), and PROJECT the source tree.
func TestScripts(t *testing.T) {
	function, stub, project := build(t)
	goEnv, err := exec.Command("go", "env", "GOCACHE", "GOMODCACHE", "GOFLAGS").Output()
	require.NoError(t, err)
	goVars := strings.Split(string(goEnv), "\n")

	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("PROJECT", project)
			env.Setenv("GORACE", "atexit_sleep_ms=0") // else each run takes a second more with -race
			env.Setenv("EVENTS", filepath.Join(project, "testdata", "events"))
			env.Setenv("FUNCTION", function)
			env.Setenv("STUB", stub)
			env.Setenv("GOCACHE", goVars[0])
			env.Setenv("GOMODCACHE", goVars[1])
			env.Setenv("GOFLAGS", goVars[2])
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// exits is "exec" with the exit code that is expected: exits 2 etlctl replay.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits code program [args...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}
