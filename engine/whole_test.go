package engine_test

import (
	"context"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/step"
)

// TestStreamsThatAreReadToTheirEnd tells a kind whether what it fetches early is
// wasted.
func TestStreamsThatAreReadToTheirEnd(t *testing.T) {
	const list = `"${{ steps.who.outputs.people }}"`
	const half = "\n  - {id: half, uses: filter, with: {items: " + list + ", where: item.id > 0}}"
	for name, tt := range map[string]struct {
		flow  string
		whole bool
	}{
		"nobody":                     {"outputs:\n  n: 1", false},
		"a loop":                     {"\n  - {id: e, forEach: " + list + ", uses: set, with: {a: \"${{ item.id }}\"}}", true},
		"a filter that nobody reads": {half, false},
		"a filter and a loop":        {half + "\n  - {id: e, forEach: \"${{ steps.half.outputs.items }}\", uses: set, with: {a: \"${{ item.id }}\"}}", true},
		"a count of what is left":    {half + "\noutputs:\n  n: ${{ steps.half.outputs.count }}", true},
		"the first few": {"\n  - {id: few, uses: limit, with: {items: " + list + ", count: 1}}" +
			"\n  - {id: e, forEach: \"${{ steps.few.outputs.items }}\", uses: set, with: {a: \"${{ item.id }}\"}}", false},
		"the first few of a half": {half + "\n  - {id: few, uses: limit, with: {items: \"${{ steps.half.outputs.items }}\", count: 1}}" +
			"\n  - {id: e, forEach: \"${{ steps.few.outputs.items }}\", uses: set, with: {a: \"${{ item.id }}\"}}", false},
		"the first few, and a count": {"\n  - {id: few, uses: limit, with: {items: " + list + ", count: 1}}" +
			"\n  - {id: e, forEach: \"${{ steps.few.outputs.items }}\", uses: set, with: {a: \"${{ item.id }}\"}}" +
			"\noutputs:\n  n: ${{ steps.who.outputs.count }}", true},
		"a file":  {"finally:\n  - {id: f, uses: write_csv, with: {path: a.csv, rows: " + list + "}}", true},
		"a list":  {"outputs:\n  all: " + list, true},
		"a join":  {"\n  - {id: j, uses: join, with: {left: " + list + ", right: " + list + ", leftKey: item.id, rightKey: item.id}}\noutputs:\n  n: ${{ steps.j.outputs.items }}", true},
		"a table": {"\n  - {id: f, uses: write_csv, with: {path: a.csv, rows: " + list + "}}", true},
	} {
		t.Run(name, func(t *testing.T) {
			var whole, ran bool
			src := "flow: whole\nsteps:\n  - {id: who, uses: people}\n" + strings.TrimLeft(tt.flow, "\n") + "\n"
			_, err := planOver(t, src, func(ctx context.Context) (step.Stream[person], error) {
				whole, ran = step.CallOf(ctx).Whole["people"], true
				return step.StreamList([]person{{ID: 1, Phone: "7"}, {ID: 2, Phone: "8"}}), nil
			}, func(*engine.Options) {})
			require.NoError(t, err)
			require.True(t, ran)
			require.Equal(t, tt.whole, whole)
		})
	}
}
