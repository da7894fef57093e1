package engine

import (
	"math/rand/v2"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"
)

// caller is a client that knows how many calls it has made.
type caller struct{ atomic.Int64 }

func (c *caller) Calls() int64 { return c.Load() }

// The last call of the month is made once, however many are made side by side, and
// none that is left is given up because others may need it.
func TestTheMonthIsUsedUpToTheLastCall(t *testing.T) {
	for _, left := range []int{0, 1, 2, 63, 64, 65, 500} {
		client, used := &caller{}, 1000-left
		links := NewLinks()
		links.shared["client"] = &sharedValue{value: client}
		links.month["account"] = &used
		a := &applier{session: &session{p: &Program{Guard: Guard{MonthlyCalls: &Bound{N: 1000}}}, links: links}, month: newMonthCalls()}
		a.o.Drain = t.Context()

		var workers sync.WaitGroup
		for range 64 {
			workers.Go(func() {
				for a.takeCall() == nil {
					for range rand.IntN(20) {
						runtime.Gosched()
					}
					if rand.IntN(4) > 0 { // else it is not made after all
						client.Add(1)
						runtime.Gosched()
					}
					a.giveCall()
				}
			})
		}
		workers.Wait()
		require.Equal(t, int64(left), client.Load())
		require.Zero(t, a.month.under)
		require.Equal(t, "guard.monthlyCalls: all 1000 calls of this month are made", a.stopReason())
	}
}
