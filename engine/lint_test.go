package engine_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/internal/golden"
	"github.com/flowrunner/flowrunner/steps"
)

// What the kinds show and every flow that a test calls good is clean under every
// lint.
func TestLintsGiveNoFalseAlarm(t *testing.T) {
	clean := func(name string, source []byte) {
		t.Run(name, func(t *testing.T) {
			p, problems := besides(name, string(source), filepath.Dir(name))
			if p != nil {
				problems = append(problems, p.Lint()...)
			}
			require.Empty(t, diag.FormatAll(problems, source))
		})
	}
	for _, kind := range steps.Registry().Kinds() {
		clean(kind.Name, []byte(kind.Example))
	}
	for _, pattern := range []string{"testdata/ok/*.yaml", "../examples/*.yaml"} {
		paths, err := filepath.Glob(pattern)
		require.NoError(t, err)
		require.NotEmpty(t, paths)
		for _, path := range paths {
			if strings.HasSuffix(path, "_test.yaml") {
				continue // the tests of a flow
			}
			clean(filepath.ToSlash(path), readFile(t, path))
		}
	}
}

// Flows of flow/testdata/ok are about form; those that compile are clean as well.
func TestLintsOfFormsGiveNoFalseAlarm(t *testing.T) {
	paths, err := filepath.Glob("flow/testdata/ok/*.yaml")
	require.NoError(t, err)
	clean := 0
	for _, path := range paths {
		source := readFile(t, path)
		if p, problems := check(path, source); p != nil {
			clean++
			problems = append(problems, advise(path, source)...)
			require.Empty(t, diag.FormatAll(problems, source))
		}
	}
	require.Positive(t, clean)
}

// Every flow of testdata/lint compiles and gets the advice of its golden file.
func TestLints(t *testing.T) {
	eachFlow(t, "lint", func(t *testing.T, path string, source []byte) {
		p, problems := check(filepath.Base(path), source)
		require.Empty(t, diag.FormatAll(problems, source))
		advice := p.Lint()
		require.NotEmpty(t, advice)
		require.False(t, advice.HasErrors())
		for _, d := range advice {
			require.NotEmpty(t, d.Detail)
			require.NotEmpty(t, d.Hint)
		}
		golden.Equal(t, goldenOf(path), diag.FormatAll(advice, source))
		requireFixes(t, advice)
	})
}

// A cap that the project states is as good as the flow's own.
func TestLintKnowsTheCapOfTheProject(t *testing.T) {
	page, _ := diag.PageOf("no-max-sends")
	p, _ := check("f.yaml", []byte(page.Wrong))
	require.Len(t, p.Lint(), 1)
	p, looser := p.Under(projectOf(t, "guard: { maxSends: 500 }"))
	require.Empty(t, looser)
	require.Empty(t, p.Lint())
}
