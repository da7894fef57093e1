package ledger_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/engine/ledger"
)

// holderRole makes the test binary a process that takes a lock and waits to be
// killed; its value is the directory.
const holderRole = "FLOWRUNNER_TEST_LOCK_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(holderRole); dir != "" {
		h := ledger.ThisProcess()
		h.Run = "dead-run"
		if _, err := ledger.Acquire(dir, "spring", h); err != nil {
			os.Exit(3)
		}
		_, _ = os.Stdout.WriteString("held\n")
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestLockKeepsTheSecondOut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state")
	h := ledger.Holder{PID: 42, Host: "build-7", User: "anna", Run: "r1", Command: "flowrunner run", Job: "https://ci.example/42", Started: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	l, err := ledger.Acquire(dir, "весна", h)
	require.NoError(t, err)

	_, err = ledger.Acquire(dir, "весна", ledger.ThisProcess())
	var locked *ledger.LockedError
	require.ErrorAs(t, err, &locked)
	require.NotEmpty(t, locked.Holder.Nonce)
	h.Scope, h.Nonce = "весна", locked.Holder.Nonce
	require.Equal(t, h, locked.Holder)
	require.EqualError(t, err, "lock весна: held by anna@build-7 (process 42, run r1, since 2026-03-01T09:00:00Z, https://ci.example/42): wait until it has ended, or stop it there")

	other, err := ledger.Acquire(dir, "осень", ledger.ThisProcess())
	require.NoError(t, err, "another scope has another lock, though no plain letter differs")
	require.NoError(t, other.Release())

	require.NoError(t, l.Release())
	l, err = ledger.Acquire(dir, "весна", ledger.ThisProcess())
	require.NoError(t, err)
	require.NoError(t, l.Release())

	files, err := filepath.Glob(filepath.Join(dir, "*"))
	require.NoError(t, err)
	for _, f := range files {
		info, err := os.Stat(f)
		require.NoError(t, err)
		require.Equal(t, os.FileMode(0o600), info.Mode().Perm(), f)
	}
	require.Len(t, files, 2)
}

func TestDeadHolderIsFree(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), holderRole+"="+dir)
	_, err := cmd.StdinPipe()
	require.NoError(t, err)
	out, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	said := make([]byte, len("held\n"))
	_, err = io.ReadFull(out, said)
	require.NoError(t, err)

	_, err = ledger.Acquire(dir, "spring", ledger.ThisProcess())
	var locked *ledger.LockedError
	require.ErrorAs(t, err, &locked)
	require.Equal(t, cmd.Process.Pid, locked.Holder.PID)
	require.Equal(t, "dead-run", locked.Holder.Run)

	require.NoError(t, cmd.Process.Kill())
	var exit *exec.ExitError
	require.ErrorAs(t, cmd.Wait(), &exit)
	l, err := ledger.Acquire(dir, "spring", ledger.ThisProcess())
	require.NoError(t, err)
	require.NoError(t, l.Release())
}

func TestLockWithAnUnreadableHolder(t *testing.T) {
	for name, content := range map[string][]byte{"empty": nil, "cut": []byte(`{"pid": 4`), "large": bytes.Repeat([]byte(" "), 1<<17)} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			l, err := ledger.Acquire(dir, "s", ledger.ThisProcess())
			require.NoError(t, err)
			files, err := filepath.Glob(filepath.Join(dir, "*.holder.json"))
			require.NoError(t, err)
			require.Len(t, files, 1)
			require.NoError(t, os.WriteFile(files[0], content, 0o600))
			_, err = ledger.Acquire(dir, "s", ledger.ThisProcess())
			require.EqualError(t, err, "lock s: held by another process: wait until it has ended, or stop it there")
			require.NoError(t, os.Remove(files[0]))
			_, err = ledger.Acquire(dir, "s", ledger.ThisProcess())
			require.ErrorContains(t, err, "held by another process")
			require.NoError(t, l.Release())
		})
	}
}

func TestLockWhereNoneCanBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	require.NoError(t, os.WriteFile(file, nil, 0o600))
	_, err := ledger.Acquire(file, "spring", ledger.Holder{})
	require.ErrorContains(t, err, "lock spring: ")
	var locked *ledger.LockedError
	require.False(t, errors.As(err, &locked), "a directory that cannot be used is not a lock that is held")

	dir := t.TempDir()
	l, err := ledger.Acquire(dir, "s", ledger.Holder{})
	require.NoError(t, err)
	require.NoError(t, l.Release())
	files, err := filepath.Glob(filepath.Join(dir, "*.lock"))
	require.NoError(t, err)
	require.NoError(t, os.Remove(files[0]))
	require.NoError(t, os.Mkdir(files[0], 0o700))
	_, err = ledger.Acquire(dir, "s", ledger.Holder{})
	require.ErrorContains(t, err, "lock s: ")
}

func FuzzParseHolder(f *testing.F) {
	f.Add([]byte(`{"pid": 42, "host": "h", "user": "u", "run": "r", "started": "2026-03-01T09:00:00Z"}`))
	f.Add([]byte(`{"host": "\u001b[2J\u202e", "job": "` + strings.Repeat("x", 300) + `"}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := ledger.ParseHolder(data)
		if err != nil {
			require.Zero(t, h)
			return
		}
		for _, r := range (&ledger.LockedError{Scope: h.Command, Holder: h}).Error() {
			require.True(t, unicode.IsGraphic(r), "%q", r)
		}
	})
}
