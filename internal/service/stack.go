package service

import (
	"runtime"
	"strings"

	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"
)

// callStack returns the calls on the stack from the caller on, as many as the
// platform's library tells.
func callStack() []*messages.InvokeResponse_Error_StackFrame {
	const most, itself = 32, 2
	pcs := make([]uintptr, most)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(itself, pcs)])
	var stack []*messages.InvokeResponse_Error_StackFrame
	for {
		f, more := frames.Next()
		stack = append(stack, &messages.InvokeResponse_Error_StackFrame{
			Path: shortPath(f.File, f.Function), Line: int32(f.Line), Label: shortName(f.Function),
		})
		if !more {
			return stack
		}
	}
}

// shortPath keeps of a file's path what its package's import path says, and one
// folder above.
func shortPath(file, function string) string {
	parts := strings.Split(file, "/")
	return strings.Join(parts[max(0, len(parts)-strings.Count(function, "/")-2):], "/")
}

// shortName is a function's name without its package: "(*handler).Invoke".
func shortName(function string) string {
	name := function[strings.LastIndexByte(function, '/')+1:]
	return name[strings.IndexByte(name, '.')+1:]
}
