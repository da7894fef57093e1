package cli

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// diffOptions are the flags of plan diff.
type diffOptions struct {
	stateFlags
	form     *string
	unmask   bool
	limit    int
	detailed bool
}

func newDiffPlans(a *app) *cobra.Command {
	o := &diffOptions{}
	cmd := &cobra.Command{
		Use:   "diff A B",
		Short: "Compare two plans: who came, who left, whose text changed",
		Long: "diff compares two plans, each the file of one or a run's id: who is new in B,\n" +
			"who is no longer in it, who gets another text, and whose fate differs for\n" +
			"another reason. Sends are matched by what they are remembered under.",
		Example: "  flowrunner plan diff yesterday.plan today.plan",
		Args:    exactly(2, "two plans, A and B"),
		RunE: func(_ *cobra.Command, args []string) error {
			if o.limit < 0 {
				return &usageError{"--limit is less than nothing", "give a number from 0 on"}
			}
			return diffPlans(a, o, args[0], args[1])
		},
	}
	f := cmd.Flags()
	o.stateFlags.register(f)
	o.form = outputFlag(a, f, "markdown")
	f.BoolVar(&o.unmask, "unmask", false, "show texts also in Markdown")
	f.IntVar(&o.limit, "limit", 20, "how many changes of each kind are listed; all are counted")
	f.BoolVar(&o.detailed, "detailed-exitcode", false, "exit with 2 when the plans differ")
	return cmd
}

func diffPlans(a *app, o *diffOptions, before, after string) error {
	old, err := a.comparedPlan(o.stateFlags, before)
	if err != nil {
		return err
	}
	now, err := a.comparedPlan(o.stateFlags, after)
	if err != nil {
		return err
	}
	d := ui.DiffOf(old.Plan, now.Plan)
	listed := map[planfile.ChangeKind]int{}
	d.Counts, err = planfile.Diff(old.Path, now.Path, "", func(c planfile.Change) error {
		if listed[c.Kind]++; listed[c.Kind] <= o.limit {
			d.Add(c)
		}
		return a.signals.drain.Err()
	})
	if a.signals.drain.Err() != nil {
		return &interruptedError{"interrupted while comparing"}
	}
	if err != nil {
		return err
	}
	for i, p := range []comparedPlan{old, now} {
		if err := p.fill(d, i == 0); err != nil {
			return err
		}
	}
	a.doc.Diff = d
	switch *o.form {
	case "json":
	case "markdown":
		err = d.WriteMarkdown(a.stdout, o.unmask)
	default:
		a.outStyle().Diff(a.stdout, d)
	}
	if err == nil && o.detailed && d.Differs() {
		a.code = exitSomething
	}
	return err
}

// comparedPlan is one of two plans.
type comparedPlan struct {
	planfile.Plan
	p *engine.Program
}

func (a *app) comparedPlan(o stateFlags, named string) (c comparedPlan, err error) {
	path, err := a.findPlan(o, named)
	if err == nil {
		c.p, c.Plan, err = a.readPlan(path)
	}
	return c, err
}

// fill adds the texts of the listed changes, and why others were left out: one
// more pass over the plan, which a comparison need not hold.
func (c comparedPlan) fill(d *ui.DiffDocument, before bool) error {
	wanted := d.Sides(before)
	for rec, err := range planfile.Records(c.Path) {
		if err != nil {
			return err
		}
		switch r := rec.(type) {
		case planfile.Send:
			if side := wanted[r.Seq]; side != nil {
				if sample, ok := c.p.Sample(r); ok && r.Status == planfile.StatusPlanned {
					side.Text = sample.Preview.Text
				}
			}
		case planfile.LeftOut:
			d.LeaveOut(r, before)
		case planfile.Header, planfile.Local, planfile.Item, planfile.Step, planfile.Row, planfile.End:
		default:
			return errors.New("compare plans: a record of an unknown kind")
		}
	}
	return nil
}
