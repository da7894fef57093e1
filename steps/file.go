package steps

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"syscall"

	"github.com/flowrunner/flowrunner/engine/step"
)

// localPath makes sure that a path stays below the flow's directory and gives
// it in the form that os.Root takes.
func localPath(name string) (string, error) {
	clean := filepath.ToSlash(name)
	switch {
	case strings.TrimSpace(name) == "":
		return "", &step.ArgError{Param: "path", Problem: `is ""; write a file's path, as in out/report.csv`}
	case path.IsAbs(clean) || filepath.IsAbs(name) || filepath.VolumeName(name) != "":
		return "", &step.ArgError{Param: "path", Problem: fmt.Sprintf(
			"is %q, an absolute path; a flow may only touch files below its own directory: write the path from there", name)}
	case !filepath.IsLocal(name):
		return "", &step.ArgError{Param: "path", Problem: fmt.Sprintf(
			"is %q, which leads out of the flow's directory; move the file below it", name)}
	}
	return path.Clean(clean), nil
}

// literalPath refuses a path that is written out and leads elsewhere, before
// anything is sent.
func literalPath(c step.Call) error {
	name, ok := c.Literals["path"].(string)
	if !ok {
		return nil
	}
	_, err := localPath(name)
	return err
}

// fileError says in the flow author's words what is wrong with a file.
func fileError(name string, err error) error {
	var arg *step.ArgError
	problem := ""
	switch {
	case err == nil, errors.As(err, &arg):
		return err
	case errors.Is(err, fs.ErrNotExist):
		problem = "there is no such file; paths start at the flow's directory"
	case errors.Is(err, fs.ErrPermission):
		problem = "this user may not open it; check the file's permissions"
	case errors.Is(err, syscall.EISDIR), errors.Is(err, errDirectory):
		problem = "is a directory, but a file is wanted"
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		problem = "a part of the path is a file, not a directory"
	case strings.Contains(err.Error(), "escapes from parent"):
		problem = "a link in it leads out of the flow's directory; move the file below it"
	default:
		return fmt.Errorf("%s: %w", name, err)
	}
	return &fileProblem{name: name, problem: problem, err: err}
}

// fileProblem is an error of the file system in plain words.
type fileProblem struct {
	name, problem string
	err           error
}

// Error reads "clients.csv: there is no such file; …".
func (e *fileProblem) Error() string { return e.name + ": " + e.problem }

// Unwrap gives the error of the file system.
func (e *fileProblem) Unwrap() error { return e.err }

var errDirectory = errors.New("is a directory")

// openFile opens a file below the flow's directory for reading.
func openFile(ctx context.Context, name string) (*os.File, error) {
	local, err := localPath(name)
	if err != nil {
		return nil, err
	}
	root, err := step.HostOf(ctx).Root()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	f, err := root.Open(local)
	if err != nil {
		return nil, fileError(name, err)
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		f.Close()
		return nil, fileError(name, errors.Join(err, errDirectory))
	}
	return f, nil
}

// fileLock is the key under which the writers of one file share a mutex, for
// iterations that write side by side.
type fileLock string

// lockFile holds other steps of this run off a file.
func lockFile(ctx context.Context, local string) (unlock func(), err error) {
	v, err := step.HostOf(ctx).Shared(fileLock(local), func() (any, error) { return new(sync.Mutex), nil })
	if err != nil {
		return nil, err
	}
	mu := v.(*sync.Mutex)
	mu.Lock()
	return mu.Unlock, nil
}

// replaceFile writes a file anew: into a temporary file beside it, synced, then
// renamed. When write fails the old content stays as it was.
func replaceFile(ctx context.Context, name string, write func(io.Writer) error) (err error) {
	local, root, done, err := writable(ctx, name)
	if err != nil {
		return err
	}
	defer done()
	temp := path.Join(path.Dir(local), "."+path.Base(local)+".part")
	f, err := root.OpenFile(temp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o644)
	if err != nil {
		return fileError(name, err)
	}
	defer func() {
		if err != nil {
			_ = f.Close()
			_ = root.Remove(temp)
		}
	}()
	buf := bufio.NewWriter(f)
	if err := write(buf); err != nil {
		return err
	}
	if err := errors.Join(buf.Flush(), f.Sync(), f.Close()); err != nil {
		return fileError(name, err)
	}
	if err := root.Rename(temp, local); err != nil {
		return fileError(name, err)
	}
	return syncDir(root, path.Dir(local))
}

// appendFile adds to the end of a file. When write fails the file is cut back
// to what it was.
func appendFile(ctx context.Context, name string, write func(old *os.File, size int64, w io.Writer) error) error {
	local, root, done, err := writable(ctx, name)
	if err != nil {
		return err
	}
	defer done()
	f, err := root.OpenFile(local, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return fileError(name, err)
	}
	defer f.Close()
	size, err := f.Seek(0, io.SeekEnd)
	if err != nil {
		return fileError(name, err)
	}
	buf := bufio.NewWriter(io.NewOffsetWriter(f, size))
	if err := write(f, size, buf); err != nil {
		return errors.Join(err, f.Truncate(size))
	}
	if err := errors.Join(buf.Flush(), f.Sync()); err != nil {
		return fileError(name, errors.Join(err, f.Truncate(size)))
	}
	return syncDir(root, path.Dir(local))
}

// writable locks a file, opens the root and makes the directories above the
// file. done releases what was taken.
func writable(ctx context.Context, name string) (local string, root *os.Root, done func(), err error) {
	if local, err = localPath(name); err != nil {
		return "", nil, nil, err
	}
	unlock, err := lockFile(ctx, local)
	if err != nil {
		return "", nil, nil, err
	}
	if root, err = step.HostOf(ctx).Root(); err != nil {
		unlock()
		return "", nil, nil, err
	}
	done = func() { _ = root.Close(); unlock() }
	if err = root.MkdirAll(path.Dir(local), 0o755); err == nil {
		if info, statErr := root.Stat(local); statErr == nil && info.IsDir() {
			err = errDirectory
		}
	}
	if err != nil {
		done()
		return "", nil, nil, fileError(name, err)
	}
	return local, root, done, nil
}

// syncDir makes a rename or a new file durable. Systems that cannot sync a
// directory are as durable as they are.
func syncDir(root *os.Root, dir string) error {
	d, err := root.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	_ = d.Sync()
	return nil
}
