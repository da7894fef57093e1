package ledger_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// leave makes a lock whose holder has died: its file is there, the lock is free.
func leave(t *testing.T, dir, scope string, h ledger.Holder) ledger.Holder {
	t.Helper()
	l, err := ledger.Acquire(dir, scope, h)
	require.NoError(t, err)
	h = l.Holder()
	holder := onlyFile(t, dir, "*.holder.json")
	data, err := os.ReadFile(holder)
	require.NoError(t, err)
	require.NoError(t, l.Release())
	require.NoError(t, os.WriteFile(holder, data, 0o600))
	return h
}

func onlyFile(t *testing.T, dir, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, pattern))
	require.NoError(t, err)
	require.Len(t, files, 1)
	return files[0]
}

func TestUnlockTakesNothingFromTheLiving(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Acquire(dir, "spring", ledger.ThisProcess())
	require.NoError(t, err)
	require.NotEmpty(t, l.Holder().Nonce)
	require.Equal(t, "spring", l.Holder().Scope)
	var locked *ledger.LockedError
	require.ErrorAs(t, ledger.Unlock(dir, "spring", l.Holder().Nonce), &locked)
	require.Equal(t, l.Holder(), locked.Holder)
	require.FileExists(t, onlyFile(t, dir, "*.holder.json"))
	require.NoError(t, l.Release())
	var none *ledger.NotLockedError
	require.ErrorAs(t, ledger.Unlock(dir, "spring", l.Holder().Nonce), &none)
	require.EqualError(t, none, "unlock spring: nobody holds it, and nobody has left anything behind")
}

func TestUnlockWantsTheNonce(t *testing.T) {
	dir := t.TempDir()
	dead := leave(t, dir, "spring", ledger.Holder{PID: 42, Host: "build-7", User: "anna", Nonce: "ABC"})
	var nonce *ledger.NonceError
	for _, wrong := range []string{"", "abc", "XYZ"} {
		require.ErrorAs(t, ledger.Unlock(dir, "spring", wrong), &nonce)
		require.Equal(t, dead, nonce.Holder)
		require.EqualError(t, nonce, `unlock spring: what lies there was left by anna@build-7 (process 42), nonce "ABC": give that nonce if it is the one you mean`)
	}
	require.FileExists(t, onlyFile(t, dir, "*.holder.json"))
	require.NoError(t, ledger.Unlock(dir, "spring", "ABC"))
	var none *ledger.NotLockedError
	require.ErrorAs(t, ledger.Unlock(dir, "spring", "ABC"), &none)
	require.FileExists(t, onlyFile(t, dir, "*.lock"), "lock files stay")
}

// A holder's file of an earlier flowrunner has no nonce, a broken one none that
// could be read.
func TestUnlockWithoutANonce(t *testing.T) {
	for name, content := range map[string]string{"older": `{"pid": 42, "host": "h", "user": "u"}`, "broken": `{"pid": 4`, "empty": ""} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			leave(t, dir, "spring", ledger.Holder{})
			require.NoError(t, os.WriteFile(onlyFile(t, dir, "*.holder.json"), []byte(content), 0o600))
			var nonce *ledger.NonceError
			require.ErrorAs(t, ledger.Unlock(dir, "spring", "guess"), &nonce)
			require.NoError(t, ledger.Unlock(dir, "spring", ""))
		})
	}
}

func TestUnlockWhatWasNeverLocked(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "locks")
	var none *ledger.NotLockedError
	require.ErrorAs(t, ledger.Unlock(dir, "spring", "x"), &none)
	require.NoDirExists(t, dir)
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	require.ErrorContains(t, ledger.Unlock(file, "spring", "x"), "unlock spring: ")

	leave(t, dir, "spring", ledger.Holder{Nonce: "x"})
	lock := onlyFile(t, dir, "*.lock")
	require.NoError(t, os.Remove(lock))
	require.NoError(t, os.Mkdir(lock, 0o700))
	require.ErrorContains(t, ledger.Unlock(dir, "spring", "x"), "unlock spring: ")
}

func TestHolders(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "locks")
	all, err := ledger.Holders(dir)
	require.NoError(t, err)
	require.Empty(t, all)

	dead := leave(t, dir, "winter", ledger.Holder{PID: 1, Host: "h", User: "u"})
	l, err := ledger.Acquire(dir, "autumn", ledger.Holder{PID: 2, Host: "h", User: "u", Started: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)})
	require.NoError(t, err)
	require.NoError(t, l.Running("r7"))
	require.Equal(t, "r7", l.Holder().Run)
	free, err := ledger.Acquire(dir, "summer", ledger.Holder{})
	require.NoError(t, err)
	require.NoError(t, free.Release())
	all, err = ledger.Holders(dir)
	require.NoError(t, err)
	require.Equal(t, []ledger.Holding{{Holder: l.Holder(), Live: true}, {Holder: dead}}, all)

	_, err = ledger.Acquire(dir, "autumn", ledger.Holder{})
	require.ErrorContains(t, err, "run r7", "who is turned away learns of the run")
	require.NoError(t, l.Release())

	require.NoError(t, os.Remove(onlyFile(t, dir, "winter*.lock")))
	all, err = ledger.Holders(dir)
	require.NoError(t, err)
	require.Equal(t, []ledger.Holding{{Holder: dead}}, all, "without a lock file nobody holds it")
	require.NoError(t, os.Mkdir(filepath.Join(dir, filepath.Base(onlyFile(t, dir, "winter*"))[:len("winter-")+12]+".lock"), 0o700))
	_, err = ledger.Holders(dir)
	require.ErrorContains(t, err, "list locks: ")
	_, err = ledger.Holders(onlyFile(t, dir, "winter*.holder.json"))
	require.ErrorContains(t, err, "list locks: ")
}

// Looking at a lock keeps nobody from taking it.
func TestLookingDoesNotLock(t *testing.T) {
	dir := t.TempDir()
	leave(t, dir, "spring", ledger.Holder{Nonce: "x"})
	done := make(chan struct{})
	var group sync.WaitGroup
	for range 2 {
		group.Go(func() {
			for {
				select {
				case <-done:
					return
				case <-time.After(time.Millisecond):
					_, _ = ledger.Holders(dir)
				}
			}
		})
	}
	for range 100 {
		l, err := ledger.Acquire(dir, "spring", ledger.Holder{})
		if err != nil {
			require.NoError(t, err)
		}
		require.NoError(t, l.Release())
	}
	close(done)
	group.Wait()
}

func TestRunningCannotBeWritten(t *testing.T) {
	dir := t.TempDir()
	l, err := ledger.Acquire(dir, "s", ledger.Holder{})
	require.NoError(t, err)
	require.NoError(t, os.Mkdir(onlyFile(t, dir, "*.holder.json")+".new", 0o700))
	require.ErrorContains(t, l.Running("r1"), "lock s: ")
	require.Empty(t, l.Holder().Run)
	require.NoError(t, l.Release())
}

func TestStop(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "locks")
	require.False(t, ledger.StopRequested(dir, "r1"))
	require.NoError(t, ledger.WithdrawStop(dir, "r1"))
	for range 2 {
		require.NoError(t, ledger.RequestStop(dir, "r1"))
	}
	require.True(t, ledger.StopRequested(dir, "r1"))
	require.False(t, ledger.StopRequested(dir, "r2"))
	require.False(t, ledger.StopRequested(dir, "R1"), "ids that differ in case alone are two")
	info, err := os.Stat(onlyFile(t, dir, "*.stop"))
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())
	require.NoError(t, ledger.WithdrawStop(dir, "r1"))
	require.False(t, ledger.StopRequested(dir, "r1"))

	strange := "../../r1\x00/"
	require.NoError(t, ledger.RequestStop(dir, strange), "a run's name leads nowhere else")
	require.True(t, ledger.StopRequested(dir, strange))
	file := onlyFile(t, dir, "*.stop")
	require.ErrorContains(t, ledger.RequestStop(file, "r1"), "ask run r1 to stop: ")
	require.NoError(t, ledger.WithdrawStop(dir, strange))
	require.NoError(t, os.MkdirAll(filepath.Join(file, "occupied"), 0o700))
	require.ErrorContains(t, ledger.WithdrawStop(dir, strange), "withdraw the stop of run")
}
