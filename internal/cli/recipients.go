package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine/diag"
	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// recipientsOptions are the flags of runs recipients.
type recipientsOptions struct {
	stateFlags
	rowFilter
	form *string
}

// rowFilter chooses rows of a run; a zero field chooses all.
type rowFilter struct {
	statuses []string
	reason   string // a part of it, in any case
	textHash string // or its beginning
	step     string
}

func newRecipients(a *app) *cobra.Command {
	o := &recipientsOptions{}
	cmd := &cobra.Command{
		Use:   "recipients [RUN]",
		Short: "List each recipient of a run: what became of them, and why",
		Long: "recipients lists every row of a run's plan with what the ledger knows of it\n" +
			"now: also those who got the message before, who were left out, and who was\n" +
			"not tried. Rows that share a text share a text hash. RUN is a run's id, the\n" +
			"beginning of one, or nothing for the last run. The CSV is one that the step\n" +
			"read_csv reads as it is.",
		Example: "  flowrunner runs recipients --status failed,unknown\n" +
			"  flowrunner runs recipients last --reason \"not found\" -o csv > wrong.csv\n" +
			"  flowrunner runs recipients --text-hash 5f1b2c3d4e5f6071",
		Args: atMost(1, "at most one RUN"),
		RunE: func(_ *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return listRecipients(a, o, lastOr(args))
		},
	}
	f := cmd.Flags()
	o.stateFlags.register(f)
	o.form = outputFlag(a, f, "csv")
	f.StringSliceVar(&o.statuses, "status", nil, "only these: "+strings.Join(ui.RowStatuses(), ", "))
	f.StringVar(&o.reason, "reason", "", "only those whose reason has this `text` in it, in any case")
	f.StringVar(&o.textHash, "text-hash", "", "only those who were to get this text, by its `hash` or the beginning of it")
	f.StringVar(&o.step, "step", "", "only the rows of this step, by its `id`")
	return cmd
}

// check refuses a status that no row can have.
func (o *rowFilter) check() error {
	for i, s := range o.statuses {
		s = strings.ReplaceAll(strings.TrimSpace(s), "-", "_")
		o.statuses[i] = s
		if !slices.Contains(ui.RowStatuses(), s) {
			hint := "allowed: " + strings.Join(ui.RowStatuses(), ", ")
			if meant := diag.DidYouMean(s, ui.RowStatuses()); meant != "" {
				hint = meant + "; " + hint
			}
			return &usageError{fmt.Sprintf("--status %q is no status of a row", s), hint}
		}
	}
	o.reason, o.textHash = strings.ToLower(o.reason), strings.ToLower(o.textHash)
	return nil
}

// chooses reports whether a row is asked for.
func (o *rowFilter) chooses(r history.Row) bool {
	return (len(o.statuses) == 0 || slices.Contains(o.statuses, r.Status)) &&
		strings.Contains(strings.ToLower(r.Reason), o.reason) &&
		(o.textHash == "" || strings.HasPrefix(r.TextHash, o.textHash)) &&
		(o.step == "" || r.Step == o.step)
}

func listRecipients(a *app, o *recipientsOptions, id string) error {
	ctx := a.signals.drain
	run, err := a.pastRun(o.stateFlags, id)
	if err != nil {
		return err
	}
	defer run.close()
	a.warnOfNoPlan(run)
	list := ui.NewRecipients(a.stdout, *o.form, a.outStyle())
	for row, err := range run.rows(ctx, history.Told{}) {
		if err == nil && o.chooses(row) {
			err = list.Row(row)
		}
		if err != nil {
			return a.brokenOff(list, err)
		}
	}
	if !a.json {
		return list.End(ui.Document{})
	}
	a.silent = true
	return list.End(ui.Document{OK: true})
}

// brokenOff closes a list in the middle. A JSON document stays one, and says why
// it is not whole; of a table or CSV the exit code and the message say so.
func (a *app) brokenOff(list ui.Recipients, err error) error {
	if a.json {
		a.silent = true
		_ = list.End(ui.Document{ExitCode: exitCode(causesOf(err), a.signals.first()), Error: ui.ErrorOf(err)})
	}
	return err
}

// warnOfNoPlan says what cannot be known of a run whose plan is gone.
func (a *app) warnOfNoPlan(run *pastRun) {
	if len(run.plans) == 0 {
		a.warn("the plan of run " + run.ID + " is gone: only rows that were tried are known, without keys and text hashes")
	}
}
