package chat2desk

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	firstPause = 200 * time.Millisecond // after a 429 that names no time; doubled while nothing passes
	maxPause   = 2 * time.Minute        // the longest that one 429 may hold everybody
	slowdown   = 0.7                    // of the rate that a 429 met
	recovery   = 0.05                   // of that rate, regained with each call that passed
	close429   = 0.9                    // of it is close to it
	probing    = 8                      // pauses, from there to the rate that was met
)

// pace is the one limiter of a Client. It never lets calls out faster than the
// ceiling. A 429 stops all callers until the server wants them back; from then
// on they go slower than what got through until then, soon come close to that
// again, and beyond it only slowly: at a wall that stays, hardly a call is wasted.
// The numbers were chosen by TestPaceAtAWallOf429, over walls of several kinds.
type pace struct {
	ceiling rate.Limit
	turn    chan struct{} // holds one caller: the next to go, so that nobody overtakes
	bucket  *rate.Limiter

	mu     sync.Mutex
	until  time.Time     // nobody goes before
	cut    time.Time     // when the last 429 was learnt
	pause  time.Duration // the last pause that was ours to choose
	held   time.Duration // how long the last 429 held everybody
	wall   rate.Limit    // the rate that it met
	guess  bool          // that rate is a guess: nobody has tried to stay below it yet
	passed int           // calls that passed since
	first  time.Time     // when the first call began
}

func newPace(perSecond float64) *pace {
	p := &pace{ceiling: rate.Inf, turn: make(chan struct{}, 1)}
	if perSecond > 0 {
		p.ceiling = rate.Limit(perSecond)
	}
	p.bucket = rate.NewLimiter(p.ceiling, 1)
	return p
}

// wait returns when the caller may make its call, with the moment of that. Only
// one caller at a time looks at pause and bucket, so a slower rate is in force
// at once and no crowd leaves together after a pause.
func (p *pace) wait(ctx context.Context) (time.Time, error) {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	defer func() { <-p.turn }()
	for {
		if err := sleep(ctx, p.paused()); err != nil {
			return time.Time{}, err
		}
		r := p.bucket.Reserve()
		if err := sleep(ctx, r.Delay()); err != nil {
			r.Cancel()
			return time.Time{}, err
		}
		if p.paused() <= 0 {
			return p.begin(), nil
		}
	}
}

func (p *pace) paused() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return time.Until(p.until)
}

func (p *pace) begin() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.first.IsZero() {
		p.first = now
	}
	return now
}

// learn takes in how a call that began at start ended.
func (p *pace) learn(start time.Time, problem *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case problem == nil:
		p.recover(start)
	case problem.Kind == KindRateLimited:
		p.slow(start, problem.RetryAfter)
	}
}

// slow is what a 429 does. Calls that were under way when an earlier 429 was
// learnt tell nothing new: they only lengthen the pause if the server says so.
func (p *pace) slow(start time.Time, retryAfter time.Duration) {
	now := time.Now()
	wait := min(retryAfter, maxPause)
	if p.cut.IsZero() || start.After(p.cut) {
		if retryAfter <= 0 {
			p.pause = min(max(2*p.pause, firstPause), maxPause)
			wait = p.pause
		}
		p.cut = now
		met := p.met(now.Sub(p.resumed()), wait)
		if p.passed >= leastPassed && met < p.wall {
			p.wall = (met + p.wall) / 2 // one refusal below it does not prove a lower one
		} else {
			p.wall = met
		}
		p.guess = p.bucket.Limit() == rate.Inf && now.Sub(p.resumed()) < wait
		p.passed, p.held = 0, wait
		p.bucket.SetLimit(met * slowdown)
	}
	if until := now.Add(wait); until.After(p.until) {
		p.until = until
	}
}

// met is the rate that a 429 has met: what got through, however many calls were
// begun. Where no rate was given, a crowd may have used up at once what the server
// gives for all the time until it wants them back.
func (p *pace) met(open, wait time.Duration) rate.Limit {
	kept := p.bucket.Limit()
	if p.passed < leastPassed {
		return min(kept, leastMeasured)
	}
	if p.ceiling == rate.Inf {
		open = max(open, wait)
	}
	return min(kept, max(leastRate, rate.Limit(float64(p.passed)/max(open, time.Millisecond).Seconds())))
}

const (
	leastPassed   = 3  // calls must have passed to tell a rate by
	leastMeasured = 10 // calls a second, where too few have
	leastRate     = 0.1
	leastHeld     = time.Second // taken for a pause, where it was shorter
)

// resumed is when calls were let out again after the last 429, or the first ever.
func (p *pace) resumed() time.Time {
	if p.until.IsZero() {
		return p.first
	}
	return p.until
}

// recover is what a call that passed does. A refusal costs a pause, so close to a
// wall the time until the next is counted in pauses; and the longer none comes, the less
// is the wall still believed in.
func (p *pace) recover(start time.Time) {
	if start.After(p.cut) {
		p.pause = 0
	}
	p.passed++
	now := p.bucket.Limit()
	if now >= p.ceiling {
		return
	}
	step := p.wall * recovery
	switch {
	case p.guess:
		step = now * recovery
	case now >= p.wall*close429:
		probe := (probing * max(p.held, leastHeld)).Seconds()
		calm := max(0, time.Since(p.resumed())).Seconds() / probe
		step = p.wall * (1 - close429) / rate.Limit(probe) / now * rate.Limit(1+calm*calm)
	}
	p.bucket.SetLimit(min(now+step, p.ceiling))
}
