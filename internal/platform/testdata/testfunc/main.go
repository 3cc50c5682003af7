// Command testfunc is a function for the tests of package platform. Its event
// says what it does.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"time"

	"github.com/tencentyun/scf-go-lib/cloudfunction"
	"github.com/tencentyun/scf-go-lib/functioncontext"

	"ckafka-etl/internal/service"
)

type command struct {
	Do   string `json:"do"`
	Text string `json:"text"`
	Code int    `json:"code"`
	Size int    `json:"size"`
}

type handler struct{ events int }

// OwnError is the kind of error that a function makes for itself.
type OwnError struct{ text string }

func (e *OwnError) Error() string { return e.text }

func (h *handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	h.events++
	if len(payload) > 0 && payload[0] == 'x' { // a payload for its size
		return fmt.Appendf(nil, "%d", len(payload)), nil
	}
	var c command
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, err
	}
	switch c.Do {
	case "echo":
		return []byte(c.Text), nil
	case "count":
		return fmt.Appendf(nil, "%d", h.events), nil
	case "print":
		fmt.Fprint(os.Stdout, c.Text)
		fmt.Fprint(os.Stderr, strings.Repeat("e", c.Size))
		return nil, nil
	case "error":
		return []byte("lost"), errorsOfAllKinds(c.Text)[c.Code]
	case "panic":
		panicsOfAllKinds(c.Text)[c.Code]()
	case "crash":
		// A panic that the library cannot catch ends the process.
		go panic(c.Text)
		select {}
	case "exit":
		fmt.Fprintln(os.Stderr, c.Text)
		os.Exit(c.Code)
	case "hang":
		fmt.Println("hanging")
		select {}
	case "environment":
		fc, _ := functioncontext.FromContext(ctx)
		text, err := json.Marshal(fc.Environment)
		return nil, errors.Join(err, &OwnError{string(text)})
	case "context":
		return describe(ctx)
	}
	return nil, errors.New("unknown command")
}

// valueError is an error without a pointer.
type valueError string

func (e valueError) Error() string { return string(e) }

func errorsOfAllKinds(text string) []error {
	_, syntax := strconv.Atoi(text + "x")
	return []error{
		&OwnError{text}, errors.New(text), valueError(text), syntax,
		fmt.Errorf("wrapped: %w", valueError(text)), errors.Join(errors.New(text), errors.New("second")),
	}
}

func panicsOfAllKinds(text string) []func() {
	return []func(){
		func() { panic(text) },
		func() { panic(&OwnError{text}) },
		func() { panic(valueError(text)) },
		func() { panic(struct{ N int }{7}) },
		func() { panic(nil) },
		func() { fmt.Println([]int{}[len(text)]) },
		func() { var h *handler; h.events++ },
		func() { deep(40) },
		func() { panic([]string{text}) },
	}
}

// deep panics below so many calls.
func deep(n int) {
	if n == 0 {
		panic("deep")
	}
	deep(n - 1)
}

func describe(ctx context.Context) ([]byte, error) {
	fc, ok := functioncontext.FromContext(ctx)
	if !ok {
		return nil, errors.New("no function context")
	}
	deadline, _ := ctx.Deadline()
	return json.Marshal(map[string]any{
		"context":   fc,
		"deadline":  deadline,
		"expired":   ctx.Err() != nil,
		"remaining": time.Until(deadline).Seconds(),
		"environ":   os.Environ(),
		"timezone":  time.Local.String(),
	})
}

func main() {
	switch {
	case strings.HasSuffix(os.Args[0], "-exit"):
		fmt.Fprintln(os.Stderr, "no configuration")
		os.Exit(3)
	case strings.HasSuffix(os.Args[0], "-deaf"):
		never := make(chan os.Signal, 1)
		signal.Notify(never, os.Interrupt)
		<-never
	case strings.HasSuffix(os.Args[0], "-listening"): // as older builds, and others
		cloudfunction.StartHandler(new(handler))
	}
	if err := service.Run(new(handler), os.Getenv(service.Variable)); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
