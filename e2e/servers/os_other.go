//go:build !linux

package servers

import (
	"context"
	"errors"
	"os/exec"
	"runtime"
	"syscall"
)

const (
	sigTerm = syscall.Signal(15)
	sigKill = syscall.Signal(9)
	sigStop = syscall.Signal(19)
	sigCont = syscall.Signal(18)
)

func platformSupported() error {
	return errors.New("the real servers start on Linux only, this is " + runtime.GOOS)
}

func detach(*exec.Cmd) {}

func signalGroup(int, syscall.Signal) error { return platformSupported() }

func awaitStopped(int) error { return platformSupported() }

func lockFile(context.Context, string) (func(), error) { return nil, platformSupported() }

// portLocks cannot mark ports here, only the check that a port is free is left.
type portLocks struct{}

func openPortLocks() (*portLocks, error) { return &portLocks{}, nil }

func (*portLocks) take(int) bool { return true }

func (*portLocks) release() {}
