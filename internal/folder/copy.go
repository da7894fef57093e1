package folder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Copy copies the files below a folder to a new one, for its owner alone. Links are
// left out: what they lead to is not the folder's. Of more than most bytes the error
// is a *SizeError, and a part is copied.
func Copy(from, to string, most int64) error {
	if err := os.MkdirAll(to, 0o700); err != nil {
		return err
	}
	left := most
	return walk(from, func(rel string, d fs.DirEntry) error {
		switch {
		case d.IsDir():
			return os.MkdirAll(filepath.Join(to, rel), 0o700)
		case !d.Type().IsRegular():
			return nil
		}
		n, err := copyFile(filepath.Join(from, rel), filepath.Join(to, rel), left+1)
		if left -= n; err == nil && left < 0 {
			err = &SizeError{Folder: from, Most: most}
		}
		return err
	})
}

// copyFile copies a file, most bytes of it.
func copyFile(from, to string, most int64) (n int64, err error) {
	in, err := os.Open(from)
	if err != nil {
		return 0, err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}
	n, err = io.Copy(out, io.LimitReader(in, most))
	return n, errors.Join(err, out.Close())
}

// SizeError is a folder that holds more than may be copied.
type SizeError struct {
	Folder string
	Most   int64 // bytes
}

func (e *SizeError) Error() string {
	return fmt.Sprintf("%s holds more than %d MiB", e.Folder, e.Most>>20)
}

// Fix is the way out.
func (e *SizeError) Fix() string { return "put the flow and its files into a folder of their own" }
