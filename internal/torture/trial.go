package torture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
)

// Trial is a flow and what is done to it.
type Trial struct {
	Program func(args ...string) *exec.Cmd // the program with these arguments
	Folder  string                         // everything that the flow may read; copied for each broadcast
	Flow    string                         // the flow's file, as a path inside Folder
	Args    []string                       // further arguments of run: inputs, the settle time

	World   sandbox.World
	Faults  sandbox.Faults // their seed is the trial's
	Latency time.Duration  // of each call

	Kills  int           // how often a process is ended, over all broadcasts
	Each   int           // at most so often in one broadcast; then it is left in peace
	Within time.Duration // the longest that a life which is to be ended may last; one in peace is measured first
	Signal []os.Signal   // what ends a life: one of them is drawn; SIGKILL when empty
	Side   int           // broadcasts side by side
	Seed   uint64

	Dir      string       // of everything that the trial writes; what broke the promise stays
	Keep     bool         // and so does everything else
	Progress func(Report) // called after each broadcast; may be nil
}

// Run performs the trial: one broadcast in peace, and then others until all kills
// are spent. The error says why the trial could not be made; what it found is in
// the report.
func (t *Trial) Run(ctx context.Context) (*Report, error) {
	c := &contest{Trial: t, began: time.Now()}
	c.left.Store(int64(t.Kills))
	c.report.Seed = t.Seed
	if err := c.broadcast(ctx, 0); err != nil {
		return nil, err
	}
	c.long = min(c.Within, c.report.longest)
	if c.report.Planned == 0 {
		return nil, errNobody
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var group sync.WaitGroup
	var next atomic.Int64
	for range max(1, t.Side) {
		group.Go(func() {
			for c.left.Load() > 0 && ctx.Err() == nil {
				if err := c.broadcast(ctx, int(next.Add(1))); err != nil {
					stop(err)
				}
			}
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	return &c.report, nil
}

// contest is a trial under way.
type contest struct {
	*Trial
	began  time.Time
	long   time.Duration // of the life in peace; one that is to be ended gets no more
	left   atomic.Int64  // kills
	mu     sync.Mutex
	report Report
}

// errBarren is a flow that spends its time without being killed.
var errBarren = errors.New("no life lasted long enough to be ended; give the flow more recipients, or a shorter --within")

// errNobody is a flow that writes to nobody in the world of the trial.
var errNobody = errors.New("the flow writes to nobody in this world, so nothing can be proved; give it inputs or a --sandbox-world with somebody to write to")

// mostPeace is how many lives in one broadcast may end by themselves, beside
// those that are ended: each stop for a while (a 429, an API that is away) costs
// one.
const mostPeace = 40

// barren is how many whole broadcasts without a single kill end the trial.
const barren = 12

// broadcast makes one broadcast with a world and a ledger of its own.
func (c *contest) broadcast(ctx context.Context, n int) error {
	b := &broadcast{contest: c, n: n, dir: filepath.Join(c.Dir, fmt.Sprintf("seed-%d-broadcast-%d", c.Seed, n))}
	b.dice = rand.New(rand.NewPCG(c.Seed, uint64(n)))
	verdict, err := b.run(ctx)
	if err != nil {
		return err
	}
	if verdict.Broken() || c.Keep {
		verdict.Folder = b.dir
	} else if err := os.RemoveAll(b.dir); err != nil {
		return fmt.Errorf("torture: %w", err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.report.add(verdict)
	if n > barren && c.report.Kills == 0 && c.Kills > 0 {
		return errBarren
	}
	if c.Progress != nil {
		c.Progress(c.report)
	}
	return nil
}
