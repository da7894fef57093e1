package folder

import (
	"io/fs"
	"path/filepath"
	"strings"
)

// foreign reports whether an entry of a folder belongs to no flow.
func foreign(d fs.DirEntry) bool {
	return strings.HasPrefix(d.Name(), ".") || d.IsDir() && d.Name() == "node_modules"
}

// walk calls fn for each entry below dir that may belong to a flow, in the order of
// names; rel is its path from there.
func walk(dir string, fn func(rel string, d fs.DirEntry) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case path == dir:
			return nil
		case foreign(d) && d.IsDir():
			return fs.SkipDir
		case foreign(d):
			return nil
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		return fn(rel, d)
	})
}
