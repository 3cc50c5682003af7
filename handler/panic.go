package handler

import (
	"fmt"
	"log/slog"
	"path"
	"runtime"
	"strconv"
	"strings"
	"sync"

	"ckafka-etl/record"
)

const hintBug = "this is a bug: report it with what the function's log says"

// panics turns panics into causes, so that a bug costs the batch at hand and
// not the process with all that it remembers.
type panics struct {
	mu     sync.Mutex
	logged map[string]struct{} // stacks
}

// catch runs f, and returns a cause if it panics. The stack is logged once.
func (p *panics) catch(log *slog.Logger, where string, f func()) (cause *record.Cause) {
	defer func() {
		if v := recover(); v != nil {
			stack, at := callStack()
			cause = &record.Cause{Type: "panic", Safe: where + ": " + panicText(v) + " in " + at, Hint: hintBug}
			p.log(log, cause.Safe, stack)
		}
	}()
	f()
	return nil
}

func (p *panics) log(log *slog.Logger, what, stack string) {
	const most = 100 // there are not that many bugs
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.logged[stack]; ok || len(p.logged) == most {
		return
	}
	if p.logged == nil {
		p.logged = make(map[string]struct{})
	}
	p.logged[stack] = struct{}{}
	log.Error("panic", slog.String("cause", clip(what)), slog.String("stack", stack))
}

// panicText says what a panic was about. What the runtime says holds numbers
// and types; any other value may hold parts of a record.
func panicText(v any) string {
	if err, ok := v.(runtime.Error); ok {
		return clip(err.Error())
	}
	return fmt.Sprintf("a panic with a value of the type %T", v)
}

// callStack returns the functions that a panic has left, without their
// arguments, and the first one that is not the runtime's.
func callStack() (stack, at string) {
	const mostFrames, mostBytes = 40, 3000
	pcs := make([]uintptr, mostFrames)
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs)]) // without itself and its caller
	var b strings.Builder
	for {
		f, more := frames.Next()
		_, name := path.Split(f.Function)
		if name == "handler.(*panics).catch" || b.Len() > mostBytes {
			break
		}
		if b.Len() > 0 || !strings.HasPrefix(f.Function, "runtime.") {
			one := name + " (" + path.Base(f.File) + ":" + strconv.Itoa(f.Line) + ")"
			if at == "" {
				at = one
			} else {
				b.WriteString(" < ")
			}
			b.WriteString(one)
		}
		if !more {
			break
		}
	}
	return b.String(), at
}

// PanicError says that a panic ended the work on a batch before anything was
// written. The platform logs its type's name.
type PanicError struct{ cause *record.Cause }

// Error returns one line without document contents.
func (e *PanicError) Error() string { return e.cause.Text() }
