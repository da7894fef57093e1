package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// mark is the high-water mark that stands beside a ledger: which ledger was
// here, and how many changes it held at least. An older copy put in its place,
// or a lost log, holds fewer.
//
// The mark never knows more than the disk holds: it is taken from commits that
// are synced, and written after them, before whoever waits for the commit is told.
// So a kill at any moment leaves a mark that is right, or low by a commit that
// nobody relies on yet. It is synced now and then only: a power cut may leave a
// lower one, and a low one raises no alarm.
type mark struct {
	lineage string
	serial  int64 // the sum of the serials of all scopes
}

// markFormat is the version of the mark's file.
const markFormat = 1

// markBytes bounds what is read of a mark's file.
const markBytes = 4 << 10

// markPath is ledger.mark for ledger.db.
func markPath(path string) string { return strings.TrimSuffix(path, ".db") + ".mark" }

// text is one line, and its checksum as the last word. For one ledger it is always
// as long, so that it can be written over in one piece.
func (m mark) text() []byte {
	line := fmt.Sprintf("flowrunner-mark %d %q %020d", markFormat, m.lineage, m.serial)
	return fmt.Appendf(nil, "%s %08x\n", line, crc32.Checksum([]byte(line), castagnoli))
}

// parseMark reads what text wrote, and nothing else.
func parseMark(data []byte) (mark, error) {
	var m mark
	var format int
	if _, err := fmt.Sscanf(string(data), "flowrunner-mark %d", &format); err == nil && format > markFormat {
		return mark{}, fmt.Errorf("it has format %d, made by a newer flowrunner; this one knows up to %d: update flowrunner", format, markFormat)
	}
	_, err := fmt.Sscanf(string(data), "flowrunner-mark %d %q %d", &format, &m.lineage, &m.serial)
	if err != nil || !bytes.Equal(m.text(), data) {
		return mark{}, errors.New("it is damaged, or no mark")
	}
	return m, nil
}

// markLooks is how often a mark that cannot be parsed is looked at: another process
// may just be writing over it.
const markLooks = 3

// readMark reads the mark of the ledger at path; nil when there is none. Anything
// else than a mark is a *ledger.MarkError.
func readMark(path string) (*mark, error) {
	name := markPath(path)
	var m mark
	var err error
	for look := range markLooks {
		if look > 0 {
			time.Sleep(time.Millisecond)
		}
		var data []byte
		if data, err = readSmall(name); errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		if err == nil {
			m, err = parseMark(data)
		}
		if err == nil {
			return &m, nil
		}
	}
	return nil, &ledger.MarkError{Path: name, Err: err}
}

// readSmall reads a file that is no larger than a mark may be.
func readSmall(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if info.Size() > markBytes {
		return nil, fmt.Errorf("it has %d bytes", info.Size())
	}
	return os.ReadFile(name)
}

// writeMark replaces the mark in one piece. The directory is not synced: after a
// power cut the older mark may be back, which is low and not wrong.
func writeMark(path string, m mark) (err error) {
	name := markPath(path)
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".new-*") // 0600
	if err != nil {
		return err
	}
	_, err = f.Write(m.text())
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), name)
	}
	if err != nil {
		_ = os.Remove(f.Name())
	}
	return err
}

// compare learns the ledger's lineage and holds the ledger against the mark that
// was seen before.
func (s *Store) compare(ctx context.Context, seen *mark, o Options) error {
	if err := s.reader.QueryRowContext(ctx, `SELECT value FROM meta WHERE key = 'lineage'`).Scan(&s.lineage); err != nil {
		return err
	}
	total, err := s.total(ctx)
	if err != nil || seen == nil || o.AcceptOlder {
		return err
	}
	if s.lineage != seen.lineage || total < seen.serial {
		return &ledger.RolledBackError{
			Path: s.path, Lineage: s.lineage, Serial: total,
			Mark: markPath(s.path), MarkLineage: seen.lineage, MarkSerial: seen.serial,
		}
	}
	return nil
}

// selectTotal counts all changes.
const selectTotal = `SELECT coalesce(sum(serial), 0) FROM scopes`

// total counts all changes. It reads what is committed, so what is synced.
func (s *Store) total(ctx context.Context) (n int64, err error) {
	err = s.reader.QueryRowContext(ctx, selectTotal).Scan(&n)
	return n, err
}

// markEvery is after how many commits the mark is synced while a run goes on: as
// many as a power cut together with a rollback could hide.
const markEvery = 16

// marker raises the mark. Syncing is for a goroutine of its own, so that no send
// waits for it.
type marker struct {
	path, lineage string
	accept        bool // the first raise may lower the mark: a person accepted an older ledger
	total         func(context.Context) (int64, error)

	commits int // since the last sync; the writer's
	wake    chan struct{}
	done    chan struct{}

	mu     sync.Mutex
	file   markFile
	serial int64 // as written or found by this process; -1 when it has done neither
	closed bool
	synced int64 // the highest that this process knows to be on the disk
	failed error // the first failure, for close
}

func newMarker(path, lineage string, accept bool, total func(context.Context) (int64, error)) *marker {
	m := &marker{
		path: path, lineage: lineage, accept: accept, total: total, file: markFile{name: markPath(path)}, serial: -1,
		wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go m.loop()
	return m
}

func (m *marker) loop() {
	defer close(m.done)
	for range m.wake {
		m.mu.Lock()
		written := m.serial
		m.mu.Unlock()
		// It may be replaced meanwhile; that one is synced before it takes its place.
		if syncFile(markPath(m.path)) == nil {
			m.mu.Lock()
			m.synced = max(m.synced, written)
			m.mu.Unlock()
		}
	}
}

// committed is told of each commit by the writer, with all changes by then.
func (m *marker) committed(total int64) {
	m.mu.Lock()
	_ = m.keep(m.put(total, false)) // told by close
	m.mu.Unlock()
	if m.commits++; m.commits < markEvery {
		return
	}
	m.commits = 0
	m.sync()
}

// sync has the mark that is written by now synced, and does not wait for it.
func (m *marker) sync() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		return // close has seen to it
	}
	select {
	case m.wake <- struct{}{}:
	default: // it is about to be
	}
}

// raise brings the mark up to what is durable, and syncs it.
func (m *marker) raise(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	total, err := m.total(ctx)
	if err == nil {
		err = m.put(total, true)
	}
	return m.keep(err)
}

// keep remembers the first failure.
func (m *marker) keep(err error) error {
	if err == nil {
		return nil
	}
	err = fmt.Errorf("write mark %s: %w", markPath(m.path), err)
	if m.failed == nil {
		m.failed = err
	}
	return err
}

// put writes a mark that is higher than the one that is there. Two processes that
// put at one moment may leave the lower of two true marks; the next put mends that.
func (m *marker) put(total int64, durable bool) error {
	if total == m.serial && !durable {
		return nil
	}
	seen, err := m.file.read(m.path)
	ours := err == nil && seen != nil && seen.lineage == m.lineage
	now := mark{lineage: m.lineage, serial: total}
	switch {
	case ours && seen.serial >= total && !m.accept:
		now.serial = seen.serial
		if durable = durable && m.synced < now.serial; durable {
			err = syncFile(markPath(m.path))
		}
	case ours:
		err = m.file.overwrite(now, durable)
	default:
		err, durable = writeMark(m.path, now), true
	}
	if err != nil {
		return err
	}
	m.serial, m.accept = now.serial, false
	if durable {
		m.synced = now.serial
	}
	return nil
}

// close raises the mark for the last time, when the writer has ended, and
// reports the first failure of all.
func (m *marker) close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	close(m.wake)
	<-m.done
	_ = m.raise(context.Background())
	m.mu.Lock()
	defer m.mu.Unlock()
	m.file.close()
	return m.failed
}
