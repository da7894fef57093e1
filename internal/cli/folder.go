package cli

import (
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// filesBelow are the files of a folder and of those below it that are wanted, in
// the order of their names. Hidden folders, and those that npm fills, are nobody's
// flows.
func filesBelow(dir string, wanted func(path string) bool) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return fileError("read", path, err)
		case d.IsDir() && path != dir && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case d.IsDir() || !wanted(path):
			return nil
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() { // through links
			files = append(files, path)
		}
		return nil
	})
	return files, err
}
