package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	driver "modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// errBadRow is a row that no flowrunner wrote.
var errBadRow = errors.New("a row is damaged")

// code is SQLite's primary result code of err, 0 when it is no error of SQLite.
func code(err error) int {
	var e *driver.Error
	if errors.As(err, &e) {
		return e.Code() & 0xff
	}
	return 0
}

// unreadable sorts what went wrong while opening: what speaks against the file's
// content is an UnreadableError, the rest (rights, space, cancellation) is what
// it is.
func (s *Store) unreadable(err error) error {
	var known *ledger.UnreadableError
	var version *ledger.VersionError
	var older *ledger.RolledBackError
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &known), errors.As(err, &version), errors.As(err, &older):
		return err
	case errors.As(err, &path), errors.As(err, &link), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("open ledger %s: %w", s.path, err)
	}
	switch code(err) {
	case lib.SQLITE_BUSY, lib.SQLITE_LOCKED:
		return &ledger.BusyError{Path: s.path}
	case lib.SQLITE_PERM, lib.SQLITE_READONLY, lib.SQLITE_CANTOPEN, lib.SQLITE_FULL, lib.SQLITE_IOERR, lib.SQLITE_NOMEM, lib.SQLITE_INTERRUPT:
		return fmt.Errorf("open ledger %s: %w: %s", s.path, err, hint(s.path, err))
	}
	return &ledger.UnreadableError{Path: s.path, Err: err}
}

// reading puts the path before an error of a query on an open ledger.
func (s *Store) reading(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errBadRow), code(err) == lib.SQLITE_CORRUPT, code(err) == lib.SQLITE_NOTADB:
		return &ledger.UnreadableError{Path: s.path, Err: err}
	case s.closed.Load():
		return ledger.ErrClosed
	}
	return fmt.Errorf("read ledger %s: %w", s.path, err)
}

// hint says what to do about a write that failed.
func hint(path string, err error) string {
	dir := filepath.Dir(path)
	switch code(err) {
	case lib.SQLITE_FULL:
		return fmt.Sprintf("make room on the disk that holds %s, then give the same command again", dir)
	case lib.SQLITE_IOERR:
		return fmt.Sprintf("check the disk that holds %s and the space on it, then give the same command again", dir)
	case lib.SQLITE_READONLY, lib.SQLITE_PERM, lib.SQLITE_CANTOPEN:
		return fmt.Sprintf("make %s and the files in it writable for this user", dir)
	}
	return "give the same command again"
}
