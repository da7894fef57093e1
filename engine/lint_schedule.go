package engine

import "time"

// slotsAhead is how far slots are looked at: each change of the clocks of a year.
const slotsAhead = 366 * 24 * time.Hour

// slots finds slots of the schedule, from now on, that a change of the clocks
// jumps over or shows twice.
func (l *linter) slots(now time.Time) {
	if l.p.Schedule == nil {
		return
	}
	at, hint := l.p.Doc.Schedule.Get("cron").Span, "choose a time of day that every day has, such as 10:00"
	if slot, ok := l.p.Schedule.Skipped(now, now.Add(slotsAhead)); ok {
		l.warn("slot-skipped", at, "the slot of %s never comes", slot.Format("2006-01-02 15:04")).
			WithDetail("On that day the clocks of %s are put forward and jump over this time. Cron may begin the flow later, or not at all.", l.p.Zone).
			WithHint("%s", hint)
	}
	if slot, ok := l.p.Schedule.Doubled(now, now.Add(slotsAhead)); ok {
		l.warn("slot-twice", at, "the slot of %s comes twice", slot.Format("2006-01-02 15:04")).
			WithDetail("On that day the clocks of %s are put back and show this time twice. Cron may begin the flow twice; both runs serve one slot, and nobody is written to twice.", l.p.Zone).
			WithHint("%s", hint)
	}
}
