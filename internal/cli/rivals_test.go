//go:build linux

package cli_test

import (
	"math/rand/v2"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/flowrunner/flowrunner/internal/torture"
)

// rivals are two runners at work on one flow. The first is stopped at a random
// moment until its intents are too old, as a machine that sleeps is; meanwhile the
// second begins, and then both go on. What is given as locks is removed before the
// second begins: on a file system without locks, nothing keeps it out.
const rivals = `
before=$0 between=$1 after=$2 locks=$3; shift 3
"$@" & first=$!
sleep $before; kill -STOP $first || exit 70
rm -rf "$locks"
sleep $between; "$@" & second=$!
sleep $after; kill -CONT $first || exit 70
wait $first; echo "the first ended with $?"
wait $second; echo "the second ended with $?"
exit 1`

// asleep is longer than an intent may be old before it is dropped.
const asleep = 11.0

// Two runners at once, the first of which sleeps past its time: nobody is doubled.
// With locks the second is turned away; without, which the long form tries, it
// takes the run over.
func TestTwoRunners(t *testing.T) {
	t.Parallel()
	rounds, hows := 2, []string{"locked"}
	if *long {
		rounds, hows = 200, []string{"locked", "unlocked"}
	}
	seats := make(chan bool, 25) // rounds mostly sleep
	for _, how := range hows {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			var all sync.WaitGroup
			reports := make([]*torture.Report, rounds)
			failures := make([]error, rounds)
			for round := range rounds {
				s := peaceful(t, 300)
				s.Seed, s.Latency = uint64(round+1), 20*time.Millisecond
				if how == "unlocked" {
					s.Args = []string{"--settle", "15s"} // longer than the first sleeps
				}
				dice := rand.New(rand.NewPCG(s.Seed, 0))
				before, between := 0.1+dice.Float64(), dice.Float64()*asleep
				firstLife(s, func(cmd *exec.Cmd, state string) *exec.Cmd {
					locks := ""
					if how == "unlocked" {
						locks = filepath.Join(state, "sandbox", "locks")
					}
					seconds := func(s float64) string { return strconv.FormatFloat(s, 'f', 3, 64) }
					return exec.Command("bash", append([]string{"-c", rivals, seconds(before), seconds(between), seconds(asleep - between), locks}, cmd.Args...)...)
				}, nil)
				all.Go(func() {
					seats <- true
					defer func() { <-seats }()
					reports[round], failures[round] = s.Run(t.Context())
				})
			}
			all.Wait()
			unknown := 0
			for round, r := range reports {
				require.NoError(t, failures[round], "seed %d", round+1)
				require.True(t, r.OK(), "seed %d: %+v", round+1, r)
				unknown += r.Unknown
			}
			t.Logf("%d rounds, %d sends left unknown", rounds, unknown)
		})
	}
}
