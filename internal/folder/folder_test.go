package folder_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/internal/folder"
)

// messy is a folder with what may lie around flows.
func messy(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, path := range []string{"b.yaml", "a.yaml", "notes.txt", "sub/c.yaml", ".flowrunner/d.yaml", ".hidden.yaml", "node_modules/x/e.yaml", "empty.yaml/keep"} {
		path = filepath.Join(dir, path)
		require.NoError(t, os.MkdirAll(filepath.Dir(path), 0o755))
		require.NoError(t, os.WriteFile(path, []byte(filepath.Base(path)), 0o644))
	}
	require.NoError(t, os.Symlink("b.yaml", filepath.Join(dir, "link.yaml")))
	require.NoError(t, os.Symlink("nowhere", filepath.Join(dir, "broken.yaml")))
	return dir
}

func TestFiles(t *testing.T) {
	dir := messy(t)
	found, err := folder.Files(dir, func(path string) bool { return strings.HasSuffix(path, ".yaml") })
	require.NoError(t, err)
	for i := range found {
		found[i], err = filepath.Rel(dir, found[i])
		require.NoError(t, err)
	}
	require.Equal(t, []string{"a.yaml", "b.yaml", "link.yaml", "sub/c.yaml"}, found)
	hidden, err := folder.Files(filepath.Join(dir, ".flowrunner"), func(string) bool { return true })
	require.NoError(t, err)
	require.Len(t, hidden, 1, "a folder that is named is looked through, whatever it is called")
	_, err = folder.Files(filepath.Join(dir, "none"), func(string) bool { return true })
	require.ErrorIs(t, err, os.ErrNotExist)
}

func TestCopy(t *testing.T) {
	dir, to := messy(t), filepath.Join(t.TempDir(), "copy")
	require.NoError(t, folder.Copy(dir, to, 1<<20))
	got, err := folder.Files(to, func(string) bool { return true })
	require.NoError(t, err)
	require.Len(t, got, 5, "a, b, c, the notes and what is in empty.yaml; no link")
	for _, path := range got {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		require.Equal(t, filepath.Base(path), string(text))
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	}
	require.NoDirExists(t, filepath.Join(to, ".flowrunner"))

	err = folder.Copy(dir, filepath.Join(t.TempDir(), "small"), 8)
	var size *folder.SizeError
	require.ErrorAs(t, err, &size)
	require.Equal(t, dir+" holds more than 0 MiB", size.Error())
	require.NotEmpty(t, size.Fix())
}
