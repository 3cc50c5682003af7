package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"ckafka-etl/config"
	"ckafka-etl/esclient"
	"ckafka-etl/handler"
	"ckafka-etl/internal/lab/modelserver"
	"ckafka-etl/record"
	"ckafka-etl/transform"
)

const (
	deadIndex = "dead"
	// today is the index of the day on which virtual time begins.
	today = "k-2000-01-01"
	// The credentials of every instance; no text may hold the password.
	user, password = "u", "S3CRET-password"
)

// setup is what an instance is made of.
type setup struct {
	server *modelserver.Server
	change func(*config.Elasticsearch) // nil: nothing
	// letters is a place for dead letters beside Elasticsearch; nil: an index.
	letters *topicLetters
	// hourly names indices by the hour; now is the clock, nil: time.Now.
	hourly bool
	now    func() time.Time
	// base is what carries requests; nil: the model's transport.
	base http.RoundTripper
}

// instance is one function process: a handler with a client of its own, and all
// that it has said.
type instance struct {
	*handler.Handler
	setup
	net  *modelserver.Transport
	over http.RoundTripper // setup.base, or net
	log  bytes.Buffer
}

func (s setup) start() *instance {
	in := &instance{setup: s, net: s.server.Transport()}
	in.over = in.net
	if s.base != nil {
		in.over = s.base
	}
	in.Handler = &handler.Handler{
		Environ: func() []string { return nil },
		Log:     &in.log,
		Now:     s.now,
		Build:   in.build,
	}
	return in
}

func (in *instance) build(_ []string, log *slog.Logger) (*handler.Pipeline, error) {
	cfg := config.Elasticsearch{
		Addresses: []config.Address{address(hosts[0])},
		User:      user, Password: config.NewSecret(password),
		Keyword: "k", DeadLetterIndex: deadIndex, IDField: "log_id",
		BulkBytes: 5 << 20, BulkConcurrency: 2, RequestTimeout: 30 * time.Second,
	}
	if in.change != nil {
		in.change(&cfg)
	}
	in.net.MostInFlight = cfg.BulkConcurrency
	period := transform.Day
	if in.hourly {
		period = transform.Hour
	}
	program, err := transform.New(transform.Options{
		IndexPrefix: cfg.Keyword, Period: period, IDField: cfg.IDField, TimeField: modelserver.Stamp,
		TimeFields: cfg.TimeFields, WindowBack: 720 * time.Hour, WindowAhead: 24 * time.Hour,
		Ignore: []string{"password", "**.password"},
	})
	if err != nil {
		return nil, err
	}
	es, err := esclient.New(esclient.Config{Elasticsearch: cfg, Program: program, Transport: in.over, Logger: log})
	if err != nil {
		return nil, err
	}
	p := &handler.Pipeline{Sinks: []handler.Sink{es}, Letters: es.DeadLetters(), LogLevel: slog.LevelDebug, Close: es.Close}
	if in.letters != nil {
		p.Letters = in.letters
	}
	return p, nil
}

// account is what an invocation returns.
type account struct {
	Records, Stored, Duplicate, Filtered, Dead, Unsettled, Recalled int
}

// delivery is what came of one invocation.
type delivery struct {
	account  account // of the result, or of the log if there was an error
	err      error
	requests int
	took     time.Duration
	said     string // result or error, and the log
}

// deliver invokes the function with an event, as the platform does.
func (in *instance) deliver(ctx context.Context, event []byte, limit time.Duration) delivery {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	deadline, _ := ctx.Deadline()
	before, began := in.server.Requests(), time.Now()
	in.log.Reset()
	in.net.Begin(deadline)
	out, err := in.Invoke(ctx, bytes.Clone(event))
	in.net.End()
	d := delivery{err: err, requests: in.server.Requests() - before, took: time.Since(began), said: string(out) + in.log.String()}
	if err != nil {
		d.said += err.Error()
		d.account = logged(in.log.Bytes())
	} else if err := json.Unmarshal(out, &d.account); err != nil {
		d.err = err
	}
	return d
}

// logged finds the account in a log.
func logged(log []byte) (a account) {
	for line := range bytes.Lines(log) {
		if bytes.Contains(line, []byte(`"unsettled":`)) && bytes.Contains(line, []byte(`"stored":`)) {
			_ = json.Unmarshal(line, &a) // a line of another kind has no counts
		}
	}
	return a
}

// unsettled returns the error of a batch that has to come again.
func (d *delivery) unsettled(t require.TestingT) *handler.UnsettledError {
	var err *handler.UnsettledError
	require.ErrorAs(t, d.err, &err)
	return err
}

// requireSum checks an account's sum.
func requireSum(t require.TestingT, a account) {
	require.Equal(t, a.Records, a.Stored+a.Duplicate+a.Filtered+a.Dead+a.Unsettled, "%+v", a)
}

// topicLetters is a place for dead letters that always works, as a topic does.
type topicLetters struct {
	got map[int64]int // letters, by offset
}

func newTopicLetters() *topicLetters { return &topicLetters{got: make(map[int64]int)} }

// Write takes all letters.
func (l *topicLetters) Write(_ context.Context, letters []record.DeadLetter) ([]record.Result, record.Stats) {
	results := make([]record.Result, len(letters))
	for i := range letters {
		l.got[letters[i].Record.Offset]++
		results[i] = record.Result{Outcome: record.Dead, Cause: letters[i].Cause}
	}
	return results, record.Stats{}
}

// bubble runs f in virtual time. What f finds is for the caller to judge:
// rapid must see a failure on its own goroutine.
func bubble(t *testing.T, f func(ctx context.Context)) {
	t.Helper()
	var failed any
	synctest.Test(t, func(t *testing.T) {
		defer func() { failed = recover() }()
		f(t.Context())
	})
	if failed != nil {
		panic(failed)
	}
}

// pause lets virtual time pass.
func pause(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
}

func address(host string) config.Address {
	return config.Address{URL: &url.URL{Scheme: "http", Host: host}}
}
