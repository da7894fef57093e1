package flow_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/flow"
)

func TestTextFile(t *testing.T) {
	n, problems := flow.TextFile("texts/a.txt", []byte("\ufeffДа,\r\n${{ x }}\rb\n\n"))
	require.Empty(t, problems)
	require.Equal(t, "Да,\n${{ x }}\rb\n\n", n.Text)
	require.Equal(t, flow.Block, n.Style)
	require.Equal(t, "texts/a.txt:1:1", n.Span.String())

	i := strings.Index(n.Text, "x")
	at := n.At(i, i+1)
	require.Equal(t, "texts/a.txt:2:5", at.String())
	require.Equal(t, 6, at.End.Col)
	require.Equal(t, "${{ x }}\rb\n", at.Line)
	require.Equal(t, "Да,\r\n", n.At(0, 2).Line)
	require.Equal(t, "\n", n.At(len(n.Text)-1, len(n.Text)).Line, "an empty line is a line")

	for code, text := range map[string]string{
		"file-too-large": strings.Repeat("x", flow.MaxTextFile+1),
		"not-utf8":       "ab\nc\xff",
		"bad-character":  "ab\nc\x00",
		"empty-value":    "\ufeff \n\t\n",
	} {
		n, problems := flow.TextFile("a.txt", []byte(text))
		require.Nil(t, n)
		require.Len(t, problems, 1)
		require.Equal(t, code, problems[0].Code)
		require.NotEmpty(t, problems[0].Span.Line)
		require.NotEmpty(t, problems[0].Hint)
	}
	n, problems = flow.TextFile("a.txt", []byte(strings.Repeat("x", flow.MaxTextFile)))
	require.Empty(t, problems)
	require.Len(t, n.Text, flow.MaxTextFile)
}

func FuzzTextFile(f *testing.F) {
	for _, s := range []string{"", "\ufeff", "a\r\nb\r\n", "\r\r\n\n", "${{ x }}", "\xff", "Да\r\n"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		n, problems := flow.TextFile("a.txt", text)
		if n == nil {
			require.NotEmpty(t, problems)
			return
		}
		require.Empty(t, problems)
		plain := strings.ReplaceAll(strings.TrimPrefix(string(text), "\ufeff"), "\r\n", "\n")
		require.Equal(t, plain, n.Text)
		for i, r := range n.Text {
			at := n.At(i, i+utf8.RuneLen(r))
			stands := string(text[at.Start.Offset:at.End.Offset])
			require.True(t, stands == string(r) || r == '\n' && stands == "\r\n")
			require.True(t, strings.HasSuffix(at.Line, "\n"))
		}
	})
}
