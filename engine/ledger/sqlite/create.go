package sqlite

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// create makes a new ledger under another name and links it into place when it
// is whole and on disk, so that a crash leaves either no ledger or a sound one.
// When two processes race, one ledger wins and both use it.
func create(ctx context.Context, path string, formats []string) (err error) {
	fail := func(err error) error {
		if code(err) != 0 {
			return fmt.Errorf("make ledger %s: %w: %s", path, err, hint(path, err))
		}
		return fmt.Errorf("make ledger %s: %w", path, err)
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(err)
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".new-*") // 0600
	if err != nil {
		return fail(err)
	}
	draft := f.Name()
	defer func() {
		for _, suffix := range []string{"", "-wal", "-shm"} {
			_ = os.Remove(draft + suffix)
		}
	}()
	if err := f.Close(); err != nil {
		return fail(err)
	}
	if err := fill(ctx, draft, formats); err != nil {
		return fail(err)
	}
	if err := syncFile(draft); err != nil {
		return fail(err)
	}
	if err := os.Link(draft, path); err != nil && !errors.Is(err, fs.ErrExist) {
		// Some file systems have no links. Renaming could replace a ledger made
		// meanwhile, so look once more.
		if _, statErr := os.Stat(path); !errors.Is(statErr, fs.ErrNotExist) {
			return nil
		}
		if err := os.Rename(draft, path); err != nil {
			return fail(err)
		}
	}
	if err := syncDir(dir); err != nil {
		return fail(err)
	}
	return nil
}

func fill(ctx context.Context, path string, formats []string) error {
	db, err := connect(path, filling())
	if err != nil {
		return err
	}
	defer db.Close()
	if err := upgrade(ctx, db, formats, 0); err != nil {
		return err
	}
	if _, err := db.ExecContext(ctx, `INSERT INTO meta (key, value) VALUES ('lineage', ?)`, rand.Text()); err != nil {
		return err
	}
	// Only the file itself is put into place. Closing folds the log into it too, but
	// keeps to itself that a full disk has cut that short.
	if err := foldLog(ctx, db); err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	if leftWAL(path) {
		return errors.New("its log was not folded into it")
	}
	return nil
}

// foldLog writes everything that the write-ahead log holds into the file.
func foldLog(ctx context.Context, db *sql.DB) error {
	var busy, log, folded int
	if err := db.QueryRowContext(ctx, `PRAGMA wal_checkpoint(TRUNCATE)`).Scan(&busy, &log, &folded); err != nil {
		return err
	}
	if busy != 0 {
		return errors.New("its log could not be folded into it: another process reads it")
	}
	return nil
}

// syncFile forces a file that was written elsewhere to the disk.
func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// syncLog forces the write-ahead log to the disk. Only the log is opened: closing
// the ledger itself would drop SQLite's locks on it.
func syncLog(path string) error {
	if err := syncFile(path + logSuffix); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// syncDir makes a new name durable. Windows has no such call and needs none.
func syncDir(path string) error {
	if runtime.GOOS == "windows" {
		return nil
	}
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
