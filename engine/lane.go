package engine

// lane is a place among the sends on their way, from before the intent until the
// answer. There are as many as the loop's concurrency. An accepted message gives its
// place away before its outcome is written down, so that a commit of the ledger keeps
// nobody from sending; whatever else came of a send keeps its place until it is
// counted, since it may stop the run.
type lane chan struct{}

// widen lets as many sends of a step go side by side as its loop says. As many
// iterations again, less one, may be writing down what they were told: one at a
// time stays one at a time. With a canary there are none of these, since who comes
// first should be who stands first in the plan.
func (a *applier) widen(p *pool, step string) {
	n := a.p.width(step)
	units := 2*n - 1
	if a.o.Canary != nil {
		units = n
	}
	p.size(units)
	if cap(a.lanes) != n {
		p.wait()
		a.lanes = make(lane, n)
	}
}

// enter waits for a place.
func (a *applier) enter() lane {
	l := a.lanes
	l <- struct{}{}
	return l
}

// leave gives the place to the next one. Once more does nothing.
func (l *lane) leave() {
	if *l != nil {
		<-*l
		*l = nil
	}
}
