package cli

import (
	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// reportOptions are the flags of runs report.
type reportOptions struct {
	stateFlags
	form   string
	unmask bool
}

func newReport(a *app) *cobra.Command {
	o := &reportOptions{}
	cmd := &cobra.Command{
		Use:   "report [RUN]",
		Short: "Write a report about one run, as one HTML page or Markdown",
		Long: "report writes what became of a run on a page that can be mailed: the balance,\n" +
			"who did not get the message and why, when, and the texts. The page is whole in\n" +
			"itself and loads nothing. Texts stand as the flow writes them and phones are\n" +
			"masked, unless --unmask is given. RUN is a run's id, the beginning of one, or\n" +
			"nothing for the last run.",
		Example: "  flowrunner runs report > run.html\n  flowrunner runs report last -o markdown",
		Args:    atMost(1, "at most one RUN"),
		RunE: func(_ *cobra.Command, args []string) error {
			return reportRun(a, o, lastOr(args))
		},
	}
	f := cmd.Flags()
	o.register(f)
	f.VarP(choiceOf(&o.form, "html", "html", "markdown"), "output", "o", "form of the report")
	f.BoolVar(&o.unmask, "unmask", false, "show complete texts of a few people, and phones")
	return cmd
}

func reportRun(a *app, o *reportOptions, id string) error {
	ctx := a.signals.drain
	run, err := a.pastRun(o.stateFlags, id)
	if err != nil {
		return err
	}
	defer run.close()
	decided, err := decisionsOf(ctx, run.store)
	if err != nil {
		return err
	}
	r := ui.RunReport(run.Run, o.unmask)
	leftOut := func(l planfile.LeftOut) {
		r.Reasons = append(r.Reasons, ui.ReasonDocument{Step: l.Step, Reason: l.Reason, Count: l.Count})
	}
	for row, err := range run.rows(ctx, history.Told{LeftOut: leftOut}) {
		if err != nil {
			return err
		}
		r.Add(row, run.ID)
		for _, d := range decided[row.Identity] {
			r.Decided = append(r.Decided, ui.DecisionOf(d, row.Seq, row.Step, row.Contact))
		}
	}
	for _, path := range run.plans {
		a.addPlan(r, path)
	}
	var next []string
	if len(run.plans) == 0 {
		next = append(next, "The plan of this run is gone: only rows that were tried are counted, and no texts are known.")
	}
	if run.Open() {
		next = append(next, "Go on where it stopped: "+run.resume())
	}
	r.Close(run.Run, next...)
	return a.writeReport(r, o.form)
}

// addPlan adds what a plan says itself. One that cannot be compiled any more has
// nothing to say beside its rows.
func (a *app) addPlan(r *ui.Report, path string) {
	p, _, err := a.readPlan(path)
	if err != nil {
		return
	}
	s, err := p.Summarize(path, samples)
	if err != nil {
		return
	}
	r.AddPlan(s)
}

func (a *app) writeReport(r *ui.Report, form string) error {
	if form == "markdown" {
		return r.WriteMarkdown(a.stdout)
	}
	return r.WriteHTML(a.stdout)
}
