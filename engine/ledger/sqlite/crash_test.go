//go:build linux || darwin

package sqlite

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// childPath makes the test binary a runner that intends and settles against the
// ledger at that path until it is killed, and says on stdout what was
// acknowledged: "i N" for an intent, "s N" for an outcome. childFrom is where it
// begins to count. childLimit bounds the size of its files, as a full disk does.
// childImport names an exported ledger: the runner imports that instead, and says
// "importing" and "imported".
const (
	childImport = "FLOWRUNNER_TEST_IMPORT"

	childPath  = "FLOWRUNNER_TEST_LEDGER"
	childFrom  = "FLOWRUNNER_TEST_FROM"
	childLimit = "FLOWRUNNER_TEST_FILE_LIMIT"

	// childMeasures makes it a process that measures a ledger of childFrom rows.
	childMeasures = "FLOWRUNNER_TEST_MEASURE"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childPath); path != "" {
		if err := child(path); err != nil {
			_, _ = fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func childImports(path, file string) error {
	s, err := Open(context.Background(), path, Options{})
	if err != nil {
		return err
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, _ = os.Stdout.WriteString("importing\n")
	if _, err := s.Import(context.Background(), f); err != nil {
		return err
	}
	_, _ = os.Stdout.WriteString("imported\n")
	return nil
}

func child(path string) error {
	if file := os.Getenv(childImport); file != "" {
		return childImports(path, file)
	}
	from, err := strconv.ParseInt(os.Getenv(childFrom), 10, 64)
	if err != nil {
		return err
	}
	if os.Getenv(childMeasures) != "" {
		return measureLarge(path, int(from))
	}
	s, err := Open(context.Background(), path, Options{})
	if err != nil {
		return err
	}
	if err := s.limitTail(50); err != nil { // so that it is killed while it folds, too
		return err
	}
	run := fmt.Sprintf("run-%d", from)
	if err := s.Begin(context.Background(), ledger.Run{ID: run, Flow: "spring", Campaign: "default", PlanHash: "plan-" + run, Started: time.Now()}); err != nil {
		return err
	}
	if limit, err := strconv.ParseUint(os.Getenv(childLimit), 10, 64); err == nil {
		signal.Ignore(syscall.SIGXFSZ)
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: limit, Max: limit}); err != nil {
			return err
		}
	}
	var next atomic.Int64
	next.Store(from)
	var group sync.WaitGroup
	var mu sync.Mutex
	var failures []error
	var refused atomic.Int64
	say := func(what string, n int64) { _, _ = os.Stdout.WriteString(fmt.Sprintf("%s %d\n", what, n)) }
	for range 16 {
		group.Go(func() {
			for {
				n := next.Add(1)
				in := intention(int(n), run)
				late := refused.Load() > 0
				if err := s.Intend(context.Background(), in); err != nil {
					mu.Lock()
					failures = append(failures, err)
					mu.Unlock()
					if refused.Add(1) > 64 {
						return
					}
					continue
				}
				if late {
					say("intended after a failure", n)
				}
				say("i", n)
				err := s.Settle(context.Background(), ledger.Outcome{Identity: in.Identity, Run: run, State: ledger.Sent, MessageID: int(n), At: noon})
				if err == nil {
					say("s", n)
				}
			}
		})
	}
	group.Wait()
	var failed *ledger.FailedError
	for _, err := range failures {
		if !errors.As(err, &failed) {
			return fmt.Errorf("not a FailedError: %w", err)
		}
	}
	_, err = fmt.Fprintf(os.Stdout, "failed %s\n", strings.ReplaceAll(failed.Error(), "\n", " "))
	return err
}

// runChild starts a runner, kills it when so many lines were said, and returns
// everything that it said. Without a number it waits for its end.
func runChild(t *testing.T, path string, from, lines int, env ...string) (said []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(append(os.Environ(), childPath+"="+path, fmt.Sprintf("%s=%d", childFrom, from)), env...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	r := bufio.NewReader(out)
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			require.ErrorIs(t, err, io.EOF)
			break // half a line was not acknowledged
		}
		if said = append(said, strings.TrimSuffix(line, "\n")); len(said) == lines {
			require.NoError(t, cmd.Process.Kill())
		}
	}
	err = cmd.Wait()
	if lines == 0 {
		require.NoError(t, err, stderr.String())
	} else {
		require.ErrorContains(t, err, "killed", stderr.String())
	}
	return said
}

// remembered checks that the ledger holds all that was acknowledged.
func remembered(t *testing.T, s *Store, said []string, what string) (intents, settled int) {
	t.Helper()
	for _, line := range said {
		kind, number, _ := strings.Cut(line, " ")
		n, err := strconv.Atoi(number)
		if err != nil {
			continue
		}
		record, found, err := s.Find(t.Context(), identity(n))
		require.NoError(t, err, what)
		require.True(t, found, "%s: intent %d was acknowledged and forgotten", what, n)
		switch kind {
		case "i":
			intents++
		case "s":
			settled++
			require.Equal(t, ledger.Sent, record.State, "%s: outcome %d was acknowledged and forgotten", what, n)
			require.Equal(t, n, record.MessageID)
		}
	}
	return intents, settled
}

// A runner is killed at random moments, over and over, on one ledger.
func TestKilledRunnerForgetsNothing(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "state", "ledger.db")
	var all []string
	const kills = 6
	for kill := range kills {
		what := fmt.Sprintf("seed %d, kill %d", seed, kill)
		from := kill * 1_000_000
		said := runChild(t, path, from, 1+random.IntN(600))
		all = append(all, said...)

		s, err := Open(t.Context(), path, Options{})
		require.NoError(t, err, what)
		remembered(t, s, all, what)
		run, found, err := s.Unfinished(t.Context(), "spring", "default")
		require.NoError(t, err)
		require.True(t, found)
		require.Equal(t, fmt.Sprintf("run-%d", from), run.ID, what)
		var open int
		for _, err := range s.Records(t.Context(), ledger.Filter{States: []ledger.State{ledger.Intent}}) {
			require.NoError(t, err)
			open++
		}
		recovered, err := s.Recover(t.Context(), run.ID, "its process died")
		require.NoError(t, err)
		require.Equal(t, open, recovered, what)
		require.NoError(t, s.Close())
	}
	s := reopen(t, path)
	intents, settled := remembered(t, s, all, "at the end")
	require.Positive(t, intents)
	require.Positive(t, settled)
}

// After a kill at any moment the mark is not ahead of the ledger. Whoever then
// loses the log, or puts back a copy, is told so exactly when the mark knows of
// more changes than are left.
func TestKilledRunnerLeavesATrueMark(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	path := filepath.Join(t.TempDir(), "state", "ledger.db")
	noticed := 0
	const kills = 4
	for kill := range kills {
		what := fmt.Sprintf("seed %d, kill %d", seed, kill)
		runChild(t, path, kill*1_000_000, 400+random.IntN(600))
		left, err := readMark(path)
		require.NoError(t, err, what)

		without := filepath.Join(t.TempDir(), "ledger.db")
		for _, name := range []func(string) string{func(p string) string { return p }, markPath} {
			data, err := os.ReadFile(name(path))
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(name(without), data, 0o600))
		}
		s, err := Open(t.Context(), without, Options{AcceptOlder: true, ReadOnly: true})
		var total int64
		if err == nil {
			total, err = s.total(t.Context())
			require.NoError(t, err, what)
			require.NoError(t, s.Close())
		}
		_, err = Open(t.Context(), without, Options{})
		var back *ledger.RolledBackError
		if total < left.serial {
			noticed++
			require.ErrorAs(t, err, &back, what)
		} else {
			require.NoError(t, err, what)
		}

		whole, err := Open(t.Context(), path, Options{})
		require.NoError(t, err, what)
		total, err = whole.total(t.Context())
		require.NoError(t, err, what)
		require.LessOrEqual(t, left.serial, total, what)
		require.NoError(t, whole.Close())
	}
	require.Positive(t, noticed, "seed %d: a lost log is noticed", seed)
}

// An import killed at any moment has brought everything or nothing.
func TestKilledImport(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	dir := t.TempDir()
	file := filepath.Join(dir, "export.jsonl")
	f, err := os.Create(file)
	require.NoError(t, err)
	e, err := ledger.NewExporter(f, ledger.ExportHead{Lineage: "L", Serial: 1})
	require.NoError(t, err)
	require.NoError(t, e.Run(ledger.Run{ID: "far", Flow: "spring", Campaign: "default"}))
	const sends = 5000
	for n := range sends {
		require.NoError(t, e.Send(ledger.Record{Identity: identity(n), State: ledger.Sent, Run: "far"}))
	}
	require.NoError(t, e.Close())
	require.NoError(t, f.Close())

	for kill := range 5 {
		what := fmt.Sprintf("seed %d, kill %d", seed, kill)
		path := filepath.Join(dir, fmt.Sprint(kill), "ledger.db")
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), childPath+"="+path, childImport+"="+file)
		out, err := cmd.StdoutPipe()
		require.NoError(t, err)
		require.NoError(t, cmd.Start())
		r := bufio.NewReader(out)
		_, err = r.ReadString('\n')
		require.NoError(t, err, what)
		time.Sleep(time.Duration(random.IntN(300)) * time.Millisecond)
		require.NoError(t, cmd.Process.Kill())
		said, err := io.ReadAll(r)
		require.NoError(t, err)
		_ = cmd.Wait() // killed, or through before that

		s := reopen(t, path)
		known := 0
		for _, err := range s.Records(t.Context(), ledger.Filter{}) {
			require.NoError(t, err)
			known++
		}
		merged, err := s.Merged(t.Context())
		require.NoError(t, err)
		if len(said) > 0 || known > 0 {
			require.Equal(t, sends, known, what)
			require.Len(t, merged, 1, what)
		} else {
			require.Empty(t, merged, what)
		}
	}
}

// When the disk is full the callers get the error, nothing is intended any more,
// and what was acknowledged before is still there.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "ledger.db")
	said := runChild(t, path, 0, 0, childLimit+"="+strconv.Itoa(1<<20))
	require.NotEmpty(t, said)
	require.NotContains(t, strings.Join(said, "\n"), "after a failure")
	last := said[len(said)-1]
	require.Contains(t, last, "failed write ledger "+path)
	require.Contains(t, last, "give the same command again")
	s := reopen(t, path)
	intents, _ := remembered(t, s, said, "full disk")
	require.Positive(t, intents)
	begin(t, s, "later")
	require.NoError(t, s.Intend(t.Context(), intention(999_999_999, "later")), "given room, the ledger goes on")
}

func TestUnwritableDirectory(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	path := filepath.Join(file, "state", "ledger.db")
	_, err := Open(t.Context(), path, Options{})
	require.ErrorContains(t, err, "ledger")
	require.ErrorContains(t, err, path)
	var bad *ledger.UnreadableError
	require.False(t, errors.As(err, &bad), "what cannot be reached is not called damaged")
}
