package sqlite

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// inTail is how many sends wait in the tail.
func inTail(t testing.TB, s *Store) (n int) {
	t.Helper()
	require.NoError(t, s.reader.QueryRowContext(t.Context(), `SELECT count(*) FROM tail`).Scan(&n))
	return n
}

// limitTail has it folded when it holds so many sends.
func (s *Store) limitTail(most int) error {
	return s.writer.do(context.Background(), func(t *tx) error {
		t.tail.most = most
		return nil
	})
}

// seen is what a reader of a ledger may ask, and is told.
func seen(t testing.TB, s *Store) map[string]any {
	t.Helper()
	all := map[string]any{"export": content(t, s)}
	for n := range 12 {
		record, found, err := s.Find(t.Context(), identity(n))
		require.NoError(t, err)
		require.Equal(t, n < 10, found, n)
		all[fmt.Sprint("find ", n)] = record
		holder, found, err := s.Claimed(t.Context(), 1000+n, 500+n)
		require.NoError(t, err)
		require.Equal(t, record.State == ledger.Sent, found)
		all[fmt.Sprint("claimed ", n)] = holder
		past := ledger.Past{Person: ledger.PersonOfNumber(fmt.Sprint(n % 3)), Account: "test", Contact: 1000 + n, Since: noon.Add(-time.Second)}
		occasions, err := s.Occasions(t.Context(), past)
		require.NoError(t, err)
		all[fmt.Sprint("occasions ", n)] = occasions
	}
	for name, f := range map[string]ledger.Filter{
		"all": {}, "run": {Run: "r1"}, "unknown": {States: []ledger.State{ledger.Unknown}}, "settled": {Flow: "spring", States: []ledger.State{ledger.Sent, ledger.Refused}},
		"contact": {Contact: 1007},
	} {
		var records []ledger.Record
		for record, err := range s.Records(t.Context(), f) {
			require.NoError(t, err)
			records = append(records, record)
		}
		require.NotEmpty(t, records)
		all[name] = records
	}
	tally, err := s.Tally(t.Context(), "r1")
	require.NoError(t, err)
	all["tally"] = tally
	steps, err := s.Remembered(t.Context(), "spring", "default", "another flow")
	require.NoError(t, err)
	all["remembered"] = steps
	require.NoError(t, s.Check(t.Context()))
	return all
}

// Half of the sends stand in their table and half in the tail, some of each were
// settled there. Readers are told the same as when all are in one table: in the
// process that writes, in another one that may write, in one that only reads, and
// in one that opens the ledger after a kill.
func TestReadersSeeTheTail(t *testing.T) {
	s := openNew(t)
	require.NoError(t, s.people.index(t.Context(), s), "what counts occasions makes it, and that folds")
	begin(t, s, "r1")
	for n := range 10 {
		if n == 5 {
			require.NoError(t, s.write(t.Context(), func(*tx) error { return nil }), "whatever needs one table folds the tail")
			require.Zero(t, inTail(t, s))
		}
		in := intention(n, "r1")
		in.Person = ledger.PersonOfNumber(fmt.Sprint(n % 3))
		require.NoError(t, s.Intend(t.Context(), in))
	}
	for n := range 10 {
		o := ledger.Outcome{Identity: identity(n), Run: "r1", State: ledger.State(n%5 + 1), At: noon.Add(time.Duration(n))}
		switch o.State {
		case ledger.Intent:
			continue
		case ledger.Sent:
			o.MessageID = 500 + n
		default:
			o.Reason = "because"
		}
		require.NoError(t, s.Settle(t.Context(), o))
	}
	require.Equal(t, 5, inTail(t, s))
	tail := seen(t, s)
	look, err := Open(t.Context(), s.path, Options{ReadOnly: true})
	require.NoError(t, err)
	require.Equal(t, tail, seen(t, look), "a process that only reads")
	require.Equal(t, 5, inTail(t, s), "reading leaves it where it is")

	killed := filepath.Join(t.TempDir(), "ledger.db")
	for _, suffix := range []string{"", logSuffix} {
		data, err := os.ReadFile(s.path + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(killed+suffix, data, 0o600))
	}
	after, err := Open(t.Context(), killed, Options{ReadOnly: true})
	require.NoError(t, err)
	require.Equal(t, tail, seen(t, after), "reading after a kill")
	require.NoError(t, after.Close())
	after = reopen(t, killed)
	require.Zero(t, inTail(t, after), "opening to write folds it")
	require.Equal(t, tail, seen(t, after), "after a kill")

	other := reopen(t, s.path)
	require.Zero(t, inTail(t, s), "another process folds it")
	require.Equal(t, tail, seen(t, other))
	require.Equal(t, tail, seen(t, s))
	require.Equal(t, tail, seen(t, look))
	require.NoError(t, look.Close())
}

// A tail that fills slowly is folded before it is full, and the log goes into the
// ledger with it, so that a close finds little to do. One that fills quickly is not.
func TestASlowTailIsFoldedEarly(t *testing.T) {
	for name, every := range map[string]time.Duration{"slowly": 2 * slowSend, "quickly": slowSend / 2} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s, err := Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), Options{})
				require.NoError(t, err)
				t.Cleanup(func() { require.NoError(t, s.Close()) })
				begin(t, s, "r1")
				for n := range slowTail {
					time.Sleep(every)
					require.NoError(t, s.Intend(t.Context(), intention(n, "r1")))
				}
				require.NoError(t, s.Intend(t.Context(), intention(slowTail, "r1"))) // comes after the tidying
				if every > slowSend {
					require.Equal(t, 1, inTail(t, s))
				} else {
					require.Equal(t, slowTail+1, inTail(t, s))
				}
				require.NoError(t, s.Check(t.Context()))
				tally, err := s.Tally(t.Context(), "r1")
				require.NoError(t, err)
				require.Equal(t, map[ledger.State]int{ledger.Intent: slowTail + 1}, tally)
			})
		})
	}
}

// The tail is folded when it is full, in the order in which the sends came, and at
// the close.
func TestTailIsFolded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	require.NoError(t, s.limitTail(4))
	begin(t, s, "r1")
	for n := range 10 {
		require.NoError(t, s.Intend(t.Context(), intention(n, "r1")))
		require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(n), Run: "r1", State: ledger.Sent, MessageID: 1 + n, At: noon}))
		require.Eventually(t, func() bool { return inTail(t, s) < 4 }, eventually, tick)
	}
	require.Equal(t, 2, inTail(t, s))
	require.NoError(t, s.Close())
	s = reopen(t, path)
	require.Zero(t, inTail(t, s))
	at := 0
	for record, err := range scanAll(t.Context(), s, s.reader, scanRecord, selectSends+` ORDER BY s.n`) {
		require.NoError(t, err)
		require.Equal(t, identity(at), record.Identity)
		require.Equal(t, ledger.Sent, record.State)
		at++
	}
	require.Equal(t, 10, at)
}

// A writer whose disk fails can fold nothing. Its readers are told the truth.
func TestTailOfAFailedWriter(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), Options{})
	require.NoError(t, err)
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(1), Run: "r1", State: ledger.Sent, MessageID: 7, At: noon}))
	_, err = s.writer.conn.ExecContext(t.Context(), `PRAGMA query_only = 1`)
	require.NoError(t, err)
	var failed *ledger.FailedError
	_, err = s.Recover(t.Context(), "r1", "died")
	require.ErrorAs(t, err, &failed)
	require.Equal(t, 1, inTail(t, s))
	record, found, err := s.Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.True(t, found)
	require.Equal(t, 7, record.MessageID)
	d, err := s.Draft(t.Context(), "spring", "default")
	require.NoError(t, err)
	known, err := d.Add(t.Context(), identity(1), [32]byte{}, 1)
	require.NoError(t, err)
	require.Equal(t, ledger.Sent, known.Record.State)
	require.NoError(t, d.Close())
	require.NoError(t, s.Close())
	require.Zero(t, inTail(t, reopen(t, s.path)))
}

// A close that cannot fold says so, unless another process is in the way: that one,
// or the next, folds it.
func TestCloseThatCannotFold(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "ledger.db"), Options{})
	require.NoError(t, err)
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	_, err = s.writer.conn.ExecContext(t.Context(), `PRAGMA query_only = 1`)
	require.NoError(t, err)
	var failed *ledger.FailedError
	require.ErrorAs(t, s.Close(), &failed)

	s = reopen(t, s.path)
	require.NoError(t, s.Intend(t.Context(), intention(2, "r1")))
	other := reopen(t, s.path)
	require.NoError(t, s.Intend(t.Context(), intention(3, "r1")))
	_, err = other.writer.conn.ExecContext(t.Context(), `BEGIN IMMEDIATE`)
	require.NoError(t, err)
	_, err = s.writer.conn.ExecContext(t.Context(), `PRAGMA busy_timeout = 1`)
	require.NoError(t, err)
	require.NoError(t, s.Close())
	_, err = other.writer.conn.ExecContext(t.Context(), `COMMIT`)
	require.NoError(t, err)
	require.NoError(t, other.Intend(t.Context(), intention(4, "r1")))
	require.Equal(t, 1, inTail(t, other), "there is one tail at a time")
	for n := 1; n <= 4; n++ {
		_, found, err := other.Find(t.Context(), identity(n))
		require.NoError(t, err)
		require.True(t, found, n)
	}
}

// What no flowrunner writes into a tail is no ledger.
func TestDamagedTail(t *testing.T) {
	for name, damage := range map[string]string{
		"reason":             `UPDATE tail SET reason = 'x'`,
		"state":              `UPDATE tail SET state = 2`,
		"run lost":           `UPDATE tail SET run = 99`,
		"twice in it":        `INSERT INTO tail (` + sendColumns + `) SELECT ` + sendColumns + ` FROM tail`,
		"in both tables":     `INSERT INTO sends (` + sendColumns + `) SELECT ` + sendColumns + ` FROM tail`,
		"no table":           `DROP TABLE tail`,
		"nothing reads both": `DROP VIEW identities`,
	} {
		t.Run(name, func(t *testing.T) {
			s := openNew(t)
			begin(t, s, "r1")
			require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
			copied := filepath.Join(t.TempDir(), "ledger.db")
			for _, suffix := range []string{"", logSuffix} {
				data, err := os.ReadFile(s.path + suffix)
				require.NoError(t, err)
				require.NoError(t, os.WriteFile(copied+suffix, data, 0o600))
			}
			db, err := connect(copied, false)
			require.NoError(t, err)
			_, err = db.ExecContext(t.Context(), damage)
			require.NoError(t, err)
			require.NoError(t, db.Close())
			before, err := os.ReadFile(copied)
			require.NoError(t, err)
			for _, o := range []Options{{}, {ReadOnly: true}} {
				_, err = Open(t.Context(), copied, o)
				var bad *ledger.UnreadableError
				require.ErrorAs(t, err, &bad)
				require.Equal(t, copied, bad.Path)
			}
			after, err := os.ReadFile(copied)
			require.NoError(t, err)
			require.Equal(t, before, after, "nothing was changed")
		})
	}
}

// olderLedger makes a ledger of an older format, from the third on, that remembers the
// first sends of a run: some were sent, some are open.
func olderLedger(t *testing.T, path string, format, sends int) {
	t.Helper()
	now := filepath.Join(t.TempDir(), "now.db")
	s, err := Open(t.Context(), now, Options{})
	require.NoError(t, err)
	begin(t, s, "r1")
	for n := range sends {
		require.NoError(t, s.Intend(t.Context(), intention(n, "r1")))
		if n%2 == 0 {
			require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(n), Run: "r1", State: ledger.Sent, MessageID: 500 + n, At: noon}))
		}
	}
	require.NoError(t, s.Close())
	makeOf(t, path, formats[:format])
	db, err := connect(path, false)
	require.NoError(t, err)
	_, err = db.ExecContext(t.Context(), `ATTACH '`+now+`' AS now;
		INSERT INTO scopes SELECT * FROM now.scopes; INSERT INTO runs SELECT * FROM now.runs;
		INSERT INTO sends (`+sendColumns+`) SELECT `+sendColumns+` FROM now.sends ORDER BY now.sends.n;
		DETACH now`)
	require.NoError(t, err)
	require.NoError(t, db.Close())
}

// A ledger of an older format goes on, and a copy of it is kept.
func TestOlderFormatsGoOn(t *testing.T) {
	for format := 3; format < len(formats); format++ {
		t.Run(fmt.Sprint(format), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "ledger.db")
			olderLedger(t, path, format, 9)
			_, err := Open(t.Context(), path, Options{ReadOnly: true})
			var version *ledger.VersionError
			require.ErrorAs(t, err, &version)
			require.Equal(t, &ledger.VersionError{Path: path, Found: format, Known: len(formats)}, version)
			s := reopen(t, path)
			require.FileExists(t, fmt.Sprintf("%s.format%d", path, format))
			require.NoError(t, s.Intend(t.Context(), intention(9, "r1")))
			for n := range 10 {
				record, found, err := s.Find(t.Context(), identity(n))
				require.NoError(t, err)
				require.True(t, found, n)
				require.Equal(t, n%2 == 0, record.State == ledger.Sent)
			}
			for n := range 10 {
				var conflict *ledger.ConflictError
				require.ErrorAs(t, s.Intend(t.Context(), intention(n, "r1")), &conflict)
			}
			require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(1), Run: "r1", State: ledger.Sent, MessageID: 501, At: noon}))
			require.NoError(t, s.Check(t.Context()))
			var at int
			for record, err := range scanAll(t.Context(), s, s.reader, scanRecord, selectSends+` ORDER BY s.n`) {
				require.NoError(t, err)
				if format >= 4 { // before, sends stood in the order of their identities
					require.Equal(t, identity(at), record.Identity)
				}
				at++
			}
			require.Equal(t, 10, at)
		})
	}
}

// A message that an intent brought after it was folded is held like any other,
// also where the highest message was looked up before.
func TestMessageOfAFoldedIntentIsHeld(t *testing.T) {
	s := openNew(t)
	require.NoError(t, s.limitTail(3))
	begin(t, s, "r1")
	intend := func(n, contact int) {
		in := intention(n, "r1")
		in.Contact = contact
		require.NoError(t, s.Intend(t.Context(), in))
	}
	sent := func(n, message int) error {
		return s.Settle(t.Context(), ledger.Outcome{Identity: identity(n), Run: "r1", State: ledger.Sent, MessageID: message, At: noon})
	}
	for n := range 3 {
		intend(n, 1000)
	}
	require.Eventually(t, func() bool { return inTail(t, s) == 0 }, eventually, tick, "the tail was full")
	intend(3, 1000)
	intend(4, 1000)
	require.NoError(t, sent(3, 50), "nobody has a message so far")
	require.NoError(t, sent(0, 60), "its intent is in the table of sends")
	require.Equal(t, 2, inTail(t, s), "none of that needed to fold")
	var claimed *ledger.ClaimedError
	require.ErrorAs(t, sent(4, 60), &claimed)
	require.Equal(t, identity(0), claimed.Holder)
	require.ErrorAs(t, sent(4, 50), &claimed)
	require.Equal(t, identity(3), claimed.Holder)
	require.NoError(t, sent(4, 61))
}

// Whatever is durable is found at once by everybody, also while it is being moved
// from one table to the other.
func TestFindWhileItIsFolded(t *testing.T) {
	s := openNew(t)
	require.NoError(t, s.limitTail(3))
	begin(t, s, "r1")
	look, err := Open(t.Context(), s.path, Options{ReadOnly: true})
	require.NoError(t, err)
	other := reopen(t, s.path)
	const callers, each = 8, 40
	failures := make(chan error, callers)
	for c := range callers {
		go func() {
			writer := s
			if c == 0 {
				writer = other // now and then another process has the tail
			}
			failures <- func() error {
				for n := c * each; n < (c+1)*each; n++ {
					if err := writer.Intend(context.Background(), intention(n, "r1")); err != nil {
						return err
					}
					for name, reader := range map[string]*Store{"writer": s, "other": other, "look": look} {
						if _, found, err := reader.Find(context.Background(), identity(n)); err != nil || !found {
							return fmt.Errorf("%s: send %d: found %v: %w", name, n, found, err)
						}
					}
				}
				return nil
			}()
		}()
	}
	for range callers {
		require.NoError(t, <-failures)
	}
	require.NoError(t, look.Close())
	require.NoError(t, s.Check(t.Context()))
}
