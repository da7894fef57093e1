package diag_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
)

// span covers n characters of a line.
func span(line, col, n int) diag.Span {
	return diag.Span{File: "f.yaml", Start: diag.Pos{Line: line, Col: col}, End: diag.Pos{Line: line, Col: col + n}}
}

func TestFormat(t *testing.T) {
	for _, c := range []struct {
		name   string
		d      diag.Diagnostic
		source string
		want   string
	}{
		{
			"everything",
			diag.Diagnostic{Code: "unknown-parameter", Span: span(2, 9, 3), Summary: `unknown parameter "tag"`, Detail: "First line.\nSecond line.", Hint: "did you mean \"tags\"?\nor none"},
			"a: b\nwith: { tag: 17 }\n",
			`f.yaml:2:9: error: unknown parameter "tag" [unknown-parameter]
    2 | with: { tag: 17 }
      |         ^^^
   First line.
   Second line.
   fix: did you mean "tags"?
        or none
`,
		}, {
			"whole file",
			diag.Diagnostic{Code: "empty-file", Severity: diag.Warning, Span: diag.Span{File: "f.yaml"}, Summary: "the file is empty"},
			"x",
			"f.yaml: warning: the file is empty [empty-file]\n",
		}, {
			"past the end of the file",
			diag.Diagnostic{Code: "c", Span: span(9, 1, 1), Summary: "s"},
			"x\n",
			"f.yaml:9:1: error: s [c]\n",
		}, {
			"past the end of the line",
			diag.Diagnostic{Code: "c", Span: span(1, 5, 3), Summary: "s"},
			"k:\r\n",
			"f.yaml:1:5: error: s [c]\n    1 | k:\n      |   ^\n",
		}, {
			"wide and combining characters",
			diag.Diagnostic{Code: "c", Span: span(1, 6, 2), Summary: "s"},
			"日本 e\u0301б!\n",
			"f.yaml:1:6: error: s [c]\n    1 | 日本 e\u0301б!\n      |       ^^\n",
		}, {
			"byte order mark",
			diag.Diagnostic{Code: "c", Span: span(1, 1, 4), Summary: "s"},
			"\uFEFFflow: x\n",
			"f.yaml:1:1: error: s [c]\n    1 | flow: x\n      | ^^^^\n",
		}, {
			"a tab is one column",
			diag.Diagnostic{Code: "c", Span: span(1, 2, 1), Summary: "s"},
			"\tx\n",
			"f.yaml:1:2: error: s [c]\n    1 |  x\n      |  ^\n",
		}, {
			"several lines",
			diag.Diagnostic{Code: "c", Span: diag.Span{File: "f.yaml", Start: diag.Pos{Line: 1, Col: 3}, End: diag.Pos{Line: 2, Col: 2}}, Summary: "s"},
			"a: bc\nd\n",
			"f.yaml:1:3: error: s [c]\n    1 | a: bc\n      |   ^^^\n",
		}, {
			"nothing moves the cursor",
			diag.Diagnostic{Code: "c", Span: span(1, 1, 1), Summary: "a\x1b[31m", Detail: "b\u202E", Hint: "c\u009B"},
			"x\x1b[2J\u2066\n",
			"f.yaml:1:1: error: a\uFFFD[31m [c]\n    1 | x\uFFFD[2J\uFFFD\n      | ^\n   b\uFFFD\n   fix: c\uFFFD\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			require.Equal(t, c.want, diag.Format(c.d, []byte(c.source)))
		})
	}
}

func TestFormatWithoutSource(t *testing.T) {
	d := diag.Diagnostic{Code: "c", Span: span(1, 1, 1), Summary: "s"}
	require.Equal(t, "f.yaml:1:1: error: s [c]\n", diag.Format(d, nil))
}

func TestFormatCutsLongLines(t *testing.T) {
	source := strings.Repeat("ж", 300) + "HERE" + strings.Repeat("я", 300)
	got := diag.Format(diag.Diagnostic{Code: "c", Span: span(1, 301, 4), Summary: "s"}, []byte(source))
	lines := strings.Split(got, "\n")
	require.Contains(t, lines[1], "HERE")
	require.Less(t, len([]rune(lines[1])), 120)
	text, carets := []rune(lines[1]), []rune(lines[2])
	require.Equal(t, "HERE", string(text[strings.Index(string(carets), "^"):][:4]))
	require.Equal(t, "^^^^", strings.TrimLeft(string(carets), " |"))

	long := diag.Format(diag.Diagnostic{Code: "c", Span: span(1, 1, 600), Summary: "s"}, []byte(source))
	require.Equal(t, 100, strings.Count(long, "^"))
}

func TestFormatAll(t *testing.T) {
	var l diag.List
	l.Add("a", span(1, 1, 1), "one")
	l.Add("b", span(2, 1, 1), "two")
	require.Equal(t, "f.yaml:1:1: error: one [a]\n    1 | x\n      | ^\n\nf.yaml:2:1: error: two [b]\n    2 | y\n      | ^\n", diag.FormatAll(l, []byte("x\ny\n")))
	require.Empty(t, diag.FormatAll(nil, nil))
}
