package flow_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
)

func TestParseFillsTheDocument(t *testing.T) {
	source, err := os.ReadFile("testdata/ok/spring_sale.yaml")
	require.NoError(t, err)
	doc, problems := flow.Parse("spring.yaml", source)
	require.Empty(t, problems)

	sum := sha256.Sum256(source)
	require.Equal(t, "spring.yaml", doc.File)
	require.Equal(t, source, doc.Source)
	require.Equal(t, hex.EncodeToString(sum[:]), doc.Hash)
	require.Equal(t, "spring-sale", doc.Flow.Text)
	require.Equal(t, "Europe/Moscow", doc.Connection.Get("timezone").Text)
	require.Equal(t, "connection", doc.Connection.Key.Text)
	require.Equal(t, "5000", doc.Guard.Get("maxSends").Text)
	require.Equal(t, flow.List, doc.Guard.Get("suppress").Get("words").Kind)
	require.Nil(t, doc.Guard.Get("window"))
	require.Nil(t, doc.Schedule.Get("cron"))
	require.Equal(t, "verify", doc.Delivery.Get("unknown").Text)
	require.Len(t, doc.Inputs, 2)
	require.Equal(t, "promo", doc.Inputs[0].Name.Text)
	require.Equal(t, "^[A-Z0-9]{4,12}$", doc.Inputs[0].Node.Get("pattern").Text)
	require.Equal(t, flow.Quoted, doc.Inputs[0].Node.Get("pattern").Style)

	require.Len(t, doc.Steps, 3)
	outreach := doc.Steps[2]
	require.Equal(t, "outreach", outreach.ID.Text)
	require.Equal(t, "client", outreach.As.Text)
	require.Equal(t, "8", outreach.Concurrency.Text)
	require.Nil(t, outreach.Uses)
	require.Len(t, outreach.Steps, 2)
	send := outreach.Steps[1]
	require.Equal(t, "chat2desk_send_message", send.Uses.Text)
	require.Contains(t, send.If.Text, "not interested")
	require.Equal(t, "said that they are not interested", send.Else.Text)
	message := send.With.Get("message")
	require.Equal(t, flow.Block, message.Style)
	hole := strings.Index(message.Text, "${{ inputs.promo }}")
	require.Equal(t, "spring.yaml:64:22", message.At(hole, hole+5).String())
	require.Len(t, doc.Finally, 1)
	require.Equal(t, flow.Map, doc.Outputs.Kind)
}

// What is wrong is reported; what is right beside it is read.
func TestParseKeepsWhatCanBeRead(t *testing.T) {
	doc, problems := flow.Parse("f", []byte(`flow: f
steps:
  - id: a
    uses: print
    if: !item.x y
    with: { message: ${{ x }}, to: b }
  - just a text
  - id: b
    uses: print
    with:
      message: Hello: you
`))
	require.Len(t, problems, 4)
	require.Equal(t, "f", doc.Flow.Text)
	require.Len(t, doc.Steps, 2)
	require.True(t, doc.Steps[0].If.Broken)
	require.True(t, doc.Steps[0].With.Broken)
	require.False(t, doc.Steps[0].Uses.Broken)
	require.True(t, doc.Steps[1].With.Get("message").Broken)
	require.Equal(t, "f:9:5", doc.Steps[1].Node.Entries[1].Key.Span.String())
}

func TestParseOfNothingIsADocument(t *testing.T) {
	for _, source := range []string{"", "\uFEFF", "- a", "a", "[", "\x00", "\xff\xfe", "a: b\n---\n"} {
		doc, problems := flow.Parse("f", []byte(source))
		require.NotNil(t, doc, "%q", source)
		require.True(t, problems.HasErrors(), "%q", source)
		require.Empty(t, doc.Steps)
	}
}

func TestFileLimit(t *testing.T) {
	source := "flow: f # " + strings.Repeat("x", 1<<20)
	_, problems := flow.Parse("f", []byte(source))
	require.Len(t, problems, 1)
	require.Equal(t, "file-too-large", problems[0].Code)
	require.Contains(t, problems[0].Detail, "1048586 bytes")
}

func TestProblemsAreCapped(t *testing.T) {
	_, problems := flow.Parse("f", []byte("flow: f\n"+strings.Repeat("zzzzzzz: 1\n", 3000)))
	require.Len(t, problems, 1001)
	last := problems[1000]
	require.Equal(t, "too-many-problems", last.Code)
	require.Equal(t, "f", last.Span.String())
}

func TestParseNode(t *testing.T) {
	root, problems := flow.ParseNode("project.yaml", []byte("ledger: 01H\nanything: [goes, { here: 5 }]\n"))
	require.Empty(t, problems)
	require.Equal(t, "01H", root.Get("ledger").Text)
	require.Nil(t, root.Get("absent"))
	require.Nil(t, root.Get("absent").Get("deeper"))
	require.Equal(t, "project.yaml:2:11", root.Get("anything").Span.String())
	require.Equal(t, 29+12, root.Get("anything").Span.End.Offset)

	root, problems = flow.ParseNode("project.yaml", []byte("a: 1\na: 2\n"))
	require.Equal(t, "1", root.Get("a").Text)
	require.Equal(t, "duplicate-key", problems[0].Code)
}

func TestAliasesAndMerges(t *testing.T) {
	root, problems := flow.ParseNode("f", []byte(`base: &base { a: 1, b: 2 }
more: &more
  b: 3
  c: 4
same: *base
one:
  <<: *base
  b: own
both:
  <<: [*more, *base]
`))
	require.Empty(t, problems)
	require.Same(t, root.Get("base"), root.Get("same"))
	require.Equal(t, "own", root.Get("one").Get("b").Text)
	require.Equal(t, "1", root.Get("one").Get("a").Text)
	require.Equal(t, "3", root.Get("both").Get("b").Text)
	require.Equal(t, "4", root.Get("both").Get("c").Text)
	require.Equal(t, "1", root.Get("both").Get("a").Text)
	require.Len(t, root.Get("both").Entries, 3)
}

func TestNodeString(t *testing.T) {
	root, problems := flow.ParseNode("f", []byte(`a: []
b: {}
c: ~
d: 17
e: "17"
f: +79161234567
g: Привет
h: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
i: 99999999999999999999999999999999999999999999999999999999999999
`))
	require.Empty(t, problems)
	for key, want := range map[string]string{
		"a": "a list", "b": "a map", "c": "nothing", "d": "the number 17", "e": `text "17"`, "f": "the number +79161234567", "g": `text "Привет"`,
		"h": `text "` + strings.Repeat("a", 39) + `…"`, "i": `text "` + strings.Repeat("9", 39) + `…"`, "absent": "nothing",
	} {
		require.Equal(t, want, root.Get(key).String(), key)
	}
}

func TestAtOfANodeWithoutSource(t *testing.T) {
	n := &flow.Node{Text: "made by hand", Span: diag.Span{File: "var"}}
	require.Equal(t, n.Span, n.At(2, 5))
}

func TestAtClampsAndTakesPoints(t *testing.T) {
	root, problems := flow.ParseNode("f", []byte("k: \"a\\tb\"\nnone:\n"))
	require.Empty(t, problems)
	n := root.Get("k")
	require.Equal(t, "f:1:5", n.At(-5, 0).String())
	require.Equal(t, "f:1:6", n.At(1, 1).String())
	end := n.At(3, 99)
	require.Equal(t, "f:1:9", end.String())
	require.Equal(t, end.Start, end.End)
	require.Equal(t, root.Get("none").Span, root.Get("none").At(0, 1))
}
