package servers

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/signal"
	"syscall"
	"testing"
)

// TestMain is also the server that the process tests start: this binary again,
// told by childVar how to behave.
func TestMain(m *testing.M) {
	if mode := os.Getenv(childVar); mode != "" { //nolint:forbidigo // this is the child's main
		os.Exit(child(mode))
	}
	os.Exit(m.Run())
}

const (
	childVar   = "SERVERS_TEST_CHILD"
	controlVar = "SERVERS_TEST_CONTROL" // address that a child connects to for as long as it lives
	childReady = "child is ready"
)

func child(mode string) int {
	switch mode {
	case "fails":
		fmt.Println("no such setting [colour]")
		return 3
	case "stubborn":
		signal.Ignore(syscall.SIGTERM)
	case "parent":
		// Starts a child of its own and is then killed by the test.
		p := &Process{
			name: "grandchild", dir: os.TempDir(), ready: childReady, argv: []string{os.Args[0]},
			env: []string{childVar + "=serves"}, answer: func(context.Context) error { return nil },
		}
		if err := p.Restart(context.Background()); err != nil {
			fmt.Println(err)
			return 1
		}
		select {}
	}
	conn, err := net.Dial("tcp", os.Getenv(controlVar)) //nolint:forbidigo // as above
	if err != nil {
		fmt.Println(err)
		return 1
	}
	if mode != "mute" {
		fmt.Println(childReady)
	}
	_, _ = io.Copy(io.Discard, conn) // until the test ends
	return 0
}
