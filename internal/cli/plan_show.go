package cli

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

// showOptions are the flags of plan show.
type showOptions struct {
	stateFlags
	planForm
}

func newShowPlan(a *app) *cobra.Command {
	o := &showOptions{}
	cmd := &cobra.Command{
		Use:   "show PLAN",
		Short: "Show a plan that was kept with --out, or a run's",
		Long: "show takes the file of a plan, a run's id, the beginning of one, or last. A\n" +
			"plan that can no longer be applied is shown with the reason.",
		Args: exactly(1, "one PLAN or RUN"),
		RunE: func(_ *cobra.Command, args []string) error { return showPlan(a, o, args[0]) },
	}
	o.stateFlags.register(cmd.Flags())
	o.planForm.register(a, cmd.Flags())
	return cmd
}

func showPlan(a *app, o *showOptions, named string) error {
	path, err := a.findPlan(o.stateFlags, named)
	if err != nil {
		return err
	}
	plan, err := a.checkPlan(path)
	var damage *planfile.Error
	if err != nil && (!errors.As(err, &damage) || plan.Head.FlowText == "") {
		return err
	}
	p, list := checkWith(plan.Head.File, []byte(plan.Head.FlowText), engine.FilesOf(plan.Head.Texts))
	if err := list.Err(); err != nil {
		return withSource(err, []byte(plan.Head.FlowText))
	}
	project, err := findProject(folderOf(path, plan.Head.File))
	if err != nil {
		return err
	}
	p, _ = project.program(p) // what is looser than the project does not hold
	why, err := a.unfit(o.stateFlags, p, plan.Head, path)
	if err != nil {
		return err
	}
	summary, err := p.Look(path, samples, why)
	if err != nil {
		return err
	}
	return o.show(a, summary, path)
}

// findPlan finds the plan that somebody names: a file, or that of a run.
func (a *app) findPlan(o stateFlags, named string) (string, error) {
	if _, err := os.Stat(named); err == nil {
		return named, nil
	}
	st, err := stateHere(o)
	if err != nil {
		return "", err
	}
	if filepath.Base(named) != named || filepath.Ext(named) != "" || !st.hasLedger() {
		return "", fileError("read", named, fs.ErrNotExist)
	}
	if path := st.plan(named); exists(path) {
		return path, nil // also of a plan that was never applied
	}
	store, err := st.read(a.signals.drain)
	if err != nil {
		return "", err
	}
	defer store.Close()
	run, err := findRun(a.signals.drain, store, st, named)
	if err != nil {
		return "", err
	}
	path := st.plan(run.ID)
	if !exists(path) {
		return "", fileError("read", path, fs.ErrNotExist)
	}
	return path, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// unfit lists why a plan may not be applied with the ledger that it belongs to.
func (a *app) unfit(o stateFlags, p *engine.Program, head planfile.Header, path string) ([]error, error) {
	o.sandbox = head.Sandbox
	st, err := stateOf(folderOf(path, head.File), o)
	if err != nil {
		return nil, err
	}
	// A plan in the folder of its run belongs to the ledger above.
	if above := filepath.Dir(filepath.Dir(filepath.Dir(path))); o.state == "" && exists(filepath.Join(above, filepath.Base(st.ledger()))) {
		st.dir = above
	}
	ctx := context.WithoutCancel(a.signals.drain)
	store, err := sqlite.Open(ctx, st.ledger(), sqlite.Options{ReadOnly: true})
	var none *ledger.NotFoundError
	switch {
	case errors.As(err, &none):
		return []error{errors.New(missingLedger(none) + ", so nobody knows who has got it already")}, nil
	case err != nil:
		return nil, err
	}
	defer store.Close()
	return p.Unfit(ctx, head, store, time.Now())
}
