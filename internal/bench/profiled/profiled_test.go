package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestProfilesAreWritten(t *testing.T) {
	dir := t.TempDir()
	cpu, heap := filepath.Join(dir, "cpu"), filepath.Join(dir, "heap")
	t.Setenv("FLOWRUNNER_CPU_PROFILE", cpu)
	t.Setenv("FLOWRUNNER_HEAP_PROFILE", heap)
	require.Zero(t, run([]string{"version"}))
	for _, path := range []string{cpu, heap} {
		info, err := os.Stat(path)
		require.NoError(t, err)
		require.Positive(t, info.Size())
	}
	require.Equal(t, 64, run([]string{"no-such-command"}), "the exit code is the program's")
	t.Setenv("FLOWRUNNER_CPU_PROFILE", filepath.Join(dir, "none", "cpu"))
	require.Equal(t, 1, run([]string{"version"}))
	t.Setenv("FLOWRUNNER_CPU_PROFILE", "")
	t.Setenv("FLOWRUNNER_HEAP_PROFILE", "")
	require.Zero(t, run([]string{"version"}))
}
