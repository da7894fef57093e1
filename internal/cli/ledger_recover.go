package cli

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// recoverOptions are the flags of ledger recover.
type recoverOptions struct {
	flowFlags
	from string
	days int
}

func newRecover(a *app) *cobra.Command {
	o := &recoverOptions{}
	cmd := &cobra.Command{
		Use:   "recover --from-history FLOW|PLAN",
		Short: "Find out from the chats who was written to, when a ledger is lost",
		Long: "recover plans a flow, or takes a plan, and reads the chat of each contact that\n" +
			"the ledger knows nothing of. Whose message is there counts as sent; where it is\n" +
			"not, the chat is read once more after the settle time, and the next run sends it\n" +
			"if it still is not there; where the chat cannot tell, the send is unknown. No\n" +
			"message is sent. Each contact costs at least one call, and recover says how many\n" +
			"before it asks. Until a chat was read, its send is unknown too: when recover is\n" +
			"interrupted, the same command goes on, and nobody is written to before.",
		Example: "  flowrunner ledger recover --from-history winback.yaml --days 30\n" +
			"  flowrunner ledger recover --from-history next.plan --new-ledger --yes",
		Args: atMost(0, "no arguments, but --from-history FILE"),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			if o.from == "" || o.days < 1 {
				return &usageError{"ledger recover needs a flow or a plan, and a number of days from 1 on", "give --from-history FILE, and --days 30"}
			}
			return recoverLedger(a, o)
		},
	}
	f := cmd.Flags()
	o.flowFlags.register(f)
	o.registerYes(f)
	outputFlag(a, f)
	f.StringVar(&o.from, "from-history", "", "the flow, or a plan of it, a `file`, whose contacts' chats are read")
	f.IntVar(&o.days, "days", 90, "how many days back a message counts")
	return cmd
}

func recoverLedger(a *app, o *recoverOptions) error {
	j, path, err := a.openRecovery(o)
	if err != nil {
		return err
	}
	defer j.close()
	if run, ok, err := j.store.Unfinished(a.signals.drain, j.p.Name, j.campaign); err != nil {
		return err
	} else if ok && len(planFiles(j.state, run.ID)) > 0 { // without a plan nobody can go on with it
		return &engine.StaleError{Reason: "run " + run.ID + " of the same flow and campaign is not finished", Hint: "go on with it, which reads its chats as well: " + j.resume(run.ID)}
	}
	if path == "" {
		var guard *engine.GuardError
		s, err := j.plan()
		if err != nil && !errors.As(err, &guard) {
			return err // a rail keeps nobody from looking
		}
		path = s.Path
	}
	plan, err := planfile.Check(path)
	if err != nil {
		return err
	}
	n := plan.End.Counts.Planned + plan.End.Counts.Unknown
	if !a.json {
		fmt.Fprintf(a.stderr, "The ledger knows nothing of %d sends of %s. Reading their chats makes about %d calls or more; no message is sent.\n", n, ui.Safe(j.p.Name), n)
	}
	switch {
	case n == 0 || o.yes || o.sandbox:
	case o.mayAsk(a):
		if err := a.confirm("Read the chats?", "nothing was read"); err != nil {
			return err
		}
	default:
		return &usageError{"nobody can be asked whether the chats shall be read; nothing was read", "give --yes if it is meant so"}
	}
	progress := o.progressOf(a)
	opts := j.opts
	opts.Events, opts.Run = progress.Event, ""
	got, err := j.p.Recover(a.signals.drain, path, time.Duration(o.days)*24*time.Hour, opts)
	progress.Close()
	if got == nil {
		return j.fail(err)
	}
	if err != nil {
		got.Causes = append(got.Causes, engine.CauseOf(err))
		got.Reason = cmp.Or(got.Reason, err.Error())
	}
	a.doc.Recovered = ui.RecoveredOf(got)
	if !a.json {
		a.outStyle().Recovered(a.stdout, got, "flowrunner runs show "+got.Run.ID+j.state.flags())
	}
	if len(got.Causes) > 0 {
		return &endedError{got.Causes}
	}
	return nil
}

// openRecovery opens the job of a flow, or of a plan whose path it gives.
func (a *app) openRecovery(o *recoverOptions) (*job, string, error) {
	if !isPlan(o.from) {
		j, err := o.open(a, o.from, jobSpec{sends: true})
		return j, "", err
	}
	if o.inputFlags.given() || o.occasionFlags.given() {
		return nil, "", &usageError{
			"a plan has its inputs and its occasion with it, so --var, --var-file, --campaign, --slot and --accept-orphans mean nothing",
			"leave them out, or name the flow instead of the plan",
		}
	}
	p, plan, err := a.readPlan(o.from)
	if err != nil {
		return nil, "", err
	}
	folder := filepath.Dir(plan.Head.File)
	st, err := stateOf(folder, o.stateFlags)
	if err != nil {
		return nil, "", err
	}
	j, err := openJob(a, &o.worldFlags, jobSpec{program: p, folder: folder, state: st, named: plan.Head.Campaign, anew: o.newLedger, fresh: o.fresh, sends: true})
	return j, o.from, err
}

// isPlan reports whether a file begins as a plan does.
func isPlan(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	line, _ := bufio.NewReader(f).ReadString(',') // a short file is none
	return strings.HasPrefix(line, `{"type":"header"`)
}
