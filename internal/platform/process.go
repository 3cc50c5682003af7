package platform

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
	"time"
)

// process is the function's process.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{} // closed when the process is gone and its output read

	mu     sync.Mutex
	reason error // why it was killed; nil: it was not
	usage  Usage // the last that was read
}

// startProcess starts cmd. When it has ended and its output is read, atExit is
// called, and then exited is closed.
func startProcess(cmd *exec.Cmd, atExit func()) (*process, error) {
	p := &process{cmd: cmd, exited: make(chan struct{})}
	// A program that the function has started may keep the output open.
	cmd.WaitDelay = time.Second
	started := make(chan error)
	go func() {
		// The signal that ends a child with its parent comes when the thread
		// ends that started the child, so that thread stays for as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err != nil {
			return
		}
		_ = cmd.Wait() // the state is in ProcessState
		// What the function had started itself ends with it.
		killTree(cmd)
		atExit()
		close(p.exited)
	}()
	return p, <-started
}

// kill ends the process and returns when it is gone. Only the first reason is
// kept, and none if the process had ended by itself.
func (p *process) kill(reason error) {
	p.mu.Lock()
	if p.reason == nil && p.alive() {
		p.reason = reason
		p.readUsageLocked()
		killTree(p.cmd)
	}
	p.mu.Unlock()
	<-p.exited
}

func (p *process) alive() bool {
	select {
	case <-p.exited:
		return false
	default:
		return true
	}
}

// killedFor returns why an ended process was killed, or nil.
func (p *process) killedFor() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.reason
}

// Usage is what a function's process has used.
type Usage struct {
	// PeakRSS is the largest resident memory in bytes. On Linux it is taken
	// when asked for and right before a kill, so that it can be too low for a
	// process that crashed; elsewhere it is 0 until the process has ended.
	PeakRSS int64
	// User and System are CPU times, in steps of 10 ms while the process lives.
	User, System time.Duration
}

// CPU returns user and system time together.
func (u Usage) CPU() time.Duration { return u.User + u.System }

func (p *process) readUsage() Usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.alive() {
		p.readUsageLocked()
		return p.usage
	}
	state := p.cmd.ProcessState
	u := Usage{PeakRSS: p.usage.PeakRSS, User: state.UserTime(), System: state.SystemTime()}
	if r, ok := state.SysUsage().(*syscall.Rusage); ok {
		u.PeakRSS = max(u.PeakRSS, peakRSS(r))
	}
	return u
}

func (p *process) readUsageLocked() {
	if u, ok := readUsage(p.cmd.Process.Pid); ok {
		p.usage = u
	}
}
