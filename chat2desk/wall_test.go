package chat2desk

import (
	"fmt"
	"math/rand/v2"
	"slices"
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
// at most one call in 25 is wasted, most of them in the first moment, and it takes at
// most 1.2 times as long as it must.
func TestPaceAtAWallOf429(t *testing.T) {
	for kind, build := range walls {
		for _, perSecond := range []int{5, 20, 50} {
			for _, latency := range []time.Duration{time.Millisecond, 100 * time.Millisecond} {
				t.Run(fmt.Sprintf("%d a second, %s, %s a call", perSecond, kind, latency), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						const calls = 3000
						refused, took := meet(t, newPace(0), build(perSecond), 64, calls, latency)
						ideal := calls * time.Second / time.Duration(perSecond)
						t.Logf("%d refused, %s of %s", refused, took, ideal)
						require.LessOrEqual(t, refused, calls/25)
						require.LessOrEqual(t, took, ideal*12/10)
					})
				})
			}
		}
	}
}

// atRandom refuses a share of all calls, however fast they come.
func atRandom(share float64, retryAfter time.Duration, seed uint64) wall {
	dice := rand.New(rand.NewPCG(seed, 0))
	return func() (bool, time.Duration) { return dice.Float64() < share, retryAfter }
}

// seeds are how many times a test with refusals at random is made; its bounds are for the mean.
const seeds = 10

// TestPaceAmongRefusalsAtRandom makes 1,000 calls of which some are refused whatever
// the rate. In the mean it takes no more than twice what the pauses and the calls
// themselves must take, and three quarters of a minute to find out that the rate is not the cause.
func TestPaceAmongRefusalsAtRandom(t *testing.T) {
	const calls = 1000
	for _, share := range []float64{0.01, 0.03, 0.1} {
		for _, retryAfter := range []time.Duration{0, time.Second} {
			for _, ceiling := range []float64{0, 10, 500} {
				for _, callers := range []int{1, 64} {
					for _, latency := range []time.Duration{time.Millisecond, 100 * time.Millisecond} {
						t.Run(fmt.Sprintf("%v refused, %s, ceiling %v, %d callers, %s a call", share, retryAfter, ceiling, callers, latency), func(t *testing.T) {
							synctest.Test(t, func(t *testing.T) {
								var refused int
								var took, most time.Duration
								for seed := range uint64(seeds) {
									n, d := meet(t, newPace(ceiling), atRandom(share, retryAfter, seed), callers, calls, latency)
									refused += n
									took += d
									most = max(most, d)
								}
								must := calls * latency / time.Duration(callers)
								if ceiling > 0 {
									must = max(must, time.Duration(calls/ceiling*float64(time.Second)))
								}
								pauses := time.Duration(refused) * max(retryAfter, firstPause) / seeds
								t.Logf("%d refused, %s, %s at most; the calls take %s, the pauses %s", refused/seeds, took/seeds, most, must, pauses)
								require.LessOrEqual(t, took/seeds, 2*(must+pauses)+45*time.Second)
							})
						})
					}
				}
			}
		}
	}
}

// TestPaceAtAWallAmongRefusalsAtRandom is both: a wall of 20 calls a second, below which
// three of a hundred are refused all the same.
func TestPaceAtAWallAmongRefusalsAtRandom(t *testing.T) {
	const calls, perSecond, share = 3000, 20, 0.03
	for kind, build := range walls {
		for _, latency := range []time.Duration{time.Millisecond, 100 * time.Millisecond} {
			t.Run(fmt.Sprintf("%s, %s a call", kind, latency), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var wasted, random int
					var took, most time.Duration
					for seed := range uint64(seeds) {
						w, noise := build(perSecond), atRandom(share, time.Second, seed)
						_, d := meet(t, newPace(0), func() (bool, time.Duration) {
							if no, after := noise(); no {
								random++
								return true, after
							}
							no, after := w()
							if no {
								wasted++
							}
							return no, after
						}, 64, calls, latency)
						took += d
						most = max(most, d)
					}
					ideal := calls * time.Second / perSecond
					pauses := time.Duration(random) * time.Second / seeds
					t.Logf("%d refused by the wall, %d at random, %s, %s at most, of %s and %s of pauses", wasted/seeds, random/seeds, took/seeds, most, ideal, pauses)
					require.LessOrEqual(t, wasted/seeds, calls/20)
					require.LessOrEqual(t, took/seeds, ideal*18/10+pauses)
				})
			})
		}
	}
}

// meet lets callers make so many calls that pass. None of them begins before it may.
func meet(t *testing.T, p *pace, w wall, callers, calls int, latency time.Duration) (refused int, took time.Duration) {
	t.Helper()
	began, passed := time.Now(), 0
	var told, until time.Time
	var starts []time.Time
	early := 0
	var mu sync.Mutex
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			for {
				mu.Lock()
				done := passed >= calls
				mu.Unlock()
				if done {
					return
				}
				start, err := p.wait(t.Context())
				if err != nil {
					return
				}
				mu.Lock()
				starts = append(starts, start)
				if start.After(told) && start.Before(until) {
					early++
				}
				mu.Unlock()
				time.Sleep(latency)
				mu.Lock()
				no, after := w()
				var problem *Error
				if no {
					refused++
					problem = &Error{Kind: KindRateLimited, RetryAfter: after}
					if now := time.Now(); now.Add(after).After(until) {
						told, until = now, now.Add(after)
					}
				} else {
					passed++
				}
				mu.Unlock()
				p.learn(start, problem)
			}
		})
	}
	all.Wait()
	require.GreaterOrEqual(t, passed, calls, "nobody is lost")
	require.Zero(t, early, "calls before the server wants them")
	if p.ceiling < rate.Inf {
		slices.SortFunc(starts, time.Time.Compare)
		for i := int(p.ceiling) + 1; i < len(starts); i++ {
			require.GreaterOrEqual(t, starts[i].Sub(starts[i-int(p.ceiling)-1]), 999*time.Millisecond, "more than the ceiling, and one, within a second")
		}
	}
	return refused, time.Since(began)
}
