package flow_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/internal/golden"
)

// files lists the flows of a folder of testdata.
func files(t testing.TB, folder string) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	return paths
}

func TestOK(t *testing.T) {
	for _, path := range files(t, "ok") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			source, err := os.ReadFile(path)
			require.NoError(t, err)
			doc, problems := flow.Parse(filepath.Base(path), source)
			require.Empty(t, diag.FormatAll(problems, source))
			require.NotNil(t, doc.Flow)
			require.NotEmpty(t, doc.Steps)
		})
	}
}

func TestErr(t *testing.T) {
	for _, path := range files(t, "err") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			source, err := os.ReadFile(path)
			require.NoError(t, err)
			doc, problems := flow.Parse(filepath.Base(path), source)
			require.NotNil(t, doc)
			require.True(t, problems.HasErrors())
			for _, d := range problems {
				require.NotEmpty(t, d.Hint, "%s [%s] has no fix", d.Error(), d.Code)
			}
			got := diag.FormatAll(problems, source)
			for _, foreign := range []string{"yaml: line", "mapping values", "did not find", "cannot start any token", "<nil>"} {
				require.NotContains(t, got, foreign)
			}
			golden.Equal(t, strings.TrimSuffix(path, ".yaml")+".golden", got)
		})
	}
}

// One broken line must not make the lines around it look broken: with a trap
// added, each good file has that problem and no other.
func TestTrapsSpareTheRest(t *testing.T) {
	for _, path := range files(t, "ok") {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			source, err := os.ReadFile(path)
			require.NoError(t, err)
			text := strings.TrimSuffix(string(source), "...\n")
			_, problems := flow.Parse("f", []byte(text+"description2: @home\n"))
			var codes []string
			for _, d := range problems {
				codes = append(codes, d.Code)
			}
			require.Equal(t, []string{"unknown-key", "leading-character"}, codes, diag.FormatAll(problems, source))
		})
	}
}
