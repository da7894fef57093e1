package engine

import (
	"context"
	"sync/atomic"
	"time"
)

// lanes are the places of the sends on their way. As many may have a call under way
// as the loop's concurrency says. A quarter as many again are spares, which have
// their intent made durable while they wait for leave to call: the commit of the
// ledger then costs no time between two calls.
//
// Spares are for lanes alone. Where the rate is what sends wait for, or where calls
// do not come back, an intent made early would only grow old, so there is none.
type lanes struct {
	places chan struct{} // of those that may have an intent: the calls, and the spares
	calls  chan struct{}
	slow   atomic.Bool // the spare that waited last for leave to call waited for long
	paced  atomic.Bool // the call that began last had to wait for the rate
}

// spareLife is how long an intent that was made early holds. One that is older when
// its call could begin is taken back, and made anew.
const spareLife = time.Second

// paceWait is how long a call waits at the least that has to wait for the rate.
const paceWait = 10 * time.Millisecond

// newLanes has places for so many calls at a time, and for so many spares.
func newLanes(calls, spares int) *lanes {
	return &lanes{places: make(chan struct{}, calls+spares), calls: make(chan struct{}, calls)}
}

// widen lets as many sends of a step go side by side as its loop says. As many
// iterations again, less one, may be writing down what they were told: one at a
// time stays one at a time. With a canary there are none of these and no spares,
// since who comes first should be who stands first in the plan.
func (a *applier) widen(p *pool, step string) {
	n := a.p.width(step)
	units, spares := 2*n-1, 0
	switch {
	case a.o.Canary != nil:
		units = n
	case n > 1:
		spares = max(1, n/4)
	}
	p.size(units)
	if cap(a.lanes.calls) != n || cap(a.lanes.places) != n+spares {
		p.wait()
		a.lanes = newLanes(n, spares)
	}
}

// lane is the place of one send, from before its intent until the answer. An
// accepted message gives its place away before its outcome is written down, so that
// a commit of the ledger keeps nobody from sending; whatever else came of a send
// keeps its place until it is counted, since it may stop the run.
type lane struct {
	of      *lanes    // nil: the place was left
	calling bool      // it may call; else it is a spare
	since   time.Time // when a spare began to wait
}

// enter waits for a place.
func (l *lanes) enter() lane {
	l.places <- struct{}{}
	select {
	case l.calls <- struct{}{}:
		return lane{of: l, calling: true}
	default:
		return lane{of: l, since: time.Now()}
	}
}

// early reports whether a spare should make its intent now.
func (l *lane) early() bool { return !l.of.paced.Load() && !l.of.slow.Load() }

// call waits for leave to call. It reports false when ctx has ended, or when it took
// longer than most; 0 is for as long as it takes.
func (l *lane) call(ctx context.Context, most time.Duration) bool {
	var over <-chan time.Time
	if most > 0 {
		timer := time.NewTimer(most)
		defer timer.Stop()
		over = timer.C
	}
	select {
	case l.of.calls <- struct{}{}:
		l.calling = true
	case <-over:
	case <-ctx.Done():
	}
	l.of.slow.Store(time.Since(l.since) >= spareLife)
	return l.calling
}

// leave gives the place to the next one. Once more does nothing.
func (l *lane) leave() {
	if l.of == nil {
		return
	}
	if l.calling {
		<-l.of.calls
	}
	<-l.of.places
	*l = lane{}
}
