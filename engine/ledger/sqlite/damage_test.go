package sqlite

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// long asks for the forms of the proofs that take minutes (docs/proof.md).
var long = flag.Bool("long", false, "run the long forms of the proofs")

// killedFiles are the files of a ledger as a killed process leaves them: some of
// what it knows is in the log alone.
func killedFiles(t testing.TB) (files map[string][]byte, records []ledger.Record) {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "ledger.db")
	sendSome(t, path, 0, 12)
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	moveOn(t, s, ageSlices/2)
	recent, old := indexed(t, s)
	require.NotZero(t, recent*old, "both tables of the index have some")
	for n := range 2 {
		require.NoError(t, s.Settle(t.Context(), ledger.Outcome{Identity: identity(n), Run: "r1", State: ledger.Sent, MessageID: 7 + n, At: noon}))
		require.NoError(t, s.Intend(t.Context(), intention(100+n, "r1")))
		if n == 0 { // a tail is in the ledger's file, what follows in the log alone
			_, err := s.writer.conn.ExecContext(t.Context(), `PRAGMA wal_checkpoint(PASSIVE)`)
			require.NoError(t, err)
		}
		require.NoError(t, s.Intend(t.Context(), intention(200+n, "r1")))
	}
	for r, err := range s.Records(t.Context(), ledger.Filter{}) {
		require.NoError(t, err)
		records = append(records, r)
	}
	files = map[string][]byte{}
	for _, name := range []string{"ledger.db", "ledger.db-wal", "ledger.mark"} {
		files[name], err = os.ReadFile(filepath.Join(dir, name))
		require.NoError(t, err)
	}
	require.NoError(t, s.Close())
	return files, records
}

// damagedFiles opens a killed ledger of which one file is other bytes. It opens and
// remembers everybody as they were, or it is refused.
func damagedFiles(t *testing.T, dir string, files map[string][]byte, name string, data []byte, records []ledger.Record, what string) (opened bool) {
	for file, b := range files {
		if file == name {
			b = data
		}
		require.NoError(t, os.WriteFile(filepath.Join(dir, file), b, 0o600))
	}
	require.NoError(t, removeIfThere(filepath.Join(dir, "ledger.db-shm")))
	path := filepath.Join(dir, "ledger.db")
	s, err := Open(t.Context(), path, Options{})
	if err != nil {
		var unreadable *ledger.UnreadableError
		var version *ledger.VersionError
		var older *ledger.RolledBackError
		var mark *ledger.MarkError
		require.True(t, errors.As(err, &unreadable) || errors.As(err, &version) || errors.As(err, &older) || errors.As(err, &mark), "%s: %v", what, err)
		require.ErrorContains(t, err, dir, what)
		return false
	}
	for _, want := range records {
		got, found, err := s.Find(t.Context(), want.Identity)
		if err == nil {
			require.True(t, found, "%s: a send was forgotten", what)
			got.Flow, got.Campaign, got.Run = want.Flow, want.Campaign, want.Run
			require.Equal(t, want, got, what)
		}
	}
	_ = s.Close()
	return true
}

func removeIfThere(path string) error {
	if err := os.Remove(path); !errors.Is(err, os.ErrNotExist) {
		return err
	}
	return nil
}

// Each file of a ledger whose process was killed, cut at each byte and with each
// byte changed: the ledger opens and remembers everything, or is refused. The short
// form takes some of the bytes.
func TestDamageAfterAKill(t *testing.T) {
	files, records := killedFiles(t)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	require.True(t, damagedFiles(t, t.TempDir(), files, "", nil, records, "whole"))
	for name, whole := range files {
		t.Run(name, func(t *testing.T) {
			places := make(chan int)
			var all sync.WaitGroup
			var mu sync.Mutex
			opened := 0
			for range 2 {
				dir := t.TempDir()
				all.Go(func() {
					bits := rand.New(rand.NewPCG(seed, 1))
					for at := range places {
						bit := byte(1) << bits.IntN(8)
						flipped := append([]byte(nil), whole...)
						flipped[at] ^= bit
						ok := damagedFiles(t, dir, files, name, flipped, records, fmt.Sprintf("seed %d: byte %d, bit %#x flipped", seed, at, bit))
						cut := damagedFiles(t, dir, files, name, whole[:at], records, fmt.Sprintf("cut to %d bytes", at))
						mu.Lock()
						for _, o := range []bool{ok, cut} {
							if o {
								opened++
							}
						}
						mu.Unlock()
					}
				})
			}
			random, step := rand.New(rand.NewPCG(seed, 0)), 1
			if !*long {
				step = max(1, len(whole)/15)
			}
			count := 0
			for at := random.IntN(step); at < len(whole); at += 1 + random.IntN(2*step-1) {
				places <- at
				count++
			}
			close(places)
			all.Wait()
			t.Logf("%d of %d bytes damaged twice: %d opened whole, the others refused", count, len(whole), opened)
		})
	}
}

// FuzzOpen changes any bytes of any file of a killed ledger.
func FuzzOpen(f *testing.F) {
	files, records := killedFiles(f)
	names := slices.Sorted(maps.Keys(files))
	f.Add(uint(0), uint(16), []byte{0x10})
	f.Add(uint(0), uint(4096), bytes.Repeat([]byte{0xff}, 4096))
	f.Add(uint(1), uint(0), []byte{1, 2, 3})
	f.Add(uint(2), uint(20), []byte("0000"))
	f.Fuzz(func(t *testing.T, file, at uint, change []byte) {
		name := names[file%uint(len(names))]
		data := append([]byte(nil), files[name]...)
		for i, b := range change {
			data[(at+uint(i))%uint(len(data))] ^= b
		}
		damagedFiles(t, t.TempDir(), files, name, data, records, name)
	})
}
