package benchmark

import "syscall"

// sysProcAttr puts a process into a group of its own, so that Ctrl-C reaches
// only us, and lets it die when we do, however we do.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}
