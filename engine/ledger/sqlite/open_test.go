package sqlite

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

func TestOpenMakesAPrivateLedger(t *testing.T) {
	// A name that would break an address taken apart carelessly.
	path := filepath.Join(t.TempDir(), "state", "100% весна?#a=b &c.db")
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	begin(t, s, "r1")
	lineage := s.Lineage()
	require.NotEmpty(t, lineage)
	for name, want := range map[string]fs.FileMode{filepath.Dir(path): 0o700, path: 0o600, path + "-wal": 0o600, path + "-shm": 0o600} {
		info, err := os.Stat(name)
		require.NoError(t, err)
		require.Equal(t, want, info.Mode().Perm(), name)
	}
	for pragma, want := range map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "0", "busy_timeout": "30000"} {
		var got string
		require.NoError(t, s.writer.conn.QueryRowContext(t.Context(), "PRAGMA "+pragma).Scan(&got))
		require.Equal(t, want, got, pragma)
	}
	require.NoError(t, s.Close())
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	require.NoError(t, err)
	marked := strings.TrimSuffix(path, ".db") + ".mark"
	require.Equal(t, []string{path, marked}, left, "a clean close leaves the ledger and its mark")
	info, err := os.Stat(marked)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
	require.Equal(t, lineage, reopen(t, path).Lineage())
}

func TestRacingToMakeALedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	var group sync.WaitGroup
	lineages := make(chan string, 8)
	for range cap(lineages) {
		group.Go(func() {
			s, err := Open(context.Background(), path, Options{})
			if err != nil {
				lineages <- err.Error()
				return
			}
			lineages <- s.Lineage()
			_ = s.Close()
		})
	}
	group.Wait()
	close(lineages)
	want := reopen(t, path).Lineage()
	for got := range lineages {
		require.Equal(t, want, got)
	}
}

func TestOpenRefusesWhatIsNoLedger(t *testing.T) {
	dir := t.TempDir()
	foreign := filepath.Join(dir, "foreign.db")
	db, err := sql.Open("sqlite", foreign)
	require.NoError(t, err)
	_, err = db.Exec(`CREATE TABLE meta (key TEXT, value TEXT)`)
	require.NoError(t, err)
	require.NoError(t, db.Close())

	for name, content := range map[string]string{"empty": "", "short": "SQLite", "text": strings.Repeat("this is no database but a letter. ", 9)} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600))
	}
	require.NoError(t, os.Mkdir(filepath.Join(dir, "directory"), 0o700))
	for name, want := range map[string]string{
		"empty": "it has only 0 bytes", "short": "it has only 6 bytes", "text": "it is not an SQLite file",
		"directory": "it is not a regular file", "foreign.db": "it is an SQLite file of another program",
	} {
		path := filepath.Join(dir, name)
		before, _ := os.ReadFile(path)
		_, err := Open(t.Context(), path, Options{})
		var bad *ledger.UnreadableError
		require.ErrorAs(t, err, &bad, name)
		require.Equal(t, path, bad.Path)
		require.ErrorContains(t, err, want)
		after, _ := os.ReadFile(path)
		require.True(t, bytes.Equal(before, after), "%s is left as it was", name)
	}
}

func TestFormats(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	lineage := s.Lineage()
	require.NoError(t, s.Close())

	known := len(formats)
	broken := append(slices.Clip(formats), `CREATE TABLE half (a); CREATE TABLE half (a)`)
	_, err = open(t.Context(), path, Options{}, broken)
	require.ErrorContains(t, err, fmt.Sprintf("bring the format from %d to %d", known, known+1))
	next := append(slices.Clip(formats), `ALTER TABLE runs ADD COLUMN note TEXT NOT NULL DEFAULT 'none'`)
	_, err = open(t.Context(), path, Options{ReadOnly: true}, next)
	var version *ledger.VersionError
	require.ErrorAs(t, err, &version)
	require.Equal(t, known, version.Found)

	s, err = open(t.Context(), path, Options{}, next)
	require.NoError(t, err)
	require.Equal(t, lineage, s.Lineage())
	_, found, err := s.Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.True(t, found)
	var note string
	require.NoError(t, s.reader.QueryRow(`SELECT note FROM runs`).Scan(&note))
	require.Equal(t, "none", note)
	require.NoError(t, s.Close())

	_, err = Open(t.Context(), path, Options{})
	require.ErrorAs(t, err, &version)
	require.Equal(t, known+1, version.Found)
	require.ErrorContains(t, err, "update flowrunner")

	kept := reopen(t, fmt.Sprintf("%s.format%d", path, known))
	require.Equal(t, lineage, kept.Lineage(), "the copy is a whole ledger of the older format")
	_, found, err = kept.Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.True(t, found)
	info, err := os.Stat(kept.path)
	require.NoError(t, err)
	require.Equal(t, fs.FileMode(0o600), info.Mode().Perm())
}

// A head that would make SQLite open the ledger to read only is no ledger's, and is
// told before anything is read.
func TestOpenRefusesAnUnknownWayOfWriting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	require.NoError(t, reopen(t, path).Close())
	image, err := os.ReadFile(path)
	require.NoError(t, err)
	image[writeVersion] = 3
	require.NoError(t, os.WriteFile(path, image, 0o600))
	_, err = Open(t.Context(), path, Options{})
	var bad *ledger.UnreadableError
	require.ErrorAs(t, err, &bad)
	require.ErrorContains(t, err, "it says that it is to be written in way 3, and the newest is 2")
}

// damaged is a small ledger as bytes, and what it remembers.
func damaged(t *testing.T) (image []byte, records []ledger.Record) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	begin(t, s, "r1")
	for n := range 60 {
		require.NoError(t, s.Intend(t.Context(), intention(n, "r1")))
		if state := ledger.State(n%5 + 1); state != ledger.Intent {
			require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(n), Run: "r1", State: state, Reason: "because", At: noon}))
		}
	}
	moveOn(t, s, ageSlices/2)
	recent, old := indexed(t, s)
	require.NotZero(t, recent*old, "both tables of the index have some")
	for r, err := range s.Records(t.Context(), ledger.Filter{}) {
		require.NoError(t, err)
		records = append(records, r)
	}
	require.NoError(t, s.Close())
	image, err = os.ReadFile(path)
	require.NoError(t, err)
	return image, records
}

// openOrRefuse opens a damaged image. When it opens, everybody is still
// remembered as they were, or finding them is an error: nobody looks new.
func openOrRefuse(t *testing.T, image []byte, records []ledger.Record, what string) (opened bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ledger.db")
	require.NoError(t, os.WriteFile(path, image, 0o600))
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		var unreadable *ledger.UnreadableError
		var version *ledger.VersionError
		require.True(t, errors.As(err, &unreadable) || errors.As(err, &version), "%s: %v", what, err)
		require.ErrorContains(t, err, path, what)
		return false
	}
	for _, want := range records {
		got, found, err := s.Find(t.Context(), want.Identity)
		if err == nil {
			require.True(t, found, "%s: a send was forgotten", what)
			// The run's names are not guarded by the row's checksum; they are for show.
			got.Flow, got.Campaign, got.Run = want.Flow, want.Campaign, want.Run
			require.Equal(t, want, got, what)
		}
	}
	_ = s.Close()
	return true
}

func TestTruncatedLedger(t *testing.T) {
	image, records := damaged(t)
	require.True(t, openOrRefuse(t, image, records, "whole"))
	for size := 0; size < len(image); size += damageStep() {
		require.False(t, openOrRefuse(t, image[:size], records, fmt.Sprintf("cut to %d bytes", size)))
	}
}

func TestFlippedBits(t *testing.T) {
	image, records := damaged(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for at := random.IntN(damageStep()); at < len(image); at += 1 + random.IntN(2*damageStep()-1) {
		bit := byte(1) << random.IntN(8)
		image[at] ^= bit
		openOrRefuse(t, image, records, fmt.Sprintf("seed %d: byte %d, bit %#x flipped", seed, at, bit))
		image[at] ^= bit
	}
}

// damageStep is the mean distance between the places damaged; the long form
// damages every byte.
func damageStep() int {
	if *long {
		return 1
	}
	return 997
}

func TestDamageFoundAtEveryOpening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	require.NoError(t, s.Close())

	for name, damage := range map[string]string{
		"identity":   `UPDATE sends SET identity = zeroblob(32)`,
		"short":      `UPDATE sends SET identity = x'00'`,
		"state":      `UPDATE sends SET state = 3`,
		"state 9":    `UPDATE sends SET state = 9`,
		"reason":     `UPDATE sends SET reason = 'x'`,
		"run lost":   `DELETE FROM runs`,
		"scope lost": `DELETE FROM scopes`,
		"counts":     `UPDATE runs SET counts = '{'`,
		"run state":  `UPDATE runs SET state = 99`,
		"no lineage": `DELETE FROM meta`,
		"no entry":   `DELETE FROM new_identities`,
		"no row":     `DELETE FROM sends`,
		"other row":  `UPDATE new_identities SET n = 7`,
		"two":        `INSERT INTO old_identities SELECT * FROM new_identities`,
		"two rows":   `INSERT INTO sends (` + sendColumns + `) SELECT ` + sendColumns + ` FROM sends`,
		"no table":   `DROP TABLE sends`,
	} {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "ledger.db")
			image, err := os.ReadFile(path)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(copied, image, 0o600))
			db, err := sql.Open("sqlite", copied)
			require.NoError(t, err)
			_, err = db.Exec(damage)
			require.NoError(t, err)
			require.NoError(t, db.Close())
			_, err = Open(t.Context(), copied, Options{})
			var bad *ledger.UnreadableError
			require.ErrorAs(t, err, &bad)
			require.Equal(t, copied, bad.Path)
		})
	}
}

// Damage that comes while the ledger is open is met by whoever reads it.
func TestDamageFoundWhileOpen(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	db, err := sql.Open("sqlite", s.path)
	require.NoError(t, err)
	_, err = db.Exec(`UPDATE tail SET message = 5; UPDATE runs SET counts = ''`)
	require.NoError(t, err)
	require.NoError(t, db.Close())

	var bad *ledger.UnreadableError
	_, found, err := s.Find(t.Context(), identity(1))
	require.ErrorAs(t, err, &bad)
	require.False(t, found)
	for _, err := range s.Records(t.Context(), ledger.Filter{}) {
		require.ErrorAs(t, err, &bad)
	}
	for _, err := range s.Runs(t.Context()) {
		require.ErrorAs(t, err, &bad)
	}
	_, _, err = s.Unfinished(t.Context(), "spring", "default")
	require.ErrorAs(t, err, &bad)
	_, _, err = s.FindRun(t.Context(), "r")
	require.ErrorAs(t, err, &bad)
	d, err := s.Draft(t.Context(), "spring", "default")
	require.NoError(t, err)
	_, err = d.Add(t.Context(), identity(1), [32]byte{}, 0)
	require.ErrorAs(t, err, &bad)
	require.NoError(t, d.Close())
	var failed *ledger.FailedError
	require.ErrorAs(t, s.Intend(t.Context(), intention(1, "r1")), &failed)
}
