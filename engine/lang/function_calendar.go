package lang

import (
	"fmt"
	"time"

	"github.com/flowrunner/flowrunner/engine/step"
)

// calendarFunctions think in days and hours of the company's zone, where a day
// may have 23 or 25 hours.
func calendarFunctions() []Function {
	oneTime := []Param{{Name: "time", Shape: step.ShapeTime}}
	return []Function{
		{
			Name:      "date",
			Doc:       "The time that a text names, read in the company's zone; a date alone is its midnight.",
			Example:   `date("01.03.2026 10:30") → date("2026-03-01 10:30")`,
			Params:    []Param{{Name: "text", Shape: step.ShapeText, Literal: literalTime}},
			Result:    step.ShapeTime,
			NeedsZone: true,
			Call: func(c Context, args []any) (any, error) {
				text, err := textArg(args, 0, "text")
				if err != nil {
					return nil, err
				}
				return ParseTime(text, c.zone())
			},
		},
		{
			Name:      "addDays",
			Doc:       "The same time of day so many calendar days later, or earlier for a negative number.",
			Example:   `addDays(date("2026-02-27 09:00"), 3) → date("2026-03-02 09:00")`,
			Params:    append(oneTime[:1:1], Param{Name: "days", Shape: step.ShapeInt}),
			Result:    step.ShapeTime,
			NeedsZone: true,
			Call: func(c Context, args []any) (any, error) {
				t, err := timeArg(args, 0, "time")
				if err != nil {
					return nil, err
				}
				n, err := intArg(args, 1, "days")
				if err != nil {
					return nil, err
				}
				if n > maxDays || n < -maxDays {
					return nil, fmt.Errorf("days must be between -%d and %d, but it is %d", maxDays, maxDays, n)
				}
				return inZone(wallOf(t.In(c.zone())).AddDate(0, 0, n), c.zone()), nil
			},
		},
		{
			Name:      "startOfDay",
			Doc:       "The first moment of a time's day, which is midnight unless the clocks skip it.",
			Example:   `startOfDay(now()) → date("2026-03-02")`,
			Params:    oneTime,
			Result:    step.ShapeTime,
			NeedsZone: true,
			Call: func(c Context, args []any) (any, error) {
				t, err := timeArg(args, 0, "time")
				if err != nil {
					return nil, err
				}
				return inZone(dayOf(t.In(c.zone())), c.zone()), nil
			},
		},
		{
			Name:      "daysBetween",
			Doc:       "How many calendar days lie between two times: 0 on the same day, negative when the second is earlier.",
			Example:   `daysBetween(date("2026-02-28 23:59"), date("2026-03-01 00:01")) → 1`,
			Params:    []Param{{Name: "from", Shape: step.ShapeTime}, {Name: "to", Shape: step.ShapeTime}},
			Result:    step.ShapeInt,
			NeedsZone: true,
			Call: func(c Context, args []any) (any, error) {
				from, err := timeArg(args, 0, "from")
				if err != nil {
					return nil, err
				}
				to, err := timeArg(args, 1, "to")
				if err != nil {
					return nil, err
				}
				seconds := dayOf(to.In(c.zone())).Unix() - dayOf(from.In(c.zone())).Unix()
				return int(seconds / (24 * 60 * 60)), nil
			},
		},
		{
			Name:      "hour",
			Doc:       "The hour of a time in the company's zone, from 0 to 23.",
			Example:   `hour(date("2026-03-01 18:45")) → 18`,
			Params:    oneTime,
			Result:    step.ShapeInt,
			NeedsZone: true,
			Call: func(c Context, args []any) (any, error) {
				t, err := timeArg(args, 0, "time")
				return t.In(c.zone()).Hour(), err
			},
		},
		{
			Name:      "weekday",
			Doc:       "The day of the week in the company's zone: 1 is Monday, 7 is Sunday.",
			Example:   `weekday(date("2026-03-01")) → 7`,
			Params:    oneTime,
			Result:    step.ShapeInt,
			NeedsZone: true,
			Call: func(c Context, args []any) (any, error) {
				t, err := timeArg(args, 0, "time")
				return (int(t.In(c.zone()).Weekday())+6)%7 + 1, err
			},
		},
	}
}

// maxDays is some ten thousand years, the calendar that texts can name.
const maxDays = 3_660_000

// wallOf is what the clock on the wall shows at t, as if it hung in UTC, where
// every day has 24 hours and arithmetic on days is exact.
func wallOf(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}

// dayOf is midnight of t's day on the wall (see wallOf).
func dayOf(t time.Time) time.Time {
	y, m, d := t.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// inZone is the moment at which the wall clock in zone shows wall. When clocks
// go back and show it twice, it is the first; when they go forward and skip it,
// it is as far behind the jump as wall is. (time.Date promises neither.)
func inZone(wall time.Time, zone *time.Location) time.Time {
	y, m, d := wall.Date()
	near := time.Date(y, m, d, wall.Hour(), wall.Minute(), wall.Second(), wall.Nanosecond(), zone)
	start, end := near.ZoneBounds()

	if shown := wallOf(near); !shown.Equal(wall) {
		before := near // the skipped stretch begins where this offset ends
		if shown.After(wall) && !start.IsZero() {
			before = start.Add(-time.Nanosecond)
		}
		return wall.Add(-offset(before)).In(zone)
	}
	first := near
	for _, other := range []time.Time{start.Add(-time.Nanosecond), end} {
		if other.IsZero() || other.Year() < 1 {
			continue
		}
		if t := wall.Add(-offset(other)).In(zone); wallOf(t).Equal(wall) && t.Before(first) {
			first = t
		}
	}
	return first
}

func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

func literalTime(text string) error {
	_, err := ParseTime(text, time.UTC)
	return err
}
