package engine

import "sync"

// pool performs units side by side. One goroutine begins them and waits; its workers go
// on from one unit to the next, so that a send begins on a stack that has grown already.
type pool struct {
	do func(unit)

	units   chan unit // to the workers
	workers int       // as many as there was work for

	mu    sync.Mutex
	freed sync.Cond
	most  int // that may be under way; 0 is one
	under int // way now
}

// allow sets how many units may go side by side from now on; those under way stay.
func (p *pool) allow(n int) {
	p.mu.Lock()
	p.most = n
	p.mu.Unlock()
}

// begin performs a unit beside the others, unless nothing is in it.
func (p *pool) begin(u unit) {
	if len(u.actions) == 0 {
		return
	}
	if p.units == nil {
		p.units, p.freed.L = make(chan unit), &p.mu
	}
	p.mu.Lock()
	for p.under >= max(1, p.most) {
		p.freed.Wait()
	}
	p.under++
	all := p.under > p.workers // have something to do
	p.mu.Unlock()
	if !all {
		p.units <- u
		return
	}
	p.workers++
	go p.work(p.units, u)
}

func (p *pool) work(units <-chan unit, u unit) {
	p.perform(u)
	for u := range units {
		p.perform(u)
	}
}

func (p *pool) perform(u unit) {
	defer func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.under--
		p.freed.Signal()
	}()
	p.do(u)
}

// wait waits for the units under way.
func (p *pool) wait() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.under > 0 {
		p.freed.Wait()
	}
}

// end waits for them and lets the workers go.
func (p *pool) end() {
	p.wait()
	if p.units != nil {
		close(p.units)
	}
	p.units, p.workers = nil, 0
}
