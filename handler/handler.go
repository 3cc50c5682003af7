// Package handler runs one invocation: it decodes the event, lets the sinks
// write its records, sends what they refuse to the dead letters, and settles
// each record as exactly one outcome.
package handler

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/tencentyun/scf-go-lib/functioncontext"

	"ckafka-etl/internal/core/budget"
	"ckafka-etl/internal/event"
	"ckafka-etl/record"
)

// Sink writes records somewhere.
type Sink interface {
	// Name is the sink's name in the account: "elasticsearch".
	Name() string
	// Target says where the sink writes. While it stays the same, what was
	// settled there once need not be written again.
	Target() string
	// Write returns one result for each record, in order, always. It returns
	// before ctx's deadline.
	Write(ctx context.Context, d record.Delivery) ([]record.Result, record.Stats)
}

// DeadLetters keeps what no sink will ever take.
type DeadLetters interface {
	// Write returns one result for each letter, in order, always: Dead or
	// Unsettled.
	Write(ctx context.Context, letters []record.DeadLetter) ([]record.Result, record.Stats)
}

// Pipeline is what a configuration comes to.
type Pipeline struct {
	Sinks []Sink
	// Letters is nil if a refused record is to fail its batch.
	Letters  DeadLetters
	LogLevel slog.Level
	// Pace is the most that is added to an invocation that fails; 0 = nothing.
	Pace time.Duration
	// Warnings are logged once, with the first invocation.
	Warnings []string
	// Close gives the pipeline's connections back.
	Close func()
}

// Handler is the function. Make it once; it keeps its pipeline and what it
// remembers of failed batches from one invocation to the next.
type Handler struct {
	// Environ returns the process's own variables, sorted: they hold for a
	// request that carries none at all. nil: there are none.
	Environ func() []string
	// Relevant reports whether the pipeline is made of the variable of that
	// name. nil: it is made of all that a request carries.
	Relevant func(name string) bool
	// Build makes a pipeline. It contacts nobody. With an error it may return a
	// pipeline all the same, of which only Pace counts.
	Build func(environ []string, log *slog.Logger) (*Pipeline, error)
	// Log is where log lines go: one JSON object each.
	Log io.Writer
	// Now is the clock for arrivals. nil: time.Now.
	Now func() time.Time

	mu        sync.Mutex // the platform sends one event at a time; so do we
	variables variables
	pipeline  *Pipeline
	pace      time.Duration
	level     slog.LevelVar
	logger    *slog.Logger
	decoder   decoder
	records   []record.Record
	memory    memory
	panics    panics
	limitMB   int32
}

// decoder reads events. event.Decoder is one.
type decoder interface {
	Decode(payload []byte, arrival time.Time, dst []record.Record) ([]record.Record, error)
	Trim()
}

// Invoke handles one event and returns the account, or an error if anything is
// unsettled: then the trigger delivers the same batch again.
func (h *Handler) Invoke(ctx context.Context, payload []byte) ([]byte, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.Now == nil {
		h.Now = time.Now
	}
	if h.logger == nil {
		h.logger = newLogger(h.Log, &h.level)
	}
	if h.decoder == nil {
		h.decoder = &event.Decoder{}
	}
	started := h.Now()
	lc, ok := functioncontext.FromContext(ctx)
	if !ok {
		lc = &functioncontext.FunctionContext{}
	}
	log := h.logger.With(slog.String("request_id", lc.RequestID))
	phases, cancel := budget.Divide(ctx, time.Duration(lc.TimeLimitInMs)*time.Millisecond)
	defer cancel()
	h.limitMemory(lc.MemoryLimitInMb)
	h.memory.sweep(started)

	invalid := h.configure(log, lc.Environment)
	recs, err := h.decode(log, payload, started)
	defer h.letGo()
	switch {
	case invalid != nil:
		return nil, h.refuse(ctx, phases, log, "the configuration is not valid; nothing was written", recs, invalid)
	case err != nil:
		return nil, h.refuse(ctx, phases, log, "the payload is not an event; nothing was written", nil, err)
	}
	s := &settlement{pipeline: h.pipeline, recs: recs, memory: &h.memory, panics: &h.panics, log: log}
	s.recall()
	s.write(phases)
	s.bury(phases)
	a := s.account()
	if a.Unsettled == 0 {
		h.memory.settle(s.groups)
		a.log(ctx, log, s, len(payload), h.Now().Sub(started), 0)
		return json.Marshal(a)
	}
	wait := h.waitAfter(phases, s.remember())
	a.log(ctx, log, s, len(payload), h.Now().Sub(started), wait)
	h.wait(phases, s.groups, wait)
	return nil, a.failure(s)
}

// decode reads the event. Its records are valid until letGo.
func (h *Handler) decode(log *slog.Logger, payload []byte, arrival time.Time) (recs []record.Record, err error) {
	cause := h.panics.catch(log, "reading the event", func() {
		h.records, err = h.decoder.Decode(payload, arrival, h.records[:0])
	})
	switch {
	case cause != nil:
		h.decoder = &event.Decoder{} // in what state the other is nobody knows
		return nil, &PanicError{cause}
	case err != nil:
		return nil, err
	}
	return h.records, nil
}

// configure builds the pipeline if a variable has changed.
func (h *Handler) configure(log *slog.Logger, request map[string]string) error {
	environ, same := h.environ(request)
	if same {
		h.pace = h.pipeline.Pace // that of an invalid one may have come between
		return nil
	}
	var p *Pipeline
	var err error
	if cause := h.panics.catch(log, "making the pipeline", func() { p, err = h.Build(environ, h.logger) }); cause != nil {
		err = &PanicError{cause}
	}
	if p != nil {
		h.pace = p.Pace
	}
	if err != nil {
		return err
	}
	if h.pipeline != nil && h.pipeline.Close != nil {
		h.pipeline.Close()
	}
	h.pipeline, h.variables = p, variablesOf(environ)
	h.level.Set(p.LogLevel)
	h.memory.retarget(p.Sinks)
	for _, w := range p.Warnings {
		log.Warn(clip(w))
	}
	return nil
}

// letGo lets go of the payload, and of space that one large batch has taken.
func (h *Handler) letGo() {
	const keepRecords = 2_000
	clear(h.records)
	if cap(h.records) > max(keepRecords, 2*len(h.records)) {
		h.records = nil
	}
	h.decoder.Trim()
	h.memory.done()
}
