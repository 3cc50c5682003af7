//go:build unix

package platform

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestPause(t *testing.T) {
	type answer struct {
		reply Reply
		err   error
	}
	echo := func(i *Instance) <-chan answer {
		done := make(chan answer, 1)
		go func() {
			reply, err := i.Invoke(t.Context(), command{Do: "echo", Text: "hello"}.payload(t))
			done <- answer{reply, err}
		}()
		return done
	}

	t.Run("resumed", func(t *testing.T) {
		i := startTest(t, Function{})
		require.NoError(t, i.Pause())
		done := echo(i)
		assert.Empty(t, done)
		require.NoError(t, i.Resume())
		a := <-done
		require.NoError(t, a.err)
		assert.Equal(t, "hello", string(a.reply.Payload))
	})
	t.Run("killed at its timeout", func(t *testing.T) {
		i := startTest(t, Function{Timeout: time.Second})
		require.NoError(t, i.Pause())
		a := <-echo(i)
		var late *TimeoutError
		require.ErrorAs(t, a.err, &late)
		assert.False(t, i.Alive())
		require.ErrorIs(t, i.Pause(), ErrStopped)
		require.ErrorIs(t, i.Resume(), ErrStopped)
	})
}
