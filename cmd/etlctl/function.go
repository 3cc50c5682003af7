package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"ckafka-etl/internal/platform"
)

// functionFlags say which function is run, and how.
type functionFlags struct {
	path    string
	timeout time.Duration
	memory  int
	verbose bool
	listen  bool
}

const functionHelp = `Without --function, etlctl builds the function if it is run within the project's
source tree. The function is called over pipes that nobody else can open, and
listens on no port. An older build, or a function of somebody else, may know
nothing but a port, which it opens to everybody on the network: it is refused
unless you add --allow-listening.`

func (f *functionFlags) register(flags *pflag.FlagSet) {
	flags.StringVar(&f.path, "function", "", "the built function, an executable `FILE`")
	flags.DurationVar(&f.timeout, "timeout", time.Minute, "time limit of one invocation, whole seconds up to 15m")
	flags.IntVar(&f.memory, "memory", platform.DefaultMemoryMB, "memory in MB that the function is told it has: 64, or a multiple of 128 up to 3072")
	flags.BoolVar(&f.listen, "allow-listening", false, "run a function that can only be called over a port, although everybody who reaches this machine can call it then, too")
	flags.BoolVarP(&f.verbose, "verbose", "v", false, "show the function's log on stderr")
}

// function returns the function's settings, and builds it if it has to.
func (f *functionFlags) function(ctx context.Context, vars map[string]string) (platform.Function, error) {
	fn := platform.Function{Path: f.path, Env: vars, Timeout: f.timeout, MemoryMB: f.memory, Name: "ckafka-etl"}
	if fn.Path == "" {
		var err error
		if fn.Path, err = buildFunction(ctx); err != nil {
			return fn, err
		}
	}
	if err := fn.Validate(); err != nil {
		return fn, usage(err)
	}
	// Whether a program takes pipes is known only when it runs. It is tried before
	// anything else is done: what else may be wrong with it is said where it is
	// started in earnest.
	refused := new(platform.ListensError)
	if !errors.As(platform.Probe(ctx, fn), &refused) {
		return fn, nil
	}
	if !f.listen {
		return fn, usage(refused)
	}
	fn.Listens = true
	return fn, nil
}

// buildFunction builds the function of the source tree around the working
// folder into the user's cache, where go build finds it again.
func buildFunction(ctx context.Context) (string, error) {
	wd, err := os.Getwd()
	if err != nil {
		return "", err
	}
	tree, ok := sourceTree(wd)
	if !ok {
		return "", usagef("no function to run: %s is not within the source tree of ckafka-etl; give --function FILE", wd)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", usagef("no folder to build the function in: %w; give --function FILE", err)
	}
	name := sha256.Sum256([]byte(tree))
	out := filepath.Join(cache, "ckafka-etl", hex.EncodeToString(name[:8]), "main")
	if err := os.MkdirAll(filepath.Dir(out), 0o750); err != nil {
		return "", fmt.Errorf("no folder to build the function in: %w", err)
	}
	if err := platform.Build(ctx, tree, out); err != nil {
		return "", usagef("the function does not build; mend it, or give --function FILE: %w", err)
	}
	return out, nil
}

// sourceTree returns the folder of the project that dir lies in.
func sourceTree(dir string) (string, bool) {
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil {
			first, _, _ := strings.Cut(string(mod), "\n")
			return dir, strings.TrimSpace(first) == "module ckafka-etl"
		}
		parent := filepath.Dir(dir)
		if !errors.Is(err, os.ErrNotExist) || parent == dir {
			return "", false
		}
		dir = parent
	}
}
