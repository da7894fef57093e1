package folder

import (
	"io/fs"
	"os"
	"path/filepath"
)

// Files are the files below a folder that are wanted, in the order of their names;
// links to files count as files.
func Files(dir string, wanted func(path string) bool) ([]string, error) {
	var files []string
	err := walk(dir, func(rel string, d fs.DirEntry) error {
		path := filepath.Join(dir, rel)
		if d.IsDir() || !wanted(path) {
			return nil
		}
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			files = append(files, path)
		}
		return nil
	})
	return files, err
}
