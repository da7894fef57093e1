package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/internal/golden"
	"github.com/flowrunner/flowrunner/steps"
)

// eachFlow runs fn for every flow of a folder of testdata.
func eachFlow(t *testing.T, folder string, fn func(t *testing.T, path string, source []byte)) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join("testdata", folder, "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, paths)
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".yaml"), func(t *testing.T) {
			source, err := os.ReadFile(path)
			require.NoError(t, err)
			fn(t, path, source)
		})
	}
}

// beside is what every flow of these tests finds beside it; so do those of the
// documentation.
var beside = engine.FilesIn("testdata/beside", "testdata/beside")

// check reads and compiles a flow as validate does.
func check(name string, source []byte) (*engine.Program, diag.List) {
	doc, problems := flow.Parse(name, source)
	p, more := engine.Compile(doc, steps.Registry(), beside)
	problems = append(problems, more...)
	problems.Sort()
	return p, problems
}

// goldenOf is the golden file beside a flow.
func goldenOf(flow string) string { return strings.TrimSuffix(flow, ".yaml") + ".golden" }

// Every flow of testdata/ok has no problem at all, not even a warning.
func TestGoodFlows(t *testing.T) {
	eachFlow(t, "ok", func(t *testing.T, path string, source []byte) {
		p, problems := check(filepath.Base(path), source)
		require.Empty(t, diag.FormatAll(problems, source))
		require.NotEmpty(t, p.Name)
		require.NotEmpty(t, p.Steps)
		p.Walk(func(s *engine.Step) {
			found, ok := p.Step(s.ID)
			require.True(t, ok)
			require.Same(t, s, found)
		})
	})
}

// requireFixes demands that each problem says what to type next.
func requireFixes(t *testing.T, problems diag.List) {
	t.Helper()
	for _, d := range problems {
		require.NotEmpty(t, d.Hint, "%s [%s] has no fix", d.Error(), d.Code)
	}
}

// Every flow of testdata/err has the problems of its golden file.
func TestBadFlows(t *testing.T) {
	eachFlow(t, "err", func(t *testing.T, path string, source []byte) {
		_, problems := check(filepath.Base(path), source)
		require.True(t, problems.HasErrors())
		requireFixes(t, problems)
		got := diag.FormatAll(problems, source)
		for _, never := range []string{"<nil>", "%!", "\t", "interface {}", "float64", "map[", "·"} {
			require.NotContains(t, got, never)
		}
		for _, d := range problems {
			require.Positive(t, d.Span.Start.Line, d.Summary)
			require.NotEmpty(t, d.Code)
			require.False(t, strings.HasSuffix(d.Summary, "."), d.Summary)
			if d.Detail != "" {
				require.True(t, strings.ContainsAny(d.Detail[len(d.Detail)-1:], ".…:"), "a detail is whole sentences: %s", d.Detail)
			}
		}
		golden.Equal(t, goldenOf(path), got)
	})
}
