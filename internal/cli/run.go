package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// runOptions are the flags of run.
type runOptions struct {
	flowFlags
	onlyFlag
	divert  int
	sample  int
	abandon bool
	retry   bool
}

func newRun(a *app) *cobra.Command {
	o := &runOptions{}
	cmd := &cobra.Command{
		Use:   "run FILE",
		Short: "Plan a flow, ask, and send",
		Long: "run plans the flow, shows who would get which message, asks, and sends.\n" +
			"Where nobody can be asked, it sends only if the flow or flowrunner.yaml\n" +
			"states guard.maxSends, or with --yes. The same command again goes on with\n" +
			"a run that was interrupted, and never writes twice to the same person.",
		Example: "  flowrunner run examples/broadcast.yaml --sandbox\n" +
			"  flowrunner run sale.yaml --var promo=SPRING15\n" +
			"  flowrunner run sale.yaml --divert 1234 --sample 3",
		Args: exactly(1, "the FILE of one flow"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			if err := o.bounds.checkCanary(cmd.Flags()); err != nil {
				return err
			}
			if cmd.Flags().Changed("divert") && o.divert < 1 || o.sample < 1 {
				return &usageError{"--divert takes a contact's id, and --sample a number from 1 on", "write --divert 1234 --sample 3"}
			}
			if len(o.only) > 0 && o.divert != 0 {
				return &usageError{"--divert writes to one contact only, so --only means nothing", "leave one of the two out"}
			}
			if o.retry && o.divert != 0 {
				return &usageError{"--divert writes to one contact only, so --retry-failed means nothing", "leave one of the two out"}
			}
			return runFlow(a, o, args[0])
		},
	}
	f := cmd.Flags()
	o.flowFlags.register(f)
	o.registerYes(f)
	o.onlyFlag.register(f)
	o.bounds.register(f)
	o.bounds.registerCanary(f)
	outputFlag(a, f)
	f.IntVar(&o.divert, "divert", 0, "send a few of the messages to this contact, by its `id`, instead; nobody else gets any")
	f.IntVar(&o.sample, "sample", 3, "how many messages --divert sends")
	f.BoolVar(&o.retry, "retry-failed", false, "try those again whom the API refused for good in an earlier run")
	f.BoolVar(&o.abandon, "abandon", false, "give up an unfinished run of this flow and plan anew")
	return cmd
}

func runFlow(a *app, o *runOptions, file string) error {
	j, err := o.open(a, file, jobSpec{only: o.only, sends: true})
	if err != nil {
		return err
	}
	defer j.close()
	if !o.abandon && o.divert == 0 {
		if run, open, err := j.unfinished(); err != nil || open {
			later := err == nil && j.laterSlot(run)
			if err == nil {
				err = j.goOn(run, later)
			}
			if err != nil || !later {
				return err
			}
		}
	}
	if o.retry {
		if err := j.retryFailed(); err != nil {
			return err
		}
	}
	summary, err := j.plan()
	if summary != nil {
		a.doc.Plan = ui.PlanOf(summary, summary.Path)
		if !a.json {
			a.errStyle().Plan(a.stderr, summary)
			_, _ = io.WriteString(a.stderr, "\n")
		}
	}
	if err != nil {
		return err
	}
	if o.divert != 0 {
		return j.apply(summary.Plan, false, &engine.Divert{Contact: o.divert, Sample: o.sample})
	}
	switch asked, err := j.approve(summary.End); {
	case err != nil:
		return err
	case asked:
		return j.applyFile(summary.Path, false)
	}
	return j.apply(summary.Plan, false, nil)
}

// retryFailed lets this run try those again whom the API has refused for good.
// Somebody who knows that the reason is gone has asked for it.
func (j *job) retryFailed() error {
	n, err := j.store.Reconsider(j.a.signals.drain, j.p.Name, j.campaign)
	if err != nil || j.a.json {
		return err
	}
	text := ui.Plural(n, "send that was refused for good is tried again.", "sends that were refused for good are tried again.")
	if n == 0 {
		text = "No send was refused; there is none to try again."
	}
	fmt.Fprintln(j.a.stderr, text)
	return nil
}

// unfinished finds the run that the same command should finish. One that was
// begun with another text or other inputs is not for us to decide about.
func (j *job) unfinished() (ledger.Run, bool, error) {
	ctx := j.a.signals.drain
	run, ok, err := j.store.Unfinished(ctx, j.p.Name, j.campaign)
	if err != nil || !ok {
		return run, false, err
	}
	hash, err := engine.InputsHash(j.opts.Inputs)
	if err != nil {
		return run, false, err
	}
	changed := ""
	switch {
	case run.FlowHash != j.p.Hash:
		changed = "the flow"
	case run.InputsHash != hash:
		changed = "the inputs"
	case !j.sameOnly(run):
		changed = "whom --only names"
	default:
		return run, true, nil
	}
	return run, false, &engine.StaleError{
		Reason: fmt.Sprintf("run %s of %s (campaign %s) is not finished, and %s changed since it was planned; nothing was sent", run.ID, run.Flow, run.Campaign, changed),
		Hint:   fmt.Sprintf("%s finishes it as it was planned\n--abandon gives it up and plans anew; whoever got a message gets none again", j.resume(run.ID)),
	}
}

// laterSlot reports whether an unfinished run serves another slot of the schedule
// than the one that this command is for: nobody types a command of cron again, so
// both are served.
func (j *job) laterSlot(run ledger.Run) bool {
	plan, err := planfile.Check(j.state.plan(run.ID))
	if err != nil || plan.Head.Slot == nil || j.p.Schedule == nil {
		return false
	}
	if asked := j.opts.Slot; asked != nil {
		return !asked.Equal(*plan.Head.Slot)
	}
	last, ok := j.p.Schedule.Last(time.Now())
	return ok && !last.Equal(*plan.Head.Slot)
}

// goOn finishes an interrupted run; more says that this command goes on with
// another slot then.
func (j *job) goOn(run ledger.Run, more bool) error {
	say := func(format string, args ...any) {
		if !j.a.json {
			fmt.Fprintf(j.a.stderr, format+"\n", args...)
		}
	}
	say("Run %s of %s was not finished; going on with it.", ui.Safe(run.ID), ui.Safe(run.Flow))
	err := j.applyFile(j.state.plan(run.ID), true)
	switch {
	case err != nil:
	case more:
		say("It was for an earlier slot of the schedule; now for the one that is due.")
	default:
		say("The same command plans anew from here.")
	}
	return err
}
