package heap

import (
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestALittleHeap(t *testing.T) {
	require.Equal(t, most, percent(0, 0))
	require.Equal(t, most, percent(1<<20, 2<<20))
}

func TestPercent(t *testing.T) {
	const mb = 1 << 20
	for _, test := range []struct {
		heap, growth uint64
	}{
		{3 * mb, 6 * mb}, {6 * mb, 6 * mb}, {12 * mb, 6 * mb}, {13 * mb, 7 * mb}, {100 * mb, 94 * mb}, {4000 * mb, 3994 * mb},
	} {
		for _, more := range []uint64{1, mb, 5 * mb} { // stacks and globals
			all := test.heap + more
			growth := uint64(percent(test.heap, all)) * all / 100
			require.LessOrEqual(t, growth, test.growth)
			require.InDelta(t, test.growth, growth, float64(all/100+1), "%d of %d", test.heap, all)
		}
	}
}

// percentNow is what the runtime goes by.
func percentNow() int {
	s := []metrics.Sample{{Name: "/gc/gogc:percent"}}
	metrics.Read(s)
	return int(s[0].Value.Uint64())
}

var held []byte //nolint:gochecknoglobals // lives until the test has looked

var garbage []byte //nolint:gochecknoglobals // so that it is allocated

// allocate makes so many MB of garbage.
func allocate(mb int) {
	for range mb {
		garbage = make([]byte, 1<<20)
	}
}

// TestACollectionThatWasAskedFor leaves the percentage as it is; any other one changes
// the first.
func TestACollectionThatWasAskedFor(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(first))
	a := &adjuster{percent: first}
	Ahead()
	a.adjust()
	require.Equal(t, first, a.percent)
	allocate(100)
	a.adjust()
	require.LessOrEqual(t, a.percent, most)
}

func TestSteadyFollowsTheHeap(t *testing.T) {
	defer debug.SetGCPercent(percentNow())
	t.Setenv("GOGC", "")
	Steady()
	held = make([]byte, 64<<20)
	require.Eventually(t, func() bool {
		allocate(100)
		return percentNow() > 60 && percentNow() < 100
	}, 30*time.Second, time.Millisecond, "64 MB may grow by nearly as much")
	held = nil
	require.Eventually(t, func() bool {
		allocate(100)
		return percentNow() > 100
	}, 30*time.Second, time.Millisecond, "little may grow by more than itself")
}

func TestWhoSetsGOGCDecides(t *testing.T) {
	before := percentNow()
	t.Setenv("GOGC", "35")
	Steady()
	require.Equal(t, before, percentNow())
}
