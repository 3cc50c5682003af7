// Worker does the job with one candidate, which a build tag chooses, and
// measures what it costs. The benchmark's command builds it once for each
// candidate, so that none pays for another's garbage, and has them work in
// turn. Without a tag it is the yardstick for a program's size and start: all
// of this but no candidate.
//
// It reads commands from its standard input, one a line, and answers each with
// a line:
//
//	run N FILE...    N times, one goroutine a FILE (an event):
//	                 ok CPU-ns wall-ns allocations records bytes, of all together
//	body FILE OUT    writes the bulk body of the event in FILE to OUT: ok
//
// The line "ready" comes first, or one that says why the candidate cannot work
// here. A failed command's answer says why.
package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"ckafka-etl/bench/job"
)

func main() {
	w := &worker{files: map[string][]byte{}}
	if _, err := w.lane(0); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("ready")
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		answer, err := w.do(strings.Fields(lines.Text()))
		if err != nil {
			answer = err.Error()
		}
		fmt.Println(answer)
	}
}

type worker struct {
	lanes []*lane
	files map[string][]byte // what the last command read
}

// lane is what one goroutine works with.
type lane struct {
	candidate job.Candidate
	body      []byte
}

func (w *worker) lane(i int) (*lane, error) {
	for len(w.lanes) <= i {
		c, err := newCandidate()
		if err != nil {
			return nil, err
		}
		w.lanes = append(w.lanes, &lane{candidate: c})
	}
	return w.lanes[i], nil
}

func (w *worker) do(args []string) (string, error) {
	switch {
	case len(args) >= 3 && args[0] == "run":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return "", err
		}
		return w.run(n, args[2:])
	case len(args) == 3 && args[0] == "body":
		return "ok", w.write(args[1], args[2])
	}
	return "", errors.New("unknown command")
}

func (w *worker) run(n int, files []string) (string, error) {
	payloads, err := w.read(files)
	if err != nil {
		return "", err
	}
	for i := range files {
		if _, err := w.lane(i); err != nil {
			return "", err
		}
	}
	records, size := make([]int, len(files)), make([]int, len(files))
	errs := make([]error, len(files))
	lane := func(i int) {
		for range n {
			l := w.lanes[i]
			l.body, records[i], errs[i] = l.candidate.Run(payloads[i], l.body[:0])
			size[i] = len(l.body)
		}
	}

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	cpu, clock := cpuTime(), time.Now()
	if len(files) == 1 {
		lane(0)
	} else {
		var all sync.WaitGroup
		for i := range files {
			all.Go(func() { lane(i) })
		}
		all.Wait()
	}
	wall := time.Since(clock)
	cpu = cpuTime() - cpu
	runtime.ReadMemStats(&after)

	if err := errors.Join(errs...); err != nil {
		return "", err
	}
	return fmt.Sprintf("ok %d %d %d %d %d", cpu.Nanoseconds(), wall.Nanoseconds(), after.Mallocs-before.Mallocs, n*sum(records), n*sum(size)), nil
}

func (w *worker) write(file, out string) error {
	payloads, err := w.read([]string{file})
	if err != nil {
		return err
	}
	body, _, err := w.lanes[0].candidate.Run(payloads[0], nil)
	if err != nil {
		return err
	}
	return os.WriteFile(out, body, 0o600)
}

// read returns the events. It keeps only those that it is asked for again, so
// that a heap holds no more than it would in the function.
func (w *worker) read(files []string) ([][]byte, error) {
	kept := map[string][]byte{}
	payloads := make([][]byte, len(files))
	for i, file := range files {
		payload, ok := w.files[file]
		if !ok {
			var err error
			if payload, err = os.ReadFile(file); err != nil {
				return nil, err
			}
		}
		kept[file], payloads[i] = payload, payload
	}
	w.files = kept
	return payloads, nil
}

// cpuTime is what the process has used, garbage collection included.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func sum(numbers []int) int {
	total := 0
	for _, n := range numbers {
		total += n
	}
	return total
}
