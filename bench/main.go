// Bench measures the path of a record, trigger event to bulk body, beside the
// other ways to write it: the usual JSON libraries and the work of the Python
// template that this project replaces. One run measures them all, in turn, and
// prints Markdown tables and draws a chart.
//
//	cd bench && go run . [-quick] [-size=false] [-rounds N] [-svg FILE]
//
// -quick is for continuous integration: it shows that everything works, in a few
// seconds and without the chart, but its numbers are rough.
//
// It has to be run in its own folder, because it builds a worker for each
// candidate. The numbers that count are ratios within one run.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

type options struct {
	quick  bool
	size   bool
	rounds int
	svg    string
	// atLeast is how long one measurement goes on.
	atLeast time.Duration
	// share is by how much the events are smaller than the largest.
	share int
}

func main() {
	o := options{atLeast: 200 * time.Millisecond, share: 1}
	flag.BoolVar(&o.quick, "quick", false, "events of a tenth, three short rounds, no chart unless -svg says where")
	flag.BoolVar(&o.size, "size", true, "measure what each candidate adds to a program's size and start")
	flag.IntVar(&o.rounds, "rounds", 9, "how often each is measured; the median counts")
	flag.StringVar(&o.svg, "svg", "", "the chart's file (path.svg if not -quick)")
	flag.Parse()
	if o.svg == "" && !o.quick {
		o.svg = "path.svg"
	}
	if o.quick {
		o.atLeast, o.share, o.rounds = 20*time.Millisecond, 10, min(o.rounds, 3)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) error {
	dir, err := os.MkdirTemp("", "ckafka-etl-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()

	progress("building the workers")
	b := &bench{options: o, dir: dir}
	defer b.stop()
	if err := b.start(ctx); err != nil {
		return err
	}

	var r report
	r.missing = b.missing
	for _, part := range []struct {
		name string
		run  func() error
	}{
		{"what comes out", func() (err error) { r.exact, err = b.exactness(); return err }},
		{"what is let through", func() (err error) { r.strict, err = b.strictness(); return err }},
		{"speed", func() (err error) { r.speed, err = b.speed(); return err }},
		{"growth", func() (err error) { r.growth, err = b.growth(); return err }},
		{"size and start", func() (err error) { r.starts, err = b.starts(ctx); return err }},
	} {
		progress(part.name)
		if err := part.run(); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
	}
	if o.svg != "" {
		if err := os.WriteFile(o.svg, chart(&r), 0o644); err != nil {
			return err
		}
	}
	_, err = os.Stdout.WriteString(r.markdown(o))
	return err
}

func progress(what string) { fmt.Fprintln(os.Stderr, "bench:", what) }
