package guard_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/guard"
)

func hours(t *testing.T, allow string, days ...string) guard.Hours {
	t.Helper()
	h, err := guard.ParseHours(allow, days)
	require.NoError(t, err)
	return h
}

func zone(t *testing.T, name string) *time.Location {
	t.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(t, err)
	return z
}

// at reads a moment by its offset, so that an hour that comes twice has two names.
func at(t *testing.T, text string) time.Time {
	t.Helper()
	m, err := time.Parse("2006-01-02 15:04:05 -07:00", text)
	require.NoError(t, err)
	return m
}

func TestParseHours(t *testing.T) {
	for _, tt := range []struct {
		allow string
		days  []string
		want  string // the text, or the error with !
	}{
		{"09:00-21:00", nil, "09:00-21:00"},
		{" 9:00 - 21:00 ", []string{"mon-sat"}, "09:00-21:00 mon-sat"},
		{"00:00-24:00", []string{"Mon", " wednesday ", "fri-sun"}, "00:00-24:00 mon, wednesday, fri-sun"},
		{"21:00-02:00", nil, "21:00-02:00"},
		{"9-21", nil, `!"9-21" are no hours of a day`},
		{"09:00", nil, `!"09:00" are no hours of a day`},
		{"09:00-21:60", nil, `!"09:00-21:60" are no hours of a day: they go from 00:00 to 24:00`},
		{"24:00-02:00", nil, `!"24:00-02:00" are no hours of a day: they go from 00:00 to 24:00`},
		{"09:00-25:00", nil, `!"09:00-25:00" are no hours of a day: they go from 00:00 to 24:00`},
		{"09:00-09:00", nil, `!"09:00-09:00" is no time at all`},
		{"09:00-21:00", []string{"mon-someday"}, `!"mon-someday" is no day of the week`},
		{"09:00-21:00", []string{""}, `!"" is no day of the week`},
	} {
		h, err := guard.ParseHours(tt.allow, tt.days)
		if tt.want[0] == '!' {
			require.EqualError(t, err, tt.want[1:])
			continue
		}
		require.NoError(t, err, tt.allow)
		require.Equal(t, tt.want, h.String())
	}
	require.False(t, guard.Hours{}.Open(time.Now()), "the zero value holds everything back")
}

func TestOpen(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hours guard.Hours
		zone  string
		at    string
		open  bool
	}{
		{"the first second", hours(t, "09:00-21:00"), "Europe/Moscow", "2026-11-23 09:00:00 +03:00", true},
		{"the second before", hours(t, "09:00-21:00"), "Europe/Moscow", "2026-11-23 08:59:59 +03:00", false},
		{"the last second", hours(t, "09:00-21:00"), "Europe/Moscow", "2026-11-23 20:59:59 +03:00", true},
		{"the end is outside", hours(t, "09:00-21:00"), "Europe/Moscow", "2026-11-23 21:00:00 +03:00", false},
		{"by the clock of the zone, not of the moment", hours(t, "09:00-21:00"), "Asia/Almaty", "2026-11-23 16:30:00 +00:00", false},
		{"until midnight", hours(t, "09:00-24:00"), "Asia/Almaty", "2026-11-23 23:59:59 +05:00", true},
		{"a day that is not meant", hours(t, "09:00-21:00", "mon-sat"), "Europe/Moscow", "2026-11-22 12:00:00 +03:00", false},
		{"a range over the end of the week", hours(t, "09:00-21:00", "fri-mon"), "Europe/Moscow", "2026-11-22 12:00:00 +03:00", true},
		{"and the days between", hours(t, "09:00-21:00", "fri-mon"), "Europe/Moscow", "2026-11-24 12:00:00 +03:00", false},

		{"before midnight", hours(t, "21:00-02:00", "sat"), "Europe/Moscow", "2026-11-21 23:59:00 +03:00", true},
		{"after midnight it belongs to the day before", hours(t, "21:00-02:00", "sat"), "Europe/Moscow", "2026-11-22 01:59:00 +03:00", true},
		{"its end", hours(t, "21:00-02:00", "sat"), "Europe/Moscow", "2026-11-22 02:00:00 +03:00", false},
		{"the night before is another day's", hours(t, "21:00-02:00", "sat"), "Europe/Moscow", "2026-11-21 01:00:00 +03:00", false},
		{"sunday night into monday", hours(t, "21:00-02:00", "sun"), "Europe/Moscow", "2026-11-23 00:30:00 +03:00", true},

		// Berlin, 2026-03-29: 02:00 becomes 03:00.
		{"before the gap", hours(t, "01:30-02:30"), "Europe/Berlin", "2026-03-29 01:59:59 +01:00", true},
		{"the hour that is skipped ends the hours in it", hours(t, "01:30-02:30"), "Europe/Berlin", "2026-03-29 03:00:00 +02:00", false},
		{"hours that begin in the gap", hours(t, "02:30-04:00"), "Europe/Berlin", "2026-03-29 03:00:00 +02:00", true},
		// Berlin, 2026-10-25: 03:00 becomes 02:00.
		{"the doubled hour, first", hours(t, "02:15-02:45"), "Europe/Berlin", "2026-10-25 02:30:00 +02:00", true},
		{"between", hours(t, "02:15-02:45"), "Europe/Berlin", "2026-10-25 02:10:00 +01:00", false},
		{"the doubled hour, second", hours(t, "02:15-02:45"), "Europe/Berlin", "2026-10-25 02:30:00 +01:00", true},
		{"nine o'clock after the change", hours(t, "09:00-21:00"), "Europe/Berlin", "2026-10-25 08:00:00 +00:00", true},
		{"and not an hour before", hours(t, "09:00-21:00"), "Europe/Berlin", "2026-10-25 07:59:00 +00:00", false},
		// Mexico has no summer time since 2022.
		{"no change in spring", hours(t, "09:00-21:00"), "America/Mexico_City", "2026-04-05 15:00:00 +00:00", true},
		{"where there was one", hours(t, "09:00-21:00"), "America/Mexico_City", "2022-04-03 14:00:00 +00:00", true},
		// Kazakhstan moved to +05:00 on 2024-03-01.
		{"before the move", hours(t, "09:00-21:00"), "Asia/Almaty", "2024-02-29 03:00:00 +00:00", true},
		{"after the move", hours(t, "09:00-21:00"), "Asia/Almaty", "2024-03-01 03:00:00 +00:00", false},
		// Moscow moved back to +03:00 for good on 2014-10-26.
		{"before Moscow's last change", hours(t, "09:00-21:00"), "Europe/Moscow", "2014-10-25 05:00:00 +00:00", true},
		{"after it", hours(t, "09:00-21:00"), "Europe/Moscow", "2014-10-26 05:00:00 +00:00", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			z := zone(t, tt.zone)
			require.Equal(t, tt.open, tt.hours.Open(at(t, tt.at).In(z)))
			require.Equal(t, tt.open, tt.hours.OpenIn(at(t, tt.at), []*time.Location{z}))
		})
	}
}

func TestNextOpening(t *testing.T) {
	for _, tt := range []struct {
		name  string
		hours guard.Hours
		zones []string
		from  string
		want  string
	}{
		{"open now", hours(t, "09:00-21:00"), []string{"Europe/Moscow"}, "2026-11-23 12:34:56 +03:00", "2026-11-23 12:34:56 +03:00"},
		{"tomorrow", hours(t, "09:00-21:00"), []string{"Europe/Moscow"}, "2026-11-23 21:00:01 +03:00", "2026-11-24 09:00:00 +03:00"},
		{"over the weekend", hours(t, "09:00-21:00", "mon-fri"), []string{"Asia/Almaty"}, "2026-11-20 22:00:00 +05:00", "2026-11-23 09:00:00 +05:00"},
		{"the gap is passed", hours(t, "02:30-04:00"), []string{"Europe/Berlin"}, "2026-03-29 01:59:00 +01:00", "2026-03-29 03:00:00 +02:00"},
		{"hours inside the gap wait for the next day", hours(t, "02:10-02:50"), []string{"Europe/Berlin"}, "2026-03-29 01:00:00 +01:00", "2026-03-30 02:10:00 +02:00"},
		{"the doubled hour opens again", hours(t, "02:15-02:45"), []string{"Europe/Berlin"}, "2026-10-25 02:50:00 +02:00", "2026-10-25 02:15:00 +01:00"},
		{"all zones of a country", hours(t, "09:00-21:00"), []string{"Europe/Kaliningrad", "Asia/Kamchatka"}, "2026-11-23 00:00:00 +00:00", "2026-11-23 07:00:00 +00:00"},
		{"zones that never share an hour", hours(t, "09:00-12:00"), []string{"Europe/Kaliningrad", "Asia/Kamchatka"}, "2026-11-23 00:00:00 +00:00", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var zones []*time.Location
			for _, name := range tt.zones {
				zones = append(zones, zone(t, name))
			}
			got, ok := guard.NextOpening(at(t, tt.from), func(m time.Time) bool { return tt.hours.OpenIn(m, zones) })
			require.Equal(t, tt.want != "", ok)
			if ok {
				require.True(t, got.Equal(at(t, tt.want)), "%s", got)
			}
		})
	}
}

// On each day of a year and in each zone, the opening that is foretold is open,
// and the minute before it is not.
func TestAnOpeningIsTheFirst(t *testing.T) {
	all := []guard.Hours{hours(t, "09:00-21:00"), hours(t, "22:30-02:30", "fri-sun"), hours(t, "02:00-03:00", "sun")}
	for _, name := range []string{"Europe/Berlin", "America/Mexico_City", "Asia/Almaty", "Europe/Moscow", "Australia/Lord_Howe"} {
		z := zone(t, name)
		for day := range 366 {
			from := time.Date(2026, 1, 1, 0, 17, 23, 0, time.UTC).AddDate(0, 0, day)
			for _, h := range all {
				if h.Open(from.In(z)) {
					continue
				}
				open, ok := guard.NextOpening(from, func(m time.Time) bool { return h.Open(m.In(z)) })
				require.True(t, ok)
				require.True(t, h.Open(open.In(z)))
				require.False(t, h.Open(open.Add(-time.Second).In(z)), "%s %s %s", name, h, open)
			}
		}
	}
}

func TestWithin(t *testing.T) {
	day := hours(t, "09:00-21:00", "mon-sat")
	require.True(t, day.Within(day))
	require.True(t, hours(t, "10:00-20:00", "mon-fri").Within(day))
	require.False(t, day.Within(hours(t, "10:00-20:00", "mon-fri")))
	require.False(t, hours(t, "10:00-20:00").Within(day), "sunday")
	require.False(t, hours(t, "22:00-02:00", "sat").Within(day))
	require.True(t, hours(t, "00:00-01:00", "sun").Within(hours(t, "22:00-02:00", "sat")))
}
