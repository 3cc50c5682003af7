package platform

import (
	"context"
	"fmt"
	"sync"
)

// Pool runs as many instances of a function as there are events at a time, up
// to a maximum, as the platform scales. It is safe for concurrent use.
type Pool struct {
	fn     Function
	output *sync.Mutex
	slots  chan struct{} // holds a token for every event that is handled

	mu      sync.Mutex
	stopped bool
	all     map[*Instance]struct{}
	idle    []*Instance // the one used last is used first
	started int
	ended   Usage // of the instances that are gone
}

// NewPool checks f and returns a pool that runs at most maxInstances of it. It
// starts none yet. The caller has to Stop the pool.
func NewPool(f Function, maxInstances int) (*Pool, error) {
	if maxInstances < 1 {
		return nil, fmt.Errorf("instances: got %d, want at least 1", maxInstances)
	}
	if err := f.Validate(); err != nil {
		return nil, err
	}
	return &Pool{
		fn: f.withDefaults(), output: new(sync.Mutex),
		slots: make(chan struct{}, maxInstances),
		all:   make(map[*Instance]struct{}),
	}, nil
}

// Invoke handles an event with a free instance, starts one if there is none, or
// waits for one if there are as many as there may be. An instance that ended
// meanwhile is replaced with the next event. See Instance.Invoke for the
// results.
func (p *Pool) Invoke(ctx context.Context, payload []byte) (Reply, error) {
	select {
	case p.slots <- struct{}{}:
		defer func() { <-p.slots }()
	case <-ctx.Done():
		return Reply{}, context.Cause(ctx)
	}
	i, warm, err := p.take(ctx)
	if err != nil {
		return Reply{}, err
	}
	reply, err := i.Invoke(ctx, payload)
	if !warm {
		reply.StartTime = i.StartTime()
	}
	p.give(i)
	return reply, err
}

func (p *Pool) take(ctx context.Context) (i *Instance, warm bool, err error) {
	p.mu.Lock()
	for n := len(p.idle); n > 0; n = len(p.idle) {
		i, p.idle = p.idle[n-1], p.idle[:n-1]
		if i.Alive() {
			p.mu.Unlock()
			return i, true, nil
		}
		p.dropLocked(i)
	}
	stopped := p.stopped
	p.mu.Unlock()
	if stopped {
		return nil, false, ErrStopped
	}

	i, err = start(ctx, p.fn, p.output)
	if err != nil {
		return nil, false, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.started++
	p.all[i] = struct{}{}
	if p.stopped { // meanwhile
		i.Stop()
		p.dropLocked(i)
		return nil, false, ErrStopped
	}
	return i, false, nil
}

func (p *Pool) give(i *Instance) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i.Alive() {
		p.idle = append(p.idle, i)
	} else {
		p.dropLocked(i)
	}
}

func (p *Pool) dropLocked(i *Instance) {
	if _, ok := p.all[i]; !ok {
		return
	}
	i.Stop() // it is gone; this closes the connection
	delete(p.all, i)
	p.ended = p.ended.add(i.Usage())
}

// Stop kills all instances and returns when they are gone. Events that they
// were handling end with ErrStopped, and so do all later ones.
func (p *Pool) Stop() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stopped = true
	p.idle = nil
	for i := range p.all {
		p.dropLocked(i)
	}
}

// Started returns how many instances were started so far.
func (p *Pool) Started() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.started
}

// Running returns how many instances there are at the time.
func (p *Pool) Running() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for i := range p.all {
		if i.Alive() {
			n++
		}
	}
	return n
}

// Usage returns what all instances have used together, those included that are
// gone; PeakRSS is that of the largest.
func (p *Pool) Usage() Usage {
	p.mu.Lock()
	defer p.mu.Unlock()
	u := p.ended
	for i := range p.all {
		u = u.add(i.Usage())
	}
	return u
}

func (u Usage) add(v Usage) Usage {
	return Usage{PeakRSS: max(u.PeakRSS, v.PeakRSS), User: u.User + v.User, System: u.System + v.System}
}
