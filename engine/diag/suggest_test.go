package diag_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
)

func TestClosest(t *testing.T) {
	keys := []string{"id", "uses", "with", "forEach", "concurrency", "onError", "message", "contactId", "last_client_message"}
	for name, want := range map[string]string{
		"wiht":               "with", // swapped
		"use":                "uses", // missing
		"usess":              "uses", // doubled
		"foreach":            "forEach",
		"for_each":           "forEach",
		"for-each":           "forEach",
		"on_error":           "onError",
		"contact_id":         "contactId",
		"lastClientMesage":   "last_client_message",
		"concurency":         "concurrency",
		"mesage":             "message",
		"i":                  "id",
		"x":                  "",
		"ids":                "id",
		"zzz":                "",
		"recipient":          "",
		"вит":                "",
		"соntасtId":          "contactId", // Cyrillic letters that look Latin
		"mеssаgе":            "message",
		"":                   "",
		"message_of_the_day": "",
	} {
		t.Run(name, func(t *testing.T) {
			require.Equal(t, want, diag.Closest(name, keys))
		})
	}
}

func TestClosestOfEquallyCloseIsTheFirstByName(t *testing.T) {
	require.Equal(t, "bat", diag.Closest("xat", []string{"cat", "bat"}))
}

func TestClosestGivesUpOnVeryLongNames(t *testing.T) {
	long := strings.Repeat("a", 200)
	require.Empty(t, diag.Closest(long, []string{long + "b"}))
}

func TestDidYouMean(t *testing.T) {
	require.Equal(t, `did you mean "with"?`, diag.DidYouMean("wiht", []string{"with", "uses"}))
	require.Equal(t, "use one of: uses, with", diag.DidYouMean("zzzzz", []string{"with", "uses"}))
	require.Empty(t, diag.DidYouMean("x", nil))
	require.Empty(t, diag.DidYouMean("zzzzz", strings.Split(strings.Repeat("abcdefgh ", 30), " ")))
}
