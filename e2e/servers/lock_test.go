//go:build linux

package servers

import (
	"context"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestLockFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	unlock, err := lockFile(t.Context(), path)
	require.NoError(t, err)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = lockFile(ctx, path)
	require.ErrorIs(t, err, context.Canceled, "the lock is held")

	unlock()
	// One at a time, also after the wait that was called off.
	var inside atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			unlock, err := lockFile(t.Context(), path)
			if !assert.NoError(t, err) {
				return
			}
			defer unlock()
			assert.EqualValues(t, 1, inside.Add(1))
			inside.Add(-1)
		})
	}
	wg.Wait()
}
