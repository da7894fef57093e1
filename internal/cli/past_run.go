package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
)

// pastRun is a run that is looked back at: what the ledger says of it, and its
// plans as far as they are still there.
type pastRun struct {
	ledger.Run
	state state
	store *sqlite.Store // open to read
	plans []string      // stage by stage; none when somebody has deleted them
}

// pastRun opens a run by what a person typed, in the state of the folder that they
// are in. Whoever has got one closes it.
func (a *app) pastRun(o stateFlags, id string) (*pastRun, error) {
	ctx := a.signals.drain
	st, store, err := readHere(ctx, o)
	if err != nil {
		return nil, err
	}
	run, err := findRun(ctx, store, st, id)
	if err != nil {
		_ = store.Close() // it was only read
		return nil, err
	}
	return &pastRun{Run: run, state: st, store: store, plans: planFiles(st, run.ID)}, nil
}

func (r *pastRun) close() { _ = r.store.Close() } // it was only read

// rows gives each row of the run's plans with what became of it; told is
// told what else the plans say.
func (r *pastRun) rows(ctx context.Context, told history.Told) iter.Seq2[history.Row, error] {
	return history.Rows(ctx, r.store, r.Run, r.plans, told)
}

// resume is the command that goes on with the run.
func (r *pastRun) resume() string { return "flowrunner resume " + r.ID + r.state.flags() }

// findRun finds a run by what a person typed.
func findRun(ctx context.Context, store ledger.Store, st state, id string) (ledger.Run, error) {
	run, ok, err := store.FindRun(ctx, id)
	var many *ledger.AmbiguousError
	switch {
	case errors.As(err, &many):
		return run, &usageError{err.Error(), "type more of the id"}
	case err != nil:
		return run, err
	case !ok && id == "last":
		return run, &usageError{"there are no runs yet in " + shorten(st.dir), "flowrunner run FILE makes one"}
	case !ok:
		return run, &usageError{fmt.Sprintf("there is no run %s in %s", id, shorten(st.dir)), "flowrunner runs list" + st.flags() + " shows all runs"}
	}
	return run, nil
}

// lastOr is the run that a command is for: the one that is named, else the last.
func lastOr(args []string) string {
	if len(args) > 0 {
		return args[0]
	}
	return "last"
}
