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

// flows are the files of this repository that are good in form.
func flows(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, pattern := range []string{"testdata/ok/*.yaml", "../testdata/ok/*.yaml", "../../examples/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, paths)
		for _, path := range paths {
			if !strings.HasSuffix(path, "_test.yaml") {
				all = append(all, path)
			}
		}
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

// TestFormatGolden shows the form: quotes, brackets, order, comments.
func TestFormatGolden(t *testing.T) {
	for _, path := range append(files(t, "ok"), files(t, "fmt")...) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			source, err := os.ReadFile(path)
			require.NoError(t, err)
			got, problems := flow.Format("f", source)
			require.Empty(t, diag.FormatAll(problems, source))
			golden.Equal(t, filepath.Join("testdata", "fmt", strings.TrimSuffix(filepath.Base(path), ".yaml")+".golden"), string(got))
		})
	}
}

// TestFormatIsKept holds what this repository shows to its own form.
func TestFormatIsKept(t *testing.T) {
	kept := map[string]string{}
	for _, pattern := range []string{"../../examples/*.yaml", "../../docs/testdata/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, paths)
		for _, path := range paths {
			source, err := os.ReadFile(path)
			require.NoError(t, err)
			kept[path] = string(source)
		}
	}
	for name, text := range kept {
		format := flow.Format
		if strings.HasSuffix(name, "_test.yaml") {
			format = flow.FormatNode
		}
		got, problems := format("f", []byte(text))
		if !problems.HasErrors() { // docs show mistakes too
			require.Equal(t, text, string(got), "%s\nwrite it with: flowrunner fmt", name)
		}
	}
}

// A file of no flow has no order of its own, and is formatted all the same.
func TestFormatNode(t *testing.T) {
	source := "# a test\ntests:\n- name: 'one'   # first\n  given: { steps: [ a,b ], flow: \"x\" }\n\n\n  id: 1\nflow: x.yaml\n"
	got, problems := flow.FormatNode("x_test.yaml", []byte(source))
	require.Empty(t, problems)
	require.Equal(t, "# a test\ntests:\n  - name: \"one\" # first\n    given: { steps: [a, b], flow: \"x\" }\n\n    id: 1\nflow: x.yaml\n", string(got))

	for _, source := range []string{"", "- 1\n", "text\n", "a: [\n"} {
		got, problems = flow.FormatNode("f", []byte(source))
		require.True(t, problems.HasErrors() || string(got) == source, "%q", source)
	}
}
