package main

import (
	"bytes"
	"context"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// watchedWriter calls seen once, when text was written.
type watchedWriter struct {
	text string
	seen func()

	mu  sync.Mutex
	buf bytes.Buffer
}

func (w *watchedWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, err := w.buf.Write(p)
	if w.seen != nil && bytes.Contains(w.buf.Bytes(), []byte(w.text)) {
		w.seen()
		w.seen = nil
	}
	return n, err
}

func (w *watchedWriter) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.buf.String()
}

// Ctrl-C ends the function in the middle of an event, and what was done until
// then is told.
func TestReplayInterrupted(t *testing.T) {
	_, stub, _ := build(t)
	events := filepath.Join(t.TempDir(), "events.jsonl")
	require.NoError(t, os.WriteFile(events, []byte(`{"do":"echo","text":"{\"records\":1,\"stored\":1}"}`+"\n"+`{"do":"hang"}`+"\n{}\n"), 0o600))
	ctx, cancel := context.WithCancel(t.Context())
	var stdout bytes.Buffer
	stderr := &watchedWriter{text: "hanging\n", seen: cancel}
	code := realMain(ctx, &system{stdout: &stdout, stderr: stderr}, []string{"replay", "--function", stub, "--verbose", events})
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, stdout.String(), "1 event, 1 delivery, 0 failed")
	assert.Equal(t, "hanging\netlctl: stopped after 1 delivery: interrupted while "+events+":2 was handled\n", stderr.String())
}

// A replay that waited for a terminal's next line did not end on Ctrl-C.
func TestReplayInterruptedAtStdin(t *testing.T) {
	_, stub, _ := build(t)
	stdin, typing := io.Pipe()
	defer func() { _ = typing.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	var stdout bytes.Buffer
	stderr := &watchedWriter{}
	go func() {
		_, _ = io.WriteString(typing, "{") // the rest of the line never comes
		cancel()
	}()
	code := realMain(ctx, &system{stdin: stdin, stdout: &stdout, stderr: stderr}, []string{"replay", "--function", stub, "-"})
	assert.Equal(t, exitFailure, code)
	assert.Contains(t, stderr.String(), "interrupted")
}
