//go:build unix && !linux

package benchmark

import "syscall"

// sysProcAttr puts a process into a group of its own, so that Ctrl-C reaches
// only us.
func sysProcAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }
