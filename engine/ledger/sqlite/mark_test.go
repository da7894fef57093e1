package sqlite

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// image is the bytes of a closed ledger with so many sends, and its mark's.
func image(t *testing.T, path string) (db, mark []byte) {
	t.Helper()
	db, err := os.ReadFile(path)
	require.NoError(t, err)
	mark, err = os.ReadFile(markPath(path))
	require.NoError(t, err)
	return db, mark
}

func sendSome(t testing.TB, path string, from, to int) {
	t.Helper()
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	if from == 0 {
		begin(t, s, "r1")
	}
	for n := from; n < to; n++ {
		require.NoError(t, s.Intend(t.Context(), intention(n, "r1")))
	}
	require.NoError(t, s.Close())
}

func TestMarkIsRaised(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s := reopen(t, path)
	marked := func() int64 {
		m, err := readMark(path)
		require.NoError(t, err)
		require.Equal(t, s.Lineage(), m.lineage)
		return m.serial
	}
	total := func() int64 {
		n, err := s.total(t.Context())
		require.NoError(t, err)
		return n
	}
	require.Zero(t, marked(), "at the opening")
	r := begin(t, s, "r1")
	require.Equal(t, int64(1), marked(), "at the beginning of a run")
	for n := range 2 * markEvery {
		require.NoError(t, s.Intend(t.Context(), intention(n, "r1")))
	}
	require.Equal(t, total(), marked(), "with each commit")
	r.State = ledger.Finished
	require.NoError(t, s.Finish(t.Context(), r))
	require.Equal(t, total(), marked(), "at its end")
	begin(t, s, "r2")
	require.NoError(t, s.Intend(t.Context(), intention(999, "r2")))
	last := total()
	require.NoError(t, s.Close())
	require.Equal(t, last, marked(), "at the close")
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*"))
	require.NoError(t, err)
	require.Len(t, left, 2)
	require.Equal(t, last, s.marker.synced, "and on the disk")
	s.marker.sync() // by whoever wrote a moment before
}

// An older copy of the ledger, or another one, is noticed before anything is
// changed, and a person may accept it.
func TestRolledBackLedger(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	sendSome(t, path, 0, 5)
	older, _ := image(t, path)
	sendSome(t, path, 5, 9)
	newer, mark := image(t, path)
	elsewhere := filepath.Join(t.TempDir(), "ledger.db")
	sendSome(t, elsewhere, 0, 20)
	other, _ := image(t, elsewhere)
	lineage := func(image []byte) string {
		at := filepath.Join(t.TempDir(), "ledger.db")
		require.NoError(t, os.WriteFile(at, image, 0o600))
		return reopen(t, at).Lineage()
	}

	for name, tt := range map[string]struct {
		image  []byte
		serial int64
		want   string
	}{
		"older": {older, 6, "it holds 6 changes, but " + markPath(path) + " says that 10 were here"},
		"other": {other, 21, "it is the ledger " + lineage(other) + ", but " + markPath(path) + " says that " + lineage(newer) + " was here, with 10 changes"},
	} {
		t.Run(name, func(t *testing.T) {
			require.NoError(t, os.WriteFile(path, tt.image, 0o600))
			require.NoError(t, os.WriteFile(markPath(path), mark, 0o600))
			for _, o := range []Options{{}, {ReadOnly: true}, {MustExist: true}} {
				_, err := Open(t.Context(), path, o)
				var back *ledger.RolledBackError
				require.ErrorAs(t, err, &back)
				require.ErrorContains(t, err, tt.want)
				require.Equal(t, &ledger.RolledBackError{
					Path: path, Lineage: lineage(tt.image), Serial: tt.serial, Mark: markPath(path), MarkLineage: lineage(newer), MarkSerial: 10,
				}, back)
			}
			db, left := image(t, path)
			require.Equal(t, tt.image, db, "nothing was changed")
			require.Equal(t, mark, left)

			look, err := Open(t.Context(), path, Options{ReadOnly: true, AcceptOlder: true})
			require.NoError(t, err)
			require.NoError(t, look.Close())
			_, left = image(t, path)
			require.Equal(t, mark, left, "looking changes no mark")

			s, err := Open(t.Context(), path, Options{AcceptOlder: true})
			require.NoError(t, err)
			require.NoError(t, s.Close())
			m, err := readMark(path)
			require.NoError(t, err)
			require.Equal(t, tt.serial, m.serial)
			require.NoError(t, reopen(t, path).Close(), "accepted once, accepted for good")
		})
	}
	require.NoError(t, os.WriteFile(path, newer, 0o600))
	require.NoError(t, os.WriteFile(markPath(path), mark, 0o600))
	reopen(t, path)
}

// An older copy that has lost nothing but an opt-out is noticed too: whoever asked for
// peace would be written to again.
func TestAnOptOutThatIsLostIsNoticed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	sendSome(t, path, 0, 2)
	older, _ := image(t, path)
	s := reopen(t, path)
	stop := ledger.OptOut{Account: "test", Contact: 11, Word: "stop", MessageID: 5, At: noon}
	require.NoError(t, s.OptOut(t.Context(), stop))
	changes, err := s.Changes(t.Context())
	require.NoError(t, err)
	require.Equal(t, int64(4), changes)
	require.NoError(t, s.OptOut(t.Context(), stop))
	again, err := s.Changes(t.Context())
	require.NoError(t, err)
	require.Equal(t, changes, again, "what is known changes nothing")

	var export bytes.Buffer
	require.NoError(t, s.Export(t.Context(), &export))
	require.NoError(t, s.Close())
	require.Contains(t, export.String(), `"serial":4,"scopes":[{"flow":"spring","campaign":"default","serial":3}]`)

	require.NoError(t, os.WriteFile(path, older, 0o600))
	_, err = Open(t.Context(), path, Options{})
	var back *ledger.RolledBackError
	require.ErrorAs(t, err, &back)
	require.Equal(t, []int64{3, 4}, []int64{back.Serial, back.MarkSerial})

	// An import brings it back, and counts it.
	other := reopen(t, filepath.Join(t.TempDir(), "ledger.db"))
	_, err = other.Import(t.Context(), &export)
	require.NoError(t, err)
	changes, err = other.Changes(t.Context())
	require.NoError(t, err)
	m, err := readMark(other.path)
	require.NoError(t, err)
	require.Equal(t, changes, m.serial)
	require.Equal(t, []ledger.OptOut{stop}, optOuts(t, other, nil))
}

// A newer ledger than its mark is what a crash leaves, and no mark is what an
// older flowrunner left.
func TestMarkMayLag(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	sendSome(t, path, 0, 5)
	_, mark := image(t, path)
	sendSome(t, path, 5, 9)
	require.NoError(t, os.WriteFile(markPath(path), mark, 0o600))
	require.NoError(t, reopen(t, path).Close())
	m, err := readMark(path)
	require.NoError(t, err)
	require.Equal(t, int64(10), m.serial)

	require.NoError(t, os.Remove(markPath(path)))
	look, err := Open(t.Context(), path, Options{ReadOnly: true})
	require.NoError(t, err)
	require.NoError(t, look.Close())
	require.NoFileExists(t, markPath(path))
	require.NoError(t, reopen(t, path).Close())
	again, err := readMark(path)
	require.NoError(t, err)
	require.Equal(t, m, again)
}

func TestLedgerGoneFromItsMark(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	sendSome(t, path, 0, 5)
	m, err := readMark(path)
	require.NoError(t, err)
	require.NoError(t, os.Remove(path))
	for _, o := range []Options{{}, {ReadOnly: true}, {MustExist: true}, {MustExist: true, AcceptOlder: true}} {
		_, err := Open(t.Context(), path, o)
		var missing *ledger.NotFoundError
		require.ErrorAs(t, err, &missing)
		require.Equal(t, &ledger.NotFoundError{Path: path, Mark: markPath(path), Lineage: m.lineage, Serial: 6}, missing)
		require.NoFileExists(t, path)
	}
	require.NoError(t, os.WriteFile(markPath(path), []byte("x"), 0o600))
	_, err = Open(t.Context(), path, Options{})
	var missing *ledger.NotFoundError
	require.ErrorAs(t, err, &missing, "a mark that cannot be read is a mark")
	require.Empty(t, missing.Lineage)

	s, err := Open(t.Context(), path, Options{AcceptOlder: true})
	require.NoError(t, err)
	require.NotEqual(t, m.lineage, s.Lineage())
	require.NoError(t, s.Close())

	require.NoError(t, os.Remove(path))
	s, err = Open(t.Context(), path, Options{})
	require.NoError(t, err, "an empty ledger had nothing to forget")
	require.NoError(t, s.Close())
}

// Every cut and every flipped bit of a mark is refused; none turns it into
// another mark.
func TestDamagedMark(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	sendSome(t, path, 0, 5)
	_, whole := image(t, path)
	refused := func(data []byte, what string) {
		t.Helper()
		_, err := parseMark(data)
		require.Error(t, err, what)
	}
	for size := range whole {
		refused(whole[:size], fmt.Sprintf("cut to %d bytes", size))
	}
	for at := range whole {
		for bit := range 8 {
			whole[at] ^= 1 << bit
			refused(whole, fmt.Sprintf("byte %d, bit %d", at, bit))
			whole[at] ^= 1 << bit
		}
	}
	refused(append(whole, '\n'), "longer")
	_, err := parseMark(whole)
	require.NoError(t, err)

	for name, tt := range map[string]struct{ content, want string }{
		"empty": {"", "it is damaged, or no mark: remove the mark if the ledger beside it is surely the newest copy"},
		"newer": {"flowrunner-mark 2 and more", "it has format 2, made by a newer flowrunner; this one knows up to 1: update flowrunner"},
		"large": {strings.Repeat("x", markBytes+1), "it has 4097 bytes"},
	} {
		require.NoError(t, os.WriteFile(markPath(path), []byte(tt.content), 0o600))
		_, err := Open(t.Context(), path, Options{})
		var bad *ledger.MarkError
		require.ErrorAs(t, err, &bad, name)
		require.Equal(t, markPath(path), bad.Path)
		require.ErrorContains(t, err, tt.want)
	}
	s, err := Open(t.Context(), path, Options{AcceptOlder: true})
	require.NoError(t, err)
	require.NoError(t, s.Close())
	reopen(t, path)
}

// The mark's file stays open while a run goes on. Another one that takes its place,
// or is gone, is noticed with the next commit.
func TestMarkIsReplacedWhileItIsOpen(t *testing.T) {
	s := openNew(t)
	begin(t, s, "r1")
	marked := func() int64 {
		m, err := readMark(s.path)
		require.NoError(t, err)
		require.NotNil(t, m)
		return m.serial
	}
	for n, replace := range []func() error{
		func() error { return nil },
		func() error { return writeMark(s.path, mark{lineage: s.Lineage(), serial: 1}) },
		func() error { return os.Remove(markPath(s.path)) },
		func() error { return os.WriteFile(markPath(s.path), []byte("cut"), 0o600) },
		func() error { return writeMark(s.path, mark{lineage: "ANOTHER", serial: 1000}) },
		func() error {
			return os.WriteFile(markPath(s.path), mark{lineage: s.Lineage(), serial: 2}.text(), 0o600)
		},
	} {
		require.NoError(t, replace())
		require.NoError(t, s.Intend(t.Context(), intention(n, "r1")))
		total, err := s.total(t.Context())
		require.NoError(t, err)
		require.Equal(t, total, marked(), n)
	}
	higher := mark{lineage: s.Lineage(), serial: 1000}
	require.NoError(t, os.WriteFile(markPath(s.path), higher.text(), 0o600))
	require.NoError(t, s.Intend(t.Context(), intention(100, "r1")))
	require.Equal(t, higher.serial, marked(), "what another process knows is not taken back")
	require.NoError(t, writeMark(s.path, mark{lineage: s.Lineage(), serial: 1}))
}

// A mark that cannot be written stops an opening, takes nothing from a run that
// is under way, and is told at the close.
func TestMarkThatCannotBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	require.NoError(t, os.Remove(markPath(path)))
	require.NoError(t, os.Mkdir(markPath(path), 0o700))
	begin(t, s, "r1")
	require.NoError(t, s.Intend(t.Context(), intention(1, "r1")))
	err = s.Close()
	require.ErrorContains(t, err, "write mark "+markPath(path))
	require.NoError(t, s.Close(), "told once")

	_, err = Open(t.Context(), path, Options{AcceptOlder: true})
	require.ErrorContains(t, err, "write mark "+markPath(path))
	var bad *ledger.UnreadableError
	require.False(t, errors.As(err, &bad), "the ledger itself is sound")
	require.NoError(t, os.Remove(markPath(path)))
	_, found, err := reopen(t, path).Find(t.Context(), identity(1))
	require.NoError(t, err)
	require.True(t, found)
}

// Whoever looks at any moment, from outside, finds the mark behind the ledger.
// Several writers raise it at once.
func TestMarkIsNeverAhead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	stores := []*Store{reopen(t, path), reopen(t, path)}
	begin(t, stores[0], "r1")
	done := make(chan error, 8)
	for c := range cap(done) {
		go func() {
			for n := range 25 {
				if err := stores[c%2].Intend(context.Background(), intention(c*1000+n, "r1")); err != nil {
					done <- err
					return
				}
				if c < 2 {
					if err := stores[c].marker.raise(context.Background()); err != nil {
						done <- err
						return
					}
				}
			}
			done <- nil
		}()
	}
	looks := 0
	for left := cap(done); left > 0; looks++ {
		select {
		case err := <-done:
			require.NoError(t, err)
			left--
		default:
		}
		m, err := readMark(path)
		require.NoError(t, err)
		total, err := stores[0].total(t.Context())
		require.NoError(t, err)
		require.LessOrEqual(t, m.serial, total)
	}
	require.Positive(t, looks)
}

// After an unclean stop the log is forced to the disk before the mark is taken
// from it; a log that is gone was folded into the ledger and needs nothing.
func TestLogIsSyncedBeforeTheMark(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	require.NoError(t, syncLog(path))
	s := reopen(t, path)
	begin(t, s, "r1")
	require.NoError(t, syncLog(path))
	require.NoError(t, os.Mkdir(filepath.Join(filepath.Dir(path), "other.db"+logSuffix), 0o700))
	require.Error(t, syncLog(filepath.Join(filepath.Dir(path), "other.db")))

	copied := filepath.Join(t.TempDir(), "ledger.db")
	for _, suffix := range []string{"", logSuffix} {
		data, err := os.ReadFile(path + suffix)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(copied+suffix, data, 0o600))
	}
	require.True(t, leftWAL(copied))
	reopen(t, copied)
	m, err := readMark(copied)
	require.NoError(t, err)
	require.Equal(t, int64(1), m.serial, "what the log held is in the mark")
}

func FuzzParseMark(f *testing.F) {
	f.Add(string(mark{lineage: "ABC", serial: 12}.text()))
	f.Add(`flowrunner-mark 1 "ABC" 12 00000000`)
	f.Add("flowrunner-mark 9\n")
	f.Fuzz(func(t *testing.T, text string) {
		m, err := parseMark([]byte(text))
		if err == nil {
			require.Equal(t, text, string(m.text()))
		}
	})
}
