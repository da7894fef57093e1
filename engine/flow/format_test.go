package flow_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// flows are the files of this repository that are good in form.
func flows(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"testdata/ok/*.yaml", "../testdata/ok/*.yaml", "../../examples/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, paths)
		all = append(all, paths...)
	}
	return all
}

func TestFormatKeepsEveryFlow(t *testing.T) {
	for _, path := range flows(t) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			source, err := os.ReadFile(path)
			require.NoError(t, err)
			once, problems := flow.Format("f", source)
			require.Empty(t, diag.FormatAll(problems, source))
			twice, problems := flow.Format("f", once)
			require.Empty(t, diag.FormatAll(problems, once))
			require.Equal(t, string(once), string(twice))
		})
	}
}
