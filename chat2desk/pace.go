package chat2desk

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	firstPause    = 200 * time.Millisecond // after a 429 that names no time; doubled while nothing passes
	maxPause      = 2 * time.Minute        // the longest that one 429 may hold everybody
	slowdown      = 0.7                    // of the rate at which a wall stands, right after it was met
	close429      = 0.92                   // of that rate is as fast as calls go while the wall is believed in
	recovery      = 0.05                   // of the rate, regained with each call that passed,
	steepest      = 0.3                    // but so many a second with each: e times as fast within three seconds
	surely        = 0.9                    // of what got through, pauses included, is never gone below
	neighbours    = 3                      // times as many that were under way passed as were refused: that is no wall
	few           = 3                      // calls tell next to nothing
	leastMeasured = 10                     // calls a second are taken for what is allowed where too few have passed to tell
	lookAgain     = 250 * time.Millisecond // how long a wall is believed in while calls pass
)

// pace is the one limiter of a Client. It never lets calls out faster than the
// ceiling, and after a 429 nobody goes before the server wants calls again. Whether
// they go slower then is for the record to say: where slower calls are refused as
// often, the rate is not the cause, and a 429 costs its pause alone.
type pace struct {
	ceiling rate.Limit
	turn    chan struct{} // holds one caller: the next to go, so that nobody overtakes
	bucket  *rate.Limiter

	mu      sync.Mutex
	until   time.Time     // nobody goes before
	pause   time.Duration // the last pause that was ours to choose
	resumed time.Time     // when calls were let out after the last pause, or the first ever
	met     time.Time     // when the first 429 since then was learnt; zero while there is none
	passed  int           // calls begun and passed since then
	after   int           // of those, answered after that 429
	refused int           // calls begun and refused since then
	record  record
	walled  bool       // the record shows a wall
	wall    rate.Limit // for calls as fast as that
	looked  time.Time  // when the record was last asked
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
// at once and no crowd leaves together after a pause that slowed them.
func (p *pace) wait(ctx context.Context) (time.Time, error) {
	select {
	case p.turn <- struct{}{}:
	case <-ctx.Done():
		return time.Time{}, ctx.Err()
	}
	defer func() { <-p.turn }()
	for now := time.Now(); ; now = time.Now() {
		if pause := p.resume(now); pause > 0 {
			if err := sleep(ctx, pause); err != nil {
				return time.Time{}, err
			}
			continue
		}
		r := p.bucket.ReserveN(now, 1)
		delay := r.DelayFrom(now)
		if err := sleep(ctx, delay); err != nil {
			r.Cancel()
			return time.Time{}, err
		}
		if delay <= 0 {
			return now, nil
		}
		if now = time.Now(); p.paused(now) <= 0 {
			return now, nil
		}
	}
}

func (p *pace) paused(now time.Time) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.until.Sub(now)
}

// resume lets calls out again after a pause, or says how long that still lasts. What
// was under way when the 429 came has mostly been answered by then, so this is when to
// judge it.
func (p *pace) resume(now time.Time) (pause time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	pause = p.until.Sub(now)
	switch {
	case pause > 0:
	case p.resumed.IsZero():
		p.resumed, p.looked = now, now
	case !p.met.IsZero():
		p.judge(now)
		p.resumed, p.met = now, time.Time{}
		p.passed, p.after, p.refused = 0, 0, 0
	}
	return pause
}

// learn takes in how a call that began at start ended. One that began before the
// last pause tells nothing new: it only lengthens this one, if the server says so.
func (p *pace) learn(start time.Time, problem *Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := start.Before(p.resumed)
	switch {
	case problem == nil && !old:
		p.pause = 0
		p.passed++
		p.record.pass(p.bucket.Limit())
		if p.met.IsZero() {
			p.climb()
		} else {
			p.after++
		}
	case problem != nil && problem.Kind == KindRateLimited:
		p.refuse(min(problem.RetryAfter, maxPause), old)
	}
}

// refuse is what a 429 does: everybody waits.
func (p *pace) refuse(wait time.Duration, old bool) {
	now := time.Now()
	if !old {
		p.refused++
		if p.met.IsZero() {
			p.met = now
			if wait <= 0 {
				p.pause = min(max(2*p.pause, firstPause), maxPause)
				wait = p.pause
			}
		}
	}
	if until := now.Add(wait); until.After(p.until) {
		p.until = until
	}
}

// judge decides at the end of a pause how fast calls go on. Where the record shows
// a wall they go below it, but hardly slower than what gets through with all the
// pauses: the server gives that for sure.
func (p *pace) judge(now time.Time) {
	kept := p.bucket.Limit()
	if kept == rate.Inf && p.after >= neighbours*p.refused {
		return // a wall would have refused more of the calls that were under way
	}
	p.record.refuse(kept, p.passed, p.refused, p.until.Sub(p.met))
	evidence := p.look(now)
	switch {
	case !p.walled && evidence < noEvidence:
		p.bucket.SetLimit(min(p.ceiling, max(kept, p.record.fastest())))
	case p.walled && kept >= p.wall*close429:
		p.bucket.SetLimit(min(kept, max(leastRate, p.allowed(kept)*slowdown, p.record.through()*surely)))
	}
}

// allowed is how fast calls may have been let through, where a wall was met. Without
// a limit nobody knows how fast calls were made; a crowd may have used up at once what
// the server gives for a second, or for all the time until it wants them back.
func (p *pace) allowed(kept rate.Limit) rate.Limit {
	if met := min(kept, p.wall); met < rate.Inf {
		return met * rate.Limit(p.passed+few) / rate.Limit(p.passed+p.refused+few)
	}
	if p.passed < few {
		return leastMeasured
	}
	return rate.Limit(float64(p.passed) / max(p.met.Sub(p.resumed), p.until.Sub(p.met), time.Second).Seconds())
}

// look asks the record for a wall, and says how much speaks for one.
func (p *pace) look(now time.Time) (evidence float64) {
	p.record.forget(now.Sub(p.looked))
	p.looked = now
	p.wall, evidence, p.walled = p.record.wall()
	return evidence
}

// climb is what a call that passed does: up to the wall, or as far as there is none.
func (p *pace) climb() {
	if now := time.Now(); p.walled && now.Sub(p.looked) > lookAgain {
		p.look(now)
	}
	kept, most := p.bucket.Limit(), p.ceiling
	if p.walled {
		most = min(most, p.wall*close429)
	}
	if next := min(kept+min(kept*recovery, steepest), most); next > kept {
		p.bucket.SetLimit(next)
	}
}
