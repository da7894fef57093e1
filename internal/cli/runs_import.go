package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// runImportOptions are the flags of runs import.
type runImportOptions struct {
	stateFlags
	foreign   bool
	first     bool
	newLedger bool
}

func newRunImport(a *app) *cobra.Command {
	o := &runImportOptions{}
	cmd := &cobra.Command{
		Use:   "import PLAN|FOLDER",
		Short: "Remember a run whose ledger is lost, by its plan",
		Long: "import takes the plan of a run that happened where the ledger did not last,\n" +
			"such as one that a CI job has uploaded, or the whole folder of the run. Each\n" +
			"send of which the ledger here knows nothing may have gone out: it is marked\n" +
			"as unknown, and not made again before it is known. What the ledger knows to\n" +
			"be sent, refused or decided stays. The same plan twice changes nothing more.",
		Example: "  flowrunner runs import artifact/20260301-090000-abcdefgh\n" +
			"  flowrunner runs import plan.jsonl --new-ledger",
		Args: exactly(1, "the PLAN of one run, or its FOLDER"),
		RunE: func(_ *cobra.Command, args []string) error { return importRun(a, o, args[0]) },
	}
	f := cmd.Flags()
	o.register(f)
	outputFlag(a, f)
	f.BoolVar(&o.foreign, "foreign", false, "also take a plan of an account, or of another ledger's flow, that the ledger here has not seen")
	f.BoolVar(&o.first, "no-later-stages", false, "the run has planned no later stage: nothing of one was sent")
	f.BoolVar(&o.newLedger, "new-ledger", false, "begin a ledger where there is none")
	return cmd
}

func importRun(a *app, o *runImportOptions, path string) error {
	ctx := a.signals.drain
	l, head, err := a.openLost(path, o.first)
	if err != nil {
		return err
	}
	st, err := stateHere(o.stateFlags)
	if err != nil {
		return err
	}
	if err := sameWorld(head, o.sandbox); err != nil {
		return err
	}
	if !st.hasLedger() && !o.newLedger {
		_, err := st.read(ctx)
		return err
	}
	store, err := st.open(ctx, sqlite.Options{MustExist: !o.newLedger})
	if err != nil {
		return err
	}
	defer store.Close()
	held := heldLocks{}
	if err := held.take(a, st, scopeOf(head.Flow, head.Campaign)); err != nil {
		return err
	}
	defer held.release(a)
	known, ok, err := store.FindRun(ctx, l.Run.ID)
	if err == nil && !ok && !o.foreign {
		err = familiar(ctx, store, head)
	}
	if err != nil {
		return err
	}
	if ok && (known.State == ledger.Finished || known.State == ledger.Failed) {
		a.doc.Import = ui.ImportOf(ledger.ImportResult{Lineage: store.Lineage()})
		if !a.json {
			fmt.Fprintf(a.stdout, "Run %s has ended here, and this ledger knows what it sent: nothing is unknown.\n", ui.Safe(known.ID))
		}
		return nil
	}
	switch {
	case ok:
		l.Run = known
		if known.State == ledger.Running {
			l.Run.State, l.Run.Finished = ledger.Interrupted, l.Now
		}
	case head.Lineage != store.Lineage():
		l.Run.State = ledger.Abandoned // its plan fits no other ledger, so there is no going on with it
	}
	if err := keepPlans(st, l); err != nil {
		return err
	}
	got, err := importLost(ctx, store, l)
	if err != nil {
		return err
	}
	a.doc.Import = ui.ImportOf(got)
	if !a.json {
		n := got.Sends.Added + got.Sends.Raised
		a.outStyle().Lost(a.stdout, l.Run, n, "flowrunner runs show "+l.Run.ID+st.flags())
	}
	return nil
}

// openLost reads the plans of a lost run, and what they say about it.
func (a *app) openLost(path string, first bool) (l history.Lost, head planfile.Header, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return l, head, fileError("read", path, err)
	}
	l.Plans, l.Now = []string{path}, time.Now()
	if info.IsDir() {
		if l.Plans = planfile.Stages(path); len(l.Plans) == 0 {
			return l, head, &usageError{"there is no plan in the folder " + path, "name the folder of one run: it holds plan.jsonl"}
		}
	}
	var last planfile.End
	for i, path := range l.Plans {
		_, plan, err := a.readPlan(path)
		if err != nil {
			return l, head, err
		}
		h := plan.Head
		last = plan.End
		if i == 0 {
			head = h
			l.Run = ledger.Run{
				ID: h.Run, Flow: h.Flow, Campaign: h.Campaign, File: h.File, FlowHash: h.FlowHash, InputsHash: h.InputsHash, PlanHash: plan.End.Hash,
				State: ledger.Interrupted, Started: h.Now, Finished: l.Now, Reason: "its ledger is lost; its plan was imported",
			}
			for _, account := range h.Accounts {
				l.Run.Account = account
			}
		}
		if h.Run != head.Run || h.Stage != i {
			return l, head, &engine.StaleError{
				Reason: fmt.Sprintf("%s is the plan of stage %d of run %s, but that of stage %d of run %s is wanted", path, h.Stage, h.Run, i, head.Run),
				Hint:   "name the folder of the run, with all of its plans",
			}
		}
		l.Run.Counts.Planned += plan.End.Counts.Planned
		l.Run.Counts.Unknown += plan.End.Counts.Planned
	}
	if len(last.Later) > 0 && !first && (!info.IsDir() || len(l.Plans) < head.Stages) {
		var steps []string
		for _, later := range last.Later {
			steps = append(steps, later.Step)
		}
		return l, head, &engine.StaleError{
			Reason: fmt.Sprintf("run %s has later stages, and the plan of none that sends %s is here: nobody can tell whether they were planned and sent", head.Run, strings.Join(steps, ", ")),
			Hint:   "name the folder of the run with all of its plans; or give --no-later-stages if you know that it did not get so far",
		}
	}
	return l, head, nil
}

// familiar refuses a plan that has nothing to do with the ledger here: of an
// account to which none of its runs has sent, or of another ledger and a flow that
// it has never seen. A ledger that travels is made anew in each place, so another
// lineage alone says little. An empty ledger takes any plan.
func familiar(ctx context.Context, store *sqlite.Store, head planfile.Header) error {
	const hint = "go to the project that the run was of, or name its state with --state; --foreign takes the plan all the same"
	ours, err := holds(ctx, store, head.Lineage)
	if err != nil {
		return err
	}
	accounts, flows := map[string]bool{}, map[string]bool{}
	for run, err := range store.Runs(ctx) {
		if err != nil {
			return err
		}
		accounts[run.Account], flows[run.Flow] = true, true
	}
	if len(accounts) == 0 {
		return nil
	}
	for _, account := range head.Accounts {
		if !accounts[account] {
			return &engine.StaleError{Reason: fmt.Sprintf("the plan is for the account %s, to which no run of this ledger has sent", account), Hint: hint}
		}
	}
	if !ours && !flows[head.Flow] {
		return &engine.StaleError{Reason: fmt.Sprintf("the plan was made with the ledger %s, but this one is %s and has no run of the flow %s", head.Lineage, store.Lineage(), head.Flow), Hint: hint}
	}
	return nil
}

// holds reports whether a ledger is the one of a lineage, or was merged with it.
func holds(ctx context.Context, store *sqlite.Store, lineage string) (bool, error) {
	if lineage == store.Lineage() {
		return true, nil
	}
	merged, err := store.Merged(ctx)
	return slices.ContainsFunc(merged, func(m ledger.Merged) bool { return m.Lineage == lineage }), err
}

// keepPlans puts the plans where resume and the other commands look for them.
func keepPlans(st state, l history.Lost) error {
	dir := engine.RunDir(st.dir, l.Run.ID)
	for i, path := range l.Plans {
		kept := planfile.PathOf(dir, i)
		if _, err := os.Stat(kept); err == nil {
			continue
		}
		if err := copyPlan(path, kept); err != nil {
			return err
		}
	}
	return nil
}

// importLost lets the ledger take in what it does not know of the run.
func importLost(ctx context.Context, store *sqlite.Store, l history.Lost) (ledger.ImportResult, error) {
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		err := l.Export(ctx, store, w)
		_ = w.CloseWithError(err)
		done <- err
	}()
	got, err := store.Import(ctx, r)
	_ = r.CloseWithError(errors.New("the ledger takes no more"))
	if cause := <-done; cause != nil && err != nil {
		err = cause // why the file was not whole
	}
	return got, err
}
