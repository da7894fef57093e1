package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// Options say how to open a ledger. The zero Options make it when it is not
// there.
type Options struct {
	ReadOnly  bool // refuse every write; implies MustExist
	MustExist bool // *ledger.NotFoundError instead of a new ledger

	// AcceptOlder takes the ledger as it is, also when its mark says that a newer
	// one was here, and makes a new one where the mark alone is left. Only a person
	// may say so.
	AcceptOlder bool

	// Now is the clock for changes that nobody gave a time for; nil is time.Now.
	Now func() time.Time
}

// Store is an open ledger file.
type Store struct {
	path    string
	lineage string
	reader  *sql.DB

	// The ways to look an identity up: findNear, then findFar.
	find, findAnywhere, whoseTail *sql.Stmt

	people people
	writer *writer // nil when read-only
	marker *marker // nil when read-only
	closed atomic.Bool
	now    func() time.Time
}

var _ ledger.Store = (*Store)(nil)

// magic opens every SQLite file.
var magic = []byte("SQLite format 3\x00")

// busyMillis is how long one process waits for another one's transaction.
const busyMillis = 30_000

// Open opens the ledger at path. A file that is there is used or refused with
// *ledger.UnreadableError, *ledger.VersionError or *ledger.RolledBackError, never
// replaced. A small ledger is checked throughout, a large one after an unclean
// stop.
func Open(ctx context.Context, path string, o Options) (*Store, error) {
	return open(ctx, path, o, formats)
}

func open(ctx context.Context, path string, o Options, formats []string) (_ *Store, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", path, err)
	}
	at, err := locate(ctx, path, o)
	if err != nil {
		return nil, err
	}
	unclean := leftWAL(path)

	s := &Store{path: path, now: o.Now}
	if s.now == nil {
		s.now = time.Now
	}
	defer func() {
		if err != nil {
			_ = s.Close()
		}
	}()
	if s.reader, err = connect(path, o.ReadOnly); err != nil {
		return nil, err
	}
	s.reader.SetMaxIdleConns(4)
	format, err := s.format(ctx, o, len(formats))
	if err == nil {
		err = s.compare(ctx, at.seen, o)
	}
	if err == nil && format < len(formats) {
		err = s.bringForward(ctx, format, formats)
	}
	if err != nil {
		return nil, s.unreadable(err)
	}
	switch small := at.size <= smallBytes; {
	case at.made && !unclean: // a moment ago, as a copy of one that tests have checked
	case small || unclean && !o.ReadOnly:
		err = s.check(ctx, small)
	default:
		err = s.checkTail(ctx)
	}
	if err != nil {
		return nil, s.unreadable(err)
	}
	if err := s.prepare(ctx); err != nil {
		return nil, s.unreadable(err)
	}
	if !o.ReadOnly {
		if unclean {
			// What is read from the log of a dead process need not be on the disk yet,
			// and the mark must not know more than the disk.
			if err := syncLog(path); err != nil {
				return nil, s.unreadable(err)
			}
		}
		s.marker = newMarker(path, s.lineage, o.AcceptOlder, s.total)
		if err := s.marker.raise(ctx); err != nil {
			return nil, s.unreadable(err)
		}
		if s.writer, err = startWriter(ctx, path, s.marker.committed); err != nil {
			return nil, s.unreadable(err)
		}
		if err := s.foldTail(ctx); err != nil {
			return nil, s.unreadable(err)
		}
	}
	return s, nil
}

// prepare makes the statements by which an identity is looked up.
func (s *Store) prepare(ctx context.Context) error {
	for statement, query := range map[**sql.Stmt]string{
		&s.find: findHinted, &s.findAnywhere: findAnywhere, &s.whoseTail: selectFirstOfTail,
	} {
		var err error
		if *statement, err = s.reader.PrepareContext(ctx, query); err != nil {
			return err
		}
	}
	return nil
}

// foldTail empties the tail, where something is in it that was left by a process
// that is gone, or is being put there by another one.
func (s *Store) foldTail(ctx context.Context) error {
	var first int64
	err := s.whoseTail.QueryRowContext(ctx).Scan(&first)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err == nil {
		err = s.write(ctx, func(*tx) error { return nil })
	}
	var busy *ledger.BusyError
	if errors.As(err, &busy) {
		return nil // it is read as well where it is, and folded by the first write
	}
	return err
}

// place is what stood where a ledger is, before it was opened.
type place struct {
	size int64
	made bool  // by this process, just now
	seen *mark // nil where nothing can be forgotten
}

// locate finds the ledger, or makes it where one may be made. The mark is read
// before anything in the ledger, since another process may raise both meanwhile.
func locate(ctx context.Context, path string, o Options) (at place, err error) {
	seen, markErr := readMark(path)
	if seen != nil && seen.serial > 0 { // of an empty ledger there is nothing to forget
		at.seen = seen
	}
	at.size, err = inspect(path)
	if errors.Is(err, fs.ErrNotExist) {
		missing := &ledger.NotFoundError{Path: path}
		if at.seen != nil || markErr != nil {
			missing.Mark = markPath(path)
		}
		if at.seen != nil {
			missing.Lineage, missing.Serial = at.seen.lineage, at.seen.serial
		}
		if o.ReadOnly || o.MustExist || missing.Mark != "" && !o.AcceptOlder {
			return at, missing
		}
		if err := ctx.Err(); err != nil {
			return at, err
		}
		if at.made, err = create(path); err != nil {
			return at, err
		}
		at.size, err = inspect(path)
	}
	if err == nil && markErr != nil && !o.AcceptOlder {
		err = markErr
	}
	return at, err
}

// Lineage is the ledger's random id.
func (s *Store) Lineage() string { return s.lineage }

// Close ends all writing and closes the file. The last process to close it folds
// the write-ahead log into it; a log found later is the sign of an unclean stop.
func (s *Store) Close() error {
	again := s.closed.Swap(true)
	var errs []error
	if s.writer != nil {
		errs = append(errs, s.writer.stop())
	}
	if s.marker != nil && !again {
		errs = append(errs, s.marker.close())
	}
	if s.reader != nil {
		errs = append(errs, s.reader.Close())
	}
	if s.writer != nil {
		// The last connection to be closed folds the log. This one has most of it in its
		// cache.
		errs = append(errs, s.writer.close())
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("close ledger %s: %w", s.path, err)
	}
	return nil
}

// smallCache is how many pages a connection keeps to itself, half a MiB of them: with the
// 2 MiB of SQLite's own choice a broadcast takes the same time and 7 MB more, since what one
// page cache does not have the system's has.
const smallCache = "cache_size(-512)"

// connect opens path with the settings that every connection needs.
func connect(path string, readOnly bool) (*sql.DB, error) {
	slashed := filepath.ToSlash(path)
	if !strings.HasPrefix(slashed, "/") {
		slashed = "/" + slashed
	}
	q := url.Values{"_pragma": {
		fmt.Sprintf("busy_timeout(%d)", busyMillis),
		"journal_mode(WAL)",
		"synchronous(FULL)",
		"wal_autocheckpoint(4096)", // pages, 16 MiB: one that is written often goes into the file once
		"foreign_keys(0)",
		"trusted_schema(0)",
		"cell_size_check(1)",
		smallCache,
	}}
	q.Set("mode", "rw")
	if readOnly {
		q.Set("mode", "ro")
		q["_pragma"] = []string{q["_pragma"][0], "query_only(1)", "trusted_schema(0)", "cell_size_check(1)", smallCache}
	}
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Path: slashed, RawQuery: q.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("open ledger %s: %w", path, err)
	}
	return db, nil
}

// The head of an SQLite file: what it opens with, and where the id of the program
// that made it stands.
const (
	headBytes    = 100
	writeVersion = 18
	appOffset    = 68
)

// maxWriteVersion is the newest way of writing a file that SQLite knows. A file that
// says it has a newer one may be read and not written.
const maxWriteVersion = 2

// inspect looks at the file without SQLite, which would take an empty file for a
// new database and turn one of another program to our settings.
func inspect(path string) (size int64, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, fmt.Errorf("open ledger: %w", err)
	}
	if !info.Mode().IsRegular() {
		return 0, &ledger.UnreadableError{Path: path, Err: errors.New("it is not a regular file")}
	}
	f, err := os.Open(path)
	if err != nil {
		return 0, fmt.Errorf("open ledger: %w", err)
	}
	defer f.Close()
	head := make([]byte, headBytes)
	switch _, err := io.ReadFull(f, head); {
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return 0, &ledger.UnreadableError{Path: path, Err: fmt.Errorf("it has only %d bytes", info.Size())}
	case err != nil:
		return 0, fmt.Errorf("open ledger: %w", err)
	case !bytes.HasPrefix(head, magic):
		return 0, &ledger.UnreadableError{Path: path, Err: errors.New("it is not an SQLite file")}
	case binary.BigEndian.Uint32(head[appOffset:]) != applicationID:
		return 0, &ledger.UnreadableError{Path: path, Err: errors.New("it is an SQLite file of another program")}
	case head[writeVersion] > maxWriteVersion:
		return 0, &ledger.UnreadableError{Path: path, Err: fmt.Errorf("it says that it is to be written in way %d, and the newest is %d", head[writeVersion], maxWriteVersion)}
	}
	return info.Size(), nil
}

// logSuffix ends the name of the write-ahead log.
const logSuffix = "-wal"

func leftWAL(path string) bool {
	info, err := os.Stat(path + logSuffix)
	return err == nil && info.Size() > 0
}
