package servers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

const (
	sigTerm = syscall.SIGTERM
	sigKill = syscall.SIGKILL
	sigStop = syscall.SIGSTOP
	sigCont = syscall.SIGCONT
)

func platformSupported() error { return nil }

// detach gives the command a process group of its own, so that a signal from
// the terminal does not reach it, and has the kernel kill it when the thread
// that starts it ends.
func detach(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

func signalGroup(pid int, sig syscall.Signal) error { return syscall.Kill(-pid, sig) }

// awaitStopped waits until a child that got sigStop has stopped with all its
// threads, or has ended. It leaves the child's status for whoever waits for
// its end.
func awaitStopped(pid int) error {
	for {
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WEXITED|unix.WNOWAIT, nil)
		if err != unix.EINTR {
			return err
		}
	}
}

// lockFile waits for an exclusive lock on a file, which other processes and
// other callers in this one respect. The kernel drops it if this process dies.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	locked := make(chan error)
	go func() {
		err := flock(f)
		select {
		case locked <- err:
		case <-ctx.Done(): // the wait could not be called off, so give the lock back
			_ = f.Close()
		}
	}()
	select {
	case err := <-locked:
		if err != nil {
			_ = f.Close()
			return nil, fmt.Errorf("locking %s: %w", path, err)
		}
		return func() { _ = f.Close() }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waiting for %s, which another process holds: %w", path, ctx.Err())
	}
}

func flock(f *os.File) error {
	for {
		if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != unix.EINTR {
			return err
		}
	}
}

// portLocks marks ports as taken by locking one byte of a shared file for
// each. The locks belong to the open file: they hold against other processes
// and other portLocks, and go when the file is closed or the process dies.
type portLocks struct{ file *os.File }

func openPortLocks() (*portLocks, error) {
	path := filepath.Join(os.TempDir(), fmt.Sprintf("ckafka-etl-ports-%d.lock", os.Getuid()))
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return &portLocks{f}, nil
}

func (l *portLocks) take(port int) bool {
	lock := unix.Flock_t{Type: unix.F_WRLCK, Start: int64(port), Len: 1}
	return unix.FcntlFlock(l.file.Fd(), unix.F_OFD_SETLK, &lock) == nil
}

func (l *portLocks) release() { _ = l.file.Close() }
