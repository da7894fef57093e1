package engine

import (
	"fmt"
	"time"

	"github.com/adhocore/gronx"
)

// Schedule is when a flow is due, in its zone: the slots of `schedule:`. It runs
// nothing; cron or CI does, and a run finds out which slot it serves.
//
// A slot is a minute that the clocks of the zone really show. One that the clocks
// jump over never comes, and one that they show twice comes twice.
type Schedule struct {
	Cron string
	zone *time.Location
}

// slotForm is how the slot of `oncePer: run` stands in a period: as the clocks
// show it, so that a slot that comes twice is one occasion.
const slotForm = "2006-01-02T15:04"

// Last is the latest slot at or before t; false when there is none within reach
// of the search, which is decades.
func (s *Schedule) Last(t time.Time) (time.Time, bool) {
	t = t.In(s.zone).Truncate(time.Minute)
	for {
		// Between two changes of the clocks, the zone is as good as UTC.
		from, _ := t.ZoneBounds()
		wall := onTheWall(t)
		tick, err := gronx.PrevTickBefore(s.Cron, wall, true)
		if err != nil {
			return time.Time{}, false
		}
		slot := t.Add(tick.Sub(wall))
		if from.IsZero() || !slot.Before(from) {
			return slot, true
		}
		t = from.Add(-time.Minute)
	}
}

// Next is the first slot after t; false when there is none within reach.
func (s *Schedule) Next(t time.Time) (time.Time, bool) {
	t = t.In(s.zone).Truncate(time.Minute).Add(time.Minute)
	for {
		_, until := t.ZoneBounds()
		wall := onTheWall(t)
		tick, err := gronx.NextTickAfter(s.Cron, wall, true)
		if err != nil {
			return time.Time{}, false
		}
		slot := t.Add(tick.Sub(wall))
		if until.IsZero() || slot.Before(until) {
			return slot, true
		}
		t = until.In(s.zone)
	}
}

// onTheWall is what the clocks show at t, as a time of UTC, where every minute
// of the calendar is there once.
func onTheWall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), 0, 0, time.UTC)
}

// Skipped finds the first slot from t to until that the clocks of the zone jump
// over, as they would show it, and Doubled the first that they show twice; ok is
// false when there is none. A schedule that also has slots in the hours before and
// after only has one more or less in a long row, and is regular enough.
func (s *Schedule) Skipped(t, until time.Time) (slot time.Time, ok bool) {
	return s.atChange(t, until, func(before, after time.Time) (low, high time.Time) { return before, after })
}

// Doubled is described with Skipped.
func (s *Schedule) Doubled(t, until time.Time) (slot time.Time, ok bool) {
	return s.atChange(t, until, func(before, after time.Time) (low, high time.Time) { return after, before })
}

// atChange looks at each change of the clocks from t to until: what they would
// have shown at that moment, and what they show instead, are the ends of the time
// that a slot must not be in. Where these come in the other order, there is none.
func (s *Schedule) atChange(t, until time.Time, ends func(before, after time.Time) (low, high time.Time)) (time.Time, bool) {
	for t = t.In(s.zone); ; {
		_, change := t.ZoneBounds()
		if change.IsZero() || change.After(until) {
			return time.Time{}, false
		}
		change = change.In(s.zone)
		low, high := ends(onTheWall(change.Add(-time.Minute)).Add(time.Minute), onTheWall(change))
		if slot, ok := s.onTheWallIn(low, high); ok {
			_, earlier := s.onTheWallIn(low.Add(-time.Hour), low)
			_, later := s.onTheWallIn(high, high.Add(time.Hour))
			if !earlier || !later {
				return slot, true
			}
		}
		t = change
	}
}

// onTheWallIn is the first slot that the clocks show from low on and before high.
func (s *Schedule) onTheWallIn(low, high time.Time) (time.Time, bool) {
	at, err := gronx.NextTickAfter(s.Cron, low, true)
	return at, err == nil && at.Before(high)
}

// SlotError says that a moment is no slot of the schedule.
type SlotError struct {
	Slot         time.Time
	Before, Next time.Time // the slots around it; zero where there is none
}

func (e *SlotError) Error() string {
	if e.Before.IsZero() && e.Next.IsZero() {
		return "a slot is given, but the flow has no schedule"
	}
	const form = "2006-01-02T15:04"
	return fmt.Sprintf("%s is no slot of the schedule; those around it are %s and %s", e.Slot.Format(form), e.Before.Format(form), e.Next.Format(form))
}

// serving is the slot that a new run at now serves: the one asked for, else the
// latest.
func (p *Program) serving(asked *time.Time, now time.Time) (*time.Time, error) {
	if asked == nil {
		return p.slotOf(now)
	}
	if p.Schedule == nil {
		return nil, &SlotError{Slot: *asked}
	}
	last, _ := p.Schedule.Last(*asked)
	if slot := asked.In(p.Zone); slot.Equal(last) {
		return &slot, nil
	}
	next, _ := p.Schedule.Next(*asked)
	return nil, &SlotError{Slot: asked.In(p.Zone), Before: last, Next: next}
}

// slotOf is the slot that a run at now serves, nil for a flow without a schedule.
func (p *Program) slotOf(now time.Time) (*time.Time, error) {
	if p.Schedule == nil {
		return nil, nil //nolint:nilnil // no schedule, no slot
	}
	slot, ok := p.Schedule.Last(now)
	if !ok {
		return nil, fmt.Errorf("find the slot of schedule.cron %q: none lies before %s", p.Schedule.Cron, now.Format(time.RFC3339))
	}
	return &slot, nil
}
