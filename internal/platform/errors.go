package platform

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// ErrPayloadTooLarge is wrapped by the error for a payload of more than 6 MB.
// The function has not seen it.
var ErrPayloadTooLarge = errors.New("payload too large")

// ErrStopped is wrapped by the error for an invocation of an instance that was
// stopped, before it or in the middle of it.
var ErrStopped = errors.New("instance stopped")

// ListensError says that a program cannot be called over pipes: it is another
// build of the function, or another program, and wants to listen on a port.
type ListensError struct {
	Path string
	// Waited is how long it gave no answer, 0 if it ended because it was given
	// no port.
	Waited time.Duration
}

func (e *ListensError) Error() string {
	const insist = "; build the function from the same source as this program, or insist with --allow-listening"
	if e.Waited == 0 {
		return e.Path + " can only be called over a port that everybody on the network reaches" + insist
	}
	return fmt.Sprintf("%s has not answered within %v over the pipes that it was started with: "+
		"it can only be called over a port that everybody on the network reaches, or not at all%s", e.Path, e.Waited, insist)
}

// FunctionError is an error that the function's handler returned, or its panic.
type FunctionError struct {
	Type    string // the Go type's name
	Message string
	// Fatal: the handler panicked. The platform does not use such an instance
	// again.
	Fatal      bool
	StackTrace []Frame
}

// Frame is one call on a panic's stack.
type Frame struct {
	Path  string `json:"path"`
	Line  int    `json:"line"`
	Label string `json:"label"`
}

func (e *FunctionError) Error() string { return e.Type + ": " + e.Message }

// TimeoutError says that the function was killed because it had not answered
// in time.
type TimeoutError struct {
	RequestID string
	Timeout   time.Duration
}

func (e *TimeoutError) Error() string {
	return fmt.Sprintf("the function was killed: no answer within %v (request %s)", e.Timeout, e.RequestID)
}

// CrashError says that the function's process ended, or dropped its
// connection, without being asked to.
type CrashError struct {
	// RequestID is the invocation that was running, "" if there was none.
	RequestID string
	// Status is how the process ended: "exit status 2", "signal: killed".
	Status string
	// ExitCode is -1 for a process that was ended by a signal.
	ExitCode int
	// Stderr holds the last lines on stderr; of a Go program's crash the first
	// ones, which say what happened.
	Stderr []string
}

func (e *CrashError) Error() string {
	var b strings.Builder
	b.WriteString("the function's process ended: " + e.Status)
	if e.RequestID != "" {
		b.WriteString(" (request " + e.RequestID + ")")
	}
	for _, line := range e.Stderr {
		b.WriteString("\n\t" + line)
	}
	return b.String()
}
