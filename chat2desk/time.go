package chat2desk

import (
	"strconv"
	"strings"
	"time"
)

// zonedLayouts carry their own zone; localLayouts are read in the zone that the
// endpoint speaks: UTC but for statistics. Fractions of a second are accepted by
// time.Parse wherever a layout has seconds.
var (
	zonedLayouts = []string{
		"2006-01-02T15:04:05 UTC", "2006-01-02 15:04:05 UTC", "2006-01-02T15:04:05UTC",
		time.RFC3339, "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05 Z07:00", "2006-01-02 15:04:05 Z07:00",
		"2006-01-02T15:04:05Z0700", "2006-01-02 15:04:05 -0700", "2006-01-02T15:04:05 -0700",
		time.RFC1123, time.RFC1123Z,
	}
	localLayouts = []string{
		"2006-01-02 15:04:05", "2006-01-02T15:04:05", "02.01.2006 15:04:05", "02-01-2006 15:04:05",
		"2006-01-02 15:04", "2006-01-02", "02.01.2006 15:04", "02.01.2006",
	}
)

// parseTime reads every form in which the API writes a moment. Numbers are unix
// seconds, or milliseconds from 10^11 on. The result is in UTC.
func parseTime(text string, zone *time.Location) (time.Time, bool) {
	text = strings.TrimSpace(text)
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		switch {
		case n > 0 && n < 1e11:
			return time.UnixMicro(int64(n * 1e6)).UTC(), true
		case n >= 1e11 && n < 1e14:
			return time.UnixMilli(int64(n)).UTC(), true
		}
		return time.Time{}, false
	}
	for _, layout := range zonedLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), true
		}
	}
	for _, layout := range localLayouts {
		if t, err := time.ParseInLocation(layout, text, zone); err == nil {
			return t.UTC(), true
		}
	}
	return time.Time{}, false
}
