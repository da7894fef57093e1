package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/planfile"
)

func newApply(a *app) *cobra.Command {
	o := &worldFlags{}
	cmd := &cobra.Command{
		Use:   "apply PLAN",
		Short: "Send exactly what a kept plan shows, once",
		Long: "apply sends the messages of a plan that `flowrunner plan --out` has kept.\n" +
			"It renders nothing anew. A plan applies once, expires, and is refused when\n" +
			"other sends of its flow and campaign were recorded since.",
		Args: exactly(1, "the file of one plan"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			if err := o.bounds.checkCanary(cmd.Flags()); err != nil {
				return err
			}
			return applyPlan(a, o, args[0])
		},
	}
	o.register(cmd.Flags())
	o.registerYes(cmd.Flags())
	o.bounds.register(cmd.Flags())
	o.bounds.registerCanary(cmd.Flags())
	outputFlag(a, cmd.Flags())
	return cmd
}

func applyPlan(a *app, o *worldFlags, path string) error {
	p, plan, err := a.readPlan(path)
	if err != nil {
		return err
	}
	st, err := stateOf(filepath.Dir(plan.Head.File), o.stateFlags)
	if err != nil {
		return err
	}
	j, err := a.plannedJob(o, p, plan.Head, st, filepath.Dir(plan.Head.File))
	if err != nil {
		return err
	}
	defer j.close()
	// The run's folder keeps its plan: resume and runs show work from there.
	kept := st.plan(plan.Head.Run)
	if _, err := os.Stat(kept); errors.Is(err, fs.ErrNotExist) {
		if err := copyPlan(path, kept); err != nil {
			return err
		}
		if err := rememberFolder(kept, j.opts.FlowDir); err != nil {
			return err
		}
	}
	return j.applyFile(path, false)
}

// plannedJob opens the job of a plan that was made before.
func (a *app) plannedJob(o *worldFlags, p *engine.Program, head planfile.Header, st state, folder string) (*job, error) {
	if err := sameWorld(head, o.sandbox); err != nil {
		return nil, err
	}
	p, _ = st.project.program(p) // what the flow loosens does not hold, and was said when it was planned
	return openJob(a, o, jobSpec{program: p, folder: folder, state: st, named: head.Campaign, sends: true, known: true})
}

// sameWorld refuses a plan of the sandbox for the real API, and the other way round.
func sameWorld(head planfile.Header, sandboxed bool) error {
	switch {
	case head.Sandbox && !sandboxed:
		return &engine.StaleError{Reason: "the plan was made in the sandbox", Hint: "add --sandbox"}
	case !head.Sandbox && sandboxed:
		return &engine.StaleError{Reason: "the plan was made for the real API", Hint: "leave --sandbox out"}
	}
	return nil
}
