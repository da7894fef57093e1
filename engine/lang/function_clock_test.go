package lang

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/step"
)

func TestAges(t *testing.T) {
	c := exampleContext(t)
	ago := func(d time.Duration) any { return c.Now.Add(-d) }
	const day = 24 * time.Hour
	for _, tt := range []struct {
		name                        string
		at                          any
		within, olderThan, upcoming bool
	}{
		{"nil", nil, false, false, false},
		{"now", ago(0), true, false, false},
		{"a day ago", ago(day), true, false, false},
		{"30 days ago to the second", ago(30 * day), true, false, false},
		{"a moment more", ago(30*day + 1), false, true, false},
		{"in a day", ago(-day), true, false, true},
		{"in 30 days", ago(-30 * day), true, false, true},
		{"in 30 days and a moment", ago(-30*day - 1), false, false, false},
		{"the year 1", time.Time{}, false, true, false},
		{"the end of time", time.Unix(1<<60, 0), false, false, false},
	} {
		for _, limit := range []any{"30d", 30 * day} {
			require.Equal(t, tt.within, callOne(t, c, "within", tt.at, limit), tt.name)
			require.Equal(t, tt.olderThan, callOne(t, c, "olderThan", tt.at, limit), tt.name)
			require.Equal(t, tt.upcoming, callOne(t, c, "upcoming", tt.at, limit), tt.name)
		}
	}
	require.Equal(t, false, callOne(t, c, "within", c.Now, "-1d"))
	require.Equal(t, false, callOne(t, c, "olderThan", ago(-time.Hour), "-1d"))
	require.Contains(t, callFails(t, c, "within", nil, "90x"), `"x" is no unit`)
	require.Equal(t, `duration must be a duration such as "30d", but it is an integer`, callFails(t, c, "within", c.Now, 30))
	require.Equal(t, "time must be a time, but it is a text", callFails(t, c, "olderThan", "2026-01-01", "30d"))
}

func TestAgesAreCheckedBeforeTheRun(t *testing.T) {
	f := mustFunction(t, "within")
	require.NoError(t, f.literal(0, "anything"))
	require.NoError(t, f.literal(1, "30d"))
	require.ErrorContains(t, f.literal(1, "90x"), "no unit")
	require.EqualError(t, f.literal(1, "-1d"), `"-1d" is negative: write how long, without a minus`)
	for _, s := range []step.Shape{step.ShapeText, step.ShapeDuration, step.ShapeAny} {
		got, err := f.Infer([]step.Shape{step.ShapeTime.OrNil(), s})
		require.NoError(t, err)
		require.Equal(t, step.ShapeBool, got)
	}
	_, err := f.Infer([]step.Shape{step.ShapeTime, step.ShapeInt})
	require.EqualError(t, err, `the duration must be a text such as "30d" or a duration, not integer`)
	require.ErrorContains(t, mustFunction(t, "duration").literal(0, "x"), "no duration")
}

func TestNowIsInTheCompanysZone(t *testing.T) {
	c := Context{Now: time.Date(2026, 3, 1, 22, 0, 0, 0, time.UTC), Zone: zoneOf(t, "Asia/Almaty")}
	require.Equal(t, "2026-03-02 03:00", callOne(t, c, "now").(time.Time).Format("2006-01-02 15:04"))
	require.Equal(t, 3, callOne(t, c, "hour", c.Now))
	require.Equal(t, 22, callOne(t, Context{Now: c.Now}, "hour", c.Now), "without a zone it is UTC")
}
