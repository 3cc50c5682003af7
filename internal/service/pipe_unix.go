//go:build unix

package service

import "syscall"

// prepare makes an inherited descriptor one that the runtime can wait on without
// a thread, and that no child of ours gets.
func prepare(fd uintptr) error {
	if err := syscall.SetNonblock(int(fd), true); err != nil {
		return err
	}
	syscall.CloseOnExec(int(fd))
	return nil
}
