package engine_test

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// talkers is families with what they wrote.
func talkers(t *testing.T) sandbox.World {
	t.Helper()
	w, err := sandbox.FromSeed(map[string]any{
		"now": "2026-11-22T12:00:00 UTC",
		"clients": []any{
			map[string]any{"id": 11, "phone": "79160000011", "tags": []any{17}},
			map[string]any{"id": 12, "phone": "79160000012"},
			map[string]any{"id": 13, "phone": "[tg] 807892", "assigned_phone": "+7 916 000-00-12"},
			map[string]any{"id": 14, "phone": "[tg] 807893"},
		},
		"messages": []any{
			map[string]any{"client_id": 14, "type": "from_client", "text": "Прошу: СТОП!"},
			map[string]any{"client_id": 11, "type": "to_client", "text": "write stop, and we stop"},
			map[string]any{"client_id": 11, "type": "from_client", "text": "стопка книг"},
		},
	})
	require.NoError(t, err)
	return w
}

func TestSuppress(t *testing.T) {
	for name, c := range map[string]struct {
		guard string
		file  string
		left  []string
		asked int64
	}{
		"a phone, whosever contact":   {"{ files: [out.csv] }", "phone\n8 (916) 000-00-12\n", []string{"12", "13"}, 0},
		"a contact":                   {"{ files: [out.csv] }", "contactId\n14\n", []string{"14"}, 0},
		"the address of a chat":       {"{ files: [out.csv] }", "phone\n[tg] 807893\n", []string{"14"}, 0},
		"one value a line":            {"{ files: [out.csv] }", "14\n79160000011\n", []string{"11", "14"}, 0},
		"a tag":                       {"{ tags: [17] }", "", []string{"11"}, 0},
		"a word":                      {"{ words: [стоп, stop] }", "", []string{"14"}, 4},
		"all of it, at the first one": {"{ files: [out.csv], tags: [17], words: [стоп] }", "contactId\n12\n", []string{"11", "12", "14"}, 2},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: talkers(t)})
			b.write("out.csv", c.file)
			path := b.plan(b.compile(toAll("spring", "guard: { suppress: "+c.guard+" }", "")), nil)
			var left []string
			for _, row := range rows(t, path) {
				if row[2:] == " send: left_out by suppress" {
					left = append(left, row[:2])
				} else {
					require.Equal(t, " send: planned", row[2:])
				}
			}
			require.Equal(t, c.left, left)
			plan, err := planfile.Check(path)
			require.NoError(t, err)
			require.NotEmpty(t, plan.Head.Suppress)
			require.Equal(t, c.asked, plan.End.Asked)
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NotContains(t, string(text), "916000", "no phone stands in a plan that needs none")
		})
	}
}

func TestSuppressAtApply(t *testing.T) {
	b := newBench(t, sandbox.Options{World: talkers(t)})
	b.write("out.csv", "contactId\n11\n")
	p := b.compile(toAll("spring", "guard: { suppress: { files: [out.csv], words: [стоп] } }", ""))
	path := b.plan(p, nil)
	require.Empty(t, optOutsOf(t, b), "planning changes nothing")
	b.write("out.csv", "phone\n+79160000012\n") // meanwhile: another list
	r := b.apply(p, path)
	require.Equal(t, 0, r.Counts.Sent)
	require.Equal(t, 2, r.Counts.Skipped, "12 by the phone, 13 since it is the same phone; 11 does not come back")
	require.Equal(t, "suppress: in out.csv", r.Problems[0].Reason)
	found := optOutsOf(t, b)
	require.Len(t, found, 1)
	require.Equal(t, 14, found[0].Contact)
	require.Equal(t, "стоп", found[0].Word)

	// It is remembered for good: nobody has to find it again.
	b.now = b.now.Add(time.Minute)
	other := b.compile(toAll("winback", "guard: { suppress: { words: [unsubscribe] } }", ""))
	require.Contains(t, rows(t, b.plan(other, nil)), "14 send: left_out by suppress")
}

func optOutsOf(t *testing.T, b *bench) (all []ledger.OptOut) {
	t.Helper()
	for o, err := range b.store.OptOuts(context.Background(), nil) {
		require.NoError(t, err)
		all = append(all, o)
	}
	return all
}

func TestAskingForPeaceAfterThePlan(t *testing.T) {
	b := newBench(t, sandbox.Options{World: talkers(t)})
	p := b.compile(toAll("spring", "guard: { suppress: { words: [стоп] } }", ""))
	path := b.plan(p, nil)
	plan, err := planfile.Check(path)
	require.NoError(t, err)
	for _, account := range plan.Head.Accounts {
		require.NoError(t, b.store.OptOut(t.Context(), ledger.OptOut{Account: account, Contact: 11, Word: "stop", MessageID: 1, At: b.now}))
	}
	r := b.apply(p, path)
	require.Equal(t, 2, r.Counts.Sent)
	require.Equal(t, `suppress: wrote "stop"`, r.Problems[0].Reason)
}

// Who asked for peace in one chat is written to in none, also where the other one
// comes first in the plan.
func TestAskingForPeaceUnderAnotherContact(t *testing.T) {
	w, err := sandbox.FromSeed(map[string]any{
		"now": "2026-11-22T12:00:00 UTC",
		"clients": []any{
			map[string]any{"id": 11, "phone": "79160000011"},
			map[string]any{"id": 12, "phone": "[tg] 807892", "assigned_phone": "79160000011"},
		},
		"messages": []any{map[string]any{"client_id": 12, "type": "from_client", "text": "стоп"}},
	})
	require.NoError(t, err)
	b := newBench(t, sandbox.Options{World: w})
	p := b.compile(toAll("spring", "guard: { suppress: { words: [стоп] } }", ""))
	path := b.plan(p, nil)
	require.Equal(t, []string{"11 send: planned", "12 send: left_out by suppress"}, rows(t, path))
	r := b.apply(p, path)
	require.Equal(t, 1, r.Counts.Skipped)
	require.Equal(t, `suppress: wrote "стоп"`, r.Problems[0].Reason)
	require.Empty(t, b.api.Accepted())
}

// A plan that never asked whose phones its contacts have cannot be held against a
// list of phones.
func TestAListThatGetsPhonesAfterThePlan(t *testing.T) {
	b := newBench(t, sandbox.Options{World: talkers(t)})
	b.write("rows.csv", "id\n11\n12\n")
	b.write("out.csv", "contactId\n11\n")
	p := b.compile(`flow: rows
guard: { suppress: { files: [out.csv] } }
steps:
  - { id: rows, uses: read_csv, with: { path: rows.csv, columns: { id: integer } } }
  - id: send
    forEach: ${{ steps.rows.outputs.rows }}
    uses: chat2desk_send_message
    with: { contactId: "${{ item.id ?? 0 }}", message: Hello! }
`)
	path := b.plan(p, nil)
	b.write("out.csv", "phone\n79160000012\n")
	_, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: b.options(p, nil)})
	require.Equal(t, engine.CauseStale, engine.CauseOf(err))
	require.ErrorContains(t, err, "a list of guard.suppress has phones now")
	require.Empty(t, b.api.Accepted())
	b.now = b.now.Add(time.Minute)
	require.Equal(t, []string{"11 send: planned", "12 send: left_out by suppress"}, rows(t, b.plan(p, nil)))
}

func TestAListThatCannotBeReadIsNotEmpty(t *testing.T) {
	for name, c := range map[string]struct{ guard, file, want string }{
		"missing":    {"{ files: [none.csv] }", "", "none.csv: no such file"},
		"outside":    {"{ files: [../out.csv] }", "", "../out.csv: path escapes"},
		"empty":      {"{ files: [out.csv] }", "phone\n", "out.csv: names nobody"},
		"broken":     {"{ files: [out.csv] }", "phone\n79160000012\nnone\n", "out.csv:3: its phone is no phone"},
		"no members": {"{ files: \"${{ inputs.lists }}\" }", "", "flow.yaml:"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: talkers(t)})
			b.write("out.csv", c.file)
			head := "guard: { suppress: " + c.guard + " }"
			if name == "no members" {
				head += "\ninputs: { lists: { type: list, default: [] } }"
			}
			p := b.compile(toAll("spring", head, ""))
			path, err := planFile(t.Context(), p, b.options(p, nil))
			var held *engine.GuardError
			require.ErrorAs(t, err, &held)
			require.ErrorContains(t, err, c.want)
			require.Empty(t, path)
			require.Equal(t, engine.CauseGuard, engine.CauseOf(err))
		})
	}
	b := newBench(t, sandbox.Options{World: talkers(t)})
	b.write("out.csv", "11\n")
	p := b.compile(toAll("spring", "guard: { suppress: { files: [out.csv] } }", ""))
	path := b.plan(p, nil)
	require.NoError(t, os.Remove(filepath.Join(b.dir, "out.csv")))
	_, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: b.options(p, nil)})
	require.ErrorContains(t, err, "guard.suppress: out.csv: no such file")
	b.write("out.csv", "12\n")
	require.Equal(t, 2, b.apply(p, path).Counts.Sent, "the plan was not used up")
}

func TestSuppressOfTheProject(t *testing.T) {
	b := newBench(t, sandbox.Options{World: talkers(t)})
	project := filepath.Join(b.dir, "project")
	require.NoError(t, os.Mkdir(project, 0o700))
	require.NoError(t, os.WriteFile(filepath.Join(project, "out.csv"), []byte("11\n"), 0o600))
	b.write("out.csv", "12\n")
	p, problems := b.compile(toAll("spring", "guard: { suppress: { files: [out.csv] } }", "")).Under(projectOf(t, "guard: { suppress: { files: [out.csv] } }"))
	require.Empty(t, problems)
	o := b.options(p, nil)
	o.ProjectDir = project
	path, err := planFile(t.Context(), p, o)
	require.NoError(t, err)
	require.Equal(t, []string{"11 send: left_out by suppress", "12 send: left_out by suppress", "13 send: planned", "14 send: planned"}, rows(t, path))
}

// A plan for which nobody looked into the chats for a word cannot be held against it.
func TestAWordThatIsAddedAfterThePlan(t *testing.T) {
	for name, words := range map[string]string{"none": "", "another": "guard: { suppress: { words: [unsubscribe] } }"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: talkers(t)})
			p := b.compile(toAll("spring", words, ""))
			path := b.plan(p, nil)
			under, problems := p.Under(projectOf(t, "guard: { suppress: { words: [стоп] } }"))
			require.Empty(t, problems)
			_, err := applyFile(t.Context(), under, path, engine.ApplyOptions{Options: b.options(p, nil)})
			require.Equal(t, engine.CauseStale, engine.CauseOf(err), "%v", err)
			require.ErrorContains(t, err, "guard.suppress has other words now")
			require.Empty(t, b.api.Accepted())
			b.now = b.now.Add(time.Minute)
			r := b.apply(under, b.plan(under, nil))
			require.Equal(t, 3, r.Counts.Sent)
			require.NotContains(t, b.texts(), int64(14))
		})
	}
}
