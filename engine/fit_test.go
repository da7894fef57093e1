package engine_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// resealed writes a plan anew, with a header that somebody has changed and a hash
// that fits.
func resealed(t *testing.T, path string, change func(*planfile.Header)) {
	t.Helper()
	var all []any
	var end planfile.End
	for rec, err := range planfile.Records(path) {
		require.NoError(t, err)
		switch r := rec.(type) {
		case planfile.Header:
			change(&r)
			rec = r
		case planfile.End:
			end = r
			continue
		}
		all = append(all, rec)
	}
	w, err := planfile.Create(path)
	require.NoError(t, err)
	for _, rec := range all {
		require.NoError(t, w.Write(rec))
	}
	_, err = w.Close(end)
	require.NoError(t, err)
}

// A plan is refused, with its reason and before anything is sent, when anything
// that it is bound to is not there any more, or when anything in it was changed.
func TestAPlanBinds(t *testing.T) {
	edit := func(old, now string) func(*testing.T, *bench, string) {
		return func(t *testing.T, _ *bench, path string) {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.Contains(t, string(text), old)
			require.NoError(t, os.WriteFile(path, []byte(strings.Replace(string(text), old, now, 1)), 0o600))
		}
	}
	lines := func(change func([]string) []string) func(*testing.T, *bench, string) {
		return func(t *testing.T, _ *bench, path string) {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(path, []byte(strings.Join(change(strings.SplitAfter(string(text), "\n")), "")), 0o600))
		}
	}
	header := func(change func(*planfile.Header)) func(*testing.T, *bench, string) {
		return func(t *testing.T, _ *bench, path string) { resealed(t, path, change) }
	}
	const changed = "changed after it was made"
	for _, c := range []struct {
		name   string
		change func(*testing.T, *bench, string)
		why    string
	}{
		// What is in it.
		{"another text", edit(`"message":"one"`, `"message":"two"`), changed},
		{"another recipient", edit(`"contactId":101`, `"contactId":103`), changed},
		{"another identity", edit(`"identity":"`, `"identity":"0`), changed},
		{"a higher cap", edit(`"maxSends":1000`, `"maxSends":9999`), changed},
		{"a longer life", edit(`"expires":"2026`, `"expires":"2036`), changed},
		{"another count", edit(`"planned":5`, `"planned":4`), changed},
		{"another fingerprint", edit(`"recipients":"`, `"recipients":"0`), changed},
		{"a row less", lines(func(l []string) []string { return append(l[:3], l[4:]...) }), changed},
		{"a row twice", lines(func(l []string) []string { return append(l[:3], l[2:]...) }), changed},
		{"two rows exchanged", lines(func(l []string) []string { l[2], l[3] = l[3], l[2]; return l }), changed},
		{"the end is missing", lines(func(l []string) []string { return l[:len(l)-2] }), "ends too early"},
		{"cut in a line", lines(func(l []string) []string { return append(l[:4], l[4][:9]) }), "cut off"},
		{"something after the end", lines(func(l []string) []string { return append(l, l[2]) }), "after the end"},

		// What it is bound to.
		{"another flow", header(func(h *planfile.Header) { h.FlowHash = strings.Repeat("0", 64) }), "made from another text of the flow"},
		{"another name", header(func(h *planfile.Header) { h.Flow = "other" }), "made from another text of the flow"},
		{"other inputs", header(func(h *planfile.Header) { h.Inputs["who"] = "everybody" }), "made with other inputs"},
		{"another ledger", header(func(h *planfile.Header) { h.Lineage = "ABCDEF" }), "made with another ledger (ABCDEF)"},
		{"another account", header(func(h *planfile.Header) {
			for host := range h.Accounts {
				h.Accounts[host] = host + "/99"
			}
		}), "but the token belongs to"},
		{"the sandbox", header(func(h *planfile.Header) { h.Sandbox = true }), "made for the sandbox"},
		{"expired", func(_ *testing.T, b *bench, _ string) { b.now = b.now.Add(25 * time.Hour) }, "expired at 2026-11-23"},
		{"stale", func(t *testing.T, b *bench, _ string) {
			p := b.compile(twoSends)
			b.apply(p, b.plan(p, nil))
		}, "other sends of the flow two (campaign default) were recorded"},
		{"applied", func(t *testing.T, b *bench, path string) { b.apply(b.compile(twoSends), path) }, "this plan was already applied by run"},
		{"over the cap", header(func(h *planfile.Header) { h.MaxSends = 4 }), "5 messages are planned, but at most 4"},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, sandbox.Options{World: smallWorld(3)})
			p := b.compile(twoSends)
			path := b.plan(p, nil)
			c.change(t, b, path)
			sent := len(b.api.Accepted())
			_, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: b.options(p, nil)})
			require.ErrorContains(t, err, c.why)
			want := engine.CauseStale
			if c.name == "over the cap" {
				want = engine.CauseGuard
			}
			require.Equal(t, want, engine.CauseOf(err))
			require.Len(t, b.api.Accepted(), sent)

			// It can be looked at all the same, and says so.
			plan, _ := planfile.Check(path)
			require.Equal(t, "header", plan.Head.Type)
			unfit, err := p.Unfit(t.Context(), plan.Head, b.store, b.now)
			require.NoError(t, err)
			sum, err := p.Look(path, 1, unfit)
			require.NoError(t, err)
			require.NotEmpty(t, sum.Samples)
			if c.name != "another account" && c.name != "over the cap" && c.name != "the sandbox" {
				require.Contains(t, strings.Join(sum.Unfit, "\n"), c.why)
			}
		})
	}
}

// A plan that is resumed is bound to its flow, inputs, ledger and account, and to
// nothing that its own run has changed.
func TestAResumedPlanBinds(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	p := b.compile(twoSends)
	path := b.plan(p, nil)
	o := b.options(p, nil)
	o.Store = &mortalStore{Store: b.store, left: 4, after: true}
	_, err := applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o})
	require.Error(t, err, "the process is dead")
	b.now = b.now.Add(48 * time.Hour)

	elsewhere, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), sqlite.Options{})
	require.NoError(t, err)
	defer elsewhere.Close()
	o = b.options(p, nil)
	o.Store = elsewhere
	_, err = applyFile(t.Context(), p, path, engine.ApplyOptions{Options: o, Resume: true})
	require.ErrorContains(t, err, "made with another ledger")

	_, err = applyFile(t.Context(), p, path, engine.ApplyOptions{Options: b.options(p, nil), Resume: true})
	require.NoError(t, err)
	run, _, err := b.store.FindRun(t.Context(), "last")
	require.NoError(t, err)
	require.NotEqual(t, ledger.Running, run.State)
}

// The fingerprint is that of the people and their texts, in order: the same for
// two plans that would send the same, another one for any other.
func TestFingerprint(t *testing.T) {
	b := newBench(t, sandbox.Options{World: smallWorld(3)})
	of := func(src string) string {
		sum, err := b.compile(src).Summarize(b.plan(b.compile(src), nil), 0)
		require.NoError(t, err)
		return sum.End.Fingerprint()
	}
	first := of(twoSends)
	require.Regexp(t, "^[0-9a-f]{12}$", first)
	b.now = b.now.Add(time.Hour)
	require.Equal(t, first, of(twoSends))
	require.Equal(t, first, of(twoSends+"\n# a remark\n"))
	require.NotEqual(t, first, of(strings.Replace(twoSends, "one", "One", 1)))
	require.NotEqual(t, first, of(strings.Replace(twoSends, "flow: ", "campaign: june\nflow: ", 1)))
	r := b.apply(b.compile(twoSends), b.plan(b.compile(twoSends), nil))
	require.Equal(t, first, r.Fingerprint)
	require.Empty(t, of(twoSends), "nothing is left to send")
}
