package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

func TestCanceledOpenIsNoDamage(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := Open(ctx, path, Options{})
	require.ErrorIs(t, err, context.Canceled)
	left, err := os.ReadDir(dir)
	require.NoError(t, err)
	require.Empty(t, left, "nothing half made is left")

	require.NoError(t, reopen(t, path).Close())
	_, err = Open(ctx, path, Options{})
	require.ErrorIs(t, err, context.Canceled)
	var bad *ledger.UnreadableError
	require.False(t, errors.As(err, &bad))
}

// Another process in the middle of a transaction is waited for; when that takes
// too long nothing was written and the next try may work.
func TestBusyIsNotForGood(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	other := reopen(t, s.path)
	_, err := other.writer.conn.ExecContext(t.Context(), `BEGIN IMMEDIATE`)
	require.NoError(t, err)
	_, err = s.writer.conn.ExecContext(t.Context(), `PRAGMA busy_timeout = 1`)
	require.NoError(t, err)
	var busy *ledger.BusyError
	require.ErrorAs(t, s.Intend(t.Context(), intention(1, "r1")), &busy)
	require.Equal(t, s.path, busy.Path)

	_, err = other.writer.conn.ExecContext(t.Context(), `COMMIT`)
	require.NoError(t, err)
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
}

// What SQLite reports as a failed write ends all writing, with advice.
func TestWriteFailureOfSQLite(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	_, err := s.writer.conn.ExecContext(t.Context(), `PRAGMA query_only = 1`)
	require.NoError(t, err)
	var failed *ledger.FailedError
	require.ErrorAs(t, s.Intend(t.Context(), intention(1, "r1")), &failed)
	require.Contains(t, failed.Hint, "writable for this user")

	full := openNew(t)
	begin(t, full, "r1")
	_, err = full.writer.conn.ExecContext(t.Context(), `PRAGMA max_page_count = 1`)
	require.NoError(t, err)
	for n := range 200 {
		if err = full.Intend(t.Context(), intention(n, "r1")); err != nil {
			break
		}
	}
	require.ErrorAs(t, err, &failed)
	require.Contains(t, failed.Hint, "make room on the disk")
	_, err = full.Recover(t.Context(), "r1", "died")
	require.Equal(t, failed, err, "the same error for everybody after it")
}

// A process killed in mid-work leaves its log. The next to open reads the ledger
// through, however large.
func TestUncleanStopIsChecked(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	require.True(t, leftWAL(s.path))
	copied := filepath.Join(t.TempDir(), "ledger.db")
	for _, suffix := range []string{"", "-wal"} {
		image, err := os.ReadFile(s.path + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(copied+suffix, image, 0o600))
	}
	again := reopen(t, copied)
	_, found, err := again.Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.True(t, found, "the log was replayed")

	require.NoError(t, again.check(t.Context(), false))
	_, err = again.writer.conn.ExecContext(t.Context(), `UPDATE sends SET at = 1`)
	require.NoError(t, err)
	require.ErrorIs(t, again.check(t.Context(), false), errBadRow)
}

func TestUpgradeWithoutACopyIsNotDone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	require.NoError(t, reopen(t, path).Close())
	kept := fmt.Sprintf("%s.format%d", path, len(formats))
	require.NoError(t, os.MkdirAll(filepath.Join(kept+".new", "occupied"), 0o700))
	next := append(slices.Clip(formats), `CREATE TABLE more (a)`)
	_, err := open(t.Context(), path, Options{}, next)
	require.ErrorContains(t, err, "before the upgrade")
	require.ErrorContains(t, err, kept)
	s := reopen(t, path)
	require.NotEmpty(t, s.Lineage(), "it still has the older format")
}

// Two processes upgrade at once: the second finds the work done.
func TestUpgradeTwice(t *testing.T) {
	s := openNew(t)
	require.NoError(t, upgrade(t.Context(), s.reader, append(slices.Clip(formats), `CREATE TABLE more (a)`), len(formats)))
	require.NoError(t, upgrade(t.Context(), s.reader, append(slices.Clip(formats), `CREATE TABLE more (a)`), len(formats)))
}

func TestRecoverOfNobody(t *testing.T) {
	s := openNew(t)
	_, err := s.Recover(t.Context(), "nobody", "died")
	var ended *ledger.EndedError
	require.ErrorAs(t, err, &ended)
	require.False(t, ended.Known)
	require.ErrorAs(t, s.Intend(t.Context(), intention(1, "nobody")), &ended)
}

// The statements are made after the ledger is open, so that they cannot be made is told
// by the first write, and by each later one.
func TestAWriterThatCannotBegin(t *testing.T) {
	s := openNew(t)
	_, err := s.writer.conn.ExecContext(t.Context(), `DROP TABLE tail`)
	require.NoError(t, err)
	w, err := startWriter(t.Context(), s.path, func(int64) { t.Error("nothing can be committed") })
	require.NoError(t, err)
	for range 2 {
		var failed *ledger.FailedError
		err := w.do(t.Context(), func(*tx) error { t.Error("nothing can be written"); return nil })
		require.ErrorAs(t, err, &failed)
		require.ErrorContains(t, err, "no such table: ")
	}
	require.NoError(t, w.stop())
	require.NoError(t, w.close())
}
