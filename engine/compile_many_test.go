package engine_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/steps"
)

// chained is a flow of n steps, each of which reads the one before.
func chained(n int) string {
	var text strings.Builder
	text.WriteString("flow: many\nsteps:\n  - { id: s0, uses: set, with: { v: 1 } }\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&text, "  - { id: s%d, uses: set, with: { v: \"${{ steps.s%d.outputs.v }}\" } }\n", i, i-1)
	}
	return text.String()
}

// What compiling one more step takes does not depend on how many stand above it:
// of loops and of steps with a stage of their own no more than of plain ones.
func TestTheCostOfAStepDoesNotGrow(t *testing.T) {
	flows := map[string]func(n int) string{
		"chained": chained,
		"loops": func(n int) string {
			var text strings.Builder
			text.WriteString("flow: many\nguard: { maxSends: 5 }\nsteps:\n  - { id: clients, uses: chat2desk_list_clients }\n")
			for i := range n / 2 {
				fmt.Fprintf(&text, `  - id: loop%[1]d
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    steps:
      - { id: text%[1]d, uses: set, with: { v: "${{ client.id }}" } }
    outputs: { v: "${{ steps.text%[1]d.outputs.v }}" }
`, i)
			}
			return text.String()
		},
		"stages": func(n int) string {
			var text strings.Builder
			text.WriteString("flow: many\nguard: { maxSends: 5 }\nsteps:\n")
			for i := range n / 2 {
				fmt.Fprintf(&text, `  - { id: send%[1]d, uses: chat2desk_send_message, with: { contactId: 101, message: "%[1]d" } }
  - { id: read%[1]d, uses: set, with: { v: "${{ steps.send%[1]d.status }}" } }
`, i)
			}
			return text.String()
		},
	}
	for name, text := range flows {
		t.Run(name, func(t *testing.T) {
			few, many := compiledBytes(t, text(200)), compiledBytes(t, text(800))
			require.Less(t, many, 5*few, "four times the steps may take little more than four times the memory")
		})
	}
}

// compiledBytes is how many bytes one compilation takes from the heap.
func compiledBytes(t *testing.T, text string) uint64 {
	t.Helper()
	doc, problems := flow.Parse("many.yaml", []byte(text))
	require.Empty(t, problems)
	known := steps.Registry()
	compile := func() {
		p, problems := engine.Compile(doc, known, nil)
		require.NotNil(t, p, "%v", problems)
	}
	compile() // what is made once in a process
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	compile()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// A step is looked at once for a block's outputs, by however many ways they lead
// to it: here by more than could ever be followed.
func TestOutputsOfABlockByManyWays(t *testing.T) {
	var text strings.Builder
	text.WriteString("flow: ways\nsteps:\n  - id: block\n    steps:\n      - { id: s0, uses: set, with: { v: 1 } }\n      - { id: s1, uses: set, with: { v: 1 } }\n")
	for i := 2; i < 200; i++ {
		fmt.Fprintf(&text, "      - { id: s%d, uses: set, with: { v: \"${{ max(steps.s%d.outputs.v, steps.s%d.outputs.v) }}\" } }\n", i, i-1, i-2)
	}
	text.WriteString("    outputs: { v: \"${{ steps.s199.outputs.v }}\" }\n")
	p, problems := compile(text.String())
	require.NotNil(t, p, "%v", problems)
}

func BenchmarkCompileManySteps(b *testing.B) {
	for _, n := range []int{250, 500, 1000} {
		doc, problems := flow.Parse("many.yaml", []byte(chained(n)))
		if problems.HasErrors() {
			b.Fatal(problems)
		}
		known := steps.Registry()
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, problems := engine.Compile(doc, known, nil); problems.HasErrors() {
					b.Fatal(problems)
				}
			}
		})
	}
}
