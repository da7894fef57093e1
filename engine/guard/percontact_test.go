package guard_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/guard"
)

func TestParsePerContact(t *testing.T) {
	for text, want := range map[string]guard.PerContact{
		"1 per 24h":      {Most: 1, Per: 24 * time.Hour, Text: "1 per 24h"},
		" 12  per  90m ": {Most: 12, Per: 90 * time.Minute, Text: "12 per 90m"},
	} {
		got, err := guard.ParsePerContact(text, time.ParseDuration)
		require.NoError(t, err)
		require.Equal(t, want, got)
	}
	for text, want := range map[string]string{
		"":           `"" is no such rule`,
		"1 / 7d":     `"1 / 7d" is no such rule`,
		"1 per":      `"1 per" is no such rule`,
		"0 per 1h":   `"0" is not how often`,
		"one per 1h": `"one" is not how often`,
		"1 per week": `invalid duration "week"`,
		"1 per 0s":   `"0s" must be longer than nothing`,
		"1 per -1h":  "must be longer than nothing",
	} {
		_, err := guard.ParsePerContact(text, time.ParseDuration)
		require.ErrorContains(t, err, want, text)
	}
}

func TestLooserThan(t *testing.T) {
	rule := func(n int, per time.Duration) guard.PerContact { return guard.PerContact{Most: n, Per: per} }
	for _, c := range []struct {
		flow, project guard.PerContact
		want          bool
	}{
		{rule(1, time.Hour), rule(1, time.Hour), false},
		{rule(2, time.Hour), rule(1, time.Hour), true},
		{rule(1, time.Minute), rule(1, time.Hour), true},
		{rule(1, 2*time.Hour), rule(1, time.Hour), false},
		{rule(3, 2*time.Hour), rule(1, time.Hour), false}, // neither: both hold
		{rule(1, time.Hour), rule(2, 2*time.Hour), false},
	} {
		require.Equal(t, c.want, c.flow.LooserThan(c.project), "%+v", c)
	}
}
