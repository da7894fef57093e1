package planfile_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/planfile"
)

func TestStages(t *testing.T) {
	dir := t.TempDir()
	require.Empty(t, planfile.Stages(dir))
	var want []string
	for stage := range 12 { // in the order of numbers, not of names
		path := planfile.PathOf(dir, stage)
		require.NoError(t, os.WriteFile(path, nil, 0o600))
		want = append(want, path)
	}
	require.Equal(t, want, planfile.Stages(dir))
	require.NoError(t, os.Remove(want[3]))
	require.Equal(t, want[:3], planfile.Stages(dir))
}
