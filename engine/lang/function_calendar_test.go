package lang

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The zones have jumps at night (Berlin), at midnight (São Paulo until 2018,
// Havana), of half an hour (Lord Howe) and of a whole day (Apia).
func TestWallClockAtTheEdges(t *testing.T) {
	for _, tt := range []struct{ zone, wall, want string }{
		{"Europe/Berlin", "2026-03-29 01:59:59", "2026-03-29T01:59:59+01:00"},
		{"Europe/Berlin", "2026-03-29 02:30", "2026-03-29T03:30:00+02:00"},
		{"Europe/Berlin", "2026-03-29 03:00", "2026-03-29T03:00:00+02:00"},
		{"Europe/Berlin", "2026-10-25 01:59", "2026-10-25T01:59:00+02:00"},
		{"Europe/Berlin", "2026-10-25 02:30", "2026-10-25T02:30:00+02:00"},
		{"Europe/Berlin", "2026-10-25 03:00", "2026-10-25T03:00:00+01:00"},
		{"America/New_York", "2026-03-08 02:30", "2026-03-08T03:30:00-04:00"},
		{"America/New_York", "2026-11-01 01:30", "2026-11-01T01:30:00-04:00"},
		{"America/Sao_Paulo", "2018-11-04", "2018-11-04T01:00:00-02:00"},
		{"America/Sao_Paulo", "2018-02-17 23:30", "2018-02-17T23:30:00-02:00"},
		{"America/Sao_Paulo", "2018-02-18", "2018-02-18T00:00:00-03:00"},
		{"America/Havana", "2026-11-01", "2026-11-01T00:00:00-04:00"},
		{"America/Havana", "2026-03-08", "2026-03-08T01:00:00-04:00"},
		{"Australia/Lord_Howe", "2026-10-04 02:15", "2026-10-04T02:45:00+11:00"},
		{"Australia/Lord_Howe", "2026-04-05 01:45", "2026-04-05T01:45:00+11:00"},
		{"Pacific/Apia", "2011-12-30 12:00", "2011-12-31T12:00:00+14:00"},
		{"Europe/Moscow", "2026-03-29 02:30", "2026-03-29T02:30:00+03:00"},
		{"UTC", "0001-01-01", "0001-01-01T00:00:00Z"},
		{"Asia/Almaty", "9999-12-31 23:59:59", "9999-12-31T23:59:59+05:00"},
	} {
		got, err := ParseTime(tt.wall, zoneOf(t, tt.zone))
		require.NoError(t, err)
		require.Equal(t, tt.want, got.Format(time.RFC3339), "%s %s", tt.zone, tt.wall)
	}
}

// Around every jump, each quarter of an hour that exists reads back as itself,
// and later walls are never earlier moments.
func TestWallClockReadsBack(t *testing.T) {
	for _, name := range []string{"Europe/Berlin", "America/New_York", "America/Sao_Paulo", "America/Havana", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Tehran"} {
		zone := zoneOf(t, name)
		for jump := time.Date(2015, 1, 1, 0, 0, 0, 0, zone); ; {
			_, end := jump.ZoneBounds()
			if end.IsZero() || end.Year() > 2026 {
				break
			}
			jump = end
			for m := -36 * time.Hour; m <= 36*time.Hour; m += 15 * time.Minute {
				at := jump.Add(m)
				back := inZone(wallOf(at), zone)
				require.Equal(t, wallOf(at), wallOf(back), "%s %s", name, at)
				require.False(t, back.After(at), "%s: %s is not the first", name, back)
			}
			day := inZone(dayOf(jump), zone)
			require.Equal(t, jump.YearDay(), day.YearDay(), "%s %s", name, jump)
			require.NotEqual(t, jump.Day(), day.Add(-time.Nanosecond).Day(), "%s: the day begins before %s", name, day)
		}
	}
}

func TestCalendarFunctions(t *testing.T) {
	berlin := Context{Zone: zoneOf(t, "Europe/Berlin")}
	at := func(text string) time.Time {
		v, err := ParseTime(text, berlin.Zone)
		require.NoError(t, err)
		return v
	}
	for _, tt := range []struct {
		from string
		days any
		want string
	}{
		{"2026-03-28 09:00", 1, "2026-03-29T09:00:00+02:00"},
		{"2026-03-28 02:30", 1, "2026-03-29T03:30:00+02:00"},
		{"2026-10-24 02:30", 1, "2026-10-25T02:30:00+02:00"},
		{"2026-01-31 10:00", 1, "2026-02-01T10:00:00+01:00"},
		{"2028-02-28 10:00", 1, "2028-02-29T10:00:00+01:00"},
		{"2026-01-01 10:00", -1.0, "2025-12-31T10:00:00+01:00"},
		{"2026-07-10 10:00", 0, "2026-07-10T10:00:00+02:00"},
	} {
		require.Equal(t, tt.want, callOne(t, berlin, "addDays", at(tt.from), tt.days).(time.Time).Format(time.RFC3339))
	}
	require.Contains(t, callFails(t, berlin, "addDays", at("2026-01-01"), 1<<40), "days must be between")
	require.Contains(t, callFails(t, berlin, "addDays", at("2026-01-01"), "1"), "days must be an integer")
	require.Contains(t, callFails(t, berlin, "addDays", "2026-01-01", 1), "time must be a time")

	require.Equal(t, "2026-03-29T00:00:00+01:00", callOne(t, berlin, "startOfDay", at("2026-03-29 12:00")).(time.Time).Format(time.RFC3339))
	require.Equal(t, "2026-03-29T00:00:00+01:00",
		callOne(t, berlin, "startOfDay", at("2026-03-29 12:00").UTC()).(time.Time).Format(time.RFC3339), "another zone is no matter")
	require.Contains(t, callFails(t, berlin, "startOfDay", nil), "empty (nil)")

	for _, tt := range []struct {
		from, to string
		want     int
	}{
		{"2026-03-28 23:59", "2026-03-30 00:00", 2},
		{"2026-10-24 00:00", "2026-10-26 00:00", 2},
		{"2026-03-01 00:00", "2026-03-01 23:59", 0},
		{"2026-03-02 00:00", "2026-03-01 23:59", -1},
		{"2025-03-01", "2026-03-01", 365},
		{"2024-03-01 10:00", "2023-03-01", -366},
	} {
		require.Equal(t, tt.want, callOne(t, berlin, "daysBetween", at(tt.from), at(tt.to)), "%s %s", tt.from, tt.to)
	}
	require.Contains(t, callFails(t, berlin, "daysBetween", at("2026-03-01"), 1), "to must be a time")
	require.Contains(t, callFails(t, berlin, "daysBetween", 1, 1), "from must be a time")

	for i, day := range []string{"2026-03-02", "2026-03-03", "2026-03-04", "2026-03-05", "2026-03-06", "2026-03-07", "2026-03-08"} {
		require.Equal(t, i+1, callOne(t, berlin, "weekday", at(day)), day)
	}
	require.Equal(t, 7, callOne(t, berlin, "weekday", time.Date(2026, 3, 7, 23, 30, 0, 0, time.UTC)))
}

func TestParseTime(t *testing.T) {
	zone := zoneOf(t, "Europe/Moscow")
	for text, want := range map[string]string{
		"2026-03-01":                "2026-03-01T00:00:00+03:00",
		" 2026-03-01 ":              "2026-03-01T00:00:00+03:00",
		"2026-03-01 10:30":          "2026-03-01T10:30:00+03:00",
		"2026-03-01 10:30:05":       "2026-03-01T10:30:05+03:00",
		"2026-03-01 10:30:05.25":    "2026-03-01T10:30:05.25+03:00",
		"2026-03-01T10:30":          "2026-03-01T10:30:00+03:00",
		"2026-03-01T10:30:05":       "2026-03-01T10:30:05+03:00",
		"2026-03-01T10:30:05Z":      "2026-03-01T13:30:05+03:00",
		"2026-03-01T10:30Z":         "2026-03-01T13:30:00+03:00",
		"2026-03-01T10:30:05+05:00": "2026-03-01T08:30:05+03:00",
		"2026-03-01T10:30:05+0500":  "2026-03-01T08:30:05+03:00",
		"2026-03-01 10:30:05 +0500": "2026-03-01T08:30:05+03:00",
		"2026-03-01 10:30:05 UTC":   "2026-03-01T13:30:05+03:00",
		"2026-03-01T10:30:05 UTC":   "2026-03-01T13:30:05+03:00",
		"01.03.2026":                "2026-03-01T00:00:00+03:00",
		"1.3.2026":                  "2026-03-01T00:00:00+03:00",
		"01.03.2026 10:30":          "2026-03-01T10:30:00+03:00",
		"01.03.2026 9:05:07":        "2026-03-01T09:05:07+03:00",
	} {
		got, err := ParseTime(text, zone)
		require.NoError(t, err, text)
		require.Equal(t, want, got.Format(time.RFC3339Nano), text)
		require.Equal(t, zone, got.Location())
	}
	const forms = "; write 2026-03-01, 2026-03-01 10:30, 01.03.2026 10:30 or 2026-03-01T10:30:00Z"
	for text, want := range map[string]string{
		"":                 `"" is no time: it is empty` + forms,
		"soon":             `"soon" is no time: its form is unknown` + forms,
		"31.02.2026":       `"31.02.2026" is no time: there is no such day or hour` + forms,
		"2026-13-01":       `"2026-13-01" is no time: there is no such day or hour` + forms,
		"2026-03-01 25:00": `"2026-03-01 25:00" is no time: there is no such day or hour` + forms,
		"03/01/2026":       `"03/01/2026" is no time: its form is unknown` + forms,
		"0000-01-01":       `"0000-01-01" is no time: its form is unknown` + forms,
		"01.03.26":         `"01.03.26" is no time: its form is unknown` + forms,
	} {
		_, err := ParseTime(text, zone)
		require.EqualError(t, err, want)
	}
}

func TestParseDate(t *testing.T) {
	zone := zoneOf(t, "America/Sao_Paulo")
	got, err := ParseDate("04.11.2018", zone)
	require.NoError(t, err)
	require.Equal(t, "2018-11-04T01:00:00-02:00", got.Format(time.RFC3339))
	for text, want := range map[string]string{
		"2026-03-01 10:30": `"2026-03-01 10:30" is no date: its form is unknown; write 2026-03-01 or 01.03.2026`,
		"30.02.2026":       `"30.02.2026" is no date: there is no such day or hour; write 2026-03-01 or 01.03.2026`,
		" ":                `" " is no date: it is empty; write 2026-03-01 or 01.03.2026`,
	} {
		_, err := ParseDate(text, zone)
		require.EqualError(t, err, want)
	}
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2026-03-01", "2026-03-29 02:30", "01.03.2026 10:30", "2026-03-01T10:30:05Z", "2026-03-01 10:30:05 UTC", "31.02.2026", "9999-12-31", "\xff"} {
		f.Add(s)
	}
	zone := zoneOf(f, "Europe/Berlin")
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseTime(text, zone)
		if err != nil {
			require.NotContains(t, err.Error(), "\n")
			return
		}
		again, err := ParseTime(got.UTC().Format(time.RFC3339Nano), zone)
		if err == nil { // the first and last hours of the calendar leave it in another zone
			require.True(t, got.Equal(again))
		}
		if day, err := ParseDate(text, zone); err == nil {
			require.True(t, day.Equal(got))
		}
	})
}
