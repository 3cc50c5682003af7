//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
	"ckafka-etl/internal/platform"
	"ckafka-etl/internal/sample"
)

// faultTests break connections in the middle of an invocation. In the end
// each record is there once.
var faultTests = []test{
	{"reset within a request", func(t *testing.T, s *suite) {
		broken(t, s, func(p *servers.FaultProxy) error { return p.Reset(50_000, 3) }, func(c servers.FaultCounts) int { return c.Reset })
	}},
	{"cut before the answer", func(t *testing.T, s *suite) {
		stored(t, broken(t, s, func(p *servers.FaultProxy) error { return p.Cut(0, 3) }, func(c servers.FaultCounts) int { return c.Cut }))
	}},
	{"cut within an answer", func(t *testing.T, s *suite) {
		stored(t, broken(t, s, func(p *servers.FaultProxy) error { return p.Cut(1000, 3) }, func(c servers.FaultCounts) int { return c.Cut }))
	}},
	{"stalled before the answer", func(t *testing.T, s *suite) {
		stored(t, broken(t, s, func(p *servers.FaultProxy) error { return p.Stall(0, 2) }, func(c servers.FaultCounts) int { return c.Stalled }))
	}},
	{"stalled within an answer", func(t *testing.T, s *suite) {
		stored(t, broken(t, s, func(p *servers.FaultProxy) error { return p.Stall(1000, 2) }, func(c servers.FaultCounts) int { return c.Stalled }))
	}},
	{"refused until healed", func(t *testing.T, s *suite) {
		healed(t, s, (*servers.FaultProxy).Refuse)
	}},
	{"frozen until healed", func(t *testing.T, s *suite) {
		healed(t, s, (*servers.FaultProxy).Freeze)
	}},
	{"killed at the timeout", func(t *testing.T, s *suite) {
		killed(t, s, func(f *function) { require.NoError(t, f.Pause()) }, new(*platform.TimeoutError))
	}},
	{"crashed", func(t *testing.T, s *suite) {
		killed(t, s, func(f *function) { f.kill(t) }, new(*platform.CrashError))
	}},
}

// through is a function that reaches the server through a fault proxy, with
// many small requests, two at a time.
func (s *suite) through(t *testing.T, pairs ...string) (*servers.FaultProxy, vars) {
	t.Helper()
	p, err := servers.NewFaultProxy(s.es.Addr())
	require.NoError(t, err)
	t.Cleanup(p.Close)
	return p, s.vars(t, s.es).with("ES_Address", p.Addr(), "ES_Bulk_Bytes", "128KiB").with(pairs...)
}

const faultyRecords = 3000

// broken strikes a few connections and lets the others pass.
func broken(t *testing.T, s *suite, fault func(*servers.FaultProxy) error, struck func(servers.FaultCounts) int) *outcome {
	t.Helper()
	p, env := s.through(t, "ES_Request_Timeout", "3s")
	payload := sample.AccessEvent(faultyRecords)
	f := s.started(t, env, time.Minute)
	require.NoError(t, fault(p))
	out := f.settle(t, payload)
	assert.Equal(t, faultyRecords, out.present())
	assert.Positive(t, out.retries)
	assert.GreaterOrEqual(t, struck(p.Counts()), 2)
	there := read(t, s.es, env)
	there.mustHoldAll(t, want(t, env, payload)...)
	return out
}

// started is a process that has learnt from a first event in which form the
// server wants its requests: 6.8 refuses the very first one for want of a
// type, and a fault that strikes that one shows nothing.
func (s *suite) started(t *testing.T, env vars, timeout time.Duration) *function {
	t.Helper()
	f := s.startAs(t, platform.Function{Env: env, Timeout: timeout})
	f.settle(t, sample.AccessEvent(1))
	return f
}

// stored checks that the server had done the work that the function did not
// hear of.
func stored(t *testing.T, out *outcome) {
	t.Helper()
	assert.Positive(t, out.Duplicate)
}

// healed has a fault come in the middle and go when the function has felt it.
func healed(t *testing.T, s *suite, fault func(*servers.FaultProxy) error) {
	t.Helper()
	p, env := s.through(t, "ES_Request_Timeout", "3s")
	payload := sample.AccessEvent(faultyRecords)
	f := s.started(t, env, time.Minute)
	require.NoError(t, p.Slow(500_000)) // so that it is the middle
	before := f.countBulks(answered)
	under := f.begin(t, payload)
	f.awaitBulks(t, before+2, answered)
	before = f.countBulks(unanswered)
	require.NoError(t, fault(p))
	f.awaitBulks(t, before+2, unanswered)
	require.NoError(t, p.Heal())
	out := under.wait(t)
	assert.Nil(t, out.err)
	assert.Equal(t, faultyRecords, out.present())
	assert.Positive(t, out.retries)
	there := read(t, s.es, env)
	there.mustHoldAll(t, want(t, env, payload)...)
}

// killed ends the process while the server has stored records that the
// function does not know of yet. A new process gets the batch again.
func killed[E error](t *testing.T, s *suite, kill func(*function), is *E) {
	t.Helper()
	p, env := s.through(t)
	payload := sample.AccessEvent(faultyRecords)
	f := s.started(t, env, 5*time.Second)
	require.NoError(t, p.Stall(0, 1))
	under := f.begin(t, payload)
	require.NoError(t, p.Await(within(t), func(c servers.FaultCounts) bool { return c.Stalled == 1 }))
	kill(f)
	require.ErrorAs(t, under.failed(t), is)
	require.NoError(t, p.Heal())

	out := s.start(t, env).settle(t, payload)
	assert.Equal(t, faultyRecords, out.present())
	assert.Positive(t, out.Duplicate)
	assert.Positive(t, out.Stored)
	there := read(t, s.es, env)
	there.mustHoldAll(t, want(t, env, payload)...)
}
