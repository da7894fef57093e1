package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/ui"
)

func newRetry(a *app) *cobra.Command {
	o := &worldFlags{}
	cmd := &cobra.Command{
		Use:   "retry [RUN]",
		Short: "Send again what a run surely did not get out",
		Long: "retry goes on with a run that has ended, exactly as it was planned: with those\n" +
			"whom the API refused, with those who were not tried, and with those of whom a\n" +
			"person decided that they got nothing. Whoever got the message, or may have got\n" +
			"it, gets none. It works as long as the plan has not expired; after that,\n" +
			"`flowrunner run FILE --retry-failed` plans anew. A run that was interrupted is\n" +
			"gone on with by `flowrunner resume`.",
		Example: "  flowrunner runs recipients --status failed\n  flowrunner runs retry last",
		Args:    atMost(1, "at most one RUN"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			return retryRun(a, o, lastOr(args))
		},
	}
	o.register(cmd.Flags())
	o.registerYes(cmd.Flags())
	outputFlag(a, cmd.Flags())
	return cmd
}

func retryRun(a *app, o *worldFlags, id string) error {
	run, err := a.pastRun(o.stateFlags, id)
	if err != nil {
		return err
	}
	run.close() // the job opens the ledger to write
	if err := mayRetry(run); err != nil {
		return err
	}
	if len(run.plans) == 0 {
		return &engine.StaleError{Reason: "the plan of run " + run.ID + " is gone", Hint: planAnew(run)}
	}
	p, plan, err := a.readPlan(run.plans[0])
	if err != nil {
		return err
	}
	if time.Now().After(plan.Head.Expires) {
		return &engine.StaleError{
			Reason: fmt.Sprintf("the plan of run %s expired at %s: it may be for other people by now", run.ID, plan.Head.Expires.Format("2006-01-02 15:04 MST")),
			Hint:   planAnew(run),
		}
	}
	j, err := a.plannedJob(o, p, plan.Head, run.state, folderOf(run.plans[0], plan.Head.File))
	if err != nil {
		return err
	}
	defer j.close()
	return j.retryEnded(run)
}

// mayRetry refuses a run that somebody has to deal with in another way.
func mayRetry(run *pastRun) error {
	switch {
	case run.Open():
		return &engine.StaleError{Reason: fmt.Sprintf("run %s is %s, so it is not over", run.ID, run.State), Hint: "go on with it: " + run.resume()}
	case run.State == ledger.Abandoned:
		return &engine.StaleError{Reason: "run " + run.ID + " was given up", Hint: planAnew(run)}
	}
	return nil
}

// planAnew is the way on for a run whose plan is of no use any more.
func planAnew(run *pastRun) string {
	return "flowrunner run " + run.File + " --retry-failed plans anew"
}

// retryEnded opens an ended run for what surely did not go out, and goes on with
// it as resume does. When it breaks off in between, the run is one that was
// interrupted.
func (j *job) retryEnded(run *pastRun) error {
	a, ctx := j.a, j.a.signals.drain
	if open, ok, err := j.store.Unfinished(ctx, run.Flow, run.Campaign); err != nil {
		return err
	} else if ok {
		return &engine.StaleError{Reason: "run " + open.ID + " of the same flow and campaign is not finished", Hint: "go on with that one first: " + j.resume(open.ID)}
	}
	n, unknown := 0, 0
	for row, err := range history.Rows(ctx, j.store, run.Run, run.plans, history.Told{}) {
		if err != nil {
			return err
		}
		switch row.Status {
		case planfile.StatusFailed, planfile.StatusSkipped:
			if row.Planned {
				n++
			}
		case planfile.StatusUnknown:
			unknown++
		}
	}
	if n == 0 {
		a.doc.Run = &ui.HistoryDocument{RunDocument: ui.RunOf(run.Run), Unknown: unknown, Rows: []ui.RowDocument{}, LeftOut: []ui.ReasonDocument{}}
		if !a.json {
			fmt.Fprintf(a.stdout, "Nothing of run %s surely did not go out; there is nothing to retry.\n", ui.Safe(run.ID))
		}
		return nil
	}
	if !a.json {
		fmt.Fprintf(a.stderr, "Run %s of %s: %d of its messages surely did not go out; they are sent as planned.\n", ui.Safe(run.ID), ui.Safe(run.Flow), n)
	}
	if _, err := j.approve(planfile.End{Counts: planfile.Counts{Planned: n}}); err != nil {
		return err
	}
	if _, err := j.store.Retry(ctx, run.ID); err != nil {
		return err
	}
	return j.applyFile(run.plans[0], true)
}
