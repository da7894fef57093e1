package cli

import (
	"bytes"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
)

func openStore(t *testing.T) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func TestThePinnedLedgerMayBeMergedIntoThisOne(t *testing.T) {
	p, list := check("hello.yaml", []byte(`flow: hello
steps:
  - id: send
    uses: chat2desk_send_message
    with: { contactId: 70001, message: Hello }
`))
	require.NoError(t, list.Err())
	pinned, here := openStore(t), openStore(t)
	j := &job{p: p, o: &worldFlags{}, a: &app{}, state: state{project: &project{ledger: pinned.Lineage()}}, store: here}
	err := j.pinned(t.Context())
	require.Equal(t, 11, exitCode(causesOf(err), nil))
	require.Contains(t, engine.Hint(err), "flowrunner ledger import FILE")

	var file bytes.Buffer
	require.NoError(t, pinned.Export(t.Context(), &file))
	_, err = here.Import(t.Context(), &file)
	require.NoError(t, err)
	require.NoError(t, j.pinned(t.Context()))
}

func TestWhatAnExportCovers(t *testing.T) {
	head := ledger.ExportHead{Lineage: "a", Serial: 7, Merged: []ledger.Merged{{Lineage: "b", Serial: 3}}}
	for _, tt := range []struct {
		lineage string
		serial  int64
		want    bool
	}{{"a", 7, true}, {"a", 8, false}, {"b", 3, true}, {"b", 4, false}, {"c", 0, false}} {
		require.Equal(t, tt.want, covers(head, tt.lineage, tt.serial), "%s %d", tt.lineage, tt.serial)
	}
}
