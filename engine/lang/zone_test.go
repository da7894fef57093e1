package lang_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/lang"
)

func TestZonesOf(t *testing.T) {
	var zones lang.Zones
	for text, want := range map[string]string{
		"Europe/Berlin": "Europe/Berlin",
		" Asia/Almaty ": "Asia/Almaty",
		"UTC":           "UTC",
		"KZ":            "Asia/Almaty Asia/Qyzylorda Asia/Qostanay Asia/Aqtobe Asia/Aqtau Asia/Atyrau Asia/Oral",
		"AT":            "Europe/Vienna",
		"+43 1 58858":   "Europe/Vienna",
		"4915123456789": "Europe/Zurich Europe/Berlin",
		"77273123456":   "Asia/Almaty",
		"74951234567":   "Europe/Moscow",
		"74232123456":   "Asia/Vladivostok",
		"":              "error", "Local": "error", "Mars/Base": "error", "XX": "error", "12": "error",
		"800 hello": "error", "kz": "error", "tg 123": "error", "7": "error",
	} {
		found, err := zones.Of(text)
		if want == "error" {
			require.Error(t, err, text)
			continue
		}
		require.NoError(t, err, text)
		var names []string
		for _, z := range found {
			names = append(names, z.String())
		}
		require.Equal(t, want, strings.Join(names, " "), text)
	}
}

// A mobile of Russia tells the country and no more: every zone of it is possible.
func TestAMobileMayBeAnywhereInItsCountry(t *testing.T) {
	var zones lang.Zones
	found, err := zones.Of("79161234567")
	require.NoError(t, err)
	all := map[string]bool{}
	for _, z := range found {
		all[z.String()] = true
	}
	require.True(t, all["Europe/Moscow"] && all["Asia/Vladivostok"], "%v", found)
}

// Each zone of the table is one that the program knows.
func TestEveryCountryHasItsZones(t *testing.T) {
	n := 0
	var zones lang.Zones
	for a := 'A'; a <= 'Z'; a++ {
		for b := 'A'; b <= 'Z'; b++ {
			if found, err := zones.Of(string(a) + string(b)); err == nil {
				require.NotEmpty(t, found)
				n++
			}
		}
	}
	require.Greater(t, n, 240)
}
