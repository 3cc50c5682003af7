//go:build unix

package platform

import (
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// killTree ends the process and what it has started itself.
func killTree(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) // fails only if it has just ended
}

// inherit has the process get files, and returns the descriptors that they have
// there.
func inherit(cmd *exec.Cmd, files []*os.File) (string, error) {
	const first = 3 // behind stdin, stdout and stderr
	numbers := make([]string, len(files))
	for i := range files {
		numbers[i] = strconv.Itoa(first + len(cmd.ExtraFiles) + i)
	}
	cmd.ExtraFiles = append(cmd.ExtraFiles, files...)
	return strings.Join(numbers, ","), nil
}

// executable reports whether a file's mode lets it be started.
func executable(info os.FileInfo) bool { return info.Mode()&0o111 != 0 }
