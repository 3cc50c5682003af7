//go:build unix

package platform

import (
	"fmt"
	"syscall"
)

// reservePort finds a free port and keeps it for the function: as long as the
// socket is bound to 127.0.0.1 and does not listen, the system gives the port
// to nobody who asks for any port, and a program that sets SO_REUSEADDR, as
// Go's do, may listen on 0.0.0.0 with it. Closing the port before the function
// opens it would let two instances that start together get the same.
func reservePort() (port int, release func(), err error) {
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	if err != nil {
		return 0, nil, fmt.Errorf("no socket for the function's port: %w", err)
	}
	release = func() { _ = syscall.Close(fd) }
	port, err = bindAny(fd)
	if err != nil {
		release()
		return 0, nil, fmt.Errorf("no free port for the function: %w", err)
	}
	return port, release, nil
}

func bindAny(fd int) (int, error) {
	if err := syscall.SetsockoptInt(fd, syscall.SOL_SOCKET, syscall.SO_REUSEADDR, 1); err != nil {
		return 0, err
	}
	if err := syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		return 0, err
	}
	name, err := syscall.Getsockname(fd)
	if err != nil {
		return 0, err
	}
	addr, ok := name.(*syscall.SockaddrInet4)
	if !ok {
		return 0, fmt.Errorf("unexpected socket address %T", name)
	}
	return addr.Port, nil
}
