package engine

import (
	"context"
	"sync"
	"sync/atomic"
	"time"
)

// lanes are the places of the sends on their way. As many may have a call under way
// as the loop's concurrency says. Some more are spares, which have their intent made
// durable while they wait for leave to call: the commit of the ledger then costs no
// time between two calls. There are a quarter as many spares as calls, and where
// calls come back so quickly that an intent has less than its headStart, up to
// mostSpares (docs/adr/0027).
//
// Spares are for lanes alone. Where the rate is what sends wait for, or where calls
// do not come back, an intent made early would only grow old, so there is none.
type lanes struct {
	n     int           // calls at a time
	ahead bool          // there are spares
	calls chan struct{} // has an element for each of them
	slow  atomic.Bool   // the spare that waited last for leave to call waited for long
	paced atomic.Bool   // the call that began last had to wait for the rate

	mu    sync.Mutex
	freed sync.Cond
	taken int           // places
	more  int           // spares than there are at least
	seen  int           // calls that had an intent early, since more was set
	stood time.Duration // these intents had stood, all together
}

// spareLife is how long an intent that was made early holds. One that is older when
// its call could begin is taken back, and made anew.
const spareLife = time.Second

// headStart is how long an intent should stand before its call: longer than a commit of
// the ledger takes, so that no call waits for it, and no longer, since each of them is a
// message in doubt if the process is killed.
const headStart = 10 * time.Millisecond

// mostSpares bounds how many spares there are. Those beside a quarter of the calls are
// not more than twice the calls, either.
const mostSpares = 112

// paceWait is how long a call waits at the least that has to wait for the rate.
const paceWait = 10 * time.Millisecond

// newLanes has places for so many calls at a time, and for spares if there is more
// than one and some should be ahead of them.
func newLanes(n int, ahead bool) *lanes {
	l := &lanes{n: n, ahead: ahead && n > 1, calls: make(chan struct{}, n)}
	l.freed.L = &l.mu
	return l
}

// places are how many may be taken now. The mutex is held.
func (l *lanes) places() int {
	if !l.ahead {
		return l.n
	}
	return l.n + l.fewest() + l.more
}

// fewest is how many spares there are at least.
func (l *lanes) fewest() int { return max(1, l.n/4) }

// units is how many iterations may go side by side. As many as there are calls, less
// one, may be writing down what they were told, and more where more are ahead: one at
// a time stays one at a time.
func (l *lanes) units() int {
	if !l.ahead {
		return l.n
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return 2*l.n - 1 + 2*l.more
}

// widen lets as many sends of a step go side by side as its loop says. With a canary
// there are no spares, since who comes first should be who stands first in the plan.
func (a *applier) widen(p *pool, step string) {
	n, ahead := a.p.width(step), a.o.Canary == nil
	if a.lanes.n != n || a.lanes.ahead != (ahead && n > 1) {
		p.wait()
		a.lanes = newLanes(n, ahead)
	}
}

// submit performs a unit beside as many others as there is room for now.
func (a *applier) submit(p *pool, u unit) {
	p.allow(a.lanes.units())
	p.begin(u)
}

// lane is the place of one send, from before its intent until the answer. An
// accepted message gives its place away before its outcome is written down, so that
// a commit of the ledger keeps nobody from sending; whatever else came of a send
// keeps its place until it is counted, since it may stop the run.
type lane struct {
	of      *lanes    // nil: the place was left
	calling bool      // it may call; else it is a spare
	since   time.Time // when a spare began to wait for leave to call
}

// enter waits for a place.
func (l *lanes) enter() lane {
	l.mu.Lock()
	for l.taken >= l.places() {
		l.freed.Wait()
	}
	l.taken++
	l.mu.Unlock()
	select {
	case l.calls <- struct{}{}:
		return lane{of: l, calling: true}
	default:
		return lane{of: l}
	}
}

// early reports whether a spare should make its intent now.
func (l *lane) early() bool { return !l.of.paced.Load() && !l.of.slow.Load() }

// call waits for leave to call. It reports false when ctx has ended, or when it took
// longer than most, for which an intent that was made early may wait; 0 is for as long
// as it takes, without an intent.
func (l *lane) call(ctx context.Context, most time.Duration) bool {
	var over <-chan time.Time
	if most > 0 {
		timer := time.NewTimer(most)
		defer timer.Stop()
		over = timer.C
	}
	if l.since.IsZero() {
		l.since = time.Now()
	}
	select {
	case l.of.calls <- struct{}{}:
		l.calling = true
	case <-over:
	case <-ctx.Done():
	}
	waited := time.Since(l.since)
	l.of.slow.Store(waited >= spareLife)
	if l.calling && most > 0 {
		l.of.adapt(waited)
	}
	return l.calling
}

// adapt learns from how long intents stood before their calls. It looks at the mean of as
// many as there are places, so that what changed last shows in it, and has at most twice as
// many spares then, or half.
func (l *lanes) adapt(stood time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stood += stood
	if l.seen++; l.seen < l.places() {
		return
	}
	mean := max(l.stood/time.Duration(l.seen), 1)
	l.stood, l.seen = 0, 0
	spares := l.places() - l.n
	wanted := min(max(int(time.Duration(spares)*headStart/mean), spares/2), 2*spares)
	l.more = max(0, min(wanted, mostSpares, l.fewest()+2*l.n)-l.fewest())
	l.freed.Broadcast()
}

// leave gives the place to the next one. Once more does nothing.
func (l *lane) leave() {
	if l.of == nil {
		return
	}
	if l.calling {
		<-l.of.calls
	}
	l.of.mu.Lock()
	l.of.taken--
	l.of.mu.Unlock()
	l.of.freed.Signal()
	*l = lane{}
}
