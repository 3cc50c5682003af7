package main

import (
	"bufio"
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

//go:embed template.py
var template []byte

// candidate is one of those that are compared.
type candidate struct {
	name string
	tag  string // of its worker; "": the Python template
	// differs says in what its documents differ from ours.
	differs string
}

// candidates returns ours first.
func candidates() []candidate {
	return []candidate{
		{"ckafka-etl", "ours", ""},
		{"encoding/json, maps", "stdjson", "numbers through float64, keys sorted, `<>&` escaped; text not masked"},
		{"jsontext", "tokens", "text not masked"},
		{"fastjson", "fastjson", "strings escaped anew; text not masked"},
		{"sonic", "sonic", "text not masked"},
		{"simdjson-go", "simdjson", "numbers through float64, strings escaped anew; text not masked"},
		{
			"Python template", "",
			"numbers through float64; `time` overwritten; a `message` of plain text makes the whole record text; " +
				"text not masked; no generated id; index by the time of processing (both not counted as a difference)",
		},
	}
}

func (c candidate) isTemplate() bool { return c.tag == "" }

// bench is a run: the candidates that work here, each with its workers.
type bench struct {
	options
	dir     string
	lanes   []lane
	missing []string // why candidates are left out
	none    string   // the worker without a candidate
}

// lane is one candidate's place in the run.
type lane struct {
	candidate
	argv []string
	one  *worker // with one core
	two  *worker // with two; nil for the template, which has one thread
}

// start builds and starts the workers.
func (b *bench) start(ctx context.Context) error {
	var err error
	if b.none, err = b.build(ctx, "none"); err != nil {
		return err
	}
	for _, c := range candidates() {
		l := lane{candidate: c}
		if c.isTemplate() {
			python, err := exec.LookPath("python3")
			if err != nil {
				b.missing = append(b.missing, c.name+": python3 is not installed")
				continue
			}
			script := filepath.Join(b.dir, "template.py")
			if err := os.WriteFile(script, template, 0o600); err != nil {
				return err
			}
			l.argv = []string{python, script}
		} else {
			binary, err := b.build(ctx, c.tag)
			if err != nil {
				return err
			}
			l.argv = []string{binary}
		}
		if l.one, err = newWorker(ctx, 1, l.argv); err != nil {
			if reason, ok := errors.AsType[*unsupportedError](err); ok {
				b.missing = append(b.missing, c.name+": "+reason.Error())
				continue
			}
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if !c.isTemplate() {
			if l.two, err = newWorker(ctx, 2, l.argv); err != nil {
				return fmt.Errorf("%s: %w", c.name, err)
			}
		}
		b.lanes = append(b.lanes, l)
	}
	return nil
}

func (b *bench) stop() {
	for _, l := range b.lanes {
		for _, w := range []*worker{l.one, l.two} {
			if w != nil {
				w.stop()
			}
		}
	}
}

// build builds the worker with a tag, as the function is built.
func (b *bench) build(ctx context.Context, tag string) (string, error) {
	binary := filepath.Join(b.dir, "worker-"+tag)
	cmd := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags", "-s -w", "-tags", tag, "-o", binary, "./worker")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build ./worker (run this in the folder bench): %w\n%s", err, bytes.TrimSpace(out))
	}
	return binary, nil
}

// worker is a running worker: see worker/main.go.
type worker struct {
	cmd   *exec.Cmd
	in    io.WriteCloser
	lines *bufio.Scanner
	err   error
	ready time.Duration // from the start of the process
}

// unsupportedError says why a candidate cannot work on this machine.
type unsupportedError struct{ reason string }

func (e *unsupportedError) Error() string { return e.reason }

func newWorker(ctx context.Context, cores int, argv []string) (*worker, error) {
	w := &worker{cmd: exec.CommandContext(ctx, argv[0], argv[1:]...)}
	w.cmd.Env = append(os.Environ(), "GOMAXPROCS="+strconv.Itoa(cores))
	w.cmd.Stderr = os.Stderr
	out, err := w.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if w.in, err = w.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	w.lines = bufio.NewScanner(out)
	begun := time.Now()
	if err := w.cmd.Start(); err != nil {
		return nil, err
	}
	line, err := w.line()
	w.ready = time.Since(begun)
	if err == nil && line != "ready" {
		err = &unsupportedError{line}
	}
	if err != nil {
		w.stop()
		return nil, err
	}
	return w, nil
}

func (w *worker) stop() {
	_ = w.in.Close()
	_ = w.cmd.Wait()
}

func (w *worker) line() (string, error) {
	if w.lines.Scan() {
		return w.lines.Text(), nil
	}
	if err := w.lines.Err(); err != nil {
		return "", err
	}
	return "", errors.New("the worker has ended")
}

// ask sends a command and returns the rest of its answer behind "ok".
func (w *worker) ask(args ...string) (string, error) {
	if _, err := fmt.Fprintln(w.in, strings.Join(args, " ")); err != nil {
		return "", err
	}
	line, err := w.line()
	if err != nil {
		return "", err
	}
	rest, ok := strings.CutPrefix(line, "ok")
	if !ok {
		return "", &failedError{line}
	}
	return rest, nil
}

// failedError is a worker's answer that it could not do it.
type failedError struct{ reason string }

func (e *failedError) Error() string { return e.reason }

// cost is what a worker says of a run.
type cost struct {
	cpu, wall              time.Duration
	allocs, records, bytes int
}

func (w *worker) run(times int, files ...string) (cost, error) {
	rest, err := w.ask(append([]string{"run", strconv.Itoa(times)}, files...)...)
	if err != nil {
		return cost{}, err
	}
	var c cost
	if _, err := fmt.Sscan(rest, (*int64)(&c.cpu), (*int64)(&c.wall), &c.allocs, &c.records, &c.bytes); err != nil {
		return cost{}, fmt.Errorf("answer %q: %w", rest, err)
	}
	return c, nil
}

// body returns the bulk body of the event in file.
func (w *worker) body(file string) ([]byte, error) {
	out := file + ".out"
	if _, err := w.ask("body", file, out); err != nil {
		return nil, err
	}
	return os.ReadFile(out)
}

// write puts an event into the run's folder.
func (b *bench) write(name string, payload []byte) (string, error) {
	file := filepath.Join(b.dir, name)
	return file, os.WriteFile(file, payload, 0o600)
}
