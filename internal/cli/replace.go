package cli

import (
	"fmt"
	"os"
	"path/filepath"
)

// replaceFile gives a file new content in one step: whoever looks, and whatever
// breaks meanwhile, there is the old content or the new, whole. The file keeps
// its mode, and a link to it stays a link.
func replaceFile(path string, content []byte) (err error) {
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return fileError("write", path, err)
	}
	info, err := os.Stat(path)
	if err != nil {
		return fileError("write", path, err)
	}
	f, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+".new-*")
	if err != nil {
		return fileError("write", path, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = os.Remove(f.Name())
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	if _, err = f.Write(content); err != nil {
		return err
	}
	if err = f.Chmod(info.Mode().Perm()); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}
