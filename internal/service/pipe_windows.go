package service

import "syscall"

// prepare keeps an inherited handle from children of ours.
func prepare(handle uintptr) error {
	return syscall.SetHandleInformation(syscall.Handle(handle), syscall.HANDLE_FLAG_INHERIT, 0)
}
