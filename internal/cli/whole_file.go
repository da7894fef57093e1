package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// writeWhole writes a file in one piece: whoever looks, and whatever breaks
// meanwhile, there is the old content or the new, whole. A new file is for its
// owner alone; one that is there keeps its mode, and a link to it stays a link.
func writeWhole(file string, write func(io.Writer) error) error {
	if err := replaceWhole(file, write); err != nil {
		return fileError("write", file, err)
	}
	return nil
}

func replaceWhole(file string, write func(io.Writer) error) error {
	const private fs.FileMode = 0o600
	mode := private
	switch real, err := filepath.EvalSymlinks(file); {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return err
	default:
		info, err := os.Stat(real)
		if err != nil {
			return err
		}
		file, mode = real, info.Mode().Perm()
	}
	draft, err := os.CreateTemp(filepath.Dir(file), "."+filepath.Base(file)+".part-*")
	if err != nil {
		return err
	}
	defer func() {
		_ = draft.Close()
		_ = os.Remove(draft.Name()) // renamed, when all went well
	}()
	if err := write(draft); err != nil {
		return err
	}
	if err := draft.Chmod(mode); err != nil {
		return err
	}
	if err := draft.Sync(); err != nil {
		return err
	}
	if err := draft.Close(); err != nil {
		return err
	}
	return os.Rename(draft.Name(), file)
}
