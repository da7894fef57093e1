package guard

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Hours are the hours of a week in which messages may go out, by the clock on
// the wall. The zero value is never open; ParseHours makes them.
type Hours struct {
	from, to int // minutes of the day; to is before from where midnight lies between
	days     [7]bool
	text     string
}

var hoursForm = regexp.MustCompile(`^(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})$`)

const minutesADay = 24 * 60

// ParseHours reads "09:00-21:00" or, over midnight, "21:00-02:00", and days such
// as "mon-sat", "mon", "fri-mon"; no days are all of them. The error says what is
// wrong and nothing of where it stands.
func ParseHours(allow string, days []string) (Hours, error) {
	m := hoursForm.FindStringSubmatch(strings.TrimSpace(allow))
	if m == nil {
		return Hours{}, fmt.Errorf("%q are no hours of a day", allow)
	}
	minute := func(hour, min string) int {
		h, _ := strconv.Atoi(hour)
		n, _ := strconv.Atoi(min)
		if n > 59 {
			return -1
		}
		return h*60 + n
	}
	h := Hours{from: minute(m[1], m[2]), to: minute(m[3], m[4])}
	switch {
	case h.from < 0 || h.to < 0 || h.from >= minutesADay || h.to > minutesADay:
		return Hours{}, fmt.Errorf("%q are no hours of a day: they go from 00:00 to 24:00", allow)
	case h.from == h.to:
		return Hours{}, fmt.Errorf("%q is no time at all", allow)
	}
	h.text = fmt.Sprintf("%02d:%02d-%02d:%02d", h.from/60, h.from%60, h.to/60, h.to%60)
	if len(days) == 0 {
		h.days = [7]bool{true, true, true, true, true, true, true}
		return h, nil
	}
	var shown []string
	for _, text := range days {
		first, last, isRange := strings.Cut(strings.ToLower(strings.TrimSpace(text)), "-")
		from, to := weekday(first), weekday(first)
		if isRange {
			to = weekday(last)
		}
		if from < 0 || to < 0 {
			return Hours{}, fmt.Errorf("%q is no day of the week", text)
		}
		for d := from; ; d = (d + 1) % 7 {
			h.days[d] = true
			if d == to {
				break
			}
		}
		shown = append(shown, strings.ToLower(strings.TrimSpace(text)))
	}
	h.text += " " + strings.Join(shown, ", ")
	return h, nil
}

// weekday is the number of a day from its name, -1 for none.
func weekday(name string) int {
	name = strings.TrimSpace(name)
	return slices.IndexFunc(Weekdays, func(d string) bool { return name == d || name == weekdayNames[d] })
}

// Weekdays are the days as they are written, in Go's order.
var Weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}

var weekdayNames = map[string]string{
	"sun": "sunday", "mon": "monday", "tue": "tuesday", "wed": "wednesday", "thu": "thursday", "fri": "friday", "sat": "saturday",
}

// String is how the hours were written.
func (h Hours) String() string { return h.text }

// Open reports whether the clock on the wall is inside, in the zone of t. Hours
// over midnight belong to the day on which they begin. What the clock skips in
// spring is never reached, and what it shows twice in autumn counts twice: it is
// the recipient's own clock that decides.
func (h Hours) Open(t time.Time) bool {
	minute, day := t.Hour()*60+t.Minute(), int(t.Weekday())
	return h.open(day, minute)
}

func (h Hours) open(day, minute int) bool {
	if h.from < h.to {
		return h.days[day] && minute >= h.from && minute < h.to
	}
	return h.days[day] && minute >= h.from || h.days[(day+6)%7] && minute < h.to
}

// OpenIn reports whether t is inside in all of the zones.
func (h Hours) OpenIn(t time.Time, zones []*time.Location) bool {
	return !slices.ContainsFunc(zones, func(z *time.Location) bool { return !h.Open(t.In(z)) })
}

// Within reports whether these hours are open only when the others are.
func (h Hours) Within(other Hours) bool {
	for day := range 7 {
		for minute := range minutesADay {
			if h.open(day, minute) && !other.open(day, minute) {
				return false
			}
		}
	}
	return true
}

// horizon is how far an opening is looked for: every hour of a week comes within
// eight days, and a change of the clocks may take one away.
const horizon = 15 * 24 * time.Hour

// NextOpening is the first minute from t on for which open holds; false when
// there is none within two weeks. It looks at each minute, so that no rule of any
// zone has to be known: a change of the clocks is what the zone says of it.
func NextOpening(t time.Time, open func(time.Time) bool) (time.Time, bool) {
	if open(t) {
		return t, true
	}
	for at := t.Truncate(time.Minute).Add(time.Minute); at.Before(t.Add(horizon)); at = at.Add(time.Minute) {
		if open(at) {
			return at, true
		}
	}
	return time.Time{}, false
}
