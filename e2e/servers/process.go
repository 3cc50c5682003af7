package servers

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	startTimeout = 2 * time.Minute // until a server must answer
	stopTimeout  = 30 * time.Second
)

// Process is a server that runs as a process of its own. It starts, stops and
// starts again on the same ports and with the same data, until Close. Its
// methods are safe for concurrent use; one that changes the server's state
// waits for the one before it.
type Process struct {
	name  string   // for errors and for the log's name
	argv  []string // the command
	env   []string // added to this process's environment
	dir   string   // the server's folder, which has the log
	ready string   // a line with this text says that the server is ready
	// answer sends one request, after the line, that the server must answer.
	answer func(ctx context.Context) error
	// before, if there is one, returns when the server may be started.
	before  func(ctx context.Context) error
	grace   time.Duration // until a server that was asked to end is killed
	closers []func()      // run at Close, last first

	mu     sync.Mutex
	run    *run // the last run; nil before the first
	closed bool
}

// newProcess returns a process, not started yet, with a folder (a temporary
// one if dir is empty) and reserved ports.
func newProcess(name, dir string, ports int) (*Process, []int, error) {
	numbers, release, err := reservePorts(ports)
	if err != nil {
		return nil, nil, err
	}
	p := &Process{
		name:    fmt.Sprintf("%s-%d", name, numbers[0]),
		grace:   stopTimeout,
		closers: []func(){release},
	}
	if dir != "" {
		p.dir, err = filepath.Abs(dir)
		if err == nil {
			err = os.MkdirAll(p.dir, 0o750)
		}
	} else {
		p.dir, err = os.MkdirTemp("", "ckafka-etl-"+p.name+"-")
		p.closers = append(p.closers, func() { _ = os.RemoveAll(p.dir) })
	}
	if err != nil {
		release()
		return nil, nil, err
	}
	return p, numbers, nil
}

// A run is one life of the process.
type run struct {
	pid  int
	done chan struct{} // closed when the process has ended
	err  error         // how it ended; read after done
}

func (r *run) alive() bool {
	if r == nil {
		return false
	}
	select {
	case <-r.done:
		return false
	default:
		return true
	}
}

// PID returns the process id, or 0 while the server does not run.
func (p *Process) PID() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.run.alive() {
		return 0
	}
	return p.run.pid
}

// Log returns the path of the server's log: everything that it printed, in all
// its lives. Close may remove it (see KeepLogs).
func (p *Process) Log() string { return filepath.Join(p.dir, p.name+".log") }

// KeepLogs copies the server's log into dir, for a look after a failed test.
func (p *Process) KeepLogs(dir string) error {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return err
	}
	log, err := os.ReadFile(p.Log())
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, filepath.Base(p.Log())), log, 0o600) //nolint:gosec // the caller names the folder
}

// Restart stops the server if it runs, and starts it on the same ports with
// the same data. It returns when the server answers again.
func (p *Process) Restart(ctx context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := p.stop(); err != nil {
		return err
	}
	return p.start(ctx)
}

// Stop asks the server to end and waits until it has ended, paused or not. A
// server that has not ended after 30 seconds is killed, which is an error.
// Stopping a server that does not run does nothing.
func (p *Process) Stop() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.stop()
}

// Kill ends the server at once, without a chance to write anything, and waits
// until it has ended. Killing a server that does not run does nothing.
func (p *Process) Kill() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kill()
}

// Pause freezes the server: connections stay open and are accepted by the
// kernel, but nothing is answered until Resume. It returns when no thread of
// the server runs any more.
func (p *Process) Pause() error {
	pid, err := p.signalRunning(sigStop)
	if err != nil {
		return err
	}
	return awaitStopped(pid)
}

// Resume lets a paused server go on.
func (p *Process) Resume() error {
	_, err := p.signalRunning(sigCont)
	return err
}

// Close kills the server, gives its ports back and removes its folder, unless
// the caller named one. The server cannot be started again.
func (p *Process) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kill()
	p.closed = true
	for _, f := range slices.Backward(p.closers) {
		f()
	}
	p.closers = nil
}

func (p *Process) signalRunning(sig syscall.Signal) (pid int, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.run.alive() {
		return 0, fmt.Errorf("%s does not run", p.name)
	}
	return p.run.pid, signalGroup(p.run.pid, sig)
}

func (p *Process) stop() error {
	if !p.run.alive() {
		return nil
	}
	// A paused process gets the first signal only with the second.
	_ = signalGroup(p.run.pid, sigTerm)
	_ = signalGroup(p.run.pid, sigCont)
	timeout := time.NewTimer(p.grace)
	defer timeout.Stop()
	select {
	case <-p.run.done:
		return nil
	case <-timeout.C:
		p.kill()
		return fmt.Errorf("%s did not stop within %s and was killed", p.name, p.grace)
	}
}

func (p *Process) kill() {
	if !p.run.alive() {
		return
	}
	// The signal fails only if the process has ended by itself meanwhile.
	_ = signalGroup(p.run.pid, sigKill)
	<-p.run.done
}

// start runs the process and waits until it is ready and answers.
func (p *Process) start(ctx context.Context) error {
	if p.closed {
		return fmt.Errorf("%s is closed", p.name)
	}
	if err := platformSupported(); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	if p.before != nil {
		if err := p.before(ctx); err != nil {
			return fmt.Errorf("starting %s: %w", p.name, err)
		}
	}
	log, err := os.OpenFile(p.Log(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	out := newReadyWriter(log, p.ready)
	cmd := exec.CommandContext(context.WithoutCancel(ctx), p.argv[0], p.argv[1:]...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.dir, out, out
	cmd.Env = append(cmd.Environ(), p.env...)
	detach(cmd)
	r := &run{done: make(chan struct{})}
	started := make(chan error, 1)
	go func() {
		// The kernel kills the server when the thread that started it ends, so
		// the thread has to last as long as the server.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer func() { _ = log.Close() }()
		err := cmd.Start()
		if err == nil {
			r.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			r.err = cmd.Wait()
			close(r.done)
		}
	}()
	if err := <-started; err != nil {
		return fmt.Errorf("starting %s: %w", p.name, err)
	}
	p.run = r
	err = p.awaitReady(ctx, out)
	if err != nil {
		p.kill()
		return fmt.Errorf("starting %s: %w\n%s", p.name, err, p.logTail())
	}
	return nil
}

func (p *Process) awaitReady(ctx context.Context, out *readyWriter) error {
	select {
	case <-out.ready:
		return p.answer(ctx)
	case <-p.run.done:
		return fmt.Errorf("it ended before it was ready (%w)", exitError(p.run.err))
	case <-ctx.Done():
		return fmt.Errorf("it is not ready: %w", ctx.Err())
	}
}

func exitError(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

const tailBytes = 4 << 10

// tail returns the end of an output, for an error text.
func tail(out []byte) []byte { return out[max(0, len(out)-tailBytes):] }

func (p *Process) logTail() []byte {
	f, err := os.Open(p.Log())
	if err != nil {
		return nil
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil {
			return nil
		}
	}
	out, err := io.ReadAll(io.LimitReader(f, tailBytes))
	if err != nil {
		return nil
	}
	return out
}
