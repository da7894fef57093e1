package cli

import (
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// planOptions are the flags of plan.
type planOptions struct {
	flowFlags
	onlyFlag
	planForm
	out      string
	detailed bool
}

// planForm is how a plan is shown.
type planForm struct {
	form   *string
	unmask bool
}

func (o *planForm) register(a *app, f *pflag.FlagSet) {
	o.form = outputFlag(a, f, "markdown", "html")
	f.BoolVar(&o.unmask, "unmask", false, "show complete texts and phones also in Markdown and HTML")
}

// show shows a plan on standard output, unless the JSON document does.
func (o *planForm) show(a *app, s *engine.Summary, path string, tail ...string) error {
	a.doc.Plan = ui.PlanOf(s, path)
	switch *o.form {
	case "json":
		return nil
	case "markdown", "html":
		return a.writeReport(ui.PlanReport(s, o.unmask), *o.form)
	}
	a.outStyle().Plan(a.stdout, s, tail...)
	return nil
}

func newPlan(a *app) *cobra.Command {
	o := &planOptions{}
	cmd := &cobra.Command{
		Use:   "plan FILE",
		Short: "Show who would get which message, and send nothing",
		Long: "plan reads and computes everything that the flow needs, renders every\n" +
			"message and shows the balance. Nothing is sent. With --out the plan is\n" +
			"kept, and `flowrunner apply` sends exactly what it shows, once.",
		Example: "  flowrunner plan examples/broadcast.yaml --sandbox\n" +
			"  flowrunner plan sale.yaml --out sale.plan && flowrunner apply sale.plan",
		Args: exactly(1, "the FILE of one flow"),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := o.check(cmd.Flags()); err != nil {
				return err
			}
			if err := fileOrCommand(cmd, args[0]); err != nil {
				return err
			}
			return planFlow(a, o, args[0])
		},
	}
	f := cmd.Flags()
	o.flowFlags.register(f)
	o.onlyFlag.register(f)
	o.bounds.register(f)
	o.planForm.register(a, f)
	f.StringVar(&o.out, "out", "", "keep the plan in this `file`, for apply")
	f.BoolVar(&o.detailed, "detailed-exitcode", false, "exit with 2 when there is something to send")
	cmd.AddCommand(newShowPlan(a), newDiffPlans(a))
	return cmd
}

func planFlow(a *app, o *planOptions, file string) error {
	j, err := o.open(a, file, jobSpec{only: o.only})
	if err != nil {
		return err
	}
	defer j.close()
	summary, err := j.plan()
	if summary == nil {
		return err
	}
	path := summary.Path
	tail := []string{"Nothing was sent."}
	if run, open, _ := j.store.Unfinished(a.signals.drain, j.p.Name, j.campaign); open {
		tail = append(tail, "Run "+run.ID+" is not finished; flowrunner run goes on with it first.")
	}
	if o.out != "" && err == nil {
		if err := copyPlan(path, o.out); err != nil {
			return err
		}
		path = o.out
		tail = append(tail, fmt.Sprintf("Send it until %s with: flowrunner apply %s%s",
			summary.Head.Expires.Format("2006-01-02 15:04 -07:00"), o.out, applyFlags(o)))
	}
	if serr := o.show(a, summary, path, tail...); serr != nil {
		return serr
	}
	if err == nil && o.detailed && (summary.End.Counts.Planned > 0 || len(summary.End.Later) > 0) {
		a.code = exitSomething
	}
	return err
}

// applyFlags are the flags that apply needs to find what plan has used.
func applyFlags(o *planOptions) string {
	text := ""
	if o.state != "" {
		text += " --state " + o.state
	}
	if o.sandbox {
		text += " --sandbox"
	}
	return text + o.again()
}

// copyPlan writes a plan elsewhere in one piece.
func copyPlan(from, to string) error {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return fileError("write", to, err)
	}
	in, err := os.Open(from)
	if err != nil {
		return fileError("read", from, err)
	}
	defer in.Close()
	return writeWhole(to, func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

// checkPlan reads a kept plan whole, and keeps out of all output what its flow calls
// sensitive.
func (a *app) checkPlan(path string) (planfile.Plan, error) {
	plan, err := planfile.Check(path)
	for _, text := range plan.End.Hidden {
		a.secrets.Add(text)
	}
	return plan, err
}

// readPlan checks a kept plan and compiles the flow that it embeds.
func (a *app) readPlan(path string) (*engine.Program, planfile.Plan, error) {
	if _, err := os.Stat(path); err != nil {
		return nil, planfile.Plan{}, fileError("read", path, err)
	}
	plan, err := a.checkPlan(path)
	if err != nil {
		return nil, plan, err
	}
	p, list := checkWith(plan.Head.File, []byte(plan.Head.FlowText), engine.FilesOf(plan.Head.Texts))
	if err := list.Err(); err != nil {
		return nil, plan, withSource(err, []byte(plan.Head.FlowText))
	}
	return p, plan, nil
}
