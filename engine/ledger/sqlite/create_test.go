package sqlite

import (
	"bytes"
	"compress/gzip"
	"database/sql"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/internal/golden"
)

// makeOf makes an empty ledger by the steps of its format.
func makeOf(t *testing.T, path string, formats []string) {
	t.Helper()
	require.NoError(t, os.WriteFile(path, nil, 0o600))
	db, err := connect(path, false)
	require.NoError(t, err)
	require.NoError(t, upgrade(t.Context(), db, formats, 0))
	_, err = db.ExecContext(t.Context(), `INSERT INTO meta (key, value) VALUES ('lineage', ?)`, noLineage)
	require.NoError(t, err)
	require.NoError(t, db.Close())
	require.False(t, leftWAL(path))
}

// TestEmptyLedgerIsFresh holds the ledger that every new one is a copy of against
// the one that the steps of today make. Its bytes may differ, since SQLite writes its own
// version into them.
func TestEmptyLedgerIsFresh(t *testing.T) {
	made := filepath.Join(t.TempDir(), "made.db")
	makeOf(t, made, formats)
	if golden.Update() {
		image, err := os.ReadFile(made)
		require.NoError(t, err)
		require.Equal(t, 1, bytes.Count(image, []byte(noLineage)))
		var packed bytes.Buffer
		out, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
		require.NoError(t, err)
		_, err = out.Write(image)
		require.NoError(t, err)
		require.NoError(t, out.Close())
		require.NoError(t, os.WriteFile("empty.db.gz", packed.Bytes(), 0o644))
		emptyPacked = packed.Bytes()
	}
	image, err := empty(noLineage)
	require.NoError(t, err)
	require.Equal(t, 1, bytes.Count(image, []byte(noLineage)))
	copied := filepath.Join(t.TempDir(), "copied.db")
	require.NoError(t, os.WriteFile(copied, image, 0o600))
	require.Equal(t, shapeOf(t, made), shapeOf(t, copied), "the format has changed since empty.db.gz was made: make generate")
}

// shapeOf is everything that an empty ledger says.
func shapeOf(t *testing.T, path string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	defer db.Close()
	var all []string
	for _, query := range []string{
		`PRAGMA journal_mode`, `PRAGMA user_version`, `PRAGMA application_id`, `PRAGMA page_size`, `PRAGMA auto_vacuum`, `PRAGMA encoding`,
		`PRAGMA integrity_check`, `SELECT type || ' ' || name || ' on ' || tbl_name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY 1`,
		`SELECT key || '=' || value FROM meta`,
	} {
		rows, err := db.QueryContext(t.Context(), query)
		require.NoError(t, err)
		for rows.Next() {
			var text string
			require.NoError(t, rows.Scan(&text))
			all = append(all, text)
		}
		require.NoError(t, rows.Err())
		require.NoError(t, rows.Close())
	}
	return all
}

func TestEachNewLedgerHasALineageOfItsOwn(t *testing.T) {
	seen := map[string]bool{noLineage: true}
	for _, name := range []string{"a.db", "b.db"} {
		s, err := Open(t.Context(), filepath.Join(t.TempDir(), name), Options{})
		require.NoError(t, err)
		require.NoError(t, s.Check(t.Context()))
		require.Len(t, s.Lineage(), len(noLineage))
		require.False(t, seen[s.Lineage()])
		seen[s.Lineage()] = true
		require.NoError(t, s.Close())
	}
}
