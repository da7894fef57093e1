package sqlite

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// How long a test waits for another goroutine, and how often it looks.
const eventually, tick = 10 * time.Second, time.Millisecond

func openNew(t testing.TB) *Store {
	t.Helper()
	return reopen(t, filepath.Join(t.TempDir(), "state", "ledger.db"))
}

func reopen(t testing.TB, path string) *Store {
	t.Helper()
	s, err := Open(context.Background(), path, Options{})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Close()) })
	return s
}

func identity(n int) ledger.Identity {
	return ledger.Key{Account: "test", Flow: "spring", Campaign: "default", Step: "send", Key: fmt.Sprint(n)}.Identity()
}

func intention(n int, run string) ledger.Intention {
	return ledger.Intention{Identity: identity(n), Run: run, Seq: int64(n), Step: "send", Contact: 1000 + n, ContentHash: [32]byte{1, byte(n)}, At: noon}
}

func begin(t testing.TB, s *Store, id string) ledger.Run {
	t.Helper()
	r := ledger.Run{
		ID: id, Flow: "spring", Campaign: "default", File: "spring.yaml", FlowHash: "f", InputsHash: "i", PlanHash: "plan-" + id,
		Account: "test", Started: noon,
	}
	require.NoError(t, s.Begin(t.Context(), r))
	return r
}

func TestSendLife(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	_, found, err := s.Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.False(t, found)

	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	got, found, err := s.Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.True(t, found)
	want := ledger.Record{
		Identity: identity(1), State: ledger.Intent, Run: "r1", Seq: 1, Flow: "spring", Campaign: "default", Step: "send",
		Contact: 1001, ContentHash: [32]byte{1, 1}, Attempts: 1, Attempted: noon, At: noon,
	}
	require.Equal(t, want, got)

	later := noon.Add(time.Second)
	require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(1), Run: "r1", State: ledger.NotSent, Reason: "no connection", At: later}))
	again := intention(1, "r1")
	again.ContentHash, again.Period = [32]byte{9}, "2026-W09"
	require.NoError(t, s.Intend(t.Context(), again))
	require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(1), Run: "r1", State: ledger.Sent, MessageID: 77, At: later}))
	want.State, want.Attempts, want.ContentHash, want.Period, want.MessageID, want.At = ledger.Sent, 2, [32]byte{9}, "2026-W09", 77, later
	got, _, err = s.Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.Equal(t, want, got)

	var conflict *ledger.ConflictError
	require.ErrorAs(t, s.Intend(t.Context(), intention(1, "r1")), &conflict)
	require.Equal(t, want, conflict.Record)
	require.ErrorContains(t, conflict, "already sent by run r1")
	err = s.Settle(t.Context(), ledger.Outcome{Identity: identity(2), Run: "r1", State: ledger.Sent})
	require.ErrorAs(t, err, &conflict)
	require.ErrorContains(t, err, "there is no intent")
}

// Every pair of states: the store allows exactly what the state machine allows.
func TestStoreFollowsStateMachine(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	states := []ledger.State{ledger.Planned, ledger.Intent, ledger.Sent, ledger.NotSent, ledger.Refused, ledger.Unknown}
	n := 0
	for _, from := range states {
		for _, to := range states[1:] {
			n++
			if from != ledger.Planned {
				require.NoError(t, s.Intend(t.Context(), intention(n, "r1")))
			}
			if from > ledger.Intent {
				require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(n), Run: "r1", State: from}))
			}
			var err error
			if to == ledger.Intent {
				err = s.Intend(t.Context(), intention(n, "r1"))
			} else {
				err = s.Settle(t.Context(), ledger.Outcome{Identity: identity(n), Run: "r1", State: to})
			}
			record, found, findErr := s.Find(t.Context(), identity(n))
			require.NoError(t, findErr)
			if from.May(to) {
				require.NoError(t, err, "%s to %s", from, to)
				require.Equal(t, to, record.State)
				continue
			}
			var conflict *ledger.ConflictError
			require.ErrorAs(t, err, &conflict, "%s to %s", from, to)
			require.Equal(t, from, record.State)
			require.Equal(t, from != ledger.Planned, found)
		}
	}
	err := s.Settle(t.Context(), ledger.Outcome{Identity: identity(1), Run: "r1", State: ledger.Intent})
	require.Error(t, err, "an intent is never an outcome")
}

func TestOnlyTheOwnerSettlesItsIntent(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	var conflict *ledger.ConflictError
	require.ErrorAs(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(1), Run: "r0", State: ledger.Sent}), &conflict)

	n, err := s.Recover(t.Context(), "r1", "its process died")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	record, _, err := s.Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.Equal(t, ledger.Unknown, record.State)
	require.Equal(t, "its process died", record.Reason)
	require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(1), Run: "r0", State: ledger.Sent, MessageID: 5}))
	n, err = s.Recover(t.Context(), "r1", "again")
	require.NoError(t, err)
	require.Zero(t, n)
}

// Of two processes at work on one run, one slept while the other found out that
// its send had not gone out and made it again: the sleeper's word about its own
// intent is none about the newer one.
func TestASleeperSettlesOnlyItsOwnIntent(t *testing.T) {
	sleeper := openNew(t)
	begin(t, sleeper, "r1")
	in := intention(1, "r1")
	require.NoError(t, sleeper.Intend(t.Context(), in))

	other := reopen(t, sleeper.path)
	_, err := other.Recover(t.Context(), "r1", "died")
	require.NoError(t, err)
	require.NoError(t, other.Settle(t.Context(), ledger.Outcome{Identity: in.Identity, Run: "r1", State: ledger.NotSent, Reason: "not in the chat", At: noon}))
	require.NoError(t, other.Intend(t.Context(), in))

	var conflict *ledger.ConflictError
	require.ErrorAs(t, sleeper.Settle(t.Context(), ledger.Outcome{Identity: in.Identity, Run: "r1", State: ledger.NotSent, Reason: "too old", At: noon}), &conflict)
	require.Equal(t, ledger.Intent, conflict.Record.State)
	require.NoError(t, other.Settle(t.Context(), ledger.Outcome{Identity: in.Identity, Run: "r1", State: ledger.Sent, MessageID: 7, At: noon}))
}

func TestRuns(t *testing.T) {
	s := openNew(t)
	first := begin(t, s, "2026-a")
	var applied *ledger.AppliedError
	require.ErrorAs(t, s.Begin(t.Context(), first), &applied)
	require.Equal(t, first, applied.Run)
	other := first
	other.ID = "2026-x"
	require.ErrorAs(t, s.Begin(t.Context(), other), &applied, "the same plan under another run id")
	require.ErrorContains(t, applied, "2026-a")

	open, found, err := s.Unfinished(t.Context(), "spring", "default")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, first, open)
	_, found, err = s.Unfinished(t.Context(), "spring", "other")
	require.NoError(t, err)
	require.False(t, found)

	first.State, first.Finished, first.ExitCode, first.Reason = ledger.Finished, noon.Add(time.Minute), 5, "some failed"
	first.Counts = ledger.Counts{Planned: 4, Sent: 1, Failed: 1, Unknown: 1, Skipped: 1, LeftOut: 7, AlreadySent: 2, Duplicate: 3}
	require.NoError(t, s.Finish(t.Context(), first))
	_, found, err = s.Unfinished(t.Context(), "spring", "default")
	require.NoError(t, err)
	require.False(t, found)
	var ended *ledger.EndedError
	require.ErrorAs(t, s.Finish(t.Context(), first), &ended)
	require.ErrorContains(t, ended, "is finished")
	require.ErrorAs(t, s.Finish(t.Context(), ledger.Run{ID: "nobody"}), &ended)
	require.ErrorContains(t, ended, "never begun")

	second := begin(t, s, "2026-b")
	var all []ledger.Run
	for r, err := range s.Runs(t.Context()) {
		require.NoError(t, err)
		all = append(all, r)
	}
	require.Equal(t, []ledger.Run{second, first}, all)

	for id, want := range map[string]string{"last": "2026-b", "2026-a": "2026-a", "2026-b": "2026-b", "nothing": "", "": "", "2026-%": ""} {
		got, found, err := s.FindRun(t.Context(), id)
		require.NoError(t, err, id)
		require.Equal(t, want != "", found, id)
		require.Equal(t, want, got.ID)
	}
	begin(t, s, "2027")
	got, found, err := s.FindRun(t.Context(), "2027")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "2027", got.ID)
	got, _, err = s.FindRun(t.Context(), "202")
	var ambiguous *ledger.AmbiguousError
	require.ErrorAs(t, err, &ambiguous)
	require.Equal(t, []string{"2027", "2026-b", "2026-a"}, ambiguous.IDs)
	require.Zero(t, got)
	begin(t, s, "2026-b1")
	got, _, err = s.FindRun(t.Context(), "2026-b")
	require.NoError(t, err, "a whole id wins over a beginning")
	require.Equal(t, "2026-b", got.ID)
}

func TestBeginTakesOver(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	begin(t, s, "r2")

	record, _, err := s.Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.Equal(t, ledger.Unknown, record.State)
	require.Equal(t, "run r2 took over", record.Reason)
	old, _, err := s.FindRun(t.Context(), "r1")
	require.NoError(t, err)
	require.Equal(t, ledger.Abandoned, old.State)

	var ended *ledger.EndedError
	require.ErrorAs(t, s.Intend(t.Context(), intention(2, "r1")), &ended, "the run that lost can send nothing more")
	require.Equal(t, ledger.Abandoned, ended.State)
	require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(1), Run: "r1", State: ledger.Sent, MessageID: 3}),
		"what it learns late is still worth knowing")
}

func TestReopen(t *testing.T) {
	s := openNew(t)
	r := begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	r.State, r.Finished, r.ExitCode, r.Reason = ledger.Interrupted, noon, 130, "Ctrl-C"
	require.NoError(t, s.Finish(t.Context(), r))
	var ended *ledger.EndedError
	require.ErrorAs(t, s.Intend(t.Context(), intention(2, "r1")), &ended)
	require.Equal(t, ledger.Interrupted, ended.State)

	require.NoError(t, s.Reopen(t.Context(), "r1"))
	got, found, err := s.Unfinished(t.Context(), "spring", "default")
	require.NoError(t, err)
	require.True(t, found)
	r.State, r.Finished, r.ExitCode, r.Reason = ledger.Running, time.Time{}, 0, ""
	require.Equal(t, r, got)
	require.NoError(t, s.Intend(t.Context(), intention(2, "r1")))

	r.State = ledger.Finished
	require.NoError(t, s.Finish(t.Context(), r))
	require.ErrorAs(t, s.Reopen(t.Context(), "r1"), &ended)
	require.ErrorAs(t, s.Reopen(t.Context(), "r2"), &ended)
	require.False(t, ended.Known)
}

func TestRecoverKeepsTheTimeOfTheAttempt(t *testing.T) {
	later := noon.Add(time.Hour)
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), Options{Now: func() time.Time { return later }})
	require.NoError(t, err)
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	_, err = s.Recover(t.Context(), "r1", "died")
	require.NoError(t, err)
	record, _, err := s.Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.Equal(t, noon, record.Attempted)
	require.Equal(t, later, record.At)
	require.NoError(t, s.Close())
}

func TestSerialCountsChangesOfItsScope(t *testing.T) {
	s := openNew(t)
	serial := func(campaign string) int64 {
		n, err := s.Serial(t.Context(), "spring", campaign)
		require.NoError(t, err)
		return n
	}
	require.Zero(t, serial("default"))
	r := begin(t, s, "r1")
	last := serial("default")
	require.Positive(t, last)
	for _, change := range []func() error{
		func() error { return s.Intend(t.Context(), intention(1, "r1")) },
		func() error {
			return s.Settle(t.Context(), ledger.Outcome{Identity: identity(1), Run: "r1", State: ledger.Sent})
		},
		func() error { return s.Intend(t.Context(), intention(2, "r1")) },
		func() error { _, err := s.Recover(t.Context(), "r1", "died"); return err },
		func() error { return s.Finish(t.Context(), r) },
	} {
		require.NoError(t, change())
		require.Greater(t, serial("default"), last)
		last = serial("default")
	}
	require.Error(t, s.Intend(t.Context(), intention(2, "r1")))
	require.Equal(t, last, serial("default"), "a refusal changes nothing")
	require.Zero(t, serial("other"))
}

func TestRecords(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	for _, n := range []int{3, 1, 2} {
		require.NoError(t, s.Intend(t.Context(), intention(n, "r1")))
	}
	require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(2), Run: "r1", State: ledger.Sent}))
	require.NoError(t, s.Begin(t.Context(), ledger.Run{ID: "r2", Flow: "autumn", Campaign: "x", Started: noon}))
	nobody := intention(9, "r2")
	nobody.Contact, nobody.Seq = 0, 1
	require.NoError(t, s.Intend(t.Context(), nobody))

	tests := map[string]struct {
		filter ledger.Filter
		want   []int
	}{
		"all":      {ledger.Filter{}, []int{1, 2, 3, 9}},
		"run":      {ledger.Filter{Run: "r1"}, []int{1, 2, 3}},
		"no run":   {ledger.Filter{Run: "r"}, nil},
		"flow":     {ledger.Filter{Flow: "autumn"}, []int{9}},
		"campaign": {ledger.Filter{Campaign: "default"}, []int{1, 2, 3}},
		"contact":  {ledger.Filter{Contact: 1003}, []int{3}},
		"states":   {ledger.Filter{States: []ledger.State{ledger.Sent, ledger.Unknown}}, []int{2}},
		"both":     {ledger.Filter{Run: "r1", States: []ledger.State{ledger.Intent}}, []int{1, 3}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			var got []ledger.Identity
			for r, err := range s.Records(t.Context(), tt.filter) {
				require.NoError(t, err)
				got = append(got, r.Identity)
			}
			var want []ledger.Identity
			for _, n := range tt.want {
				want = append(want, identity(n))
			}
			require.Equal(t, want, got)
		})
	}
	for r, err := range s.Records(t.Context(), ledger.Filter{}) {
		require.NoError(t, err)
		require.Equal(t, identity(1), r.Identity)
		break // a range may end early
	}
}

func TestDraft(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(2, "r1")))
	d, err := s.Draft(t.Context(), "spring", "default")
	require.NoError(t, err)
	add := func(n int, content byte, seq int64) ledger.Seen {
		seen, err := d.Add(t.Context(), identity(n), [32]byte{content}, seq)
		require.NoError(t, err)
		return seen
	}
	require.Equal(t, ledger.Seen{Prior: -1}, add(1, 1, 0))
	known := add(2, 1, 1)
	require.Equal(t, int64(-1), known.Prior)
	require.Equal(t, ledger.Intent, known.Record.State)
	require.Equal(t, ledger.Seen{Prior: 0, SameContent: true}, add(1, 1, 2))
	require.Equal(t, ledger.Seen{Prior: 0, SameContent: false}, add(1, 2, 3))
	require.NoError(t, d.Close())
	_, err = d.Add(t.Context(), identity(3), [32]byte{}, 4)
	require.Error(t, err)

	fresh, err := s.Draft(t.Context(), "spring", "default")
	require.NoError(t, err)
	seen, err := fresh.Add(t.Context(), identity(1), [32]byte{1}, 0)
	require.NoError(t, err)
	require.Equal(t, ledger.Seen{Prior: -1}, seen, "nothing of a draft is kept")
	require.NoError(t, fresh.Close())
}

func TestReadOnly(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	for _, o := range []Options{{ReadOnly: true}, {MustExist: true}} {
		_, err := Open(t.Context(), path, o)
		var missing *ledger.NotFoundError
		require.ErrorAs(t, err, &missing)
		require.NoFileExists(t, path)
	}
	s := reopen(t, path)
	begin(t, s, "r1")
	r, err := Open(t.Context(), path, Options{ReadOnly: true})
	require.NoError(t, err)
	require.Equal(t, s.Lineage(), r.Lineage())
	got, found, err := r.FindRun(t.Context(), "last")
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, "r1", got.ID)
	require.ErrorIs(t, r.Intend(t.Context(), intention(1, "r1")), ledger.ErrReadOnly)
	require.NoError(t, r.Close())
	_, _, err = r.Find(t.Context(), identity(1))
	require.ErrorIs(t, err, ledger.ErrClosed)
}

// The open states use their index and identities their cluster: what must stay
// quick in a ledger of millions.
func TestQueryPlans(t *testing.T) {
	s := openNew(t)
	for query, want := range map[string]string{
		s.writer.stmt.each()[&s.writer.stmt.openSends]:                                         "sends_by_run",
		s.writer.stmt.each()[&s.writer.stmt.refusedSends]:                                      "sends_by_run",
		strings.Replace(selectClaimant, "FROM sends", "FROM sends s", 1):                       "sends_by_message",
		selectSends + ` WHERE s.contact <> 0 AND s.contact = ?`:                                "sends_by_contact",
		selectSends + ` WHERE s.run = (SELECT n FROM runs WHERE id = ?) ORDER BY s.run, s.seq`: "sends_by_run",
	} {
		rows, err := s.reader.Query(`EXPLAIN QUERY PLAN `+query, slices.Repeat([]any{1}, strings.Count(query, "?"))...)
		require.NoError(t, err)
		var plan []string
		for rows.Next() {
			var id, parent, unused int
			var detail string
			require.NoError(t, rows.Scan(&id, &parent, &unused, &detail))
			plan = append(plan, detail)
		}
		require.NoError(t, rows.Close())
		require.True(t, slices.ContainsFunc(plan, func(line string) bool {
			return strings.HasPrefix(line, "SEARCH s ") && strings.Contains(line, want)
		}), "%s: %q", query, plan)
	}
}

func TestTally(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	for n := range 7 {
		require.NoError(t, s.Intend(t.Context(), intention(n, "r1")))
	}
	for n, state := range map[int]ledger.State{0: ledger.Sent, 1: ledger.Sent, 2: ledger.Refused, 3: ledger.Unknown, 4: ledger.Unknown, 5: ledger.NotSent} {
		o := ledger.Outcome{Identity: identity(n), Run: "r1", State: state, Reason: "because", At: noon}
		if state == ledger.Sent {
			o.MessageID, o.Reason = 1+n, ""
		}
		require.NoError(t, s.Settle(t.Context(), o))
	}
	got, err := s.Tally(t.Context(), "r1")
	require.NoError(t, err)
	require.Equal(t, map[ledger.State]int{ledger.Sent: 2, ledger.Refused: 1, ledger.Unknown: 2, ledger.NotSent: 1, ledger.Intent: 1}, got)
	got, err = s.Tally(t.Context(), "none")
	require.NoError(t, err)
	require.Empty(t, got)
}

// A run that had no plan is never one to go on with, but a later one ends it all
// the same.
func TestARunWithoutAPlanIsNotUnfinished(t *testing.T) {
	s := openNew(t)
	r := ledger.Run{ID: "r1", Flow: "spring", Campaign: "default", Started: noon}
	require.NoError(t, s.Begin(t.Context(), r))
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	_, open, err := s.Unfinished(t.Context(), r.Flow, r.Campaign)
	require.NoError(t, err)
	require.False(t, open)
	require.False(t, r.Open())
	begin(t, s, "r2")
	got, found, err := s.Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, ledger.Unknown, got.State)
}
