//go:build linux || darwin

package sqlite

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// scaled is the identity of the n-th row of a large ledger: spread as hashes are over ten
// million rows, and rising with n, so that a large one is soon filled.
func scaled(n int) (id ledger.Identity) {
	binary.BigEndian.PutUint64(id[:], uint64(n+1)*(math.MaxUint64/10_000_001))
	r := rand.NewPCG(uint64(n), 1)
	for i := 6; i < len(id); i++ {
		id[i] = byte(r.Uint64())
	}
	return id
}

// fillLedger makes a ledger that remembers n sent messages of one run.
func fillLedger(t testing.TB, path string, n int) {
	t.Helper()
	s, err := Open(t.Context(), path, Options{})
	require.NoError(t, err)
	run := begin(t, s, "r1")
	ref := int64(1)
	require.NoError(t, s.reader.QueryRow(`SELECT n FROM runs WHERE id = ?`, run.ID).Scan(&ref))
	const batch = 50_000
	for from := 0; from < n; from += batch {
		require.NoError(t, s.write(t.Context(), func(tx *tx) error {
			for i := from; i < min(from+batch, n); i++ {
				err := tx.put(&send{run: ref, Record: ledger.Record{
					Identity: scaled(i), State: ledger.Sent, Run: run.ID, Seq: int64(i), Step: "send", Contact: 1000 + i, ContentHash: scaled(i),
					MessageID: 500_000 + i, Attempts: 1, Attempted: noon, At: noon,
				}})
				if err != nil {
					return err
				}
			}
			return nil
		}))
	}
	run.State, run.Finished = ledger.Finished, noon
	require.NoError(t, s.Finish(t.Context(), run))
	require.NoError(t, s.Close())
}

// damageIdentity flips a bit of an identity: in its row, where the content stands
// near it, which is the same here, or in the index, where it stands alone; what is
// left of it in free space too.
func damageIdentity(image []byte, id ledger.Identity, inRow bool, at int, bit byte) (found bool) {
	for from := 0; ; {
		i := bytes.Index(image[from:], id[:])
		if i < 0 {
			return found
		}
		from += i
		near := image[from+1 : min(from+120, len(image))]
		if before := image[max(0, from-120):from]; bytes.Contains(near, id[:]) == inRow && !bytes.Contains(before, id[:]) {
			image[from+at] ^= bit
			found = true
		}
		from++
	}
}

// A ledger too large to be read through at every opening is damaged where an
// identity stands: that very send is not made again.
func TestDamagedIdentityInALargeLedger(t *testing.T) {
	const sends = 24_000
	path := filepath.Join(t.TempDir(), "ledger.db")
	fillLedger(t, path, sends)
	image, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Greater(t, len(image), smallBytes)
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	for round := range 20 {
		n, at, bit, inRow := random.IntN(sends), random.IntN(32), byte(1)<<random.IntN(8), round%2 == 0
		what := fmt.Sprintf("seed %d: send %d, byte %d, bit %#x, in its row %v", seed, n, at, bit, inRow)
		id := scaled(n)
		damaged := slices.Clone(image)
		require.True(t, damageIdentity(damaged, id, inRow, at, bit), what)
		path := filepath.Join(t.TempDir(), "ledger.db")
		require.NoError(t, os.WriteFile(path, damaged, 0o600))
		s, err := Open(t.Context(), path, Options{})
		require.NoError(t, err, what)
		require.ErrorIs(t, s.check(t.Context(), false), errBadRow, what)

		d, err := s.Draft(t.Context(), "spring", "default")
		require.NoError(t, err)
		seen, err := d.Add(t.Context(), id, [32]byte(id), 0)
		if err == nil && seen.Record == nil {
			require.True(t, inRow, "%s: the index is not looked at", what)
			begin(t, s, "r2")
			require.Error(t, s.Intend(t.Context(), ledger.Intention{Identity: id, Run: "r2", Step: "send", At: noon}), what)
		}
		var bad *ledger.UnreadableError
		if err != nil {
			require.ErrorAs(t, err, &bad, what)
		}
		require.NoError(t, d.Close())
		_ = s.Close()
	}
}

// scaleKept names where a large ledger stays between two rounds of BenchmarkLarge,
// since filling it takes a minute for each few million.
const scaleKept = "FLOWRUNNER_LARGE_LEDGER"

// BenchmarkLarge says what a ledger of ten million rows costs (with -long; else of
// a hundred thousand): opening it again, a look, a send, and memory at most.
func BenchmarkLarge(b *testing.B) {
	rows := 100_000
	if *long {
		rows = 10_000_000
	}
	dir := os.Getenv(scaleKept)
	if dir == "" {
		dir = b.TempDir()
	}
	path := filepath.Join(dir, fmt.Sprintf("%d.db", rows))
	if _, err := os.Stat(path); err != nil {
		fillLedger(b, path, rows)
	}
	for b.Loop() {
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childPath+"="+path, childMeasures+"=yes", fmt.Sprintf("%s=%d", childFrom, rows))
		said, err := cmd.CombinedOutput()
		require.NoError(b, err, string(said))
		lines := bufio.NewScanner(bytes.NewReader(said))
		for lines.Scan() {
			var value float64
			var unit string
			if _, err := fmt.Sscan(lines.Text(), &value, &unit); err == nil {
				b.ReportMetric(value, unit)
			}
		}
	}
	b.ReportMetric(0, "ns/op")
}

// measureLarge is the process that BenchmarkLarge starts.
func measureLarge(path string, rows int) error {
	ctx := context.Background()
	began := time.Now()
	s, err := Open(ctx, path, Options{})
	if err != nil {
		return err
	}
	fmt.Println(float64(time.Since(began).Microseconds())/1000, "ms-to-open")
	random := rand.New(rand.NewPCG(1, 0))
	const looks = 50_000
	took := make([]time.Duration, looks)
	for i := range took {
		id := scaled(random.IntN(rows))
		began := time.Now()
		if _, found, err := s.Find(ctx, id); err != nil || !found {
			return fmt.Errorf("look for a send: found %v: %w", found, err)
		}
		took[i] = time.Since(began)
	}
	slices.Sort(took)
	fmt.Println(float64(took[looks/2].Microseconds()), "µs-a-look-p50")
	fmt.Println(float64(took[looks*99/100].Microseconds()), "µs-a-look-p99")
	if err := measureOpen(ctx, s); err != nil {
		return err
	}
	run := fmt.Sprintf("r%d", time.Now().UnixNano())
	if err := s.Begin(ctx, ledger.Run{ID: run, Flow: "other", Campaign: "default", Started: time.Now()}); err != nil {
		return err
	}
	began = time.Now()
	if err := sendMany(ctx, s, run); err != nil {
		return err
	}
	fmt.Println(float64(manySends)/time.Since(began).Seconds(), "durable-sends/s")
	if err := s.Close(); err != nil {
		return err
	}
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return nil // not Linux
	}
	for line := range strings.Lines(string(status)) {
		var kb int
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kb); err == nil {
			fmt.Println(float64(kb)/1024, "MB-peak")
		}
	}
	return nil
}

// measureOpen says how long it takes to find what is open among all of them: the
// unfinished run, the unknown sends of one run and of all, and the intents that a
// dead process has left.
func measureOpen(ctx context.Context, s *Store) error {
	unknown := func(run string) func() error {
		return func() error {
			for _, err := range s.Records(ctx, ledger.Filter{Run: run, States: []ledger.State{ledger.Unknown}}) {
				if err != nil {
					return err
				}
			}
			return nil
		}
	}
	for _, what := range []struct {
		unit string
		do   func() error
	}{
		{"ms-to-find-unfinished", func() error { _, _, err := s.Unfinished(ctx, "spring", "default"); return err }},
		{"ms-to-find-unknown-of-run", unknown("r1")},
		{"ms-to-find-unknown-of-all", unknown("")},
		{"ms-to-recover-intents", func() error { _, err := s.Recover(ctx, "r1", "it is measured"); return err }},
	} {
		began := time.Now()
		if err := what.do(); err != nil {
			return fmt.Errorf("%s: %w", what.unit, err)
		}
		fmt.Println(float64(time.Since(began).Microseconds())/1000, what.unit)
	}
	return nil
}

// manySends are made by that many at once, each of which waits 50 ms for the API.
const (
	manySends  = 20_000
	sendAtOnce = 256
	sendTakes  = 50 * time.Millisecond
)

func sendMany(ctx context.Context, s *Store, run string) error {
	failures := make(chan error, sendAtOnce)
	for worker := range sendAtOnce {
		go func() {
			for n := worker; n < manySends; n += sendAtOnce {
				id := ledger.Key{Flow: run, Key: fmt.Sprint(n)}.Identity()
				err := s.Intend(ctx, ledger.Intention{Identity: id, Run: run, Seq: int64(n), Step: "send", Contact: n, At: time.Now()})
				if err == nil {
					time.Sleep(sendTakes)
					err = s.Settle(ctx, ledger.Outcome{Identity: id, Run: run, State: ledger.Sent, MessageID: int(time.Now().UnixNano()), At: time.Now()})
				}
				if err != nil {
					failures <- err
					return
				}
			}
			failures <- nil
		}()
	}
	for range sendAtOnce {
		if err := <-failures; err != nil {
			return err
		}
	}
	return nil
}
