package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine"
	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// runExportOptions are the flags of runs export.
type runExportOptions struct {
	stateFlags
	out   string
	texts bool
}

func newRunExport(a *app) *cobra.Command {
	o := &runExportOptions{}
	cmd := &cobra.Command{
		Use:   "export [RUN]",
		Short: "Write a whole run as lines of JSON",
		Long: "export writes everything that is known of one run, an object a line: the run,\n" +
			"each of its rows with what became of it, whom the steps left out, what people\n" +
			"decided, and an end whose SHA-256 covers all lines before it. Texts are in it\n" +
			"only with --texts. RUN is a run's id, the beginning of one, or nothing for the\n" +
			"last run.",
		Example: "  flowrunner runs export > run.jsonl\n  flowrunner runs export last --texts --out run.jsonl",
		Args:    atMost(1, "at most one RUN"),
		RunE: func(_ *cobra.Command, args []string) error {
			return exportRun(a, o, lastOr(args))
		},
	}
	f := cmd.Flags()
	o.register(f)
	f.StringVar(&o.out, "out", standardStream, "the `file` to write, in one piece")
	f.BoolVar(&o.texts, "texts", false, "also the text that each recipient was to get")
	return cmd
}

func exportRun(a *app, o *runExportOptions, id string) error {
	ctx := a.signals.drain
	run, err := a.pastRun(o.stateFlags, id)
	if err != nil {
		return err
	}
	defer run.close()
	a.warnOfNoPlan(run)
	write := func(w io.Writer) error { return a.writeRun(ctx, w, run, o.texts) }
	if o.out == standardStream {
		return write(a.stdout)
	}
	if err := writeWhole(o.out, write); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "Wrote run %s to %s.\n", ui.Safe(run.ID), ui.Safe(o.out))
	return nil
}

func (a *app) writeRun(ctx context.Context, w io.Writer, run *pastRun, texts bool) error {
	decided, err := decisionsOf(ctx, run.store)
	if err != nil {
		return err
	}
	e, err := ui.NewRunExport(w, ui.RunHead{RunDocument: ui.RunOf(run.Run), Plans: len(run.plans)})
	if err != nil {
		return err
	}
	var leftOut []planfile.LeftOut
	var program *engine.Program
	if texts && len(run.plans) > 0 {
		if program, _, err = a.readPlan(run.plans[0]); err != nil {
			return err
		}
		for _, later := range run.plans[1:] {
			if _, err := a.checkPlan(later); err != nil {
				return err
			}
		}
	}
	for row, err := range run.rows(ctx, history.Told{LeftOut: func(l planfile.LeftOut) { leftOut = append(leftOut, l) }}) {
		if err != nil {
			return err
		}
		text := ""
		if program != nil && row.Planned {
			if sample, ok := program.Sample(row.Send); ok {
				text = sample.Preview.Text
			}
		}
		if err := e.Row(row, text); err != nil {
			return err
		}
		for _, d := range decided[row.Identity] {
			if err := e.Decision(ui.DecisionOf(d, row.Seq, row.Step, row.Contact)); err != nil {
				return err
			}
		}
	}
	for _, l := range leftOut {
		if err := e.LeftOut(ui.ReasonDocument{Step: l.Step, Reason: l.Reason, Count: l.Count}); err != nil {
			return err
		}
	}
	return e.Close()
}
