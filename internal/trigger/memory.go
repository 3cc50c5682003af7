package trigger

import (
	"context"
	"sync"
)

// memory counts the bytes that are taken of a share of the budget. It is safe
// for concurrent use.
type memory struct {
	limit int64
	freed func() // called when something was given back

	mu      sync.Mutex
	used    int64
	waiters []waiter
}

type waiter struct {
	bytes int64
	ready chan struct{}
}

func newMemory(limit int64, freed func()) *memory { return &memory{limit: limit, freed: freed} }

// inUse returns how much is taken.
func (m *memory) inUse() int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.used
}

// take takes bytes that are there already, even beyond the limit.
func (m *memory) take(bytes int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.used += bytes
}

// tryTake takes bytes if there is room for them.
func (m *memory) tryTake(bytes int64) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.used+bytes > m.limit {
		return false
	}
	m.used += bytes
	return true
}

// takeUpTo takes as much as there is room for, at most bytes and no less than
// least: else nothing.
func (m *memory) takeUpTo(bytes, least int64) int64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	if bytes = min(bytes, m.limit-m.used); bytes < least {
		return 0
	}
	m.used += bytes
	return bytes
}

// await takes bytes as soon as there is room for them, in the order of the
// calls, or when nothing else is taken. It reports false if ctx ended before.
func (m *memory) await(ctx context.Context, bytes int64) bool {
	m.mu.Lock()
	if len(m.waiters) == 0 && m.fits(bytes) {
		m.used += bytes
		m.mu.Unlock()
		return true
	}
	w := waiter{bytes, make(chan struct{})}
	m.waiters = append(m.waiters, w)
	m.mu.Unlock()
	select {
	case <-w.ready:
		return true
	case <-ctx.Done():
		m.forget(w)
		return false
	}
}

func (m *memory) fits(bytes int64) bool { return m.used == 0 || m.used+bytes <= m.limit }

// forget removes a waiter, or gives back what it got in the meantime.
func (m *memory) forget(w waiter) {
	m.mu.Lock()
	for i := range m.waiters {
		if m.waiters[i].ready == w.ready {
			m.waiters = append(m.waiters[:i], m.waiters[i+1:]...)
			m.serve() // who comes behind it may need less
			m.mu.Unlock()
			return
		}
	}
	m.mu.Unlock()
	m.give(w.bytes)
}

// give gives bytes back.
func (m *memory) give(bytes int64) {
	if bytes == 0 {
		return
	}
	m.mu.Lock()
	m.used -= bytes
	m.serve()
	m.mu.Unlock()
	if m.freed != nil {
		m.freed()
	}
}

// serve lets those go on that there is room for; mu is held.
func (m *memory) serve() {
	for len(m.waiters) > 0 && m.fits(m.waiters[0].bytes) {
		m.used += m.waiters[0].bytes
		close(m.waiters[0].ready)
		m.waiters = m.waiters[1:]
	}
}
