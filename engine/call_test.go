package engine_test

import (
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/internal/golden"
)

// Every problem with a called flow has its place: in the file that calls, or in
// the one that is called, with the line that it points at. A flow without problems
// has an empty golden file.
func TestCalledFlows(t *testing.T) {
	eachFlow(t, "calls", func(t *testing.T, path string, source []byte) {
		_, problems := besides("flows/"+filepath.Base(path), string(source), filepath.Dir(path))
		golden.Equal(t, goldenOf(path), diag.FormatAll(problems, source))
		for _, d := range problems {
			require.Positive(t, d.Span.Start.Line)
			require.Equal(t, d.Span.File != "flows/"+filepath.Base(path), d.Span.Line != "", "%v", d)
		}
		requireFixes(t, problems)
	})
}
