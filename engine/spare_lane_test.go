package engine

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// An intent is made early where leave to call comes soon.
func TestWhenASpareIsEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLanes(1, 1)
		first, spare := l.enter(), l.enter()
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
		require.Empty(t, l.places)
		require.Empty(t, l.calls)
	})
}
