// Package handler runs one invocation: it decodes the event, lets the sinks
// write its records, sends what they refuse to the dead letters, and settles
// each record as exactly one outcome.
package handler

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"slices"
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
	// Warnings are logged once, with the first invocation.
	Warnings []string
	// Close gives the pipeline's connections back.
	Close func()
}

// Handler is the function. Make it once; it keeps its pipeline and what it
// remembers of failed batches from one invocation to the next.
type Handler struct {
	// Environ returns the variables that the pipeline is made of, sorted. It is
	// called with each invocation, since that is how often they may change.
	Environ func() []string
	// Build makes a pipeline. It contacts nobody.
	Build func(environ []string, log *slog.Logger) (*Pipeline, error)
	// Log is where log lines go: one JSON object each.
	Log io.Writer
	// Now is the clock. nil: time.Now.
	Now func() time.Time

	mu       sync.Mutex // the platform sends one event at a time; so do we
	environ  []string
	pipeline *Pipeline
	level    slog.LevelVar
	logger   *slog.Logger
	decoder  event.Decoder
	records  []record.Record
	memory   memory
	limitMB  int32
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
	started := h.Now()
	lc, ok := functioncontext.FromContext(ctx)
	if !ok {
		lc = &functioncontext.FunctionContext{}
	}
	log := h.logger.With(slog.String("request_id", lc.RequestID))
	b, cancel := budget.Divide(ctx, time.Duration(lc.TimeLimitInMs)*time.Millisecond)
	defer cancel()
	h.limitMemory(lc.MemoryLimitInMb)

	if err := h.configure(log); err != nil {
		log.Error("the configuration is not valid; nothing was written", slog.String("cause", clip(err.Error())))
		return nil, err
	}
	recs, err := h.decoder.Decode(payload, started, h.records[:0])
	h.records = recs
	defer h.forget()
	if err != nil {
		log.Error("the payload is not an event; nothing was written", slog.String("cause", err.Error()))
		return nil, err
	}
	s := &settlement{pipeline: h.pipeline, recs: recs, memory: &h.memory, results: make([][]record.Result, len(h.pipeline.Sinks))}
	s.recall()
	s.write(b)
	s.bury(b)
	a := s.account()
	s.remember()
	a.log(ctx, log, s, len(payload), h.Now().Sub(started))
	if a.Unsettled > 0 {
		return nil, a.failure(s)
	}
	return json.Marshal(a)
}

// configure builds the pipeline if a variable has changed.
func (h *Handler) configure(log *slog.Logger) error {
	environ := h.Environ()
	if h.pipeline != nil && slices.Equal(environ, h.environ) {
		return nil
	}
	p, err := h.Build(environ, h.logger)
	if err != nil {
		return err
	}
	if h.pipeline != nil && h.pipeline.Close != nil {
		h.pipeline.Close()
	}
	h.pipeline, h.environ = p, environ
	h.level.Set(p.LogLevel)
	h.memory.retarget(p.Sinks)
	for _, w := range p.Warnings {
		log.Warn(clip(w))
	}
	return nil
}

// forget lets go of the payload, and of space that one large batch has taken.
func (h *Handler) forget() {
	const keepRecords = 2_000
	clear(h.records)
	if cap(h.records) > max(keepRecords, 2*len(h.records)) {
		h.records = nil
	}
	h.decoder.Trim()
}
