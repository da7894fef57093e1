package engine

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func schedule(t *testing.T, cron, zone string) (*Schedule, func(string) time.Time) {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	require.NoError(t, err)
	return &Schedule{Cron: cron, zone: loc}, func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return at
	}
}

// The slot that a run serves, and the one after it, also where the clocks change.
func TestSlots(t *testing.T) {
	for _, c := range []struct {
		name, cron, zone, at, last, next string
	}{
		{"between", "0 10 * * 1", "Europe/Moscow", "2026-11-25T12:00:00+03:00", "2026-11-23T10:00:00+03:00", "2026-11-30T10:00:00+03:00"},
		{"on the dot", "0 10 * * 1", "Europe/Moscow", "2026-11-23T10:00:00+03:00", "2026-11-23T10:00:00+03:00", "2026-11-30T10:00:00+03:00"},
		{"a second before", "0 10 * * 1", "Europe/Moscow", "2026-11-23T09:59:59+03:00", "2026-11-16T10:00:00+03:00", "2026-11-23T10:00:00+03:00"},
		{"late, after midnight", "50 23 * * *", "Asia/Almaty", "2026-12-01T00:20:00+05:00", "2026-11-30T23:50:00+05:00", "2026-12-01T23:50:00+05:00"},
		{"over the year", "0 9 1 * *", "UTC", "2026-01-01T08:59:00Z", "2025-12-01T09:00:00Z", "2026-01-01T09:00:00Z"},
		{"leap day", "0 9 29 2 *", "UTC", "2026-06-01T00:00:00Z", "2024-02-29T09:00:00Z", "2028-02-29T09:00:00Z"},
		{"day or weekday", "0 9 13 * 5", "UTC", "2026-11-14T00:00:00Z", "2026-11-13T09:00:00Z", "2026-11-20T09:00:00Z"},
		{"names", "0 9 * MAR sun", "UTC", "2026-11-14T00:00:00Z", "2026-03-29T09:00:00Z", "2027-03-07T09:00:00Z"},
		{"sunday is 7", "0 9 * * 7", "UTC", "2026-11-16T00:00:00Z", "2026-11-15T09:00:00Z", "2026-11-22T09:00:00Z"},
		{"another zone's now", "0 10 * * *", "America/Mexico_City", "2026-11-23T10:00:00Z", "2026-11-22T10:00:00-06:00", "2026-11-23T10:00:00-06:00"},

		// Berlin: 29 March 2026, 02:00 becomes 03:00.
		{"the gap has no slot", "30 2 * * *", "Europe/Berlin", "2026-03-29T12:00:00+02:00", "2026-03-28T02:30:00+01:00", "2026-03-30T02:30:00+02:00"},
		{"before the gap", "30 1 * * *", "Europe/Berlin", "2026-03-29T03:00:00+02:00", "2026-03-29T01:30:00+01:00", "2026-03-30T01:30:00+02:00"},
		{"after the gap", "0 3 * * *", "Europe/Berlin", "2026-03-29T01:59:00+01:00", "2026-03-28T03:00:00+01:00", "2026-03-29T03:00:00+02:00"},
		// 25 October 2026, 03:00 becomes 02:00.
		{"the doubled hour, first", "30 2 * * *", "Europe/Berlin", "2026-10-25T02:45:00+02:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"},
		{"the doubled hour, between", "30 2 * * *", "Europe/Berlin", "2026-10-25T02:10:00+01:00", "2026-10-25T02:30:00+02:00", "2026-10-25T02:30:00+01:00"},
		{"the doubled hour, second", "30 2 * * *", "Europe/Berlin", "2026-10-25T02:30:00+01:00", "2026-10-25T02:30:00+01:00", "2026-10-26T02:30:00+01:00"},
		{"half an hour of summer time", "45 1 * * *", "Australia/Lord_Howe", "2026-04-05T01:50:00+10:30", "2026-04-05T01:45:00+10:30", "2026-04-06T01:45:00+10:30"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s, at := schedule(t, c.cron, c.zone)
			last, ok := s.Last(at(c.at))
			require.True(t, ok)
			require.Equal(t, c.last, last.Format(time.RFC3339))
			next, ok := s.Next(at(c.at))
			require.True(t, ok)
			require.Equal(t, c.next, next.Format(time.RFC3339))
		})
	}
}

// Last and Next agree with each other and with a walk over the minutes.
func TestSlotsAreEveryMinuteThatFits(t *testing.T) {
	for _, zone := range []string{"Europe/Berlin", "Australia/Lord_Howe", "America/Mexico_City"} {
		for _, from := range []string{"2026-03-28T20:00:00Z", "2026-10-24T18:00:00Z", "2026-04-04T10:00:00Z"} {
			s, at := schedule(t, "*/20 1,2,4 * * *", zone)
			slot, _ := s.Last(at(from))
			for now := at(from); now.Before(at(from).Add(30 * time.Hour)); now = now.Add(time.Minute) {
				local := now.In(s.zone)
				if h := local.Hour(); local.Minute()%20 == 0 && (h == 1 || h == 2 || h == 4) {
					next, ok := s.Next(now.Add(-time.Second))
					require.True(t, ok)
					require.Equal(t, now, next.UTC())
					slot = now
				}
				last, ok := s.Last(now)
				require.True(t, ok)
				require.Equal(t, slot.UTC(), last.UTC(), "at %s", local)
			}
		}
	}
}

func TestSlotsThatTheClocksHit(t *testing.T) {
	for _, c := range []struct{ cron, zone, skipped, doubled string }{
		{"30 2 * * *", "Europe/Berlin", "2027-03-28 02:30", "2027-10-31 02:30"},
		{"30 2 * * 1", "Europe/Berlin", "", ""},
		{"0 3 * * *", "Europe/Berlin", "", ""},
		{"0 2 * 3 0", "Europe/Berlin", "2027-03-28 02:00", ""},
		{"0 * * * *", "Europe/Berlin", "", ""},
		{"*/5 1-3 * * *", "Europe/Berlin", "", ""},
		{"30 2,14 * * *", "Europe/Berlin", "2027-03-28 02:30", "2027-10-31 02:30"},
		{"30 2 * * *", "Europe/Moscow", "", ""},
		{"30 2 * * *", "UTC", "", ""},
		{"10 2 * * *", "Australia/Lord_Howe", "2027-10-03 02:10", ""},
	} {
		s, at := schedule(t, c.cron, c.zone)
		from := at("2026-11-22T12:00:00Z")
		text := func(slot time.Time, ok bool) string {
			if !ok {
				return ""
			}
			return slot.Format("2006-01-02 15:04")
		}
		require.Equal(t, c.skipped, text(s.Skipped(from, from.Add(slotsAhead))), "%s in %s", c.cron, c.zone)
		require.Equal(t, c.doubled, text(s.Doubled(from, from.Add(slotsAhead))), "%s in %s", c.cron, c.zone)
	}
}
