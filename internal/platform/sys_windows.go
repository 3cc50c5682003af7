package platform

import (
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// sysProcAttr keeps Ctrl-C from the process. Our function ends with us, since
// its connection does.
func sysProcAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{CreationFlags: syscall.CREATE_NEW_PROCESS_GROUP}
}

// killTree ends the process. What it has started itself goes on; our function
// starts nothing.
func killTree(cmd *exec.Cmd) { _ = cmd.Process.Kill() } // fails only if it has just ended

// inherit has the process get files, and returns the handles that they have
// there.
func inherit(cmd *exec.Cmd, files []*os.File) (string, error) {
	handles := make([]string, len(files))
	for i, f := range files {
		h := syscall.Handle(f.Fd())
		if err := syscall.SetHandleInformation(h, syscall.HANDLE_FLAG_INHERIT, syscall.HANDLE_FLAG_INHERIT); err != nil {
			return "", os.NewSyscallError("SetHandleInformation", err)
		}
		cmd.SysProcAttr.AdditionalInheritedHandles = append(cmd.SysProcAttr.AdditionalInheritedHandles, h)
		handles[i] = strconv.FormatUint(uint64(h), 10)
	}
	return strings.Join(handles, ","), nil
}

// executable reports whether a file may be started: here that is no matter of
// its mode.
func executable(os.FileInfo) bool { return true }

func reservePort() (int, func(), error) {
	return 0, nil, errors.New("a function that can only be called over a port cannot be run on Windows")
}

// readUsage: only an ended process tells here.
func readUsage(int) (Usage, bool) { return Usage{}, false }

func peakRSS(*syscall.Rusage) int64 { return 0 }
