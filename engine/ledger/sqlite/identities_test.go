package sqlite

import (
	"bytes"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// Each identity is in one slice, and each slice has its turn.
func TestSlices(t *testing.T) {
	for b := range 256 {
		for _, rest := range []byte{0, 0xff} {
			id := ledger.Identity(bytes.Repeat([]byte{rest}, len(ledger.Identity{})))
			id[0] = byte(b)
			var turns []int64
			for turn := range int64(ageSlices) {
				if first, last := slice(turn); bytes.Compare(first[:], id[:]) <= 0 && bytes.Compare(id[:], last[:]) <= 0 {
					turns = append(turns, turn)
				}
			}
			require.Len(t, turns, 1, "%s", id)
			first, last := slice(turns[0])
			againFirst, againLast := slice(turns[0] + 3*ageSlices)
			require.Equal(t, [2]ledger.Identity{first, last}, [2]ledger.Identity{againFirst, againLast})
		}
	}
}

// indexed is how many identities each table of the index has.
func indexed(t testing.TB, s *Store) (recent, old int) {
	t.Helper()
	require.NoError(t, s.reader.QueryRowContext(t.Context(), `SELECT (SELECT count(*) FROM new_identities), (SELECT count(*) FROM old_identities)`).Scan(&recent, &old))
	return recent, old
}

// moveOn gives so many slices their turn.
func moveOn(t testing.TB, s *Store, turns int64) {
	t.Helper()
	require.NoError(t, s.write(t.Context(), func(t *tx) error { return t.age(0, maxTail*turns) }))
}

// Identities move on to the large table as sends come, by slices, and are found all the
// while, in the process that writes and in others. What came a round ago has moved on.
func TestIdentitiesMoveOn(t *testing.T) {
	const most, sends = 4, 5 * 4 * ageSlices
	s := openNew(t)
	require.NoError(t, s.limitTail(most))
	begin(t, s, "r1")
	look, err := Open(t.Context(), s.path, Options{ReadOnly: true})
	require.NoError(t, err)
	for n := range sends {
		require.NoError(t, s.Intend(t.Context(), intention(n, "r1")))
		require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(n), Run: "r1", State: ledger.Sent, MessageID: 1 + n, At: noon}))
		require.Eventually(t, func() bool { return inTail(t, s) < most }, eventually, tick)
		if n%50 > 0 && n < sends-1 {
			continue
		}
		for _, reader := range []*Store{s, look} {
			for m := range sends {
				record, found, err := reader.Find(t.Context(), identity(m))
				require.NoError(t, err)
				require.Equal(t, m <= n, found, m)
				require.Equal(t, m <= n, record.State == ledger.Sent)
			}
		}
	}
	recent, old := indexed(t, s)
	require.Equal(t, sends, inTail(t, s)+recent+old)
	require.LessOrEqual(t, recent, most*(ageSlices+1))
	require.NotZero(t, recent)
	for n := range sends {
		var conflict *ledger.ConflictError
		require.ErrorAs(t, s.Intend(t.Context(), intention(n, "r1")), &conflict, "nobody is written to twice, wherever the identity stands")
	}
	require.NoError(t, s.Check(t.Context()))

	var export bytes.Buffer
	require.NoError(t, s.Export(t.Context(), &export))
	to := openNew(t)
	require.NoError(t, to.limitTail(most))
	result, err := to.Import(t.Context(), &export)
	require.NoError(t, err)
	require.Equal(t, sends, result.Sends.Added)
	recent, old = indexed(t, to)
	require.Equal(t, sends, recent+old)
	require.LessOrEqual(t, recent, most*(ageSlices+1), "they move on in an import too")
	require.NoError(t, to.Check(t.Context()))
	require.NoError(t, look.Close())
}

// What is wrong with the index of a ledger that is too large to be read through at each
// opening is met by whoever looks a send up, or in its table by whoever makes it.
func TestDamagedIndex(t *testing.T) {
	other := identity(2) // of the third row
	for name, c := range map[string]struct {
		damage string
		find   bool // met by Find; else by who has reason to think that it is there
	}{
		"no row":      {`DELETE FROM sends WHERE n = 3`, true},
		"other row":   {`UPDATE %s SET n = 2 WHERE n = 3`, true},
		"no such row": {`UPDATE %s SET n = 777 WHERE n = 3`, true},
		"other name":  {fmt.Sprintf(`UPDATE %%s SET identity = x'%x' WHERE n = 3`, append(other[:31:31], other[31]^1)), false},
	} {
		for _, table := range []string{"new_identities", "old_identities"} {
			t.Run(name+" "+table, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "ledger.db")
				sendSome(t, path, 0, 5)
				s := reopen(t, path)
				if table == "old_identities" {
					moveOn(t, s, ageSlices)
					recent, old := indexed(t, s)
					require.Equal(t, [2]int{0, 5}, [2]int{recent, old})
				}
				damage := c.damage
				if bytes.Contains([]byte(damage), []byte("%s")) {
					damage = fmt.Sprintf(damage, table)
				}
				_, err := s.writer.conn.ExecContext(t.Context(), damage)
				require.NoError(t, err)

				var bad *ledger.UnreadableError
				_, found, err := s.Find(t.Context(), other)
				require.False(t, found)
				if c.find {
					require.ErrorAs(t, err, &bad)
					var failed *ledger.FailedError
					require.ErrorAs(t, s.Settle(t.Context(), ledger.Outcome{Identity: other, Run: "r1", State: ledger.Sent}), &failed)
					return
				}
				require.NoError(t, err)
				require.ErrorAs(t, s.checkGap(t.Context(), other), &bad)
				require.ErrorIs(t, s.Check(t.Context()), errBadRow)
			})
		}
	}
}

// An identity that both tables have ends all writing when it would be moved on.
func TestAnIdentityIsMovedOnOnce(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	sendSome(t, path, 0, 6)
	s := reopen(t, path)
	_, err := s.writer.conn.ExecContext(t.Context(), `INSERT INTO old_identities SELECT identity, n FROM new_identities WHERE n = 3`)
	require.NoError(t, err)
	var failed *ledger.FailedError
	require.ErrorAs(t, s.write(t.Context(), func(t *tx) error { return t.age(0, maxTail*ageSlices) }), &failed)
	recent, old := indexed(t, s)
	require.Equal(t, [2]int{6, 1}, [2]int{recent, old}, "nothing was half done")
}
