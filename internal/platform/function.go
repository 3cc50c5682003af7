// Package platform runs a built function as Tencent Cloud's SCF does: it starts
// the program, waits until it answers, and sends it one event at a time with its
// variables and a deadline.
//
// It keeps the platform's rules where they decide whether a function works:
// sizes, timeouts, what an instance is killed for. It does not limit memory or
// CPU; Usage tells what a function took.
//
// One thing differs: the platform calls a function over a port on which it
// listens on all interfaces. Outside the platform that would let everybody who
// reaches the machine call it, so it is called over pipes (see package service),
// and neither process listens on anything.
package platform

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Defaults and limits of a function's settings.
const (
	DefaultTimeout  = 3 * time.Second
	DefaultMemoryMB = 128
	// DefaultInitTimeout is the platform's. A function that is called over pipes
	// has nothing to do before it answers, and one that cannot be called so is to
	// be told apart soon.
	DefaultInitTimeout      = 65 * time.Second
	DefaultPipesInitTimeout = 10 * time.Second

	maxTimeout     = 900 * time.Second
	maxInitTimeout = 300 * time.Second
	maxMemoryMB    = 3072
	maxEnvBytes    = 4 * 1024
	maxLogLine     = 8 * 1024
)

// Function holds the settings of one function, as the console shows them. The
// zero value of every field but Path is usable.
type Function struct {
	// Path is the executable.
	Path string
	// Env holds the function's variables. They reach it with every event, not
	// with its process. At most 4 KB in all, names and values counted.
	Env map[string]string
	// Timeout bounds one invocation: whole seconds from 1 to 900, 3 s by default.
	Timeout time.Duration
	// InitTimeout bounds the time from the process's start to its first
	// answer: at most 300 s, 10 s by default, 65 s if it Listens.
	InitTimeout time.Duration
	// MemoryMB is what the function is told it may use: 64, or a multiple of
	// 128 up to 3072, 128 by default.
	MemoryMB int
	// Name, Namespace and Version are what the function is told that it is
	// called: "function", "default" and "$LATEST" by default.
	Name, Namespace, Version string

	// Listens has the function called over a port, as the platform does. It
	// listens on all interfaces then: everybody who reaches this machine can call
	// it. Without it a program that can do nothing else is refused with a
	// *ListensError.
	Listens bool

	// Stdout and Stderr receive what the function writes, one Write a line,
	// never two at once. They are discarded by default.
	Stdout, Stderr io.Writer
	// KeepLongLines keeps lines of more than 8 KB whole. The platform cuts them.
	KeepLongLines bool
}

func (f Function) withDefaults() Function {
	setDefault(&f.Timeout, DefaultTimeout)
	initTimeout := DefaultPipesInitTimeout
	if f.Listens {
		initTimeout = DefaultInitTimeout
	}
	setDefault(&f.InitTimeout, initTimeout)
	setDefault(&f.MemoryMB, DefaultMemoryMB)
	setDefault(&f.Name, "function")
	setDefault(&f.Namespace, "default")
	setDefault(&f.Version, "$LATEST")
	env := make(map[string]string, len(f.Env))
	maps.Copy(env, f.Env)
	f.Env = env
	if f.Stdout == nil {
		f.Stdout = io.Discard
	}
	if f.Stderr == nil {
		f.Stderr = io.Discard
	}
	return f
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// Validate reports everything that the platform would refuse, joined into one
// error with a line for each problem.
func (f Function) Validate() error {
	f = f.withDefaults()
	var errs []error
	problem := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }

	if err := checkExecutable(f.Path); err != nil {
		errs = append(errs, err)
	}
	if f.Timeout < time.Second || f.Timeout > maxTimeout || f.Timeout%time.Second != 0 {
		problem("timeout: got %v, want whole seconds from 1 to %d", f.Timeout, maxTimeout/time.Second)
	}
	if f.InitTimeout < 0 || f.InitTimeout > maxInitTimeout {
		problem("init timeout: got %v, want at most %v", f.InitTimeout, maxInitTimeout)
	}
	if m := f.MemoryMB; m != 64 && (m < 128 || m > maxMemoryMB || m%128 != 0) {
		problem("memory: got %d MB, want 64 or a multiple of 128 up to %d", m, maxMemoryMB)
	}
	return errors.Join(append(errs, validateEnv(f.Env)...)...)
}

func checkExecutable(path string) error {
	if path == "" {
		return errors.New("function: no executable is given")
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("function: %w", err)
	case !info.Mode().IsRegular() || !executable(info):
		return fmt.Errorf("function: %s is not an executable file", path)
	}
	return nil
}

// validateEnv checks variables by the platform's rules. Values may be secrets:
// no error holds one.
func validateEnv(env map[string]string) []error {
	var errs []error
	reserved := []string{"SCF_", "QCLOUD_", "TENCENTCLOUD_"}
	total := 0
	for _, name := range slices.Sorted(maps.Keys(env)) {
		value := env[name]
		total += len(name) + len(value)
		switch {
		case !validName.MatchString(name):
			errs = append(errs, fmt.Errorf("variable %q: a name is a letter, then letters, digits and _", name))
		case slices.ContainsFunc(reserved, func(p string) bool { return strings.HasPrefix(name, p) }):
			errs = append(errs, fmt.Errorf("variable %s: names that start with %s belong to the platform",
				name, strings.Join(reserved, ", ")))
		case value == "":
			errs = append(errs, fmt.Errorf("variable %s: is empty; the platform takes no empty values, leave it out", name))
		}
	}
	if total > maxEnvBytes {
		errs = append(errs, fmt.Errorf("variables: %d bytes in all, want at most %d", total, maxEnvBytes))
	}
	return errs
}

var validName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

// processEnv returns the environment of the function's process, but for how it
// is called: nothing of the caller's, and nothing of the function's own
// variables, which may be secrets. The platform's clock is in UTC.
func (f *Function) processEnv() []string {
	return []string{
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"TZ=UTC",
		"SCF_FUNCTIONNAME=" + f.Name,
		"SCF_NAMESPACE=" + f.Namespace,
		"SCF_FUNCTIONVERSION=" + f.Version,
		// The platform's library for Go reads these.
		"FUNCTION_NAME=" + f.Name,
		"FUNCTION_VERSION=" + f.Version,
		fmt.Sprintf("FUNCTION_MEMORY_SIZE=%d", f.MemoryMB),
	}
}
