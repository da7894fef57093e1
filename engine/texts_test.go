package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/flow"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/golden"
	"github.com/flowrunner/flowrunner/steps"
)

// besides compiles a flow with the texts of a folder.
func besides(name, src, folder string) (*engine.Program, diag.List) {
	doc, problems := flow.Parse(name, []byte(src))
	p, more := engine.Compile(doc, steps.Registry(), engine.FilesIn(folder, folder))
	problems = append(problems, more...)
	problems.Sort()
	return p, problems
}

// Every problem of a text beside a flow has its place in that text, with the line
// that it points at. A flow without problems has an empty golden file.
func TestTextsBesideFlows(t *testing.T) {
	eachFlow(t, "texts", func(t *testing.T, path string, source []byte) {
		_, problems := besides("flows/"+filepath.Base(path), string(source), filepath.Dir(path))
		golden.Equal(t, goldenOf(path), diag.FormatAll(problems, source))
		for _, d := range problems {
			require.Positive(t, d.Span.Start.Line)
			require.Equal(t, d.Span.File != "flows/"+filepath.Base(path), d.Span.Line != "")
		}
		requireFixes(t, problems)
	})
}

const offerFlow = `flow: offer
guard: { maxSends: 10 }
steps:
  - id: clients
    uses: chat2desk_list_clients
  - id: send
    forEach: ${{ steps.clients.outputs.clients }}
    as: client
    uses: chat2desk_send_message
    with:
      contactId: ${{ client.id }}
      message: ${{ file("offer.txt") }}
  # message: ${{ file("old.txt") }}
  - id: again
    forEach: ${{ steps.send.outputs.items }}
    if: item.status == "sent"
    uses: chat2desk_send_message
    with:
      contactId: ${{ item.contactId ?? 0 }}
      message: ${{ file("later.txt") }}
`

// What was planned is sent, whatever the texts have become since; later stages
// and other processes read them from the plan.
func TestPlansHoldTheirTexts(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(2)})
	b.write("offer.txt", "\ufeffHello, ${{ client.name ?? \"friend\" }}!\r\n15% for you: $${{ code }}\r\n\r\n")
	b.write("later.txt", "And thank you, ${{ item.contactId ?? 0 }}.")
	b.write("old.txt", "Old.")
	p, ds := besides("flow.yaml", offerFlow, b.dir)
	require.Empty(t, ds)
	require.Len(t, p.Texts, 2)
	path := b.plan(p, nil)

	plan, err := planfile.Check(path)
	require.NoError(t, err)
	require.Equal(t, p.Texts, plan.Head.Texts)
	require.Equal(t, p.Hash, plan.Head.FlowHash)

	b.write("offer.txt", "Another text")
	b.write("later.txt", "Another text")
	edited, ds := besides("flow.yaml", offerFlow, b.dir)
	require.Empty(t, ds)
	require.NotEqual(t, p.Hash, edited.Hash)
	_, err = applyFile(t.Context(), edited, path, engine.ApplyOptions{Options: b.options(edited, nil)})
	var stale *engine.StaleError
	require.ErrorAs(t, err, &stale)

	doc, ds := flow.Parse(plan.Head.File, []byte(plan.Head.FlowText))
	require.Empty(t, ds)
	planned, ds := engine.Compile(doc, steps.Registry(), engine.FilesOf(plan.Head.Texts))
	require.Empty(t, ds)
	require.Equal(t, p.Hash, planned.Hash)
	r := b.apply(planned, path)
	require.Equal(t, 4, r.Counts.Sent)
	require.Equal(t, map[int64][]string{
		101: {"Hello, Client A!\n15% for you: ${{ code }}", "And thank you, 101."},
		102: {"Hello, Client B!\n15% for you: ${{ code }}", "And thank you, 102."},
	}, b.texts())
}

// Only what is read counts: another file beside the flow changes nothing, nor
// does a text that a comment names.
func TestTheHashCoversTextsThatAreRead(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600))
		p, ds := besides("flow.yaml", offerFlow, dir)
		require.Empty(t, ds)
		return p.Hash
	}
	require.NoError(t, os.WriteFile(filepath.Join(dir, "later.txt"), []byte("b"), 0o600))
	first := write("offer.txt", "a")
	require.Equal(t, first, write("old.txt", "Old."))
	require.NotEqual(t, first, write("offer.txt", "b"))
	require.Equal(t, first, write("offer.txt", "a"))

	plain := "flow: a\nsteps:\n  - id: b\n    uses: print\n    with: { message: hi }\n"
	doc, _ := flow.Parse("a.yaml", []byte(plain))
	p, ds := engine.Compile(doc, steps.Registry(), nil)
	require.Empty(t, ds)
	require.Equal(t, doc.Hash, p.Hash)
	require.Nil(t, p.Texts)
}

func TestTextsStayInTheFlowsFolder(t *testing.T) {
	dir := t.TempDir()
	outside := filepath.Join(t.TempDir(), "secret.txt")
	require.NoError(t, os.WriteFile(outside, []byte("secret"), 0o600))
	require.NoError(t, os.Symlink(outside, filepath.Join(dir, "link.txt")))
	require.NoError(t, os.Mkdir(filepath.Join(dir, "folder"), 0o700))
	for path, reason := range map[string]string{
		"link.txt":       "a link in its path leads out of the project",
		"folder":         "it is no file",
		"none.txt":       "there is no such file",
		"folder/../..":   "is no path below the flow's folder",
		"../secret.txt":  "is no path below the flow's folder",
		"":               "is no path below the flow's folder",
		outside:          "is no path below the flow's folder",
		"folder/../none": "the text none cannot be read: there is no such file",
	} {
		src := "flow: a\nsteps:\n  - id: b\n    uses: print\n    with:\n      message: ${{ file(\"" + path + "\") }}\n"
		_, ds := besides("flow.yaml", src, dir)
		require.Len(t, ds, 1)
		require.Equal(t, "text-file", ds[0].Code)
		require.Contains(t, ds[0].Summary, reason)
		require.Equal(t, 6, ds[0].Span.Start.Line)
	}
	_, ds := compile("flow: a\nsteps:\n  - id: b\n    uses: print\n    with:\n      message: ${{ file(\"a.txt\") }}\n")
	require.Len(t, ds, 1)
	require.Contains(t, ds[0].Summary, "is not at hand here")
	_, ds = besides("flow.yaml", "flow: a\nsteps:\n  - id: b\n    uses: print\n    with:\n      message: ${{ file(\"a.txt\") }}\n", filepath.Join(dir, "gone"))
	require.Len(t, ds, 1)
	require.False(t, strings.Contains(ds[0].Summary, dir))
}

func TestTextsAreBounded(t *testing.T) {
	var src strings.Builder
	src.WriteString("flow: a\nsteps:\n  - id: b\n    uses: set\n    with:\n")
	files := map[string]string{}
	for i := range 17 {
		name := string(rune('a' + i))
		files[name] = "short" + strings.Repeat("\n", flow.MaxTextFile-10)
		src.WriteString("      v" + name + ": ${{ file(\"" + name + "\") }}\n")
	}
	doc, _ := flow.Parse("a.yaml", []byte(src.String()))
	_, ds := engine.Compile(doc, steps.Registry(), engine.FilesOf(files))
	require.Len(t, ds, 1)
	require.Contains(t, ds[0].Summary, "too large")
	require.Equal(t, "a.yaml:22:20", ds[0].Span.String())

	p, ds := engine.Compile(doc, steps.Registry(), engine.FilesOf(nil))
	require.Nil(t, p)
	require.Len(t, ds, 17)
}

// An expression of a text that fails on data points into the text.
func TestFailuresPointIntoTheText(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(1)})
	b.write("offer.txt", "Hello!\nYou have ${{ repeat(client.phone, 1000) }} points.\n")
	b.write("later.txt", "Later")
	p, ds := besides("flow.yaml", offerFlow, b.dir)
	require.Empty(t, ds)
	_, err := p.Plan(t.Context(), b.options(p, nil))
	var failed *engine.StepError
	require.ErrorAs(t, err, &failed)
	require.Equal(t, "offer.txt:1:1", failed.Span.String())
	require.Equal(t, "Hello!\n", failed.Span.Line)
}
