package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestATableTakesItsPlace(t *testing.T) {
	path := filepath.Join(t.TempDir(), "page.md")
	page := "# Page\n\n<!-- bench:start -->\nold\n<!-- /bench -->\n\n<!-- bench:growth -->\n<!-- /bench -->\nend\n"
	require.NoError(t, os.WriteFile(path, []byte(page), 0o600))
	for range 2 { // the second time changes nothing
		require.NoError(t, insert(path, "start", "new\n\n"))
		require.NoError(t, insert(path, "growth", "| a |"))
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, "# Page\n\n<!-- bench:start -->\nnew\n<!-- /bench -->\n\n<!-- bench:growth -->\n| a |\n<!-- /bench -->\nend\n", string(text))
	}
	require.ErrorContains(t, insert(path, "export", "x"), "write <!-- bench:export --> and <!-- /bench -->")
	require.Error(t, insert(path+".none", "start", "x"))
}

// The page of the figures has a place for each table.
func TestThePageHasEveryTable(t *testing.T) {
	page, err := os.ReadFile("../../docs/performance.md")
	require.NoError(t, err)
	copied := filepath.Join(t.TempDir(), "performance.md")
	require.NoError(t, os.WriteFile(copied, page, 0o600))
	for _, name := range tableNames() {
		require.NoError(t, insert(copied, name, name))
	}
}
