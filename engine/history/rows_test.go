package history_test

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// world is a ledger and the plan of a run of it.
type world struct {
	t     *testing.T
	store *sqlite.Store
	dir   string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, dir: t.TempDir()}
	var err error
	w.store, err = sqlite.Open(t.Context(), filepath.Join(w.dir, "ledger.db"), sqlite.Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, w.store.Close()) })
	return w
}

func identity(n byte) ledger.Identity { return ledger.Identity{n} }

func (w *world) begin(run string) ledger.Run {
	r := ledger.Run{ID: run, Flow: "sale", Campaign: "march", PlanHash: run, State: ledger.Running, Started: noon}
	require.NoError(w.t, w.store.Begin(w.t.Context(), r))
	return r
}

func (w *world) intend(run string, n byte) {
	require.NoError(w.t, w.store.Intend(w.t.Context(), ledger.Intention{Identity: identity(n), Run: run, Seq: int64(n), Step: "send", Contact: 100 + int(n), At: noon}))
}

func (w *world) settle(run string, n byte, state ledger.State, reason string) {
	w.intend(run, n)
	o := ledger.Outcome{Identity: identity(n), Run: run, State: state, Reason: reason, At: noon}
	if state == ledger.Sent {
		o.MessageID = 9000 + int(n)
	}
	require.NoError(w.t, w.store.Settle(w.t.Context(), o))
}

func (w *world) plan(records ...any) []string {
	path := filepath.Join(w.dir, "plan.jsonl")
	p, err := planfile.Create(path)
	require.NoError(w.t, err)
	require.NoError(w.t, p.Write(planfile.Header{Type: "header", Version: planfile.Version, Run: "r2"}))
	for _, r := range records {
		require.NoError(w.t, p.Write(r))
	}
	_, err = p.Close(planfile.End{})
	require.NoError(w.t, err)
	return []string{path}
}

func send(n byte, status string) planfile.Send {
	return planfile.Send{
		Type: "send", Seq: int64(n), Unit: int64(n), Step: "send", Status: status, Identity: identity(n).String(), Contact: 100 + int(n),
		TextHash: planfile.TextHash("hello"),
	}
}

func collect(t *testing.T, w *world, run ledger.Run, plans []string) (rows []history.Row, left []planfile.LeftOut) {
	for r, err := range history.Rows(t.Context(), w.store, run, plans, history.Told{LeftOut: func(l planfile.LeftOut) { left = append(left, l) }}) {
		require.NoError(t, err)
		rows = append(rows, r)
	}
	return rows, left
}

// TestRows has one row for each way that a row can go.
func TestRows(t *testing.T) {
	w := newWorld(t)
	w.begin("r1")
	w.settle("r1", 7, ledger.Unknown, "reset")
	w.settle("r1", 8, ledger.NotSent, "429")
	w.settle("r1", 12, ledger.Unknown, "reset")
	run := w.begin("r2")
	run.Reason = "interrupted"
	w.settle("r2", 1, ledger.Sent, "")
	w.settle("r2", 2, ledger.Refused, "no such client")
	w.settle("r2", 3, ledger.Unknown, "timeout")
	w.intend("r2", 4)
	w.settle("r2", 5, ledger.NotSent, "429")
	require.NoError(t, w.store.Resolve(t.Context(), ledger.Decision{Identity: identity(12), State: ledger.Sent, MessageID: 77, At: noon}))

	since := noon.Add(-time.Hour)
	already, unknown, refused, left := send(9, planfile.StatusAlreadySent), send(7, planfile.StatusUnknown), send(10, planfile.StatusRefused), send(11, planfile.StatusLeftOut)
	already.Since, already.Message, unknown.Reason, refused.Reason, left.Reason = &since, 55, "run r1 could not tell", "gone for good", "said no"
	left.Identity = ""
	plans := w.plan(
		send(1, planfile.StatusPlanned), send(2, planfile.StatusPlanned), send(3, planfile.StatusPlanned), send(4, planfile.StatusPlanned),
		send(5, planfile.StatusPlanned), send(6, planfile.StatusPlanned), unknown, send(8, planfile.StatusPlanned), already, refused, left,
		send(12, planfile.StatusUnknown), planfile.LeftOut{Type: "leftOut", Step: "recent", Reason: "silent", Count: 3},
	)

	rows, leftOut := collect(t, w, run, plans)
	require.Equal(t, []planfile.LeftOut{{Type: "leftOut", Step: "recent", Reason: "silent", Count: 3}}, leftOut)
	type seen struct {
		seq            int64
		status, reason string
		message        int
		by             string
		refused        bool
	}
	var got []seen
	for _, r := range rows {
		got = append(got, seen{r.Seq, r.Status, r.Reason, r.Message, r.By, r.Refused})
		require.Equal(t, 100+int(r.Seq), r.Contact)
		require.Equal(t, "2cf24dba5fb0a30e", r.TextHash)
	}
	require.Equal(t, []seen{
		{1, "sent", "", 9001, "r2", false},
		{2, "failed", "no such client", 0, "r2", true},
		{3, "unknown", "timeout", 0, "r2", false},
		{4, "unknown", "it was being sent when the run was last heard of", 0, "r2", false},
		{5, "skipped", "429", 0, "r2", false},
		{6, "skipped", "not tried: interrupted", 0, "", false},
		{7, "unknown", "run r1 could not tell", 0, "r1", false},
		{8, "skipped", "not sent; the next run sends it", 0, "r1", false},
		{9, "already_sent", "", 55, "", false},
		{10, "failed", "gone for good", 0, "", true},
		{11, "left_out", "said no", 0, "", false},
		{12, "sent", "", 77, "r1", false},
	}, got)

	mine, none, err := history.Of(t.Context(), w.store, run, plans, 103)
	require.NoError(t, err)
	require.Equal(t, leftOut, none)
	require.Equal(t, rows[2:3], mine)
}

// TestRowsThatAnEarlierOneKeepsBack names the earlier one, as apply does.
func TestRowsThatAnEarlierOneKeepsBack(t *testing.T) {
	w := newWorld(t)
	run := w.begin("r2")
	w.settle("r2", 1, ledger.Unknown, "reset")
	w.settle("r2", 5, ledger.Sent, "")
	row := func(n byte, step, status string, unit int64, item ...int) planfile.Send {
		s := send(n, status)
		s.Step, s.Unit, s.Item = step, unit, item
		return s
	}
	rows, _ := collect(t, w, run, w.plan(
		row(1, "opening", planfile.StatusPlanned, 1, 0), row(2, "middle", planfile.StatusLeftOut, 1, 0), row(3, "closing", planfile.StatusPlanned, 1, 0),
		row(4, "other", planfile.StatusPlanned, 1, 1), row(5, "opening", planfile.StatusPlanned, 2, 1), row(6, "closing", planfile.StatusPlanned, 2, 1),
		row(7, "opening", planfile.StatusDuplicate, 3, 2), row(8, "middle", planfile.StatusPlanned, 3, 2), row(9, "closing", planfile.StatusPlanned, 3, 2),
	))
	var got []string
	for _, r := range rows {
		got = append(got, r.Reason)
	}
	require.Equal(t, []string{
		"reset", "", "opening was not sent (unknown)", "not tried", "", "not tried", "", "opening was not sent (duplicate)", "opening was not sent (duplicate)",
	}, got)
}

// TestRowsWithoutPlan gives what the ledger alone knows.
func TestRowsWithoutPlan(t *testing.T) {
	w := newWorld(t)
	run := w.begin("r2")
	w.settle("r2", 1, ledger.Sent, "")
	w.settle("r2", 2, ledger.NotSent, "")
	rows, _ := collect(t, w, run, nil)
	require.Len(t, rows, 2)
	require.Equal(t, "sent", rows[0].Status)
	require.Equal(t, "not tried", rows[1].Reason)
	require.Empty(t, rows[0].TextHash)
}

// TestRowsEndAtTheFirstProblem never passes a broken plan or an interrupt for a
// whole list.
func TestRowsEndAtTheFirstProblem(t *testing.T) {
	w := newWorld(t)
	run := w.begin("r2")
	broken := send(1, planfile.StatusPlanned)
	broken.Identity = "no hex"
	plans := w.plan(broken, send(2, planfile.StatusPlanned))
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, ctx := range []context.Context{t.Context(), canceled} {
		n := 0
		for _, err := range history.Rows(ctx, w.store, run, plans, history.Told{}) {
			n++
			require.Error(t, err)
		}
		require.Equal(t, 1, n)
		_, _, err := history.Of(ctx, w.store, run, plans, 101)
		require.Error(t, err)
	}
	for _, err := range history.Rows(t.Context(), w.store, run, []string{filepath.Join(w.dir, "none.jsonl")}, history.Told{}) {
		require.Error(t, err)
	}
}

// Whoever asks is told where the plan of each stage ends.
func TestRowsTellOfTheEnd(t *testing.T) {
	w := newWorld(t)
	run := w.begin("r2")
	plans := w.plan(send(1, planfile.StatusPlanned), planfile.LeftOut{Type: "leftOut", Step: "recent", Reason: "silent", Count: 3})
	var ends []planfile.End
	for _, err := range history.Rows(t.Context(), w.store, run, plans, history.Told{End: func(e planfile.End) { ends = append(ends, e) }}) {
		require.NoError(t, err)
	}
	require.Len(t, ends, 1)
	require.Equal(t, "end", ends[0].Type)
}
