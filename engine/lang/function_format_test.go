package lang

import (
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/step"
)

func TestFormat(t *testing.T) {
	c := exampleContext(t)
	at := time.Date(2026, 3, 1, 9, 5, 7, 0, c.Zone) // a Sunday
	for _, tt := range []struct{ pattern, locale, want string }{
		{"d MMMM, HH:mm", "ru", "1 марта, 09:05"},
		{"d MMMM, HH:mm", "en", "1 March, 09:05"},
		{"d 'de' MMMM", "es", "1 de marzo"},
		{"EEEE, d MMMM y", "ru", "воскресенье, 1 марта 2026"},
		{"EEEE d 'de' MMMM", "es", "domingo 1 de marzo"},
		{"E, d MMM", "ru", "вс, 1 мар."},
		{"EEE, MMM d", "en", "Sun, Mar 1"},
		{"MMMM y", "ru", "март 2026"},
		{"MMM", "ru", "март"},
		{"dd.MM.yyyy", "ru", "01.03.2026"},
		{"d.M.yy", "ru", "1.3.26"},
		{"yyyyMMdd", "en", "20260301"},
		{"H:mm:ss", "en", "9:05:07"},
		{"HH.m.s", "en", "09.5.7"},
		{"h:mm a", "en", "9:05 AM"},
		{"hh:mm a", "es", "09:05 a.\u00a0m."},
		{"d MMMM в HH:mm", "ru", "1 марта в 09:05"},
		{"🎂 d.MM", "ru", "🎂 1.03"},
		{"d 'o''clock' ''", "en", "1 o'clock '"},
		{"HH'h'mm", "es", "09h05"},
	} {
		require.Equal(t, tt.want, callOne(t, c, "format", at, tt.pattern, tt.locale), tt.pattern)
		require.NoError(t, mustFunction(t, "format").literal(1, tt.pattern))
	}
	require.Equal(t, "1 March", callOne(t, c, "format", at, "d MMMM"))
	require.Equal(t, "23:30", callOne(t, c, "format", time.Date(2026, 3, 1, 20, 30, 0, 0, time.UTC), "HH:mm"))
	for hour, want := range map[int]string{0: "12 AM", 1: "1 AM", 11: "11 AM", 12: "12 PM", 13: "1 PM", 23: "11 PM"} {
		require.Equal(t, want, callOne(t, c, "format", time.Date(2026, 3, 1, hour, 0, 0, 0, c.Zone), "h a"))
	}
}

func TestEveryMonthAndDayHasItsNames(t *testing.T) {
	for _, name := range []string{"en", "ru", "es"} {
		l, err := localeOf(name)
		require.NoError(t, err)
		for _, names := range [][]string{l.months[:], l.monthsAlone[:], l.short[:], l.shortAlone[:], l.days[:], l.daysShort[:], l.halves[:]} {
			seen := map[string]bool{}
			for _, n := range names {
				require.NotEmpty(t, n, name)
				require.False(t, seen[n], "%s: %s twice", name, n)
				seen[n] = true
			}
		}
	}
}

func TestFormatIsCheckedBeforeTheRun(t *testing.T) {
	f := mustFunction(t, "format")
	const letters = "the letters are d, M, y, E, H, h with a, m and s; put other words in 'quotes', as in d 'de' MMMM"
	for pattern, want := range map[string]string{
		"":                        `the pattern "" shows no part of the time: write for example "d MMMM, HH:mm"`,
		"12.03":                   `the pattern "12.03" shows no part of the time: write for example "d MMMM, HH:mm"`,
		"DD.MM.YYYY":              `"DD" means nothing in the pattern "DD.MM.YYYY": a day is d or dd`,
		"d.MM.YYYY":               `"YYYY" means nothing in the pattern "d.MM.YYYY": a year is yyyy or yy`,
		"HH:mm:SS":                `"SS" means nothing in the pattern "HH:mm:SS": seconds are s or ss`,
		"kk:mm":                   `"kk" means nothing in the pattern "kk:mm": an hour is H or HH`,
		"LLLL":                    `"LLLL" means nothing in the pattern "LLLL": a month is M, MM, MMM or MMMM`,
		"d de MMMM":               `"e" means nothing in the pattern "d de MMMM": a weekday is E or EEEE; put words in 'quotes', as in d 'de' MMMM`,
		"d MMMM at HH:mm":         `"t" means nothing in the pattern "d MMMM at HH:mm": ` + letters,
		"ddd":                     `"ddd" means nothing in the pattern "ddd": ` + letters,
		"MMMMM":                   `"MMMMM" means nothing in the pattern "MMMMM": ` + letters,
		"HHHHHHHHHHHH":            `"HHHHHHHHHHHH" means nothing in the pattern "HHHHHHHHHHHH": ` + letters,
		"hh:mm":                   `h in the pattern "hh:mm" does not tell morning from evening: write HH, or add a`,
		"HH a":                    `a in the pattern "HH a" is AM or PM and goes with h: write h for the hour, or put the word in 'quotes'`,
		"dd.mm.yyyy":              `m in the pattern "dd.mm.yyyy" is minutes: write M for the month`,
		"HH:MM":                   `in the pattern "HH:MM" M is the month: write m for minutes`,
		"d 'de MMMM":              `the pattern "d 'de MMMM" has a quote that is not closed; an apostrophe is written ''`,
		strings.Repeat("d ", 101): "the pattern is longer than 200 bytes",
	} {
		require.EqualError(t, f.literal(1, pattern), want, pattern)
		require.Equal(t, want, callFails(t, exampleContext(t), "format", time.Time{}, pattern))
	}
	require.NoError(t, f.literal(0, "x"))
	require.NoError(t, f.literal(2, "es"))
	require.EqualError(t, f.literal(2, "fr"), `"fr" is no locale here: write "en", "ru" or "es"`)
	require.EqualError(t, f.literal(2, "RU"), `"RU" is no locale here: write "ru"`)
	require.EqualError(t, f.literal(2, "ru-RU"), `"ru-RU" is no locale here: write "ru"`)

	for _, tt := range []struct {
		s    step.Shape
		want string
	}{
		{step.ShapeTime, ""},
		{step.ShapeAny, ""},
		{step.ShapeInt, `format writes times, and this is integer: write formatNumber(…, "0.00")`},
		{step.ShapeDuration, `format writes times, and this is a duration: write formatDuration(…, "H:mm")`},
		{step.ShapeText, `format writes times, and this is a text: write format(date(…), "d MMMM")`},
		{step.ListOf(step.ShapeInt), "format writes times, and this is list of integer"},
	} {
		got, err := f.Infer([]step.Shape{tt.s, step.ShapeText})
		if tt.want == "" {
			require.NoError(t, err)
			require.Equal(t, step.ShapeText, got)
			continue
		}
		require.EqualError(t, err, tt.want)
	}
	c := exampleContext(t)
	require.Equal(t, "time must be a time, but it is an integer", callFails(t, c, "format", 1, "d"))
	require.Equal(t, "pattern must be a text, but it is an integer", callFails(t, c, "format", c.Now, 1))
	require.Equal(t, "locale must be a text, but it is an integer", callFails(t, c, "format", c.Now, "d", 1))
	require.Contains(t, callFails(t, c, "format", c.Now, "d", ""), "no locale")
}

func TestFormatNumber(t *testing.T) {
	c := exampleContext(t)
	for _, tt := range []struct {
		n                     any
		pattern, locale, want string
	}{
		{1234.5, "0.00", "en", "1234.50"},
		{1234.5, "0.00", "ru", "1234,50"},
		{1234.5, "# ##0.00", "ru", "1\u00a0234,50"},
		{1234.5, "# ##0.00", "en", "1\u00a0234.50"},
		{1234567, "#,##0", "en", "1,234,567"},
		{1234567, "#,##0", "es", "1.234.567"},
		{1234, "#,##0", "es", "1234"},
		{12345, "#,##0", "es", "12.345"},
		{123, "#,##0", "en", "123"},
		{999999.995, "#,##0.00", "en", "1,000,000.00"},
		{1234567, "#,###,##0", "en", "1,234,567"},
		{2.675, "0.00", "en", "2.68"},
		{-2.675, "0.00", "en", "-2.68"},
		{2.5, "0", "en", "3"},
		{-0.4, "0", "en", "0"},
		{9.99, "0.0", "en", "10.0"},
		{1.5, "0.##", "en", "1.5"},
		{1.0, "0.##", "en", "1"},
		{0.5, "#.##", "en", "0.5"},
		{0, "#", "en", "0"},
		{7, "000", "en", "007"},
		{1.25, "0.0#", "en", "1.25"},
		{1500, "$#,##0.00", "en", "$1,500.00"},
		{-1500, "$0", "en", "-$1500"},
		{1500, "# ##0 ₽", "ru", "1\u00a0500 ₽"},
		{99, "0 руб.", "ru", "99 руб."},
		{12.5, "0.#%", "en", "12.5%"},
		{math.MinInt, "#,##0", "en", "-9,223,372,036,854,775,808"},
		{1e21, "0", "en", "1000000000000000000000"},
		{1e-7, "0.00", "en", "0.00"},
	} {
		require.Equal(t, tt.want, callOne(t, c, "formatNumber", tt.n, tt.pattern, tt.locale), "%v %q", tt.n, tt.pattern)
		require.NoError(t, mustFunction(t, "formatNumber").literal(1, tt.pattern))
	}
	require.Equal(t, "1,234", callOne(t, c, "formatNumber", 1234, "#,##0"))
	require.Equal(t, "number must be finite; was something divided by zero?", callFails(t, c, "formatNumber", math.NaN(), "0"))
	require.Contains(t, callFails(t, c, "formatNumber", math.Inf(-1), "0"), "finite")
	require.Contains(t, callFails(t, c, "formatNumber", "1", "0"), "number must be a number")
	require.Contains(t, callFails(t, c, "formatNumber", 1, "x"), "no pattern for numbers")
	require.Contains(t, callFails(t, c, "formatNumber", 1, 1), "pattern must be a text")
}

func TestFormatNumberIsCheckedBeforeTheRun(t *testing.T) {
	f := mustFunction(t, "formatNumber")
	for pattern, want := range map[string]string{
		"":                             "it has no 0 or #",
		"d MMMM":                       "it has no 0 or #",
		"0.0x0":                        "behind the dot first 0 and then # may stand, and nothing else",
		"0.#0":                         "behind the dot first 0 and then # may stand, and nothing else",
		"0.0.0":                        "behind the dot first 0 and then # may stand, and nothing else",
		"0#":                           "before the dot first # and then 0 may stand",
		"0,00":                         "groups have three digits and one mark",
		"#,##0,0":                      "groups have three digits and one mark",
		"# ###,##0":                    "groups have three digits and one mark",
		"0 шт 0":                       "'ш' stands among its digits",
		strings.Repeat("0", 21):        "it has more than 20 digits",
		strings.Repeat("₽", 100):       "it is longer than 200 bytes",
		"0." + strings.Repeat("#", 21): "it has more than 20 digits",
	} {
		require.ErrorContains(t, f.literal(1, pattern), "is no pattern for numbers: "+want+`; write for example "0.00", "#,##0" or "# ##0.##"`, pattern)
	}
	require.NoError(t, f.literal(0, "x"))
	require.NoError(t, f.literal(2, "ru"))
	require.Error(t, f.literal(2, "de"))
}

func TestFormatDuration(t *testing.T) {
	c := exampleContext(t)
	for _, tt := range []struct {
		d             any
		pattern, want string
	}{
		{26*time.Hour + 5*time.Minute, "H:mm", "26:05"},
		{26*time.Hour + 5*time.Minute, "d 'д' H 'ч' m 'мин'", "1 д 2 ч 5 мин"},
		{26*time.Hour + 5*time.Minute, "d д H ч", "1 д 2 ч"},
		{26*time.Hour + 5*time.Minute, "d m", "1 125"},
		{90 * time.Second, "mm:ss", "01:30"},
		{"90m", "H:mm", "1:30"},
		{59 * time.Second, "m", "0"},
		{-90 * time.Minute, "H:mm", "-1:30"},
		{-59 * time.Second, "H:mm", "0:00"},
		{time.Duration(math.MinInt64), "d", "-106751"},
		{90 * time.Minute, "m / m", "90 / 90"},
	} {
		require.Equal(t, tt.want, callOne(t, c, "formatDuration", tt.d, tt.pattern), "%v %q", tt.d, tt.pattern)
	}
	f := mustFunction(t, "formatDuration")
	for pattern, want := range map[string]string{
		"":     `the pattern "" shows no part of the duration: write for example "H:mm"`,
		"hh":   `"hh" means nothing in the pattern "hh": the letters for durations are d, H, HH, m, mm, s and ss; put other words in 'quotes'`,
		"HHH":  `"HHH" means nothing in the pattern "HHH": the letters for durations are d, H, HH, m, mm, s and ss; put other words in 'quotes'`,
		"H 'x": `the pattern "H 'x" has a quote that is not closed; an apostrophe is written ''`,
	} {
		require.EqualError(t, f.literal(1, pattern), want)
		require.Equal(t, want, callFails(t, c, "formatDuration", time.Hour, pattern))
	}
	require.NoError(t, f.literal(0, "1d"))
	require.Error(t, f.literal(0, "1x"))
	_, err := f.Infer([]step.Shape{step.ShapeTime, step.ShapeText})
	require.EqualError(t, err, `the duration must be a duration or a text such as "90m", not time`)
	require.Contains(t, callFails(t, c, "formatDuration", 1, "H"), "duration must be")
	require.Contains(t, callFails(t, c, "formatDuration", time.Hour, 1), "pattern must be a text")
}

func FuzzPatterns(f *testing.F) {
	for _, s := range []string{"d MMMM, HH:mm", "h:mm a", "'", "''", "d 'de' MMMM", "0.00", "# ##0.##", "#,##0 ₽", "H:mm", "\xff d", "0,00", "d\u202e"} {
		f.Add(s, int64(1772350000), 1234.5)
	}
	zone := zoneOf(f, "Europe/Moscow")
	f.Fuzz(func(t *testing.T, pattern string, seconds int64, number float64) {
		c := Context{Zone: zone}
		for name, value := range map[string]any{"format": time.Unix(seconds, 0), "formatNumber": number, "formatDuration": time.Duration(seconds)} {
			fn := mustFunction(t, name)
			problem := fn.literal(1, pattern)
			for _, l := range []string{"en", "ru", "es"} {
				got, err := fn.Call(c, append([]any{value, pattern}, any(l))[:len(fn.Params)])
				if problem == nil && !(name == "formatNumber" && (math.IsNaN(number) || math.IsInf(number, 0))) {
					require.NoError(t, err, "%s: a checked pattern never fails", name)
				}
				if err == nil && utf8.ValidString(pattern) {
					require.True(t, utf8.ValidString(got.(string)))
				}
			}
		}
	})
}
