package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"ckafka-etl/internal/sample"
)

// starts is what a candidate does to a program's size and start.
type starts struct {
	candidate
	added int64         // bytes of the program, over one without a candidate; -1: no program
	ready time.Duration // from the start of the process until it is ready
	first time.Duration // from then until the first event of one record is done
}

// starts starts each worker anew, in turn.
func (b *bench) starts(ctx context.Context) ([]starts, error) {
	if !b.size {
		return nil, nil
	}
	file, err := b.write("first.json", payload("first", sample.AccessBodies(1)))
	if err != nil {
		return nil, err
	}
	base, err := os.Stat(b.none)
	if err != nil {
		return nil, err
	}
	// The one without a candidate comes last.
	lanes := append(slices.Clone(b.lanes), lane{candidate: candidate{name: "(no candidate)", tag: "none"}, argv: []string{b.none}})
	all := make([]starts, len(lanes))
	ready, first := make([][]time.Duration, len(lanes)), make([][]time.Duration, len(lanes))
	for range 2*b.rounds + 1 {
		for i, l := range lanes {
			w, err := newWorker(ctx, 1, l.argv)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.name, err)
			}
			begun := time.Now()
			_, err = w.run(1, file)
			ready[i], first[i] = append(ready[i], w.ready), append(first[i], time.Since(begun))
			w.stop()
			if err != nil {
				return nil, fmt.Errorf("%s: %w", l.name, err)
			}
		}
	}
	for i, l := range lanes {
		all[i] = starts{candidate: l.candidate, added: -1, ready: median(ready[i]), first: median(first[i])}
		if !l.isTemplate() {
			binary, err := os.Stat(l.argv[0])
			if err != nil {
				return nil, err
			}
			all[i].added = binary.Size() - base.Size()
		}
	}
	return all, nil
}

func median(d []time.Duration) time.Duration {
	slices.Sort(d)
	return d[len(d)/2]
}
