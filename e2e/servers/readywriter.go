package servers

import (
	"bytes"
	"io"
)

// A readyWriter passes a server's output on and closes ready when a line with
// the marker has gone by.
type readyWriter struct {
	to     io.Writer
	marker []byte
	ready  chan struct{}
	seen   []byte // the output's end, as much as may hold the marker's beginning
	found  bool
}

func newReadyWriter(to io.Writer, marker string) *readyWriter {
	return &readyWriter{to: to, marker: []byte(marker), ready: make(chan struct{})}
}

func (w *readyWriter) Write(p []byte) (int, error) {
	n, err := w.to.Write(p)
	if w.found {
		return n, err
	}
	w.seen = append(w.seen, p...)
	if bytes.Contains(w.seen, w.marker) {
		w.found, w.seen = true, nil
		close(w.ready)
	} else {
		w.seen = w.seen[max(0, len(w.seen)-len(w.marker)+1):]
	}
	return n, err
}
