package cli

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWriteWhole(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	text := func(text string) func(io.Writer) error {
		return func(w io.Writer) error {
			_, err := io.WriteString(w, text)
			return err
		}
	}
	holds := func(want string, mode os.FileMode) {
		t.Helper()
		got, err := os.ReadFile(file)
		require.NoError(t, err)
		require.Equal(t, want, string(got))
		info, err := os.Stat(file)
		require.NoError(t, err)
		require.Equal(t, mode, info.Mode().Perm())
		left, err := filepath.Glob(filepath.Join(dir, ".*"))
		require.NoError(t, err)
		require.Empty(t, left, "drafts")
	}

	require.NoError(t, writeWhole(file, text("new")))
	holds("new", 0o600)
	require.NoError(t, os.Chmod(file, 0o644))
	require.NoError(t, os.Symlink("file", link))
	require.NoError(t, writeWhole(link, text("through a link")))
	holds("through a link", 0o644)
	info, err := os.Lstat(link)
	require.NoError(t, err)
	require.Equal(t, os.ModeSymlink, info.Mode().Type(), "the link stays one")

	err = writeWhole(file, func(w io.Writer) error {
		require.NoError(t, text("half")(w))
		return errors.New("it breaks off")
	})
	require.ErrorContains(t, err, "write "+file+": it breaks off")
	holds("through a link", 0o644)
	require.Error(t, writeWhole(filepath.Join(dir, "none", "file"), text("")))
}
