package sqlite

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// draftRow is one planned send.
type draftRow struct {
	id      ledger.Identity
	content [32]byte
	seq     int64
}

const (
	draftRowBytes   = 32 + 32 + 8
	draftBlockBytes = 28 * draftRowBytes // 2 KiB: all that are being filled have 512 KiB at most
	draftFirstBytes = 7 * draftRowBytes  // of a block, doubled twice
	draftBuckets    = 256                // by an identity's last byte
)

// draftRows holds the rows of a draft in buckets. Each gathers a block in memory;
// full blocks go to a temporary file, which only large plans need. Rows are added
// by all and looked for by few, so a search may read its whole bucket.
type draftRows struct {
	buckets [draftBuckets]draftBucket
	file    *os.File
	blocks  int32 // in the file
}

// draftBucket is the rows of one bucket.
type draftBucket struct {
	full []int32 // its blocks in the file
	last []byte  // the block that is being filled
}

func bucketOf(id ledger.Identity) int { return int(id[len(id)-1]) }

func (d *draftRows) add(r draftRow) error {
	b := &d.buckets[bucketOf(r.id)]
	if len(b.last) == cap(b.last) {
		b.last = append(make([]byte, 0, max(draftFirstBytes, 2*len(b.last))), b.last...)
	}
	b.last = append(b.last, r.id[:]...)
	b.last = append(b.last, r.content[:]...)
	b.last = binary.LittleEndian.AppendUint64(b.last, uint64(r.seq))
	if len(b.last) < draftBlockBytes {
		return nil
	}
	if d.file == nil {
		var err error
		if d.file, err = os.CreateTemp("", "flowrunner-draft-*"); err != nil {
			return err
		}
		_ = os.Remove(d.file.Name()) // gone with its process, where the system allows; else close does it
	}
	if _, err := d.file.WriteAt(b.last, int64(d.blocks)*draftBlockBytes); err != nil {
		return err
	}
	b.full = append(b.full, d.blocks)
	b.last = b.last[:0]
	d.blocks++
	return nil
}

// find gives the row of an identity.
func (d *draftRows) find(id ledger.Identity) (draftRow, bool, error) {
	b := &d.buckets[bucketOf(id)]
	if r, ok := findIn(b.last, id); ok {
		return r, true, nil
	}
	block := make([]byte, draftBlockBytes)
	for _, n := range b.full {
		if _, err := d.file.ReadAt(block, int64(n)*draftBlockBytes); err != nil {
			return draftRow{}, false, err
		}
		if r, ok := findIn(block, id); ok {
			return r, true, nil
		}
	}
	return draftRow{}, false, nil
}

func findIn(block []byte, id ledger.Identity) (r draftRow, found bool) {
	for ; len(block) >= draftRowBytes; block = block[draftRowBytes:] {
		if ledger.Identity(block[:32]) != id {
			continue
		}
		return draftRow{id: id, content: [32]byte(block[32:64]), seq: int64(binary.LittleEndian.Uint64(block[64:]))}, true
	}
	return r, false
}

func (d *draftRows) close() error {
	if d.file == nil {
		return nil
	}
	name, err := d.file.Name(), d.file.Close()
	d.file = nil
	if gone := os.Remove(name); gone != nil && !errors.Is(gone, fs.ErrNotExist) {
		err = errors.Join(err, fmt.Errorf("remove %s: %w", name, gone))
	}
	return err
}
