//go:build e2e

package e2e

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"ckafka-etl/e2e/servers"
)

// thaw freezes the process while something on the way forgets its connection:
// the other end is gone, and nobody says so. The clock decides here: after
// ten seconds the function trusts no kept connection any more. One kind takes
// a minute, by which time the connection's own idle time is over too.
func thaw(t *testing.T, s *suite) {
	frozen := 12 * time.Second
	if s.kind == s.first {
		frozen = time.Minute
	}
	p, env := s.through(t)
	f := s.start(t, env)
	before, payload := eventOf(numbered(-1)), eventOf(numberedTo(100)...)
	f.settle(t, before)
	thawed := time.NewTimer(frozen)
	defer thawed.Stop()
	require.NoError(t, f.Pause())
	require.NoError(t, p.Lose())
	require.Equal(t, servers.FaultCounts{Lost: 1}, p.Counts())
	<-thawed.C
	require.NoError(t, f.Resume())
	out := f.settle(t, payload)
	assert.Equal(t, 100, out.Stored)
	assert.Zero(t, out.retries)
	assert.Less(t, out.took, 10*time.Second, "no timeout was waited for")
	there := read(t, s.es, env)
	there.mustHoldAll(t, append(want(t, env, before), want(t, env, payload)...)...)
}
