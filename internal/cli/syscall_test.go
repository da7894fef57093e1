//go:build linux

package cli_test

import (
	"flag"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/internal/torture"
)

// long asks for the forms of the proofs that take minutes (docs/proof.md).
var long = flag.Bool("long", false, "run the long forms of the proofs")

// writing are the system calls by which a process changes anything outside of
// itself, the sockets to the API included.
const writing = "write,pwrite64,writev,fsync,fdatasync,ftruncate,rename,renameat,renameat2,link,linkat,unlink,unlinkat,mkdirat,openat"

// straced makes the first life of a trial one that strace meddles with at the
// n-th writing system call of any of its threads.
func straced(t *testing.T, s *torture.Trial, calls, fault string, n int) {
	t.Helper()
	strace, err := exec.LookPath("strace")
	if err != nil {
		t.Skip("strace is not installed, so no system call can be made to fail: apt-get install strace")
	}
	run, first := s.Program, true
	s.Program = func(args ...string) *exec.Cmd {
		cmd := run(args...)
		if !first {
			return cmd
		}
		first = false
		inject := fmt.Sprintf("inject=%s:%s:when=%d", calls, fault, n)
		return exec.Command(strace, append([]string{"-f", "-qq", "-o", "/dev/null", "-e", "trace=" + calls, "-e", inject}, cmd.Args...)...)
	}
}

// peaceful is a trial of one broadcast in which nothing is killed by the clock.
func peaceful(t *testing.T, recipients int) *torture.Trial {
	t.Helper()
	s := trial(t, "flowrunner", "")
	s.Kills, s.World = 0, sandbox.Generate(1, recipients, s.World.Now)
	return s
}

// Killed at a system call that writes, a run of 20 recipients goes on with nobody
// doubled and nobody lost. strace counts the calls of each thread apart, so the
// long form takes each kind of call by itself, up to the number that no thread
// reaches.
func TestKilledAtEveryWritingCall(t *testing.T) {
	const batch = 8
	kinds, step := []string{writing}, 17
	if *long {
		kinds, step = strings.Split(writing, ","), 1
	}
	var mu sync.Mutex
	all := 0
	for _, calls := range kinds {
		killed, last := 0, false
		for first := 1; !last; first += batch * step {
			t.Run(fmt.Sprintf("%s from %d", calls, first), func(t *testing.T) {
				before := killed
				t.Run("at", func(t *testing.T) {
					for n := first; n < first+batch*step; n += step {
						t.Run(strconv.Itoa(n), func(t *testing.T) {
							t.Parallel()
							s := peaceful(t, 20)
							straced(t, s, calls, "signal=SIGKILL", n)
							r, err := s.Run(t.Context())
							require.NoError(t, err)
							require.True(t, r.OK(), "%+v", r)
							mu.Lock()
							defer mu.Unlock()
							if r.Lives > 2 {
								killed++
							}
						})
					}
				})
				last = killed == before || !*long
			})
		}
		t.Logf("%s: killed at %d different calls", calls, killed)
		all += killed
	}
	require.Positive(t, all)
}
