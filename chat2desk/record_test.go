package chat2desk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/time/rate"
)

// calls were made at a rate, so many of which passed before each refusal.
type calls struct {
	at       rate.Limit
	passed   int
	refusals int
}

func recorded(lasted time.Duration, all ...calls) *record {
	r := &record{}
	for _, c := range all {
		for range c.refusals {
			for range c.passed {
				r.pass(c.at)
			}
			r.refuse(c.at, c.passed, 1, time.Second)
		}
		if c.refusals == 0 {
			for range c.passed {
				r.pass(c.at)
			}
		}
	}
	r.time = lasted.Seconds()
	return r
}

func TestRecordTellsAWallFromRefusalsAtRandom(t *testing.T) {
	for name, c := range map[string]struct {
		lasted time.Duration
		all    []calls
		wall   rate.Limit // 0 is none
	}{
		"nothing is known":                     {time.Second, nil, 0},
		"all passed":                           {time.Minute, []calls{{10, 600, 0}}, 0},
		"the first refusal":                    {3 * time.Second, []calls{{50, 33, 1}}, 50},
		"refused at every rate, as often":      {12 * time.Second, []calls{{20, 33, 4}, {50, 33, 4}, {200, 33, 4}}, 0},
		"refused when fast":                    {time.Minute, []calls{{20, 600, 0}, {50, 33, 4}}, 50},
		"more often when fast":                 {15 * time.Second, []calls{{20, 100, 4}, {50, 10, 8}}, 50},
		"once more often, which may be chance": {10 * time.Second, []calls{{20, 40, 4}, {50, 30, 4}}, 0},
		"at a rate that gets through":          {8 * time.Second, []calls{{10, 50, 2}}, 0},
		"without a limit, and not below":       {time.Minute, []calls{{20, 300, 0}, {rate.Inf, 5, 1}}, rate.Inf},
	} {
		t.Run(name, func(t *testing.T) {
			wall, evidence, found := recorded(c.lasted, c.all...).wall()
			require.Equal(t, c.wall > 0, found, "%v at %v", evidence, wall)
			if found {
				require.Equal(t, levelOf(c.wall), levelOf(wall*1.01))
				require.LessOrEqual(t, wall, c.wall)
			}
		})
	}
}

func TestRecordForgets(t *testing.T) {
	for after, remembered := range map[time.Duration]bool{0: true, halfLife - time.Second: true, halfLife + time.Second: false} {
		r := recorded(time.Minute, calls{20, 600, 0}, calls{50, 33, 1})
		r.forget(after)
		_, _, found := r.wall()
		require.Equal(t, remembered, found, "half a refusal is none, after %s", after)
	}
	r := recorded(time.Minute, calls{20, 10, 0}, calls{50, 9, 1})
	r.forget(time.Hour)
	require.Greater(t, r.at[levelOf(50)].refused, 0.9, "few calls are remembered for longer")

	r = recorded(time.Minute, calls{20, 600, 0})
	r.refuse(20, 1, 1, time.Minute)
	r.forget(heldLife*time.Minute - time.Second)
	require.Greater(t, r.at[levelOf(20)].refused, forgotten, "and so is a long pause")
}

// A crowd that is refused together weighs as the root of its number, and what
// passed of it in proportion.
func TestRecordOfACrowd(t *testing.T) {
	r := &record{}
	for range 48 {
		r.pass(rate.Inf)
	}
	r.refuse(rate.Inf, 48, 16, time.Second)
	require.InDelta(t, 4, r.at[levels-1].refused, 1e-9)
	require.InDelta(t, 12, r.at[levels-1].passed, 1e-9)
}

func TestLevels(t *testing.T) {
	require.Zero(t, levelOf(0))
	require.Zero(t, levelOf(leastRate))
	require.Equal(t, levels-1, levelOf(rate.Inf))
	require.Equal(t, rate.Inf, rateOf(levels-1))
	for i := range levels - 1 {
		require.Equal(t, i, levelOf(rateOf(i)), "level %d", i)
	}
	require.InDelta(t, leastRate, float64((&record{}).fastest()), 1e-9)
	require.InDelta(t, 20, float64(recorded(time.Second, calls{20, 3, 0}).fastest()), 2)
}
