package servers

import (
	"errors"
	"math/rand/v2"
	"net"
	"strconv"
)

// Servers listen on ports below those that the kernel gives to outgoing
// connections (32768 and up on Linux). With one of the latter, a client that
// keeps dialing a server that is down would take the server's port, or even
// connect to itself.
const (
	firstPort = 20000
	portCount = 12000
)

// reservePorts finds n free loopback ports. They stay reserved, among all
// processes that use this package, until release: a server that is down finds
// its port free when it comes back.
func reservePorts(n int) (ports []int, release func(), err error) {
	locks, err := openPortLocks()
	if err != nil {
		return nil, nil, err
	}
	start := rand.N(portCount) //nolint:gosec // a port is no secret
	for i := 0; i < portCount && len(ports) < n; i++ {
		port := firstPort + (start+i)%portCount
		if locks.take(port) && free(port) {
			ports = append(ports, port)
		}
	}
	if len(ports) < n {
		locks.release()
		return nil, nil, errors.New("no free loopback port between 20000 and 32000")
	}
	return ports, locks.release, nil
}

func free(port int) bool {
	l, err := net.Listen("tcp", loopback(port)) //nolint:noctx // a loopback address is not looked up
	if err != nil {
		return false
	}
	return l.Close() == nil
}

// loopback returns the address of a port on this machine.
func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// portOf returns the port of an address that loopback has made.
func portOf(addr string) string {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		panic(err)
	}
	return port
}
