package engine

import (
	"context"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// An intent is made early where leave to call comes soon.
func TestWhenASpareIsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(2, true)
		other, first, spare := l.enter(), l.enter(), l.enter()
		require.True(t, first.calling)
		require.False(t, spare.calling)
		require.True(t, spare.early())

		l.paced.Store(true)
		require.False(t, spare.early())
		l.paced.Store(false)
		require.True(t, spare.early())

		// The call hangs: the spare has waited for too long, also when it may call at last.
		require.False(t, spare.call(t.Context(), spareLife))
		require.False(t, spare.early())
		go func() {
			time.Sleep(time.Millisecond)
			first.leave()
		}()
		require.True(t, spare.call(t.Context(), 0))
		require.False(t, spare.early())

		// The next one waits for a moment only.
		next := l.enter()
		go func() {
			time.Sleep(time.Millisecond)
			spare.leave()
			spare.leave() // once more does nothing
		}()
		require.True(t, next.call(t.Context(), spareLife))
		require.True(t, next.early())

		// Whoever waits while the run ends does not call.
		ctx, cancel := context.WithCancel(t.Context())
		last := l.enter()
		cancel()
		require.False(t, last.call(ctx, 0))
		last.leave()
		next.leave()
		other.leave()
		require.Zero(t, l.taken)
		require.Empty(t, l.calls)
	})
}

// Where calls come back quickly there are more spares, so many that an intent stands for
// about its head start, and bounded; where they are slow there are few.
func TestHowManySpares(t *testing.T) {
	const commit = 2 * time.Millisecond
	for _, tt := range []struct {
		name        string
		n           int
		call        time.Duration
		least, most int // more spares than the fewest, once it has gone on like that
	}{
		{"at once", 4, 100 * time.Microsecond, 8, 8},
		{"at once, by many", 64, time.Millisecond, mostSpares - 16, mostSpares - 16},
		{"at once, by as many as can be", 256, time.Millisecond, mostSpares - 64, mostSpares - 64},
		{"soon", 64, 20 * time.Millisecond, 4, 48},
		{"slowly", 64, 100 * time.Millisecond, 0, 0},
		{"slowly, by few", 4, 100 * time.Millisecond, 0, 0},
		{"slowly, by two", 2, 100 * time.Millisecond, 0, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, ctx := newLanes(tt.n, true), t.Context()
				last := time.Millisecond // the mean of a call, quick at first
				send := func() {
					p := l.enter()
					defer p.leave()
					time.Sleep(commit)
					for !p.calling {
						require.True(t, p.call(ctx, spareLife))
					}
					time.Sleep(time.Duration(rand.Int64N(int64(2 * last))))
				}
				pool := &pool{do: func(unit) { send() }}
				defer pool.end()
				many := func(sends int) (most int) {
					for range sends {
						pool.allow(l.units())
						pool.begin(unit{actions: make([]action, 1)})
						pool.mu.Lock()
						most = max(most, pool.under)
						pool.mu.Unlock()
					}
					pool.wait()
					return most
				}
				require.LessOrEqual(t, many(20*tt.n), 2*tt.n-1+2*min(2*tt.n, mostSpares-tt.n/4))
				last = tt.call
				many(200 * tt.n)
				require.GreaterOrEqual(t, l.more, tt.least)
				require.LessOrEqual(t, l.more, tt.most)
				require.Equal(t, 2*tt.n-1+2*l.more, l.units())
				require.Zero(t, l.taken)
			})
		})
	}
}
