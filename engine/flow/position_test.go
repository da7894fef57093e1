package flow_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

// scalars returns every scalar below n.
func scalars(n *flow.Node) []*flow.Node {
	switch n.Kind {
	case flow.Scalar:
		return []*flow.Node{n}
	case flow.List:
		var all []*flow.Node
		for _, item := range n.Items {
			all = append(all, scalars(item)...)
		}
		return all
	default:
		var all []*flow.Node
		for _, e := range n.Entries {
			all = append(append(all, e.Key), scalars(e.Value)...)
		}
		return all
	}
}

// requireInside checks that a place is one of the file and consistent in itself.
func requireInside(t testing.TB, source []byte, at diag.Span) {
	t.Helper()
	for _, p := range []diag.Pos{at.Start, at.End} {
		require.GreaterOrEqual(t, p.Offset, 0)
		require.LessOrEqual(t, p.Offset, len(source))
		before := string(source[:p.Offset])
		require.Equal(t, strings.Count(before, "\n")+1, p.Line, "line of %+v", p)
		line := strings.TrimPrefix(before[strings.LastIndex(before, "\n")+1:], "\uFEFF")
		require.Equal(t, utf8.RuneCountInString(line)+1, p.Col, "column of %+v", p)
	}
	require.LessOrEqual(t, at.Start.Offset, at.End.Offset)
}

func TestAtTable(t *testing.T) {
	for _, c := range []struct {
		name, source string
		text         string // of the value of k
		part         string // of that text
		want         string // its source
		at           string // where that begins
	}{
		{"plain", "k: hello world", "hello world", "world", "world", "f:1:10"},
		{"plain cyrillic", "k: привет, мир", "привет, мир", "мир", "мир", "f:1:12"},
		{"plain emoji", "k: 🎉🎉 ok", "🎉🎉 ok", "ok", "ok", "f:1:7"},
		{"plain of several lines", "k: one\n  two\n\n  three", "one two\nthree", "three", "three", "f:4:3"},
		{"plain fold", "k: one\n  two", "one two", " ", "\n  ", "f:1:7"},
		{"plain crlf", "k: one\r\n  two\r\nl: x", "one two", "two", "two", "f:2:3"},
		{"byte order mark", "\uFEFFk: one", "one", "ne", "ne", "f:1:5"},
		{"single", "k: 'it''s me'", "it's me", "me", "me", "f:1:11"},
		{"single escape", "k: 'it''s me'", "it's me", "'", "''", "f:1:7"},
		{"single of several lines", "k: 'a\n\n  b'", "a\nb", "b", "b", "f:3:3"},
		{"double", `k: "a\tb\u00e9c"`, "a\tbéc", "c", "c", "f:1:15"},
		{"double escape", `k: "a\tb\u00e9c"`, "a\tbéc", "é", `\u00e9`, "f:1:9"},
		{"double line continuation", "k: \"a\\\n   b\"", "ab", "b", "b", "f:2:4"},
		{"double wide escape", `k: "\U0001F389x"`, "🎉x", "x", "x", "f:1:15"},
		{"literal", "k: |\n  one\n   two\n\n  three\n", "one\n two\n\nthree\n", "three", "three", "f:5:3"},
		{"literal keep", "k: |+\n  one\n\n\nl: x", "one\n\n\n", "one\n\n\n", "one\n\n\n", "f:2:3"},
		{"literal strip", "k: |-\n  one\n\nl: x", "one", "one", "one", "f:2:3"},
		{"literal with indent", "k: |2\n    one\n", "  one\n", "  one", "  one", "f:2:3"},
		{"literal leading blank", "k: |\n\n  one\n", "\none\n", "one", "one", "f:3:3"},
		{"literal crlf", "k: |\r\n  one\r\n  two\r\n", "one\ntwo\n", "two", "two", "f:3:3"},
		{"literal comment", "k: | # text\n  one\n", "one\n", "one", "one", "f:2:3"},
		{"literal deep", "k:\n- |\n  о\n", "о\n", "о", "о", "f:3:3"},
		{"folded", "k: >\n  one\n  two\n\n  three\n", "one two\nthree\n", "three", "three", "f:5:3"},
		{"folded more indented", "k: >-\n  one\n    two\n  three\n", "one\n  two\nthree", "two", "two", "f:3:5"},
		{"anchored", "k: &a one\nl: *a", "one", "one", "one", "f:1:7"},
		{"flow style", "k: {x: 1, y: zwei}", "zwei", "wei", "wei", "f:1:15"},
		{"separator break", "k: a\u2028l: b\u0085m: mm", "a", "a", "a", "f:1:4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			root, problems := flow.ParseNode("f", []byte(c.source))
			require.Empty(t, problems)
			var n *flow.Node
			for _, s := range scalars(root) {
				if s.Text == c.text {
					n = s
				}
			}
			require.NotNil(t, n, "no scalar %q", c.text)
			i := strings.Index(c.text, c.part)
			at := n.At(i, i+len(c.part))
			require.Equal(t, c.want, c.source[at.Start.Offset:at.End.Offset])
			require.Equal(t, c.at, at.String())
			requireInside(t, []byte(c.source), at)
			requireInside(t, []byte(c.source), n.Span)
		})
	}
}

// letters are what random scalars are made of.
var letters = []rune("abcXYZ019 .,-_()/?  жщЁ🎉é日'\"")

func randomLine(r *rand.Rand, plain bool) string {
	for {
		line := make([]rune, 1+r.IntN(12))
		for i := range line {
			line[i] = letters[r.IntN(len(letters))]
		}
		s := string(line)
		if !plain {
			return s
		}
		if s = strings.TrimSpace(s); s != "" && !strings.ContainsAny(s[:1], "-?,'\".#") {
			return s
		}
	}
}

func TestAtIsTheCharacter(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 1000 {
		eol := []string{"\n", "\r\n"}[r.IntN(2)]
		indent := strings.Repeat(" ", 1+r.IntN(4))
		style := round % 5
		var lines []string
		for range 1 + r.IntN(4) {
			if lines = append(lines, randomLine(r, style == 0)); r.IntN(4) == 0 {
				lines = append(lines, "")
			}
		}
		var value string
		switch style {
		case 0:
			value = strings.Join(lines, eol+indent)
		case 1:
			value = "'" + strings.ReplaceAll(strings.Join(lines, eol+indent), "'", "''") + "'"
		case 2:
			value = `"` + strings.NewReplacer(`"`, `\"`, "Z", `\u005A`, "ж", `ж\n`).Replace(strings.Join(lines, eol+indent)) + `"`
		default:
			if lines[0] == "" || lines[0][0] == ' ' {
				lines[0] = "x" + lines[0]
			}
			head := []string{"|", ">"}[style-3] + []string{"", "-", "+"}[r.IntN(3)]
			value = head + eol + indent + strings.Join(lines, eol+indent)
		}
		source := fmt.Sprintf("before: x%skey: %s%safter: y%s", eol, value, eol, eol)
		if r.IntN(4) == 0 {
			source = "\uFEFF" + source
		}
		root, problems := flow.ParseNode("f", []byte(source))
		require.Empty(t, problems, "%q", source)
		n := root.Get("key")
		require.NotNil(t, n)
		requireInside(t, []byte(source), n.Span)
		requireAt(t, []byte(source), n)
		whole := n.At(0, len(n.Text))
		require.LessOrEqual(t, n.Span.Start.Offset, whole.Start.Offset)
	}
}
