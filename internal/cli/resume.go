package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
)

func newResume(a *app) *cobra.Command {
	o := &worldFlags{}
	cmd := &cobra.Command{
		Use:   "resume [RUN]",
		Short: "Go on with a run that was interrupted",
		Long: "resume finishes a run as it was planned: nothing is rendered anew, and\n" +
			"nobody who got the message gets it again. Without RUN it takes the newest\n" +
			"unfinished one. RUN may be the beginning of an id.",
		Args: atMost(1, "at most one RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			if err := o.bounds.checkCanary(cmd.Flags()); err != nil {
				return err
			}
			return resume(a, o, args)
		},
	}
	o.register(cmd.Flags())
	o.registerYes(cmd.Flags())
	o.bounds.registerCalls(cmd.Flags())
	o.bounds.registerCanary(cmd.Flags())
	outputFlag(a, cmd.Flags())
	return cmd
}

func resume(a *app, o *worldFlags, args []string) error {
	st, err := stateHere(o.stateFlags)
	if err != nil {
		return err
	}
	run, err := a.openRun(st, args)
	if err != nil {
		return err
	}
	path := st.plan(run.ID)
	p, plan, err := a.readPlan(path)
	if err != nil {
		return err
	}
	j, err := a.plannedJob(o, p, plan.Head, st, folderOf(path, plan.Head.File))
	if err != nil {
		return err
	}
	defer j.close()
	return j.applyFile(path, true)
}

// openRun finds the run to resume.
func (a *app) openRun(st state, args []string) (ledger.Run, error) {
	ctx := a.signals.drain
	store, err := st.read(ctx)
	if err != nil {
		return ledger.Run{}, err
	}
	defer store.Close()
	if len(args) == 0 {
		for run, err := range store.Runs(ctx) {
			if err != nil || run.Open() {
				return run, err
			}
		}
		return ledger.Run{}, &engine.StaleError{Reason: "there is no unfinished run in " + shorten(st.dir), Hint: "flowrunner runs list" + st.flags() + " shows all runs"}
	}
	run, err := findRun(ctx, store, st, args[0])
	if err == nil && !run.Open() {
		err = &engine.StaleError{Reason: fmt.Sprintf("run %s is %s; there is nothing to go on with", run.ID, run.State), Hint: "the same flowrunner run plans anew"}
	}
	return run, err
}
