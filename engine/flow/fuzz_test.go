package flow_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// FuzzParse holds that no input panics, that every place is one of the file,
// and that no message speaks the library's language.
func FuzzParse(f *testing.F) {
	for _, folder := range []string{"ok", "err"} {
		for _, path := range files(f, folder) {
			source, err := os.ReadFile(path)
			require.NoError(f, err)
			if len(source) < 4096 {
				f.Add(source)
			}
		}
	}
	for _, s := range []string{
		"a: |1\n  x\n\n y\n", "a: >+\n\n\n", "a: \"\\\n  b\"", "k: |-\n", "- - - x\n", "&a : *a", "? ? ? x", "{[}]", "\"a", "a:\u2028 b\u0085c: d",
		"\uFEFF\uFEFFa: b", "a: 'x\n\n\n  y'", "%YAML 1.1\n---\na: b", "a: !<x> b", "a: *", "a: &", "a: |9\n x", "a: >\n\t\n  b\n", "---\n---\n", "a: b\r\rc: d\r",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, source []byte) {
		doc, problems := flow.Parse("f", source)
		require.NotNil(t, doc)
		for _, d := range problems {
			require.NotEmpty(t, d.Code)
			require.NotEmpty(t, d.Summary)
			require.NotContains(t, d.Detail+d.Hint, "yaml: line")
			if d.Span.Start.Line != 0 {
				requireInside(t, source, d.Span)
			}
		}
		diag.FormatAll(problems, source)
		root, _ := flow.ParseNode("f", source)
		if root == nil {
			require.NotEmpty(t, problems)
			return
		}
		if !problems.HasErrors() && len(source) < 1<<12 {
			seen := map[*flow.Node]bool{}
			walk(root, seen, func(n *flow.Node) {
				requireInside(t, source, n.Span)
				// A block of blanks alone has no characters worth a place.
				if n.Kind == flow.Scalar && len(n.Text) < 256 && strings.TrimSpace(n.Text) != "" {
					requireAt(t, source, n)
				}
			})
		}
	})
}

func walk(n *flow.Node, seen map[*flow.Node]bool, visit func(*flow.Node)) {
	if seen[n] {
		return
	}
	seen[n] = true
	visit(n)
	for _, item := range n.Items {
		walk(item, seen, visit)
	}
	for _, e := range n.Entries {
		walk(e.Key, seen, visit)
		walk(e.Value, seen, visit)
	}
}

// requireAt checks that each character of a text stands where At says, or is an
// escape or a line break there.
func requireAt(t testing.TB, source []byte, n *flow.Node) {
	t.Helper()
	for i, c := range n.Text {
		size := len(string(c))
		at := n.At(i, i+size)
		requireInside(t, source, at)
		require.GreaterOrEqual(t, at.Start.Offset, n.Span.Start.Offset)
		got := string(source[at.Start.Offset:at.End.Offset])
		switch {
		case got == string(c):
		case strings.HasPrefix(got, `\`), got == "''":
		case strings.ContainsRune(" \n\u2028\u2029", c):
			require.NotEmpty(t, got)
			require.Empty(t, strings.Trim(got, " \t\r\n\u0085\u2028\u2029"), "%q in %q", got, source)
		default:
			require.Equal(t, string(c), got, "text %q in %q", n.Text, source)
		}
	}
}
