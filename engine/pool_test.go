package engine

import (
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

func TestPool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var under, most, done atomic.Int64
		p := &pool{do: func(unit) {
			most.Store(max(most.Load(), under.Add(1)))
			time.Sleep(time.Second)
			under.Add(-1)
			done.Add(1)
		}}
		rows := func(n int) {
			for range n {
				p.begin(unit{actions: make([]action, 1)})
			}
			p.begin(unit{})
		}
		rows(2)
		p.wait()
		require.EqualValues(t, 2, done.Load())
		require.EqualValues(t, 1, most.Load(), "one at a time unless it is told")
		for _, size := range []int{3, 7, 2} {
			most.Store(0)
			before := done.Load()
			rows(1)
			p.wait()
			p.allow(size)
			require.Equal(t, before+1, done.Load())
			began := time.Now()
			rows(2 * size)
			p.wait()
			require.Equal(t, before+1+2*int64(size), done.Load())
			require.EqualValues(t, size, most.Load())
			require.Equal(t, 2*time.Second, time.Since(began), "all of the size at work")
		}
		p.end()
		p.end()
		synctest.Wait()
		require.Nil(t, p.units)
	})
}

func TestPoolBeginsNoMoreWorkersThanThereIsWorkFor(t *testing.T) {
	before := runtime.NumGoroutine()
	p := &pool{do: func(unit) {}}
	p.allow(255)
	p.begin(unit{actions: make([]action, 1)})
	p.wait()
	require.LessOrEqual(t, runtime.NumGoroutine(), before+1)
	p.end()
}
