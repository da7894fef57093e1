package lang

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParseDuration(t *testing.T) {
	const day = 24 * time.Hour
	for text, want := range map[string]time.Duration{
		"0":                     0,
		"0s":                    0,
		"90d":                   90 * day,
		"1w":                    7 * day,
		"1d12h":                 36 * time.Hour,
		" 1d 12h ":              36 * time.Hour,
		"2 d":                   2 * day,
		"1.5h":                  90 * time.Minute,
		".5d":                   12 * time.Hour,
		"1.d":                   day,
		"-30m":                  -30 * time.Minute,
		"1h1h":                  2 * time.Hour,
		"1m30s500ms20us7ns":     90*time.Second + 500*time.Millisecond + 20*time.Microsecond + 7,
		"3µs":                   3 * time.Microsecond,
		"3μs":                   3 * time.Microsecond,
		"9223372036854775807ns": math.MaxInt64,
		"106751d":               106751 * day,
	} {
		got, err := ParseDuration(text)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
}

func TestParseDurationSaysWhatToWrite(t *testing.T) {
	const example = " is no duration: write a number and a unit, such as 30d, 12h, 15m or 1d12h"
	for text, want := range map[string]string{
		"":                      `""` + example,
		"-":                     `"-"` + example,
		"d":                     `"d"` + example,
		"--1d":                  `"--1d"` + example,
		"+1d":                   `"+1d"` + example,
		"1d-2h":                 `"1d-2h"` + example,
		"30":                    `"30" is no duration: the unit is missing after 30; write 30d, 30h, 30m or 30s`,
		"1d12":                  `"1d12" is no duration: the unit is missing after 12; write 12d, 12h, 12m or 12s`,
		"90x":                   `"90x" is no duration: "x" is no unit; the units are w, d, h, m, s and ms`,
		"90 дней":               `"90 дней" is no duration: "дней" is no unit; the units are w, d, h, m, s and ms`,
		"90D":                   `"90D" is no duration: "D" is no unit; the units are w, d, h, m, s and ms`,
		"3 ":                    `"3 " is no duration: the unit is missing after 3; write 3d, 3h, 3m or 3s`,
		"3 4h":                  `"3 4h" is no duration: the units are w, d, h, m, s and ms`,
		"2mo":                   `"2mo" is no duration: months and years have no fixed length; write days, such as 30d or 365d`,
		"1M":                    `"1M" is no duration: months and years have no fixed length; write days, such as 30d or 365d`,
		"1y":                    `"1y" is no duration: months and years have no fixed length; write days, such as 30d or 365d`,
		"1.2.3h":                `"1.2.3h" is no duration: "1.2.3" is no number`,
		".h":                    `".h" is no duration: "." is no number`,
		"300000w":               `"300000w" is no duration: it is longer than 292 years`,
		"106752d":               `"106752d" is no duration: it is longer than 292 years`,
		"106751d24h":            `"106751d24h" is no duration: it is longer than 292 years`,
		"9223372036854775808ns": `"9223372036854775808ns" is no duration: it is longer than 292 years`,
		"106751.999d":           `"106751.999d" is no duration: it is longer than 292 years`,
	} {
		_, err := ParseDuration(text)
		require.EqualError(t, err, want, "%q", text)
	}
	_, err := ParseDuration(strings.Repeat("Ж\n", 500))
	require.ErrorContains(t, err, `…" is no duration`)
	require.Less(t, len(err.Error()), 300)
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"90d", "1w", "1d12h", "1.5h", "-30m", "0", "1d 2h", "30", "9999999999999999999d", "1µs", "1d-2h", ".", "\xff1d"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDuration(text)
		if err != nil {
			require.Less(t, len(err.Error()), 1200)
			require.NotContains(t, err.Error(), "\n")
			return
		}
		again, err := ParseDuration(d.String())
		require.NoError(t, err)
		require.Equal(t, d, again)
		if theirs, err := time.ParseDuration(text); err == nil {
			require.InDelta(t, float64(theirs), float64(d), 2)
		}
	})
}
