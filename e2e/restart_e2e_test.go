//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/internal/event"
	"ckafka-etl/internal/sample"
)

// The server goes away in the middle of an invocation and comes back.
func restarted(t *testing.T, s *suite, end func() error) {
	p, env := s.through(t)
	payload := sample.AccessEvent(event.MaxRecords)
	f := s.started(t, env, time.Minute)
	require.NoError(t, p.Slow(1_000_000)) // so that it is the middle
	before := f.countBulks(answered)
	under := f.begin(t, payload)
	f.awaitBulks(t, before+2, answered)
	before = f.countBulks(unanswered)
	require.NoError(t, end())
	f.awaitBulks(t, before+1, unanswered)
	require.NoError(t, p.Heal())
	require.NoError(t, s.es.Restart(within(t)))
	out := under.wait(t)
	assert.Nil(t, out.err)
	assert.Equal(t, event.MaxRecords, out.present())
	assert.Positive(t, out.retries)
	t.Logf("%v, %d requests, %d of them again", out.took.Round(time.Millisecond), out.requests, out.retries)
	there := read(t, s.es, env)
	there.mustHoldAll(t, want(t, env, payload)...)
}

// thawAfterRestart freezes the process, as the platform does between events,
// while the server is restarted: the kept connections' other end is gone.
// How long it stays frozen makes no difference here: the system tells of a
// connection's end as soon as the process runs again.
func thawAfterRestart(t *testing.T, s *suite) {
	env := s.vars(t, s.es)
	f := s.start(t, env)
	before, payload := eventOf(numbered(-1)), eventOf(numberedTo(100)...)
	f.settle(t, before)
	require.NoError(t, f.Pause())
	require.NoError(t, s.es.Restart(within(t)))
	require.NoError(t, f.Resume())
	out := f.settle(t, payload)
	assert.Equal(t, 100, out.Stored)
	assert.LessOrEqual(t, out.retries, 1)
	assert.Less(t, out.took, 10*time.Second, "no timeout was waited for")
	there := read(t, s.es, env)
	there.mustHoldAll(t, append(want(t, env, before), want(t, env, payload)...)...)
}
