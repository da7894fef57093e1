package engine_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/steps"
)

// TestTheExampleOfEveryKindRuns validates, plans and applies what the reference
// page of a kind shows.
func TestTheExampleOfEveryKindRuns(t *testing.T) {
	for _, k := range steps.Registry().Kinds() {
		t.Run(k.Name, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: sandbox.Generate(1, 300, testNow)})
			for name, text := range k.Files {
				b.write(name, text)
			}
			p, ds := compile(k.Example)
			require.Empty(t, ds, "%s", diag.FormatAll(ds, []byte(k.Example)))
			r := b.apply(p, b.plan(p, nil))
			require.Empty(t, r.Problems)
			require.Empty(t, r.Reason)
		})
	}
}
