package engine

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// Files reads what lies beside a flow: texts, and flows that it uses as steps.
// The path has slashes, is clean and begins at the flow's folder; only that of a
// flow may lead above it, and never out of the project.
type Files func(path string) ([]byte, error)

// FilesIn reads what lies in a folder of a project, and, by paths that lead
// there, in the rest of the project. Links lead nowhere else. Without a project
// it is the folder itself.
func FilesIn(project, folder string) Files {
	return func(path string) ([]byte, error) {
		name, err := within(project, folder, path)
		if err != nil {
			return nil, err
		}
		root, err := os.OpenRoot(project)
		if err != nil {
			return nil, err
		}
		defer root.Close()
		// Opening a pipe would wait for whoever writes to it.
		switch info, err := root.Stat(name); {
		case errors.Is(err, fs.ErrNotExist):
			return nil, &noFileError{near: nearName(root, name), cause: err}
		case err != nil:
			return nil, err
		case !info.Mode().IsRegular():
			return nil, errNoFile
		}
		f, err := root.Open(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		return io.ReadAll(io.LimitReader(f, maxTexts+1))
	}
}

// within is a path of the flow's folder as one of the project.
func within(project, folder, name string) (string, error) {
	from, err := filepath.Abs(project)
	if err != nil {
		return "", err
	}
	to, err := filepath.Abs(filepath.Join(folder, filepath.FromSlash(name)))
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(from, to)
	if err != nil || !filepath.IsLocal(rel) {
		return "", errOutside
	}
	return rel, nil
}

// nearName is the file beside a missing one whose name is nearly the same, "" when
// there is none.
func nearName(root *os.Root, name string) string {
	entries, err := fs.ReadDir(root.FS(), filepath.ToSlash(filepath.Dir(name)))
	if err != nil {
		return ""
	}
	var names []string
	for _, e := range entries {
		if e.Type().IsRegular() {
			names = append(names, e.Name())
		}
	}
	return diag.Closest(filepath.Base(name), names)
}

// FilesOf gives texts that were read before, as a plan holds them.
func FilesOf(texts map[string]string) Files {
	return func(name string) ([]byte, error) {
		text, ok := texts[name]
		if !ok {
			var names []string
			for other := range texts {
				if path.Dir(other) == path.Dir(name) {
					names = append(names, path.Base(other))
				}
			}
			return nil, &noFileError{near: diag.Closest(path.Base(name), names), cause: fs.ErrNotExist}
		}
		return []byte(text), nil
	}
}

var (
	errNoFile  = errors.New("it is no file")
	errOutside = errors.New("it is outside the project")
)

// noFileError is a file that is not there.
type noFileError struct {
	near  string // a file beside it whose name is nearly the same
	cause error
}

func (e *noFileError) Error() string { return "there is no such file" }

func (e *noFileError) Unwrap() error { return e.cause }

// nearFile is the hint for a file that could not be read: the path that may be
// meant.
func nearFile(written string, err error, otherwise string) string {
	var missing *noFileError
	if errors.As(err, &missing) && missing.near != "" {
		return fmt.Sprintf("did you mean %q?", written[:strings.LastIndexByte(written, '/')+1]+missing.near)
	}
	return otherwise
}

// fileReason says in plain words why a file cannot be read.
func fileReason(err error) string {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return "there is no such file"
	case errors.Is(err, fs.ErrPermission):
		return "its permissions do not allow it"
	case strings.Contains(err.Error(), "escapes from parent"):
		return "a link in its path leads out of the project"
	case errors.Is(err, errNoFile), errors.Is(err, errOutside):
		return err.Error()
	}
	return pathReason(err)
}
