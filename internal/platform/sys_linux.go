package platform

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// sysProcAttr puts the process into a group of its own, so that Ctrl-C reaches
// only us, and lets it die when we do, however we do.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// awaitStopped waits until all threads of a process that was sent a SIGSTOP
// stand still. Until then it could still answer.
func awaitStopped(pid int) error {
	for {
		// WNOWAIT leaves the news to whoever else waits for the process.
		err := unix.Waitid(unix.P_PID, pid, nil, unix.WSTOPPED|unix.WNOWAIT, nil)
		if !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// clockTick is the unit of the times in /proc/PID/stat. Linux has shown 100 a
// second to programs on every platform that Go supports.
const clockTick = time.Second / 100

// readUsage reads what a living process has used so far.
func readUsage(pid int) (u Usage, ok bool) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return Usage{}, false
	}
	_, line, found := bytes.Cut(status, []byte("\nVmHWM:"))
	if !found { // a zombie has no memory any more
		return Usage{}, false
	}
	line, _, _ = bytes.Cut(line, []byte("\n"))
	kb, err := strconv.ParseInt(string(bytes.TrimSpace(bytes.TrimSuffix(line, []byte("kB")))), 10, 64)
	if err != nil {
		return Usage{}, false
	}
	u.PeakRSS = kb * 1024

	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return Usage{}, false
	}
	// The second field is the program's name in parentheses, which may hold
	// anything; utime and stime are the 14th and 15th.
	fields := bytes.Fields(stat[bytes.LastIndexByte(stat, ')')+1:])
	if len(fields) < 13 {
		return Usage{}, false
	}
	u.User, u.System = ticks(fields[11]), ticks(fields[12])
	return u, true
}

func ticks(field []byte) time.Duration {
	n, _ := strconv.ParseInt(string(field), 10, 64)
	return time.Duration(n) * clockTick
}

// peakRSS is not asked of an ended process: Linux counts the parent's memory,
// which the child shared until its exec, as the child's.
func peakRSS(*syscall.Rusage) int64 { return 0 }
