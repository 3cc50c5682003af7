//go:build unix

package platform

import "syscall"

// Pause stops the process where it is, as the platform freezes an instance
// between two events. Its timeout goes on, and Stop ends it all the same. On
// Linux the process stands still when Pause returns; elsewhere it is about to.
func (i *Instance) Pause() error {
	if err := i.signal(syscall.SIGSTOP); err != nil {
		return err
	}
	return awaitStopped(i.PID())
}

// Resume lets a paused process go on.
func (i *Instance) Resume() error { return i.signal(syscall.SIGCONT) }

func (i *Instance) signal(sig syscall.Signal) error {
	i.proc.mu.Lock() // a kill does not come in between
	defer i.proc.mu.Unlock()
	if !i.proc.alive() {
		return ErrStopped
	}
	return syscall.Kill(-i.PID(), sig)
}
