package ledger_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// The whole table, written a second time by hand: rows are from, columns to, in
// the order planned, intent, sent, not sent, refused, unknown.
func TestStateMachine(t *testing.T) {
	want := []string{
		".i....",
		"..snru",
		"......",
		".i....",
		"......",
		"..snr.",
	}
	for from, row := range want {
		for to, mark := range row {
			require.Equal(t, mark != '.', ledger.State(from).May(ledger.State(to)), "%s to %s", ledger.State(from), ledger.State(to))
		}
		require.Equal(t, row == "......", ledger.State(from).Final(), "%s", ledger.State(from))
	}
}

func TestStateNames(t *testing.T) {
	names := []string{"planned", "intent", "sent", "not sent", "refused", "unknown"}
	for i, name := range names {
		require.Equal(t, name, ledger.State(i).String())
		got, err := ledger.ParseState(name)
		require.NoError(t, err)
		require.Equal(t, ledger.State(i), got)
	}
	_, err := ledger.ParseState("posted")
	require.ErrorContains(t, err, `"posted" is not one of`)
	strange := ledger.State(len(names))
	require.False(t, strange.Valid())
	require.Equal(t, "state 6", strange.String())
	require.False(t, strange.May(ledger.Intent))
	require.False(t, strange.Final())
}

func TestRunStates(t *testing.T) {
	open := map[string]bool{"running": true, "finished": false, "interrupted": true, "failed": false, "stopped": true, "abandoned": false}
	for name, want := range open {
		s, err := ledger.ParseRunState(name)
		require.NoError(t, err)
		require.Equal(t, name, s.String())
		require.Equal(t, want, s.Open(), name)
	}
	_, err := ledger.ParseRunState("paused")
	require.ErrorContains(t, err, `"paused" is not one of`)
	require.Equal(t, "run state 9", ledger.RunState(9).String())
	require.False(t, ledger.RunState(9).Valid())
}
