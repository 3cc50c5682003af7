package platform

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newTestPool(t *testing.T, f Function, maxInstances int) *Pool {
	t.Helper()
	f.Path = testFunc
	p, err := NewPool(f, maxInstances)
	require.NoError(t, err)
	t.Cleanup(p.Stop)
	return p
}

func TestPoolKeepsAndReplaces(t *testing.T) {
	p := newTestPool(t, Function{}, 3)
	do := func(c command) (Reply, error) { return p.Invoke(t.Context(), c.payload(t)) }

	cold, err := do(command{Do: "count"})
	require.NoError(t, err)
	assert.Positive(t, cold.StartTime)
	warm, err := do(command{Do: "count"})
	require.NoError(t, err)
	assert.Zero(t, warm.StartTime)
	assert.Equal(t, "2", string(warm.Payload))
	assert.Equal(t, 1, p.Started())

	for n, c := range []command{{Do: "exit", Code: 1}, {Do: "panic"}, {Do: "crash"}} {
		_, _ = do(c)
		r, err := do(command{Do: "count"})
		require.NoError(t, err)
		assert.Equal(t, "1", string(r.Payload), "after %s: a new instance", c.Do)
		assert.Equal(t, n+2, p.Started())
		assert.Equal(t, 1, p.Running())
	}
	p.Stop()
	assert.Zero(t, p.Running())
	assert.Positive(t, p.Usage().CPU())
	_, err = do(command{Do: "count"})
	assert.Equal(t, ErrStopped, err)
}

// An instance that dies while nobody uses it costs no event.
func TestPoolReplacesIdle(t *testing.T) {
	p := newTestPool(t, Function{}, 1)
	_, err := p.Invoke(t.Context(), command{Do: "count"}.payload(t))
	require.NoError(t, err)
	require.Len(t, p.idle, 1)
	p.idle[0].proc.kill(errors.New("nobody knows"))
	assert.Zero(t, p.Running())
	r, err := p.Invoke(t.Context(), command{Do: "count"}.payload(t))
	require.NoError(t, err)
	assert.Equal(t, "1", string(r.Payload))
	assert.Equal(t, 2, p.Started())
}

func TestPoolMax(t *testing.T) {
	log := newLineSink()
	p := newTestPool(t, Function{Timeout: 900 * time.Second, Stdout: log}, 2)
	done := make(chan error)
	for range 2 {
		go func() {
			_, err := p.Invoke(t.Context(), command{Do: "hang"}.payload(t))
			done <- err
		}()
	}
	for range 2 {
		assert.Equal(t, "hanging", <-log.came)
	}
	assert.Equal(t, 2, p.Started(), "two events at a time have an instance each")

	ctx, cancel := context.WithCancel(t.Context())
	waiting := make(chan error)
	go func() {
		_, err := p.Invoke(ctx, command{Do: "count"}.payload(t))
		waiting <- err
	}()
	cancel()
	require.ErrorIs(t, <-waiting, context.Canceled)
	assert.Equal(t, 2, p.Started())

	p.Stop()
	for range 2 {
		require.ErrorIs(t, <-done, ErrStopped)
	}
}

// Instances that start together must not be given the same port.
func TestPoolStartsTogether(t *testing.T) {
	const n = 8
	p := newTestPool(t, Function{}, n)
	var wg sync.WaitGroup
	for i := range 4 * n {
		wg.Go(func() {
			text := fmt.Sprint("event ", i)
			r, err := p.Invoke(t.Context(), command{Do: "echo", Text: text}.payload(t))
			assert.NoError(t, err)
			assert.Equal(t, text, string(r.Payload))
		})
	}
	wg.Wait()
	assert.LessOrEqual(t, p.Started(), n)
}

func TestNewPoolRefuses(t *testing.T) {
	_, err := NewPool(Function{Path: testFunc}, 0)
	require.EqualError(t, err, "instances: got 0, want at least 1")
	_, err = NewPool(Function{}, 1)
	require.EqualError(t, err, "function: no executable is given")
}
