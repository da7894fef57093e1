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
	recovery   = 0.025                  // of the target, regained with each call that passed
	creep      = 0.0004                 // the same close to the rate that a 429 met, and above it
	close429   = 0.9                    // of that rate is close
)

// pace is the one limiter of a Client. It never lets calls out faster than the
// ceiling. A 429 stops all callers until the server wants them back; from then
// on they go slower than what got through until then, soon come close to that
// again, and beyond it only slowly: at a wall that stays, hardly a call is wasted.
// With no ceiling the rate that met the refusal is what was measured.
type pace struct {
	ceiling rate.Limit
	turn    chan struct{} // holds one caller: the next to go, so that nobody overtakes
	bucket  *rate.Limiter

	mu      sync.Mutex
	until   time.Time     // nobody goes before
	cut     time.Time     // when the last 429 was learnt
	pause   time.Duration // the last pause that was ours to choose
	target  rate.Limit    // where recovery leads
	wall    rate.Limit    // the rate that the last 429 met
	passed  int           // calls that passed since that 429
	first   time.Time     // when the first call began
	started []time.Time   // the last calls, to measure by when there is no ceiling
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

// measured is how many starts are kept to measure a rate by.
const measured = 32

func (p *pace) begin() time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	if p.first.IsZero() {
		p.first = now
	}
	if p.ceiling == rate.Inf {
		if len(p.started) == measured {
			p.started = append(p.started[:0], p.started[1:]...)
		}
		p.started = append(p.started, now)
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
	known := !p.cut.IsZero() && !start.After(p.cut)
	wait := min(retryAfter, maxPause)
	if !known {
		if retryAfter <= 0 {
			p.pause = min(max(2*p.pause, firstPause), maxPause)
			wait = p.pause
		}
		p.cut = now
		last := p.bucket.Limit()
		if last == rate.Inf {
			last = p.measure(now)
		}
		// What got through is what the server allows, however many were begun.
		if since := now.Sub(p.resumed()); p.passed >= leastPassed && since > 0 {
			last = min(last, max(1, rate.Limit(float64(p.passed)/since.Seconds())))
		}
		p.target = min(p.ceiling, 2*last)
		if p.ceiling != rate.Inf {
			p.target = p.ceiling
		}
		wall := last
		if p.passed >= leastPassed && wall < p.wall {
			wall = (wall + p.wall) / 2 // one refusal below it does not prove a lower one
		}
		p.wall, p.passed = wall, 0
		p.bucket.SetLimit(max(last*slowdown, min(p.target, 1)/10))
	}
	if until := now.Add(wait); until.After(p.until) {
		p.until = until
	}
}

// leastPassed is how many calls must have passed to tell a rate by.
const leastPassed = 3

// resumed is when calls were let out again after the last 429, or the first ever.
func (p *pace) resumed() time.Time {
	if p.until.IsZero() {
		return p.first
	}
	return p.until
}

// recover is what a call that passed does.
func (p *pace) recover(start time.Time) {
	if start.After(p.cut) {
		p.pause = 0
	}
	p.passed++
	now := p.bucket.Limit()
	if now >= p.ceiling {
		return
	}
	step := rate.Limit(recovery)
	if now >= p.wall*close429 {
		step = creep
	}
	next := now + p.target*step
	if next >= p.target {
		next = p.ceiling
	}
	p.bucket.SetLimit(next)
}

// leastMeasured is taken for the rate when too few calls were made to tell.
const leastMeasured = 10

// measure is the rate of the last calls.
func (p *pace) measure(now time.Time) rate.Limit {
	if len(p.started) < 2 {
		return leastMeasured
	}
	span := max(now.Sub(p.started[0]), time.Millisecond)
	return max(leastMeasured, rate.Limit(float64(len(p.started))/span.Seconds()))
}
