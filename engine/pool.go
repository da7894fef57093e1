package engine

import "sync"

// pool performs units side by side, up to a size. Its workers go on from one unit to
// the next, so that a send begins on a stack that has grown already.
type pool struct {
	do func(unit)

	n       int       // the size
	workers int       // of these, begun; as many as there was work for
	units   chan unit // to the workers
	busy    sync.WaitGroup
}

// size sets how many units go side by side; a change waits for those under way.
func (p *pool) size(n int) {
	if n != p.n {
		p.end()
		p.n = n
	}
}

// begin performs a unit beside the others, unless nothing is in it.
func (p *pool) begin(u unit) {
	if len(u.actions) == 0 {
		return
	}
	if p.n == 0 {
		p.size(1)
	}
	p.busy.Add(1)
	if p.units == nil {
		p.units = make(chan unit)
	}
	if p.workers < p.n {
		select {
		case p.units <- u: // somebody has nothing to do
			return
		default:
		}
		p.workers++
		go p.work(p.units, u)
		return
	}
	p.units <- u
}

func (p *pool) work(units <-chan unit, u unit) {
	p.perform(u)
	for u := range units {
		p.perform(u)
	}
}

func (p *pool) perform(u unit) {
	defer p.busy.Done()
	p.do(u)
}

// wait waits for the units under way.
func (p *pool) wait() { p.busy.Wait() }

// end waits for them and lets the workers go.
func (p *pool) end() {
	p.wait()
	if p.units != nil {
		close(p.units)
	}
	p.units, p.workers = nil, 0
}
