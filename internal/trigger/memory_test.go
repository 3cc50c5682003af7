package trigger

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestMemoryIsTakenInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		freed := 0
		m := newMemory(100, func() { freed++ })
		assert.True(t, m.await(t.Context(), 60))
		var order []int
		for i, bytes := range []int64{80, 30} {
			go func() {
				m.await(t.Context(), bytes)
				order = append(order, i)
			}()
			synctest.Wait()
		}
		assert.Empty(t, order, "the second would fit, but it is not its turn")
		assert.False(t, m.tryTake(41))
		m.give(60)
		synctest.Wait()
		assert.Equal(t, []int{0}, order)
		m.give(80)
		synctest.Wait()
		assert.Equal(t, []int{0, 1}, order)
		assert.Equal(t, int64(30), m.used)
		assert.Equal(t, 2, freed)
	})
}

// What is larger than all there is goes when nothing else does.
func TestMoreThanThereIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := newMemory(100, nil)
		m.take(1)
		done := false
		go func() { done = m.await(t.Context(), 1000) }()
		synctest.Wait()
		assert.False(t, done)
		m.give(1)
		synctest.Wait()
		assert.True(t, done)
		assert.Equal(t, int64(1000), m.used)
	})
}

func TestTakeUpTo(t *testing.T) {
	m := newMemory(100, nil)
	assert.Equal(t, int64(30), m.takeUpTo(30, 10))
	assert.Equal(t, int64(70), m.takeUpTo(90, 10))
	assert.Zero(t, m.takeUpTo(90, 10))
	m.give(9)
	assert.Zero(t, m.takeUpTo(90, 10))
	m.give(1)
	assert.Equal(t, int64(10), m.takeUpTo(90, 10))
}

// Who gives up waiting takes nothing with it, and those behind it come to their
// turn.
func TestMemoryProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		synctest.Test(t, func(t *testing.T) {
			m := newMemory(100, nil)
			type waiting struct {
				bytes  int64
				cancel context.CancelFunc
				got    bool
			}
			var all []*waiting
			rt.Repeat(map[string]func(*rapid.T){
				"await": func(rt *rapid.T) {
					ctx, cancel := context.WithCancel(t.Context())
					w := &waiting{bytes: rapid.Int64Range(1, 120).Draw(rt, "bytes"), cancel: cancel}
					all = append(all, w)
					go func() { w.got = m.await(ctx, w.bytes) }()
					synctest.Wait()
				},
				"cancel": func(rt *rapid.T) {
					if len(all) > 0 {
						all[rapid.IntRange(0, len(all)-1).Draw(rt, "who")].cancel()
						synctest.Wait()
					}
				},
				"give": func(rt *rapid.T) {
					for _, w := range all {
						if w.got {
							w.got = false
							m.give(w.bytes)
							synctest.Wait()
							return
						}
					}
				},
				"": func(rt *rapid.T) {
					var used int64
					n := 0
					for _, w := range all {
						if w.got {
							used += w.bytes
							n++
						}
					}
					if used != m.used || used > 100 && n > 1 {
						rt.Fatalf("%d are used, %d are taken by %d", m.used, used, n)
					}
				},
			})
			for _, w := range all {
				w.cancel()
			}
		})
	})
}
