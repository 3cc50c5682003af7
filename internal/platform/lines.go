package platform

import (
	"bytes"
	"io"
	"strings"
	"sync"
)

// lineWriter passes on what is written to it, one complete line a Write. It is
// used by one goroutine; mu guards the writer, which others share.
type lineWriter struct {
	mu   *sync.Mutex
	to   io.Writer
	max  int       // longest line that is passed on; what follows is cut. 0: no limit
	tail *lineTail // nil: none
	buf  []byte
}

// Write never fails: a log that nobody can take must not stop the function.
func (w *lineWriter) Write(p []byte) (int, error) {
	n := len(p)
	for {
		i := bytes.IndexByte(p, '\n')
		if i < 0 {
			w.keep(p)
			return n, nil
		}
		w.keep(p[:i])
		w.flush()
		p = p[i+1:]
	}
}

func (w *lineWriter) keep(p []byte) {
	if w.max > 0 {
		p = p[:min(len(p), w.max-len(w.buf))]
	}
	w.buf = append(w.buf, p...)
}

func (w *lineWriter) flush() {
	if w.tail != nil {
		w.tail.add(string(w.buf))
	}
	w.mu.Lock()
	_, _ = w.to.Write(append(w.buf, '\n'))
	w.mu.Unlock()
	w.buf = w.buf[:0]
}

// close passes on a last line that has no line break.
func (w *lineWriter) close() {
	if len(w.buf) > 0 {
		w.flush()
	}
}

// maxTailLines and maxTailLine bound what a CrashError quotes.
const (
	maxTailLines = 12
	maxTailLine  = 512
)

// lineTail remembers the last lines. The trace of a Go crash is long, and the
// cause stands at its beginning: from there on the first lines are kept.
type lineTail struct {
	mu      sync.Mutex
	lines   []string
	crashed bool
}

func (t *lineTail) add(line string) {
	line = line[:min(len(line), maxTailLine)]
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.crashed && (strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ")) {
		t.crashed = true
		t.lines = nil
	}
	if len(t.lines) == maxTailLines {
		if t.crashed {
			return
		}
		t.lines = t.lines[1:]
	}
	t.lines = append(t.lines, line)
}

func (t *lineTail) get() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]string(nil), t.lines...)
}
