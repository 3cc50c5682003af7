package platform

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/rpc"
	"os/exec"
	"path/filepath"
	"sync"
	"time"

	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"

	"ckafka-etl/internal/event"
)

// Instance is one running process of a function. Its methods are safe for
// concurrent use; events are handled one at a time.
type Instance struct {
	fn        Function
	env       string
	proc      *process
	client    *rpc.Client
	stderr    *lineTail
	startTime time.Duration
	busy      chan struct{} // holds a token while an event is handled
}

// Start checks f, starts its process and waits until it answers. ctx bounds
// only the start. The caller has to Stop the instance.
func Start(ctx context.Context, f Function) (*Instance, error) {
	if err := f.Validate(); err != nil {
		return nil, err
	}
	return start(ctx, f.withDefaults(), new(sync.Mutex))
}

// Probe starts the function, waits until it answers, and stops it. The error is
// that of Start.
func Probe(ctx context.Context, f Function) error {
	f.Stdout, f.Stderr = nil, nil
	i, err := Start(ctx, f)
	if err != nil {
		return err
	}
	i.Stop()
	return nil
}

// start is Start for settings that were checked. output guards the writers.
func start(ctx context.Context, f Function, output *sync.Mutex) (*Instance, error) {
	env, err := json.Marshal(f.Env)
	if err != nil {
		return nil, err
	}
	l, err := newLink(f.Listens)
	if err != nil {
		return nil, err
	}
	defer l.release()
	i := &Instance{fn: f, env: string(env), stderr: new(lineTail), busy: make(chan struct{}, 1)}
	begin := time.Now()
	if err := i.startProcess(ctx, l, output); err != nil {
		return nil, fmt.Errorf("the function could not be started: %w", err)
	}
	initCtx, cancel := context.WithTimeoutCause(ctx, f.InitTimeout, errInit)
	defer cancel()
	if i.client, err = i.connect(initCtx, l); err != nil {
		i.proc.kill(ErrStopped)
		return nil, err
	}
	i.startTime = time.Since(begin)
	return i, nil
}

func (i *Instance) startProcess(ctx context.Context, l link, output *sync.Mutex) error {
	path, err := filepath.Abs(i.fn.Path) // a bare name is not looked for in PATH
	if err != nil {
		return err
	}
	maxLine := maxLogLine
	if i.fn.KeepLongLines {
		maxLine = 0
	}
	stdout := &lineWriter{mu: output, to: i.fn.Stdout, max: maxLine}
	stderr := &lineWriter{mu: output, to: i.fn.Stderr, max: maxLine, tail: i.stderr}
	// The process outlives ctx, which is only for the start.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), path)
	cmd.Stdout, cmd.Stderr, cmd.SysProcAttr = stdout, stderr, sysProcAttr()
	call, err := l.attach(cmd)
	if err != nil {
		return err
	}
	cmd.Env = append(i.fn.processEnv(), call...)
	i.proc, err = startProcess(cmd, func() { stdout.close(); stderr.close() })
	return err
}

// Reply is the function's answer to an event.
type Reply struct {
	RequestID string
	Payload   []byte
	Error     *FunctionError // what the handler returned; nil: success
	Duration  time.Duration  // from sending the event to having the answer
	// StartTime is what starting an instance for this event took, 0 if one was
	// there. Only a Pool sets it.
	StartTime time.Duration
}

// Invoke sends an event and waits for the answer, after those that came before.
// What the handler returned, an error or a panic included, is in the Reply. An
// error says that there is no answer:
//   - ErrPayloadTooLarge: more than 6 MB, nothing was sent;
//   - *TimeoutError: the process was killed at the function's timeout;
//   - *CrashError: the process ended by itself;
//   - ctx's cause: ctx ended and the process was killed, since nothing else
//     stops a handler; or ctx ended before it was this event's turn;
//   - ErrStopped: the instance was stopped.
//
// The Reply then still holds RequestID and Duration if the event was sent.
func (i *Instance) Invoke(ctx context.Context, payload []byte) (Reply, error) {
	if len(payload) > event.MaxBytes {
		return Reply{}, fmt.Errorf("%w: %d bytes, want at most %d", ErrPayloadTooLarge, len(payload), event.MaxBytes)
	}
	select {
	case i.busy <- struct{}{}:
		defer func() { <-i.busy }()
	case <-ctx.Done():
		return Reply{}, context.Cause(ctx)
	}
	if err := context.Cause(ctx); err != nil {
		return Reply{}, err
	}
	if !i.Alive() {
		return Reply{}, i.ended("")
	}
	return i.invoke(ctx, payload)
}

func (i *Instance) invoke(ctx context.Context, payload []byte) (Reply, error) {
	begin := time.Now()
	deadline := begin.Add(i.fn.Timeout)
	req := &messages.InvokeRequest{
		Payload:         payload,
		RequestId:       newRequestID(),
		Deadline:        messages.InvokeRequest_Timestamp{Seconds: deadline.Unix(), Nanos: int64(deadline.Nanosecond())},
		Namespace:       i.fn.Namespace,
		FunctionName:    i.fn.Name,
		FunctionVersion: i.fn.Version,
		MemoryLimitInMb: int32(i.fn.MemoryMB),
		TimeLimitInMs:   int32(i.fn.Timeout.Milliseconds()),
		Environment:     i.env,
	}
	var resp messages.InvokeResponse

	// Sending blocks as long as the function does not read. A kill ends the
	// call wherever it is.
	timer := time.AfterFunc(i.fn.Timeout, func() {
		i.proc.kill(&TimeoutError{RequestID: req.RequestId, Timeout: i.fn.Timeout})
	})
	stop := context.AfterFunc(ctx, func() { i.proc.kill(context.Cause(ctx)) })
	err := i.client.Call("Function.Invoke", req, &resp)
	reply := Reply{RequestID: req.RequestId, Duration: time.Since(begin)}
	timely, wanted := timer.Stop(), stop()

	if _, ok := errors.AsType[rpc.ServerError](err); ok {
		return reply, fmt.Errorf("%s does not answer as the platform's library for Go does: %w", i.fn.Path, err)
	}
	if err != nil {
		i.awaitExit(err)
		return reply, i.ended(req.RequestId)
	}
	if !timely || !wanted {
		// It was killed while its answer arrived. The answer counts; the
		// process must be gone before anybody looks whether it is alive.
		<-i.proc.exited
	}
	reply.Payload = resp.Payload
	if e := resp.Error; e != nil {
		reply.Error = functionError(e)
		if reply.Error.Fatal {
			i.proc.kill(reply.Error)
		}
	}
	return reply, nil
}

// awaitExit waits until a process that dropped its connection is gone.
func (i *Instance) awaitExit(cause error) {
	timer := time.NewTimer(5 * time.Second)
	defer timer.Stop()
	select {
	case <-i.proc.exited:
	case <-timer.C:
		i.proc.kill(fmt.Errorf("the function dropped its connection: %w", cause))
	}
}

// ended returns why the process is gone.
func (i *Instance) ended(requestID string) error {
	reason := i.proc.killedFor()
	if reason == nil {
		return i.crashed(requestID)
	}
	if requestID == "" && !errors.Is(reason, ErrStopped) {
		return fmt.Errorf("%w: %w", ErrStopped, reason)
	}
	return reason
}

func (i *Instance) crashed(requestID string) error {
	state := i.proc.cmd.ProcessState
	return &CrashError{RequestID: requestID, Status: state.String(), ExitCode: state.ExitCode(), Stderr: i.stderr.get()}
}

func functionError(e *messages.InvokeResponse_Error) *FunctionError {
	fe := &FunctionError{Type: e.Type, Message: e.Message, Fatal: e.ShouldExit}
	for _, f := range e.StackTrace {
		if f != nil {
			fe.StackTrace = append(fe.StackTrace, Frame{Path: f.Path, Line: int(f.Line), Label: f.Label})
		}
	}
	return fe
}

// newRequestID returns a random UUID (version 4).
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// SetEnv gives the function other variables from the next event on, as a change
// of its settings does for an instance that is warm.
func (i *Instance) SetEnv(env map[string]string) error {
	if err := errors.Join(validateEnv(env)...); err != nil {
		return err
	}
	text, err := json.Marshal(env)
	if err != nil {
		return err
	}
	i.busy <- struct{}{}
	defer func() { <-i.busy }()
	i.env = string(text)
	return nil
}

// Stop kills the process, as the platform ends an instance, and returns when it
// is gone and its output is written. It may be called more than once.
func (i *Instance) Stop() {
	i.proc.kill(ErrStopped)
	_ = i.client.Close()
}

// Alive reports whether the process is there.
func (i *Instance) Alive() bool { return i.proc.alive() }

// PID returns the process's number.
func (i *Instance) PID() int { return i.proc.cmd.Process.Pid }

// StartTime returns the time from the process's start to its first answer.
func (i *Instance) StartTime() time.Duration { return i.startTime }

// Usage returns what the process has used so far, or in all if it has ended.
func (i *Instance) Usage() Usage { return i.proc.readUsage() }
