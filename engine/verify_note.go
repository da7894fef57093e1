package engine

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"
)

// note is what a verifier remembers of one unknown send. Moments are in the
// verifier's elapsed time.
type note struct {
	seen     bool
	left     bool // it stays unknown: nothing that this process can do settles it
	denied   bool // it was not in a history that counts
	resends  uint8
	unread   uint8         // looks in a row that failed
	born     time.Duration // of the attempt
	deniedAt time.Duration
}

// notes hold a note for each row of a plan in a file, at the row's place: a
// million unknown sends take no memory, and a row that has none no room. They
// serve one process; what a crash loses is looked for anew. Several goroutines
// may work on different rows.
type notes struct{ file *os.File }

const noteBytes = 24

func openNotes(dir string) (*notes, error) {
	f, err := os.OpenFile(filepath.Join(dir, "unknown.notes"), os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("write notes: %w", err)
	}
	return &notes{f}, nil
}

func (n *notes) close() {
	_ = n.file.Close()
	_ = os.Remove(n.file.Name()) // what is left of it means nothing to anybody
}

func (n *notes) get(seq int64) (note, error) {
	var b [noteBytes]byte
	// Behind the end of the file nothing was written yet.
	if _, err := n.file.ReadAt(b[:], seq*noteBytes); err != nil && !errors.Is(err, io.EOF) {
		return note{}, fmt.Errorf("read notes: %w", err)
	}
	return note{
		seen: b[0]&1 != 0, left: b[0]&2 != 0, denied: b[0]&4 != 0, resends: b[1], unread: b[2],
		born: time.Duration(binary.LittleEndian.Uint64(b[8:])), deniedAt: time.Duration(binary.LittleEndian.Uint64(b[16:])),
	}, nil
}

func (n *notes) put(seq int64, x note) error {
	var b [noteBytes]byte
	for bit, on := range []bool{x.seen, x.left, x.denied} {
		if on {
			b[0] |= 1 << bit
		}
	}
	b[1], b[2] = x.resends, x.unread
	binary.LittleEndian.PutUint64(b[8:], uint64(x.born))
	binary.LittleEndian.PutUint64(b[16:], uint64(x.deniedAt))
	if _, err := n.file.WriteAt(b[:], seq*noteBytes); err != nil {
		return fmt.Errorf("write notes: %w", err)
	}
	return nil
}
