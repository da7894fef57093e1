package torture

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/flowrunner/flowrunner/chat2desk/sandbox"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/internal/folder"
)

// broadcast is one run of the flow, in as many lives as it takes.
type broadcast struct {
	*contest
	n    int
	dir  string
	dice *rand.Rand

	api      *sandbox.Server
	url      string
	log      *os.File // what each life said
	failures int      // lives that failed before there was a run
	verdict  Verdict
}

// The names in a broadcast's folder. The state is beside the copy of the flow's
// folder, since that may be copied back by hand.
const (
	flowFolder   = "flow"
	stateFolder  = "state"
	acceptedFile = "accepted.jsonl"
	livesFile    = "lives.txt"
)

// run makes the broadcast and judges it.
func (b *broadcast) run(ctx context.Context) (v Verdict, err error) {
	fail := func(err error) (Verdict, error) { return Verdict{}, fmt.Errorf("torture: %w", err) }
	if err := folder.Copy(b.Folder, filepath.Join(b.dir, flowFolder), mostFolder); err != nil {
		return fail(err)
	}
	if b.log, err = os.Create(filepath.Join(b.dir, livesFile)); err != nil {
		return fail(err)
	}
	defer b.log.Close()
	end, err := b.serve()
	if err != nil {
		return fail(err)
	}
	defer end()
	if err := b.live(ctx); err != nil {
		return Verdict{}, err
	}
	// The same command once more: whoever has a message gets no other.
	b.say("the same command again")
	if err := b.finish(ctx); err != nil {
		return Verdict{}, err
	}
	b.api.Close() // waits for what is accepted late
	if err := b.audit(ctx); err != nil {
		return fail(err)
	}
	return b.verdict, nil
}

// serve starts the sandbox, which outlives every life of the program.
func (b *broadcast) serve() (end func(), err error) {
	log, err := os.Create(filepath.Join(b.dir, acceptedFile))
	if err != nil {
		return nil, err
	}
	faults := b.Faults
	faults.Seed = b.Seed*1_000_003 + uint64(b.n)
	clock := func() time.Time { return b.World.Now.Add(time.Since(b.began)) }
	b.api = sandbox.New(sandbox.Options{World: b.World, Faults: faults, Latency: b.Latency, AcceptedLog: log, Clock: clock})
	listener, err := b.api.Listen()
	if err != nil {
		return nil, errors.Join(err, log.Close())
	}
	b.url = listener.BaseURL
	return func() {
		listener.Close()
		_ = log.Close()
	}, nil
}

// live ends the program's lives at random moments, as often as it may, and then
// lets it come to its end.
func (b *broadcast) live(ctx context.Context) error {
	for life := 0; b.n > 0 && life < b.Each; life++ {
		if b.left.Add(-1) < 0 {
			b.left.Add(1)
			break
		}
		// Half of the lives end within a fifth of the time: opening, planning and
		// beginning are short, and must be hit as well.
		within := b.long
		if b.dice.IntN(2) == 0 {
			within /= 5
		}
		ended, code, err := b.life(ctx, 1+time.Duration(b.dice.Int64N(int64(max(within, 1)))))
		if err != nil {
			return err
		}
		if ended {
			b.verdict.Kills++
			continue
		}
		b.left.Add(1)
		if done, err := b.done(ctx, code); done || err != nil {
			return err
		}
	}
	return b.finish(ctx)
}

// finish gives the command again and again, in peace, until nothing is left to do.
func (b *broadcast) finish(ctx context.Context) error {
	for range mostPeace {
		_, code, err := b.life(ctx, 0)
		if err != nil {
			return err
		}
		if done, err := b.done(ctx, code); done || err != nil {
			return err
		}
	}
	b.verdict.Endless = true
	return nil
}

// life is one process. With a time it is ended then, unless it is over by itself.
func (b *broadcast) life(ctx context.Context, lasts time.Duration) (ended bool, code int, err error) {
	args := append([]string{
		"run", filepath.Join(b.dir, flowFolder, b.Flow), "--state", filepath.Join(b.dir, stateFolder),
		"--sandbox", "--sandbox-url", b.url, "--progress", "none", "--color", "never",
	}, b.Args...)
	cmd := b.Program(args...)
	cmd.Stdout, cmd.Stderr = b.log, b.log
	b.verdict.Lives++
	b.say("life %d", b.verdict.Lives)
	if err := cmd.Start(); err != nil {
		return false, 0, fmt.Errorf("torture: start the program: %w", err)
	}
	born := time.Now()
	over := make(chan error, 1)
	go func() { over <- cmd.Wait() }()
	var alarm <-chan time.Time
	if lasts > 0 {
		timer := time.NewTimer(lasts)
		defer timer.Stop()
		alarm = timer.C
	}
	select {
	case err = <-over:
		b.verdict.longest = max(b.verdict.longest, time.Since(born))
	case <-alarm:
		sig := b.signal()
		// A process that has ended by itself meanwhile cannot be signaled.
		ended = cmd.Process.Signal(sig) == nil
		err = <-over
		b.say("%v after %v", sig, lasts)
	case <-ctx.Done():
		_ = cmd.Process.Kill()
		err = <-over
		b.say("stopped: %v", err)
		return false, 0, context.Cause(ctx)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return false, 0, fmt.Errorf("torture: %w", err)
	}
	code = cmd.ProcessState.ExitCode()
	b.say("exit code %d", code)
	return ended, code, nil
}

func (b *broadcast) signal() os.Signal {
	if len(b.Signal) == 0 {
		return os.Kill
	}
	return b.Signal[b.dice.IntN(len(b.Signal))]
}

func (b *broadcast) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.log, "== "+format+"\n", args...) // what it is for is the ledger, not this
}

// done reports whether the last run has ended for good. A command that fails
// before there is any run cannot be tortured.
func (b *broadcast) done(ctx context.Context, code int) (bool, error) {
	store, err := b.ledger(ctx)
	var none *ledger.NotFoundError
	switch {
	case errors.As(err, &none):
		return false, b.refused(code)
	case err != nil:
		return false, fmt.Errorf("torture: %w", err)
	}
	defer store.Close()
	run, known, err := store.FindRun(ctx, "last")
	switch {
	case err != nil:
		return false, fmt.Errorf("torture: %w", err)
	case !known:
		return false, b.refused(code)
	}
	b.verdict.Reason = run.Reason
	return !run.State.Open(), nil
}

// RefusedError is a flow that the program does not run at all.
type RefusedError struct {
	Code int
	Said string // the end of what it said
}

func (e *RefusedError) Error() string {
	return fmt.Sprintf("the flow does not run (exit code %d), so there is nothing to torture:\n%s", e.Code, e.Said)
}

// refused is nil when a life ended before it got to a run by something that may
// pass: its end, an API that was away, or, once, any other reason.
func (b *broadcast) refused(code int) error {
	switch code {
	case -1, 10, 130, 143:
		return nil
	case 1:
		if b.failures++; b.failures < 2 {
			return nil
		}
	}
	const tail = 2000
	said, err := os.ReadFile(b.log.Name())
	if err != nil {
		return fmt.Errorf("torture: %w", err)
	}
	return &RefusedError{Code: code, Said: string(said[max(0, len(said)-tail):])}
}

// ledger opens the broadcast's ledger to look at it. Nobody else is at work then.
func (b *broadcast) ledger(ctx context.Context) (*sqlite.Store, error) {
	return sqlite.Open(ctx, filepath.Join(b.state(), "ledger.db"), sqlite.Options{ReadOnly: true})
}

// state is where the program keeps what it knows of sandbox runs.
func (b *broadcast) state() string { return filepath.Join(b.dir, stateFolder, "sandbox") }

// mostFolder bounds what is copied for each broadcast, in bytes.
const mostFolder = 64 << 20
