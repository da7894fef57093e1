package chat2desk

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

// TestPaceAtAWallOf429 lets 64 callers without a rate of their own make 3,000
// calls to a server that lets 20 a second through, and tells the others to come
// back in a second: everybody gets through, hardly a call is wasted, and it takes
// little longer than it must.
func TestPaceAtAWallOf429(t *testing.T) {
	for name, retryAfter := range map[string]time.Duration{"says when": time.Second, "says nothing": 0} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				const calls, callers, allowed = 3000, 64, 20
				p, server := newPace(0), rate.NewLimiter(allowed, 5)
				var mu sync.Mutex
				passed, refused := 0, 0
				began := time.Now()
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
							require.NoError(t, err)
							time.Sleep(100 * time.Millisecond)
							var problem *Error
							mu.Lock()
							if server.Allow() {
								passed++
							} else {
								refused++
								problem = &Error{Kind: KindRateLimited, RetryAfter: retryAfter}
							}
							mu.Unlock()
							p.learn(start, problem)
						}
					})
				}
				all.Wait()
				ideal := time.Duration(calls) * time.Second / allowed
				t.Logf("%d refused, %s of %s", refused, time.Since(began), ideal)
				require.LessOrEqual(t, refused, calls/20)
				require.LessOrEqual(t, time.Since(began), ideal*13/10)
			})
		})
	}
}
