//go:build linux

package cli_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/internal/torture"
)

// firstLife makes the first life of a trial another command, and the others
// begin after ready.
func firstLife(s *torture.Trial, other func(cmd *exec.Cmd, state string) *exec.Cmd, ready func(state string)) {
	run, lives := s.Program, 0
	s.Program = func(args ...string) *exec.Cmd {
		state := args[slices.Index(args, "--state")+1]
		if lives++; lives == 1 {
			return other(run(args...), state)
		}
		if lives == 2 && ready != nil {
			ready(state)
		}
		return run(args...)
	}
}

// survives runs a trial whose first life meets a fault of the disk. Whatever was
// sent is known, the life said what is wrong and where, and the next ones brought
// the run to its end.
func survives(t *testing.T, s *torture.Trial, says ...string) *torture.Report {
	t.Helper()
	s.Keep = true
	r, err := s.Run(t.Context())
	require.NoError(t, err)
	require.True(t, r.OK(), "%+v", r)
	require.Equal(t, r.Planned, r.Sent+r.Unknown+r.NotTried, "%+v", r)
	said, err := os.ReadFile(filepath.Join(r.Folders[0], "lives.txt"))
	require.NoError(t, err)
	for _, text := range says {
		require.Contains(t, string(said), text)
	}
	return r
}

// No file of the run may pass a size, as with ulimit -f: the ledger is full while
// it is made, or while messages are sent.
func TestFilesThatMayNotGrow(t *testing.T) {
	for _, kib := range []int{40, 80, 160} {
		t.Run(fmt.Sprint(kib), func(t *testing.T) {
			s := peaceful(t, 60)
			firstLife(s, func(cmd *exec.Cmd, _ string) *exec.Cmd {
				shell := []string{"-c", `ulimit -f "$0" && exec "$@"`, strconv.Itoa(kib)}
				return exec.Command("bash", append(shell, cmd.Args...)...)
			}, nil)
			survives(t, s, "ledger.db", "then give the same command again")
		})
	}
}

// A file system without room, which is then given some.
func TestFullFileSystem(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("only root can mount a small file system")
	}
	for _, kib := range []int{160, 300} {
		t.Run(fmt.Sprint(kib), func(t *testing.T) {
			s := peaceful(t, 60)
			size := func(kib int) string { return fmt.Sprintf("size=%dk", kib) }
			firstLife(s, func(cmd *exec.Cmd, state string) *exec.Cmd {
				require.NoError(t, os.MkdirAll(state, 0o700))
				if err := syscall.Mount("tmpfs", state, "tmpfs", 0, size(kib)); err != nil {
					t.Skipf("a small file system cannot be mounted here: %v", err)
				}
				t.Cleanup(func() { require.NoError(t, syscall.Unmount(state, 0)) })
				return cmd
			}, func(state string) {
				require.NoError(t, syscall.Mount("tmpfs", state, "tmpfs", syscall.MS_REMOUNT, size(64<<10)))
			})
			survives(t, s)
		})
	}
}

// A disk that reports an error at the n-th sync.
func TestSyncThatFails(t *testing.T) {
	for _, n := range []int{1, 4, 9, 14} {
		t.Run(strconv.Itoa(n), func(t *testing.T) {
			s := peaceful(t, 20)
			straced(t, s, "fsync,fdatasync", "error=EIO", n)
			survives(t, s)
		})
	}
}
