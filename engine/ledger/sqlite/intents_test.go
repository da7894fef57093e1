package sqlite

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// TestWhatIsRememberedIsNotBelieved changes the row of an intent behind the back
// of the process that made it.
func TestWhatIsRememberedIsNotBelieved(t *testing.T) {
	tests := map[string]struct {
		behind func(t *testing.T, other *Store)
		ok     bool // the outcome is taken all the same, as the state machine says
	}{
		"recovered": {func(t *testing.T, other *Store) {
			n, err := other.Recover(t.Context(), "r1", "its process is gone")
			require.NoError(t, err)
			require.Equal(t, 1, n)
		}, true},
		"settled": {func(t *testing.T, other *Store) {
			require.NoError(t, other.Settle(t.Context(), ledger.Outcome{Identity: identity(1), Run: "r1", State: ledger.Sent, MessageID: 8, At: noon}))
		}, false},
		"settled and intended anew": {func(t *testing.T, other *Store) {
			require.NoError(t, other.Settle(t.Context(), ledger.Outcome{Identity: identity(1), Run: "r1", State: ledger.NotSent, Reason: "no", At: noon}))
			require.NoError(t, other.Intend(t.Context(), intention(1, "r1")))
		}, true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			s := openNew(t)
			begin(t, s, "r1")
			require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
			test.behind(t, reopen(t, s.path))
			err := s.Settle(t.Context(), ledger.Outcome{Identity: identity(1), Run: "r1", State: ledger.Sent, MessageID: 7, At: noon})
			got, _, findErr := s.Find(t.Context(), identity(1))
			require.NoError(t, findErr)
			require.Equal(t, ledger.Sent, got.State)
			if test.ok {
				require.NoError(t, err)
				require.Equal(t, 7, got.MessageID)
				return
			}
			var conflict *ledger.ConflictError
			require.True(t, errors.As(err, &conflict), "%v", err)
			require.Equal(t, ledger.Sent, conflict.Record.State)
			require.Equal(t, 8, got.MessageID, "the first outcome stands")
		})
	}
}

func TestOpenIntentsAreBounded(t *testing.T) {
	var open intents
	for n := range maxIntents + 10 {
		open.remember(&send{Record: ledger.Record{Identity: identity(n)}})
	}
	require.Len(t, open, maxIntents)
	_, ok := open.take(identity(3))
	require.True(t, ok)
	_, ok = open.take(identity(3))
	require.False(t, ok, "an outcome comes once")
	_, ok = open.take(identity(maxIntents + 3))
	require.False(t, ok)
}
