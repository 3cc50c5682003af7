// Command record makes the project's test data: it runs a real nginx with a
// real application behind it, sends varied traffic through both, writes what
// they log to a real Kafka, and has etlctl record make events of that. Run it by
// run.sh, at the top of the tree.
package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"
)

const (
	eventsDir = "testdata/events"
	badDir    = "testdata/bad"
	sampleDir = "internal/sample/lines"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "record:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) > 1 || (len(args) == 1 && args[0] != "cases") {
		return fmt.Errorf("unknown arguments %q: want nothing or cases", args)
	}
	if err := errors.Join(os.MkdirAll(eventsDir, 0o755), os.MkdirAll(badDir, 0o755), os.MkdirAll(sampleDir, 0o755)); err != nil {
		return err
	}
	if err := errors.Join(writeCases(), writeBad()); err != nil || len(args) == 1 {
		return err
	}
	logs, err := record(ctx)
	if err != nil {
		return err
	}
	return writeRecorded(ctx, logs)
}

// logs are the recorded lines.
type logs struct {
	access, tiny, combined, nginxErrors []string
	app, auth, metrics                  []string
}

// record runs nginx and the application, sends the traffic and collects what
// they log.
func record(ctx context.Context) (_ *logs, err error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	dir, err := os.MkdirTemp("", "record-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()

	var app, auth, metrics lineBuffer
	shop, err := startApp(ctx, &app, &auth, &metrics)
	if err != nil {
		return nil, err
	}
	front, err := startNginx(ctx, dir, shop.addr)
	if err != nil {
		return nil, errors.Join(err, shop.stop(ctx))
	}
	// Another seed makes other traffic of the same kinds.
	visitors := &traffic{rand: rand.New(rand.NewPCG(2026, 11))}
	err = visitors.run(ctx, front.addr, shop, 16)
	if err = errors.Join(err, front.stop(), shop.stop(ctx)); err != nil {
		return nil, err
	}
	l := &logs{app: app.lines(), auth: auth.lines(), metrics: metrics.lines()}
	for name, lines := range map[string]*[]string{
		"access.log": &l.access, "tiny.log": &l.tiny, "combined.log": &l.combined, "error.log": &l.nginxErrors,
	} {
		if *lines, err = front.lines(name); err != nil {
			return nil, err
		}
	}
	return l, nil
}

func write(dir, name string, data []byte) error {
	return os.WriteFile(filepath.Join(dir, name), data, 0o644)
}
