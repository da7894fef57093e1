package cli

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/ui"
)

func newRuns(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "runs",
		Short: "Look at what runs have done, and decide what they could not",
		Args:  cobra.ArbitraryArgs,
		RunE:  needsCommand,
	}
	var listed stateFlags
	var form *string
	list := &cobra.Command{
		Use:   "list",
		Short: "List all runs, newest first",
		Args:  atMost(0, "no arguments"),
		RunE:  func(*cobra.Command, []string) error { return listRuns(a, listed, *form) },
	}
	listed.register(list.Flags())
	form = outputFlag(a, list.Flags(), "csv")

	var shown struct {
		stateFlags
		all bool
	}
	show := &cobra.Command{
		Use:   "show [RUN]",
		Short: "Show one run: its counts, and who did not get a message and why",
		Long:  "show takes a run's id, the beginning of one, or nothing for the last run.",
		Args:  atMost(1, "at most one RUN"),
		RunE: func(_ *cobra.Command, args []string) error {
			return showRun(a, shown.stateFlags, lastOr(args), shown.all)
		},
	}
	shown.register(show.Flags())
	outputFlag(a, show.Flags())
	show.Flags().BoolVar(&shown.all, "all", false, "show every recipient, not only the first ones")
	cmd.AddCommand(list, show, newRecipients(a), newReport(a), newRunExport(a), newRunImport(a), newRetry(a), newResolve(a), newUnlock(a))
	return cmd
}

func listRuns(a *app, o stateFlags, form string) error {
	ctx := a.signals.drain
	_, store, err := readHere(ctx, o)
	if err != nil {
		return err
	}
	defer store.Close()
	var runs []ledger.Run
	a.doc.Runs = []ui.RunDocument{}
	for run, err := range store.Runs(ctx) {
		if err != nil {
			return err
		}
		runs = append(runs, run)
		a.doc.Runs = append(a.doc.Runs, ui.RunOf(run))
	}
	switch form {
	case "csv":
		return ui.RunsCSV(a.stdout, a.doc.Runs)
	case "table":
		a.outStyle().Runs(a.stdout, runs)
	}
	return nil
}

// rowsShown is how many recipients a run shows unless all are asked for.
const rowsShown = 20

func showRun(a *app, o stateFlags, id string, all bool) error {
	ctx := a.signals.drain
	run, err := a.pastRun(o, id)
	if err != nil {
		return err
	}
	defer run.close()
	most := rowsShown
	if all || a.json {
		most = 0 // they are read once more, and written as they come
	}
	h := ui.HistoryDocument{RunDocument: ui.RunOf(run.Run), Open: run.Open(), Rows: []ui.RowDocument{}, LeftOut: []ui.ReasonDocument{}}
	if err := readHistory(ctx, run, &h, most); err != nil {
		return err
	}
	rows := func(yield func(ui.RowDocument, error) bool) {
		for row, err := range run.rows(ctx, history.Told{}) {
			if (err != nil || ui.Concerns(row)) && !yield(ui.RowOf(row), err) {
				return
			}
		}
	}
	if a.json {
		a.silent = true
		return ui.WriteHistory(a.stdout, h, rows, ui.Document{OK: true}, func(err error) int {
			return exitCode(causesOf(err), a.signals.first())
		})
	}
	var tail []string
	if h.Unknown > 0 {
		tail = append(tail, "Once you have looked at a chat: flowrunner runs resolve "+run.ID+run.state.flags()+" --contact N --as sent|not-sent --reason TEXT")
	}
	if run.Open() {
		tail = append(tail, "Go on where it stopped: "+run.resume())
	}
	if !all {
		rows = nil
	}
	return a.outStyle().History(a.stdout, run.Run, h, rows, tail...)
}

// readHistory fills in who did not get a message, and why, and what the plans have
// warned of.
func readHistory(ctx context.Context, run *pastRun, h *ui.HistoryDocument, most int) error {
	decided, err := decisionsOf(ctx, run.store)
	if err != nil {
		return err
	}
	if len(run.plans) > 0 {
		h.Plan = run.plans[0]
	}
	told := history.Told{
		LeftOut: func(r planfile.LeftOut) {
			h.LeftOut = append(h.LeftOut, ui.ReasonDocument{Step: r.Step, Reason: r.Reason, Count: r.Count})
		},
		End: func(r planfile.End) { h.Warn(r.Warnings) },
	}
	for row, err := range run.rows(ctx, told) {
		if err != nil {
			return err
		}
		h.Add(row, run.ID, most)
		h.Decide(decided[row.Identity], row.Seq, row.Step, row.Contact)
	}
	return nil
}

// decisionsOf gives what people have decided, by identity in hex. They are few.
func decisionsOf(ctx context.Context, store ledger.Store) (map[string][]ledger.Decided, error) {
	all := map[string][]ledger.Decided{}
	for d, err := range store.Decisions(ctx, ledger.Identity{}) {
		if err != nil {
			return nil, err
		}
		all[d.Identity.String()] = append(all[d.Identity.String()], d)
	}
	return all, nil
}
