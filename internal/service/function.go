package service

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"time"

	"github.com/tencentyun/scf-go-lib/cloudfunction"
	"github.com/tencentyun/scf-go-lib/cloudfunction/messages"
	"github.com/tencentyun/scf-go-lib/functioncontext"
)

// function is the service that is called, by the name Function. It answers as
// the platform's library does, but for one thing: the variables of a request
// stay in the request and do not get into the process's environment.
type function struct{ handler cloudfunction.Handler }

// Ping says that the function is ready.
func (f *function) Ping(*messages.PingRequest, *messages.PingResponse) error { return nil }

// Invoke has the handler handle an event.
func (f *function) Invoke(req *messages.InvokeRequest, resp *messages.InvokeResponse) error {
	defer func() {
		if v := recover(); v != nil {
			resp.Error = &messages.InvokeResponse_Error{
				Message: fmt.Sprint(v), Type: typeName(v), StackTrace: callStack(), ShouldExit: true,
			}
		}
	}()
	fc, err := contextOf(req)
	if err != nil {
		resp.Error = errorOf(err)
		return nil
	}
	deadline := time.Unix(req.Deadline.Seconds, req.Deadline.Nanos).UTC()
	ctx, cancel := context.WithDeadline(context.Background(), deadline)
	defer cancel()
	payload, err := f.handler.Invoke(functioncontext.NewContext(ctx, fc), req.Payload)
	if err != nil {
		resp.Error = errorOf(err)
		return nil
	}
	resp.Payload = payload
	return nil
}

// contextOf returns what a request says beside its event.
func contextOf(req *messages.InvokeRequest) (*functioncontext.FunctionContext, error) {
	fc := &functioncontext.FunctionContext{
		RequestID:             req.RequestId,
		InvokedFunctionUnique: req.InvokedFunctionUnique,
		Namespace:             req.Namespace,
		FunctionName:          req.FunctionName,
		FunctionVersion:       req.FunctionVersion,
		MemoryLimitInMb:       req.MemoryLimitInMb,
		TimeLimitInMs:         req.TimeLimitInMs,
		TencentcloudRegion:    req.TencentcloudRegion,
		TencentcloudAppID:     req.TencentcloudAppID,
		TencentcloudUin:       req.TencentcloudUin,
		FunctionTrace:         req.FunctionTrace,
	}
	if len(req.ClientContext) > 0 {
		if err := json.Unmarshal(req.ClientContext, &fc.ClientContext); err != nil {
			return nil, err
		}
	}
	if req.Environment != "" {
		if err := json.Unmarshal([]byte(req.Environment), &fc.Environment); err != nil {
			return nil, err
		}
	}
	return fc, nil
}

func errorOf(err error) *messages.InvokeResponse_Error {
	return &messages.InvokeResponse_Error{Message: err.Error(), Type: typeName(err)}
}

// typeName is the name by which the platform's log knows an error: that of its
// type, without its package, or of the type that it points to.
func typeName(v any) string {
	t := reflect.TypeOf(v)
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t.Name()
}
