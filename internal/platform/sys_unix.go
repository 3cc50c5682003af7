//go:build unix && !linux

package platform

import "syscall"

// sysProcAttr puts the process into a group of its own, so that Ctrl-C reaches
// only us. If we are killed our function ends since its connection does; another
// that is called over a port outlives us: only Linux has a remedy.
func sysProcAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func awaitStopped(int) error { return nil }

// readUsage: only an ended process tells here.
func readUsage(int) (Usage, bool) { return Usage{}, false }

func peakRSS(r *syscall.Rusage) int64 { return r.Maxrss }
