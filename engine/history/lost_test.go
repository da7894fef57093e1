package history_test

import (
	"bytes"
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// TestLost imports the plan of a run of which the ledger knows a part.
func TestLost(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	w.begin("r1")
	w.settle("r1", 1, ledger.Sent, "")
	w.settle("r1", 2, ledger.Refused, "no such client")
	w.settle("r1", 3, ledger.NotSent, "429")
	w.settle("r1", 4, ledger.Unknown, "reset")
	require.NoError(t, w.store.Resolve(ctx, ledger.Decision{Identity: identity(4), State: ledger.NotSent, Reason: "nothing in the chat", At: noon}))
	w.settle("r1", 5, ledger.Unknown, "reset")

	var records []any
	person := ledger.PersonOfNumber("79161234567")
	for n := byte(1); n <= 6; n++ {
		s := send(n, planfile.StatusPlanned)
		s.Content, s.Person = identity(9).String(), person.String()
		records = append(records, s)
	}
	records = append(records, send(7, planfile.StatusAlreadySent), send(8, planfile.StatusLeftOut))
	lost := history.Lost{
		Run:   ledger.Run{ID: "r2", Flow: "sale", Campaign: "march", PlanHash: "p", State: ledger.Interrupted, Started: noon},
		Plans: w.plan(records...), Now: noon.Add(time.Hour),
	}
	bring := func() ledger.ImportResult {
		var b bytes.Buffer
		require.NoError(t, lost.Export(ctx, w.store, &b))
		got, err := w.store.Import(ctx, &b)
		require.NoError(t, err)
		return got
	}
	require.Equal(t, ledger.ImportCount{Read: 2, Added: 1, Raised: 1}, bring().Sends, "the one never heard of, and the one not sent before")
	for n, want := range []ledger.State{1: ledger.Sent, 2: ledger.Refused, 3: ledger.Unknown, 4: ledger.NotSent, 5: ledger.Unknown, 6: ledger.Unknown} {
		if n == 0 {
			continue
		}
		rec, ok, err := w.store.Find(ctx, identity(byte(n)))
		require.NoError(t, err)
		require.True(t, ok)
		require.Equal(t, want, rec.State, "row %d", n)
	}
	rec, _, err := w.store.Find(ctx, identity(6))
	require.NoError(t, err)
	require.Equal(t, person, rec.Person)
	require.Equal(t, 106, rec.Contact)
	require.Equal(t, noon, rec.Attempted, "a read-back looks from the plan on")

	serial, err := w.store.Serial(ctx, "sale", "march")
	require.NoError(t, err)
	require.False(t, bring().Changed(), "the same plan twice")
	again, err := w.store.Serial(ctx, "sale", "march")
	require.NoError(t, err)
	require.Equal(t, serial, again)
	merged, err := w.store.Merged(ctx)
	require.NoError(t, err)
	require.Empty(t, merged, "a plan is not all that its ledger knew")
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("the disk is full") }

// TestLostRefuses gives no export that would pass for a whole one.
func TestLostRefuses(t *testing.T) {
	w := newWorld(t)
	whole := send(1, planfile.StatusPlanned)
	whole.Content = identity(9).String()
	for name, change := range map[string]func(*planfile.Send){
		"identity": func(s *planfile.Send) { s.Identity = "x" },
		"content":  func(s *planfile.Send) { s.Content = "" },
		"person":   func(s *planfile.Send) { s.Person = "x" },
	} {
		t.Run(name, func(t *testing.T) {
			s := whole
			change(&s)
			var b bytes.Buffer
			require.ErrorContains(t, history.Lost{Plans: w.plan(s)}.Export(t.Context(), w.store, &b), "row 1")
			_, err := w.store.Import(t.Context(), &b)
			require.Error(t, err)
		})
	}
	lost := history.Lost{Plans: w.plan(whole)}
	require.ErrorContains(t, lost.Export(t.Context(), w.store, full{}), "the disk is full")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, lost.Export(canceled, w.store, &bytes.Buffer{}), context.Canceled)
}
