package sqlite

import (
	"bytes"
	"compress/gzip"
	"crypto/rand"
	_ "embed" // for the empty ledger
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// emptyPacked is a ledger of the newest format that holds nothing, closed and so in one
// file. `make generate` makes it by the steps that bring an old ledger forward.
//
//go:embed empty.db.gz
var emptyPacked []byte

// noLineage stands in the empty ledger where a new one has its lineage. They are
// equally long, so that the one can take the other's place on its page.
const noLineage = "AAAAAAAAAAAAAAAAAAAAAAAAAA"

// empty gives a new ledger as it will stand on the disk.
func empty(lineage string) ([]byte, error) {
	in, err := gzip.NewReader(bytes.NewReader(emptyPacked))
	if err != nil {
		return nil, err
	}
	image, err := io.ReadAll(in)
	if err != nil {
		return nil, err
	}
	return bytes.Replace(image, []byte(noLineage), []byte(lineage), 1), nil
}

// create makes a new ledger under another name and links it into place when it
// is whole and on disk, so that a crash leaves either no ledger or a sound one.
// When two processes race, one ledger wins and both use it; made says whether it is
// this one's. It syncs twice: the ledger before it can be found, and the folder before
// anybody relies on it.
func create(path string) (made bool, err error) {
	dir := filepath.Dir(path)
	fail := func(err error) (bool, error) {
		return false, fmt.Errorf("make ledger %s: %w: see that this user may write to %s and that it has room, then give the same command again", path, err, dir)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fail(err)
	}
	image, err := empty(rand.Text()[:len(noLineage)])
	if err != nil {
		return fail(err)
	}
	f, err := os.CreateTemp(dir, filepath.Base(path)+".new-*") // 0600
	if err != nil {
		return fail(err)
	}
	draft := f.Name()
	defer func() { _ = os.Remove(draft) }()
	_, err = f.Write(image)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return fail(err)
	}
	err = os.Link(draft, path)
	made = err == nil
	if err != nil && !errors.Is(err, fs.ErrExist) {
		// Some file systems have no links. Renaming could replace a ledger made
		// meanwhile, so look once more.
		if _, statErr := os.Stat(path); !errors.Is(statErr, fs.ErrNotExist) {
			return false, nil
		}
		if err := os.Rename(draft, path); err != nil {
			return fail(err)
		}
	}
	if err := syncDir(dir); err != nil {
		return fail(err)
	}
	return made, nil
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
