package sqlite

import (
	"bytes"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// remembers is what a ledger remembers of spring for the text of a flow.
func remembers(t *testing.T, s *Store, flowHash string) map[string]int {
	t.Helper()
	all, err := s.Remembered(t.Context(), "spring", "default", flowHash)
	require.NoError(t, err)
	steps := map[string]int{}
	for _, r := range all {
		steps[r.Step] = r.Sends
		require.False(t, r.Last.IsZero())
	}
	return steps
}

// TestRemembered counts by step what must not be sent again, since the newest run
// of the same flow.
func TestRemembered(t *testing.T) {
	s := openNew(t)
	require.Empty(t, remembers(t, s, ""))
	n := 0
	run := func(id, flowHash, step string, states ...ledger.State) {
		require.NoError(t, s.Begin(t.Context(), ledger.Run{ID: id, Flow: "spring", Campaign: "default", FlowHash: flowHash, PlanHash: id, Started: noon}))
		for _, state := range states {
			n++
			in := intention(n, id)
			in.Step = step
			require.NoError(t, s.Intend(t.Context(), in))
			if state != ledger.Intent {
				require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: in.Identity, Run: id, State: state, MessageID: n, At: noon.Add(time.Duration(n) * time.Minute)}))
			}
		}
	}
	run("r1", "one", "first", ledger.Sent, ledger.NotSent, ledger.Refused, ledger.Unknown)
	run("r2", "two", "second", ledger.Sent)
	run("r3", "three", "third", ledger.NotSent)
	run("r4", "four", "fourth", ledger.Intent)
	require.Equal(t, map[string]int{"first": 3, "second": 1, "fourth": 1}, remembers(t, s, "new"))
	require.Equal(t, map[string]int{"second": 1, "fourth": 1}, remembers(t, s, "one"))
	require.Equal(t, map[string]int{"fourth": 1}, remembers(t, s, "two"))
	require.Empty(t, remembers(t, s, "four"))
	other, err := s.Remembered(t.Context(), "spring", "autumn", "new")
	require.NoError(t, err)
	require.Empty(t, other)

	// The run of a ledger that was merged in has not looked at this one.
	elsewhere := openNew(t)
	require.NoError(t, elsewhere.Begin(t.Context(), ledger.Run{ID: "r9", Flow: "spring", Campaign: "default", FlowHash: "nine", PlanHash: "r9", Started: noon}))
	_, err = s.Import(t.Context(), bytes.NewReader(exported(t, elsewhere)))
	require.NoError(t, err)
	require.Equal(t, map[string]int{"first": 3, "second": 1, "fourth": 1}, remembers(t, s, "nine"))

	require.NoError(t, s.Close())
	_, err = s.Remembered(t.Context(), "spring", "default", "")
	require.Error(t, err)
}

// TestDraftLooksUnderFormerIdentities gives what forbids another attempt most
// surely, and the nearest identity where two forbid the same.
func TestDraftLooksUnderFormerIdentities(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	for n, state := range map[int]ledger.State{1: ledger.NotSent, 2: ledger.Sent, 3: ledger.Unknown, 4: ledger.Refused, 5: ledger.NotSent} {
		require.NoError(t, s.Intend(t.Context(), intention(n, "r1")))
		require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(n), Run: "r1", State: state, MessageID: n, At: noon}))
	}
	d, err := s.Draft(t.Context(), "spring", "default")
	require.NoError(t, err)
	defer d.Close()
	for i, c := range []struct {
		id     int
		former []int
		want   int
	}{
		{1, []int{2, 3}, 2}, {10, []int{3, 4}, 3}, {11, []int{4, 5}, 4}, {12, []int{5, 1}, 5}, {5, []int{13}, 5}, {14, []int{15, 16}, 0}, {17, nil, 0},
	} {
		var former []ledger.Identity
		for _, n := range c.former {
			former = append(former, identity(n))
		}
		seen, err := d.Add(t.Context(), identity(c.id), [32]byte{}, int64(i), former...)
		require.NoError(t, err)
		if c.want == 0 {
			require.Nil(t, seen.Record)
			continue
		}
		require.Equal(t, identity(c.want), seen.Record.Identity)
	}
}
