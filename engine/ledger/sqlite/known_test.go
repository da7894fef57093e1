package sqlite

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// Whatever is known of the table without a look at it, an identity that the ledger has
// is intended once: that of an earlier run of the same flow, of this run, of a run of
// another flow, and one that another process, an import or a person's word has put there.
func TestAKnownIdentityIsIntendedOnce(t *testing.T) {
	earlier := reopen(t, openNew(t).path)
	begin(t, earlier, "r1")
	require.NoError(t, earlier.Intend(t.Context(), intention(1, "r1")))
	require.NoError(t, earlier.Close())

	s := reopen(t, earlier.path)
	require.NoError(t, s.Reopen(t.Context(), "r1"))
	refused := func(n int, run string) {
		t.Helper()
		var conflict *ledger.ConflictError
		require.ErrorAs(t, s.Intend(t.Context(), intention(n, run)), &conflict)
		require.Equal(t, identity(n), conflict.Record.Identity)
	}
	refused(1, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(2, "r1")))
	refused(2, "r1")
	require.NotNil(t, s.writer.known.sieve)
	require.False(t, s.writer.known.over)
	require.NoError(t, s.fold())
	refused(2, "r1")

	require.NoError(t, s.Begin(t.Context(), ledger.Run{ID: "other", Flow: "autumn", Campaign: "default", PlanHash: "autumn", Account: "test", Started: noon}))
	require.True(t, s.writer.known.over, "anything else than sends ends it")
	require.NoError(t, s.Intend(t.Context(), intention(3, "other")))
	refused(2, "other")
	refused(3, "r1")

	foreign := reopen(t, earlier.path)
	require.NoError(t, foreign.Intend(t.Context(), intention(4, "r1")))
	refused(4, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(5, "r1")))
}

// Another process that writes ends it as well.
func TestWhatIsKnownEndsWithAnotherProcess(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	require.False(t, s.writer.known.over)
	other := reopen(t, s.path)
	require.NoError(t, other.Intend(t.Context(), intention(2, "r1")))
	var conflict *ledger.ConflictError
	require.ErrorAs(t, s.Intend(t.Context(), intention(2, "r1")), &conflict)
	require.True(t, s.writer.known.over)
	require.Nil(t, s.writer.known.sieve)
}

// fold empties the tail, as a full one is.
func (s *Store) fold() error { return s.writer.do(context.Background(), (*tx).fold) }
