package diag

import (
	"testing"

	"github.com/stretchr/testify/require"
)

const goodPage = "# a-code: what is wrong\n\nIt is wrong\nfor a reason.\n\nAnd so on.\n\n## Wrong\n\n```yaml\n# a comment\nflow: a\n```\n\n## Right\n\n```yaml\nflow: b\n```\n"

func TestReadPage(t *testing.T) {
	p, err := readPage(goodPage)
	require.NoError(t, err)
	require.Equal(t, Page{
		Code: "a-code", Title: "what is wrong", Text: "It is wrong\nfor a reason.\n\nAnd so on.",
		Wrong: "# a comment\nflow: a\n", Right: "flow: b\n", Markdown: goodPage,
	}, p)
	require.Equal(t, "It is wrong for a reason.\n\nAnd so on.", p.Plain())

	p, err = readPage("# c: t\n\nText.\n\n## Wrong (the file is huge)\n\n## Right\n\n```yaml\nflow: b\n```\n")
	require.NoError(t, err)
	require.Equal(t, "the file is huge", p.Condition)
	require.Empty(t, p.Wrong)
}

func TestReadPageRefusesWhatIsNoPage(t *testing.T) {
	for text, problem := range map[string]string{
		"":                                 "the first line",
		"a-code: title\n":                  "the first line",
		"# a-code title\n":                 "the first line",
		"# c: t\n\nText.\n":                "## Wrong",
		"# c: t\n\nText.\n\n## Wrong\n":    "## Right",
		"# c: t\n\n## Wrong\n\n## Right\n": "wrong: there is no yaml block",
		"# c: t\n\n## Wrong\n\n```yaml\na: 1\n```\n\n## Right\n":                "right: there is no yaml block",
		"# c: t\n\n## Wrong\n\n```yaml\na: 1\n```\n\n## Right\n\n```yaml\na: 1": "right: the yaml block is not closed",
	} {
		_, err := readPage(text)
		require.ErrorContains(t, err, problem, text)
	}
}

func TestPages(t *testing.T) {
	require.Greater(t, len(Codes()), 90)
	for _, code := range Codes() {
		p, ok := PageOf(code)
		require.True(t, ok)
		require.Equal(t, code, p.Code)
		require.NotEmpty(t, p.Text)
		require.NotEmpty(t, p.Right)
	}
	_, ok := PageOf("no-such-code")
	require.False(t, ok)
}

// An excerpt shows where a secret stands, and nothing of it.
func TestFormatHidesSecrets(t *testing.T) {
	var l List
	at := Span{File: "f.yaml", Start: Pos{Line: 1, Col: 8}, End: Pos{Line: 1, Col: 14}}
	l.Add("literal-token", at, "a secret").Hide()
	require.Equal(t, "f.yaml:1:8: error: a secret [literal-token]\n    1 | token: ****** # x\n      |        ^^^^^^\n", FormatAll(l, []byte("token: s3cret # x\n")))
	l.Add("other", Span{File: "f.yaml", Start: Pos{Line: 1, Col: 17}, End: Pos{Line: 1, Col: 18}}, "a neighbour")
	require.NotContains(t, FormatAll(l, []byte("token: s3cret # x\n")), "s3cret")
	l[0].Span.End = Pos{Line: 2, Col: 4}
	l.Add("below", Span{File: "f.yaml", Start: Pos{Line: 2, Col: 5}, End: Pos{Line: 2, Col: 6}}, "below it")
	require.NotContains(t, FormatAll(l, []byte("token: s3cret\n s4 x")), "s4")
	require.NotContains(t, FormatAll(l, []byte("token: s3cret\n  s4")), "s3cret")
}
