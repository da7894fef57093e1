package engine_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/steps"
)

// BenchmarkCompile is from the text of an ordinary flow to its program.
func BenchmarkCompile(b *testing.B) {
	text, err := os.ReadFile("../examples/broadcast.yaml")
	require.NoError(b, err)
	known := steps.Registry()
	b.ReportAllocs()
	for b.Loop() {
		doc, problems := flow.Parse("broadcast.yaml", text)
		if problems.HasErrors() {
			b.Fatal(problems)
		}
		if _, problems = engine.Compile(doc, known, nil); problems.HasErrors() {
			b.Fatal(problems)
		}
	}
}
