package lang

import (
	"fmt"
	"strings"
	"time"
)

// The layouts that ParseTime knows, as package time writes them. One digit is
// enough for a day, a month or an hour where dots separate, since spreadsheets
// write it so; a fraction of a second is accepted wherever there are seconds.
var (
	dateLayouts = []string{"2006-01-02", "2.1.2006"}
	timeLayouts = []string{
		"2006-01-02 15:04", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02T15:04:05",
		"2.1.2006 15:04", "2.1.2006 15:04:05",
	}
	momentLayouts = []string{
		"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05Z0700",
		"2006-01-02 15:04:05Z07:00", "2006-01-02 15:04:05 Z0700", "2006-01-02 15:04:05 Z07:00",
		"2006-01-02T15:04:05 UTC", "2006-01-02 15:04:05 UTC",
	}
)

// ParseTime reads a date or a time. One without an offset is the company's wall
// clock, a date alone its midnight; one with an offset, Z or UTC is that moment,
// shown in zone.
func ParseTime(text string, zone *time.Location) (time.Time, error) {
	trimmed := strings.TrimSpace(text)
	for _, layout := range momentLayouts {
		if t, err := time.Parse(layout, trimmed); err == nil && t.Year() > 0 {
			return t.In(zone), nil
		}
	}
	wall, err := parseWall(trimmed, dateLayouts, timeLayouts)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is no time: %w; write 2026-03-01, 2026-03-01 10:30, 01.03.2026 10:30 or 2026-03-01T10:30:00Z",
			quote(text), err)
	}
	return inZone(wall, zone), nil
}

// ParseDate reads a date and gives its first moment in zone.
func ParseDate(text string, zone *time.Location) (time.Time, error) {
	wall, err := parseWall(strings.TrimSpace(text), dateLayouts)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is no date: %w; write 2026-03-01 or 01.03.2026", quote(text), err)
	}
	return inZone(wall, zone), nil
}

// parseWall reads what a wall clock shows. Where the form is right and only the
// day or the hour does not exist, the error says so.
func parseWall(text string, groups ...[]string) (time.Time, error) {
	problem := errNoForm
	if text == "" {
		problem = errEmpty
	}
	for _, layouts := range groups {
		for _, layout := range layouts {
			t, err := time.Parse(layout, text)
			if err == nil && t.Year() > 0 {
				return t, nil
			}
			if err != nil && strings.Contains(err.Error(), "out of range") {
				problem = errNoDay
			}
		}
	}
	return time.Time{}, problem
}

// timeProblem is why a text is no time.
type timeProblem string

const (
	errNoForm timeProblem = "its form is unknown"
	errEmpty  timeProblem = "it is empty"
	errNoDay  timeProblem = "there is no such day or hour"
)

func (p timeProblem) Error() string { return string(p) }
