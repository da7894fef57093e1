package sqlite

import (
	"database/sql"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// put brings a send to a state by the ways that a run has.
func put(t testing.TB, s *Store, n int, run string, state ledger.State, message int, reason string) {
	t.Helper()
	require.NoError(t, s.Intend(t.Context(), intention(n, run)))
	if state != ledger.Intent {
		o := ledger.Outcome{Identity: identity(n), Run: run, State: state, MessageID: message, Reason: reason, At: noon}
		require.NoError(t, s.Settle(t.Context(), o))
	}
}

func decisions(t testing.TB, s *Store, id ledger.Identity) (all []ledger.Decided) {
	t.Helper()
	for d, err := range s.Decisions(t.Context(), id) {
		require.NoError(t, err)
		all = append(all, d)
	}
	return all
}

func TestResolve(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	var want []ledger.Decided
	for n, state := range []ledger.State{ledger.Sent, ledger.NotSent, ledger.Refused} {
		put(t, s, n, "r1", ledger.Unknown, 0, "no answer")
		before, err := s.Serial(t.Context(), "spring", "default")
		require.NoError(t, err)
		d := ledger.Decision{Identity: identity(n), State: state, By: "anna", Reason: "looked at the chat", At: noon.Add(time.Duration(n) * time.Hour)}
		if state == ledger.Sent {
			d.MessageID = 77
		}
		require.NoError(t, s.Resolve(t.Context(), d))
		want = append(want, ledger.Decided{Decision: d, From: ledger.Unknown})

		got, _, err := s.Find(t.Context(), identity(n))
		require.NoError(t, err)
		require.Equal(t, ledger.Record{
			Identity: identity(n), State: state, Run: "r1", Seq: int64(n), Flow: "spring", Campaign: "default", Step: "send", Contact: 1000 + n,
			ContentHash: [32]byte{1, byte(n)}, MessageID: d.MessageID, Reason: d.Reason, Attempts: 1, Attempted: noon, At: d.At,
		}, got)
		require.Equal(t, want[n:], decisions(t, s, identity(n)))
		after, err := s.Serial(t.Context(), "spring", "default")
		require.NoError(t, err)
		require.Equal(t, before+1, after)
	}
	require.Equal(t, want, decisions(t, s, ledger.Identity{}))
	require.Empty(t, decisions(t, s, identity(99)))

	again := reopen(t, s.path)
	require.Equal(t, want, decisions(t, again, ledger.Identity{}), "decisions are durable")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")), "what is not sent may be tried again")
}

// Only an unknown send is a person's to decide, and only to what it can become.
func TestResolveOnlyTheUnknown(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	states := []ledger.State{ledger.Planned, ledger.Intent, ledger.Sent, ledger.NotSent, ledger.Refused, ledger.Unknown}
	for n, from := range states {
		if from != ledger.Planned {
			put(t, s, n, "r1", from, 0, "")
		}
		for _, to := range states {
			if from == ledger.Unknown && from.May(to) {
				continue
			}
			err := s.Resolve(t.Context(), ledger.Decision{Identity: identity(n), State: to, By: "anna"})
			var conflict *ledger.ConflictError
			require.ErrorAs(t, err, &conflict, "%s to %s", from, to)
			require.Equal(t, from, conflict.Record.State)
			require.Equal(t, identity(n), conflict.Record.Identity)
		}
	}
	require.Empty(t, decisions(t, s, ledger.Identity{}))
}

func TestDecisionWithoutATime(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), Options{Now: func() time.Time { return noon }})
	require.NoError(t, err)
	begin(t, s, "r1")
	put(t, s, 1, "r1", ledger.Unknown, 0, "")
	require.NoError(t, s.Resolve(t.Context(), ledger.Decision{Identity: identity(1), State: ledger.NotSent, MessageID: 5, By: "anna"}))
	got := decisions(t, s, identity(1))
	require.Len(t, got, 1)
	require.Equal(t, noon, got[0].At)
	require.Zero(t, got[0].MessageID, "what is not sent has no message")
	require.NoError(t, s.Close())
}

func TestReconsider(t *testing.T) {
	s := openNew(t)
	n, err := s.Reconsider(t.Context(), "spring", "default")
	require.NoError(t, err)
	require.Zero(t, n, "nothing is known of this flow")
	begin(t, s, "r1")
	for n, state := range []ledger.State{ledger.Intent, ledger.Sent, ledger.NotSent, ledger.Refused, ledger.Unknown} {
		put(t, s, n, "r1", state, 0, "because")
	}
	put(t, s, 9, "r1", ledger.Refused, 0, "")
	require.NoError(t, s.Begin(t.Context(), ledger.Run{ID: "other", Flow: "spring", Campaign: "may", Started: noon}))
	put(t, s, 10, "other", ledger.Refused, 0, "because")

	n, err = s.Reconsider(t.Context(), "spring", "default")
	require.NoError(t, err)
	require.Equal(t, 2, n)
	for n, want := range map[int]ledger.State{0: ledger.Intent, 1: ledger.Sent, 2: ledger.NotSent, 3: ledger.NotSent, 4: ledger.Unknown, 9: ledger.NotSent, 10: ledger.Refused} {
		got, _, err := reopen(t, s.path).Find(t.Context(), identity(n))
		require.NoError(t, err)
		require.Equal(t, want, got.State, n)
		switch n {
		case 3:
			require.Equal(t, "was refused: because", got.Reason)
		case 9:
			require.Empty(t, got.Reason)
		}
	}
	require.NoError(t, s.Intend(t.Context(), intention(3, "r1")))

	before, err := s.Serial(t.Context(), "spring", "default")
	require.NoError(t, err)
	n, err = s.Reconsider(t.Context(), "spring", "default")
	require.NoError(t, err)
	require.Zero(t, n)
	after, err := s.Serial(t.Context(), "spring", "default")
	require.NoError(t, err)
	require.Equal(t, before, after, "nothing was left to reconsider")
}

// Retry opens an ended run for what surely did not go out, and for that alone.
func TestRetry(t *testing.T) {
	s := openNew(t)
	run := begin(t, s, "r1")
	for n, state := range []ledger.State{ledger.Intent, ledger.Sent, ledger.NotSent, ledger.Refused, ledger.Unknown} {
		put(t, s, n, "r1", state, 0, "because")
	}
	var ended *ledger.EndedError
	_, err := s.Retry(t.Context(), "r1")
	require.ErrorAs(t, err, &ended, "it is at work")
	_, err = s.Retry(t.Context(), "r9")
	require.ErrorAs(t, err, &ended, "nobody knows it")
	_, err = s.Recover(t.Context(), "r1", "died")
	require.NoError(t, err)
	run.State, run.Finished = ledger.Failed, noon
	require.NoError(t, s.Finish(t.Context(), run))

	n, err := s.Retry(t.Context(), "r1")
	require.NoError(t, err)
	require.Equal(t, 1, n)
	for n, want := range []ledger.State{ledger.Unknown, ledger.Sent, ledger.NotSent, ledger.NotSent, ledger.Unknown} {
		got, _, err := reopen(t, s.path).Find(t.Context(), identity(n))
		require.NoError(t, err)
		require.Equal(t, want, got.State, n)
	}
	open, ok, err := s.Unfinished(t.Context(), run.Flow, run.Campaign)
	require.NoError(t, err)
	require.True(t, ok)
	require.Equal(t, ledger.Interrupted, open.State)
	require.NoError(t, s.Reopen(t.Context(), "r1"))
	require.NoError(t, s.Intend(t.Context(), intention(3, "r1")))
	var conflict *ledger.ConflictError
	require.ErrorAs(t, s.Intend(t.Context(), intention(4, "r1")), &conflict, "unknown is not tried again")

	require.NoError(t, s.Begin(t.Context(), ledger.Run{ID: "r2", Flow: run.Flow, Campaign: run.Campaign, PlanHash: "r2", Started: noon}))
	_, err = s.Retry(t.Context(), "r1")
	require.ErrorAs(t, err, &ended, "a later run has taken over")
}

// One message is the proof of one send, whoever records it and how.
func TestOneMessageForOneSend(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	same := func(n int) { // the contact of send 1
		in := intention(n, "r1")
		in.Contact = 1001
		require.NoError(t, s.Intend(t.Context(), in))
	}
	put(t, s, 1, "r1", ledger.Sent, 500, "")
	holder, found, err := s.Claimed(t.Context(), 1001, 500)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, identity(1), holder)
	for _, free := range [][2]int{{1001, 501}, {1002, 500}, {1001, 0}, {0, 0}} {
		_, found, err := s.Claimed(t.Context(), free[0], free[1])
		require.NoError(t, err)
		require.False(t, found, free)
	}

	same(2)
	sent := ledger.Outcome{Identity: identity(2), Run: "r1", State: ledger.Sent, MessageID: 500, At: noon}
	var claimed *ledger.ClaimedError
	require.ErrorAs(t, s.Settle(t.Context(), sent), &claimed)
	require.Equal(t, &ledger.ClaimedError{Contact: 1001, MessageID: 500, Wanted: identity(2), Holder: identity(1)}, claimed)
	unknown := sent
	unknown.State = ledger.Unknown
	require.NoError(t, s.Settle(t.Context(), unknown), "a message that proves nothing claims nothing")
	require.ErrorAs(t, s.Settle(t.Context(), sent), &claimed, "nor when an unknown is settled")
	require.ErrorAs(t, s.Resolve(t.Context(), ledger.Decision{Identity: identity(2), State: ledger.Sent, MessageID: 500, By: "anna"}), &claimed, "nor for a person")
	require.Empty(t, decisions(t, s, ledger.Identity{}))
	got, _, err := s.Find(t.Context(), identity(2))
	require.NoError(t, err)
	require.Equal(t, ledger.Unknown, got.State)
	sent.MessageID = 501
	require.NoError(t, s.Settle(t.Context(), sent))

	put(t, s, 3, "r1", ledger.Sent, 500, "") // another contact
	for n := 4; n < 6; n++ {
		same(n)
		none := ledger.Outcome{Identity: identity(n), Run: "r1", State: ledger.Sent, At: noon}
		require.NoError(t, s.Settle(t.Context(), none), "no message is nobody's")
	}
}

// Two who take the same message in one batch: one gets it.
func TestClaimsOfOneBatch(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	const callers = 20
	for n := range callers {
		in := intention(n, "r1")
		in.Contact = 7
		require.NoError(t, s.Intend(t.Context(), in))
	}
	release := hold(t, s.writer)
	results := make(chan error, callers)
	for n := range callers {
		go func() {
			results <- s.Settle(t.Context(), ledger.Outcome{Identity: identity(n), Run: "r1", State: ledger.Sent, MessageID: 500, At: noon})
		}()
	}
	require.Eventually(t, func() bool { return s.writer.waiting() == callers }, eventually, tick)
	release()
	won := 0
	for range callers {
		err := <-results
		var claimed *ledger.ClaimedError
		if err == nil {
			won++
		} else {
			require.ErrorAs(t, err, &claimed)
		}
	}
	require.Equal(t, 1, won)
}

// A ledger of the first format is brought forward with all that it knows.
func TestFirstFormatGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	makeOf(t, path, formats[:1])
	db, err := sql.Open("sqlite", path)
	require.NoError(t, err)
	_, err = db.Exec(`INSERT INTO scopes VALUES (1, 'spring', 'default', 5);
		INSERT INTO runs VALUES (1, 'r1', 1, 'p', 'spring.yaml', 'f', 'i', 'test', 0, 1, 0, '{}', 0, '')`)
	require.NoError(t, err)
	old := send{run: 1, Record: ledger.Record{Identity: identity(1), State: ledger.Sent, Seq: 1, Step: "send", Contact: 1001, MessageID: 500, Attempts: 1, Attempted: noon, At: noon}}
	_, err = db.Exec(`INSERT INTO sends VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`, old.Identity[:], int(old.State), old.run, old.Seq, old.Step, old.Period,
		old.Contact, old.ContentHash[:], old.MessageID, old.Reason, old.Attempts, nanos(old.Attempted), nanos(old.At), int64(old.sum()))
	require.NoError(t, err)
	require.NoError(t, db.Close())

	s := reopen(t, path)
	holder, found, err := s.Claimed(t.Context(), 1001, 500)
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, identity(1), holder)
	serial, err := s.Serial(t.Context(), "spring", "default")
	require.NoError(t, err)
	require.Equal(t, int64(5), serial)
	require.FileExists(t, path+".format1")
}

func TestDamagedDecision(t *testing.T) {
	for name, damage := range map[string]string{
		"reason":   `UPDATE decisions SET reason = 'x'`,
		"state":    `UPDATE decisions SET state = 260`,
		"identity": `UPDATE decisions SET identity = x'00'`,
	} {
		t.Run(name, func(t *testing.T) {
			s := openNew(t)
			begin(t, s, "r1")
			put(t, s, 1, "r1", ledger.Unknown, 0, "")
			require.NoError(t, s.Resolve(t.Context(), ledger.Decision{Identity: identity(1), State: ledger.Sent, By: "anna"}))
			_, err := s.writer.conn.ExecContext(t.Context(), damage)
			require.NoError(t, err)
			_, err = Open(t.Context(), s.path, Options{})
			var bad *ledger.UnreadableError
			require.ErrorAs(t, err, &bad)
			require.ErrorContains(t, err, "the decision")
		})
	}
}
