package flow_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/flow"
)

func BenchmarkParse(b *testing.B) {
	ordinary, err := os.ReadFile("testdata/ok/spring_sale.yaml")
	require.NoError(b, err)
	var thousand strings.Builder
	thousand.WriteString("flow: many\nsteps:\n")
	for i := range 1000 {
		fmt.Fprintf(&thousand, "  - id: s%d\n    uses: chat2desk_send_message\n    if: inputs.n > %d\n    with:\n      contactId: ${{ inputs.n }}\n      message: |\n        Hello ${{ inputs.name }}!\n        This is number %d.\n", i, i, i)
	}
	broken := thousand.String() + "  - id: last\n    if: !x y\n"
	longLine := "flow: f\nsteps: [" + strings.Repeat("{id: a, uses: print}, ", 900) + "]\ndescription: \"" + strings.Repeat("ж ", 200_000) + "\"\n"
	for _, c := range []struct{ name, source string }{
		{"ordinary", string(ordinary)}, {"1000 steps", thousand.String()}, {"1000 steps and a trap", broken}, {"one long line", longLine},
	} {
		b.Run(c.name, func(b *testing.B) {
			source := []byte(c.source)
			b.SetBytes(int64(len(source)))
			for b.Loop() {
				flow.Parse("f", source)
			}
		})
	}
}
