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

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// mark is the high-water mark that stands beside a ledger: which ledger was
// here, and how many changes it held at least. An older copy put in its place,
// or a lost log, holds fewer.
//
// The mark never knows more than the disk holds: it is taken from commits that
// are synced, and written after them. So a crash at any moment leaves a mark
// that is right or low, and a low one raises no alarm.
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

// text is one line, and its checksum as the last word.
func (m mark) text() []byte {
	line := fmt.Sprintf("flowrunner-mark %d %q %d", markFormat, m.lineage, m.serial)
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

// readMark reads the mark of the ledger at path; nil when there is none. Anything
// else than a mark is a *ledger.MarkError.
func readMark(path string) (*mark, error) {
	name := markPath(path)
	info, err := os.Stat(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err == nil && info.Size() > markBytes {
		err = fmt.Errorf("it has %d bytes", info.Size())
	}
	var data []byte
	if err == nil {
		data, err = os.ReadFile(name)
	}
	var m mark
	if err == nil {
		m, err = parseMark(data)
	}
	if err != nil {
		return nil, &ledger.MarkError{Path: name, Err: err}
	}
	return &m, nil
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

// total counts all changes. It reads what is committed, so what is synced.
func (s *Store) total(ctx context.Context) (n int64, err error) {
	err = s.reader.QueryRowContext(ctx, `SELECT coalesce(sum(serial), 0) FROM scopes`).Scan(&n)
	return n, err
}

// markEvery is after how many commits the mark is raised while a run goes on: as
// many as an unnoticed rollback could hide.
const markEvery = 16

// marker raises the mark, in a goroutine of its own, so that no send waits for it.
type marker struct {
	path, lineage string
	accept        bool // the first raise may lower the mark: a person accepted an older ledger
	total         func(context.Context) (int64, error)

	commits int // since the last raise; the writer's
	wake    chan struct{}
	done    chan struct{}

	mu     sync.Mutex
	serial int64 // as written by this process; -1 when it has written none
	failed error // the first failure, for close
}

func newMarker(path, lineage string, accept bool, total func(context.Context) (int64, error)) *marker {
	m := &marker{path: path, lineage: lineage, accept: accept, total: total, serial: -1, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go m.loop()
	return m
}

func (m *marker) loop() {
	defer close(m.done)
	for range m.wake {
		_ = m.raise(context.Background()) // kept for close
	}
}

// committed is told of each commit by the writer.
func (m *marker) committed() {
	if m.commits++; m.commits < markEvery {
		return
	}
	m.commits = 0
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// raise brings the mark up to what is durable. Two processes that raise at one
// moment may leave the lower of two true marks; the next raise mends that.
func (m *marker) raise(ctx context.Context) (err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	defer func() {
		if err != nil {
			err = fmt.Errorf("write mark %s: %w", markPath(m.path), err)
			if m.failed == nil {
				m.failed = err
			}
		}
	}()
	total, err := m.total(ctx)
	if err != nil || total == m.serial {
		return err
	}
	seen, err := readMark(m.path)
	higher := err == nil && seen != nil && seen.lineage == m.lineage && seen.serial >= total
	if higher && !m.accept {
		m.serial = seen.serial
		return nil
	}
	if err := writeMark(m.path, mark{lineage: m.lineage, serial: total}); err != nil {
		return err
	}
	m.serial, m.accept = total, false
	return nil
}

// close raises the mark for the last time, when the writer has ended, and
// reports the first failure of all.
func (m *marker) close() error {
	close(m.wake)
	<-m.done
	_ = m.raise(context.Background())
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}
