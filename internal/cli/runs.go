package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/spf13/cobra"

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
	list := &cobra.Command{
		Use:   "list",
		Short: "List all runs, newest first",
		Args:  atMost(0, "no arguments"),
		RunE:  func(*cobra.Command, []string) error { return listRuns(a, listed) },
	}
	listed.register(list.Flags())
	outputFlag(a, list.Flags())

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
			return showRun(a, shown.stateFlags, append(args, "last")[0], shown.all)
		},
	}
	shown.register(show.Flags())
	outputFlag(a, show.Flags())
	show.Flags().BoolVar(&shown.all, "all", false, "show every recipient, not only the first ones")
	cmd.AddCommand(list, show, newResolve(a), newUnlock(a))
	return cmd
}

func listRuns(a *app, o stateFlags) error {
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
	if !a.json {
		a.outStyle().Runs(a.stdout, runs)
	}
	return nil
}

// findRun finds a run by what a person typed.
func findRun(ctx context.Context, store ledger.Store, st state, id string) (ledger.Run, error) {
	run, ok, err := store.FindRun(ctx, id)
	var many *ledger.AmbiguousError
	switch {
	case errors.As(err, &many):
		return run, &usageError{err.Error(), "type more of the id"}
	case err != nil:
		return run, err
	case !ok && id == "last":
		return run, &usageError{"there are no runs yet in " + shorten(st.dir), "flowrunner run FILE makes one"}
	case !ok:
		return run, &usageError{fmt.Sprintf("there is no run %s in %s", id, shorten(st.dir)), "flowrunner runs list" + st.flags() + " shows all runs"}
	}
	return run, nil
}

// rowsShown is how many recipients a run shows unless all are asked for.
const rowsShown = 20

func showRun(a *app, o stateFlags, id string, all bool) error {
	ctx := a.signals.drain
	st, store, err := readHere(ctx, o)
	if err != nil {
		return err
	}
	defer store.Close()
	run, err := findRun(ctx, store, st, id)
	if err != nil {
		return err
	}
	most := rowsShown
	if all || a.json {
		most = -1
	}
	h := ui.HistoryDocument{RunDocument: ui.RunOf(run), Open: run.State.Open(), Rows: []ui.RowDocument{}, LeftOut: []ui.ReasonDocument{}}
	if err := readHistory(ctx, store, st, run, &h, most); err != nil {
		return err
	}
	a.doc.Run = &h
	if a.json {
		return nil
	}
	var tail []string
	if h.Unknown > 0 {
		tail = append(tail, "Once you have looked at a chat: flowrunner runs resolve "+run.ID+st.flags()+" --contact N --as sent|not-sent --reason TEXT")
	}
	if run.State.Open() {
		tail = append(tail, "Go on where it stopped: flowrunner resume "+run.ID+st.flags())
	}
	a.outStyle().History(a.stdout, run, h, tail...)
	return nil
}

// readHistory joins a run's plans with what the ledger knows of their rows.
func readHistory(ctx context.Context, store ledger.Store, st state, run ledger.Run, h *ui.HistoryDocument, most int) error {
	known := map[int64]ledger.Record{}
	for rec, err := range store.Records(ctx, ledger.Filter{Run: run.ID}) {
		if err != nil {
			return err
		}
		known[rec.Seq] = rec
	}
	decided, err := decisionsOf(ctx, store)
	if err != nil {
		return err
	}
	plans := planFiles(st, run.ID)
	if len(plans) == 0 {
		addRecords(known, h, most)
		for _, seq := range slices.Sorted(maps.Keys(known)) {
			rec := known[seq]
			h.Decide(decided[rec.Identity.String()], seq, rec.Step, rec.Contact)
		}
		return nil
	}
	h.Plan = plans[0]
	for _, path := range plans {
		for rec, err := range planfile.Records(path) {
			if err != nil {
				return err
			}
			switch r := rec.(type) {
			case planfile.LeftOut:
				h.LeftOut = append(h.LeftOut, ui.ReasonDocument{Step: r.Step, Reason: r.Reason, Count: r.Count})
			case planfile.Send:
				if err := addPlanned(ctx, store, run, r, known, h, most); err != nil {
					return err
				}
				if r.Status == planfile.StatusPlanned || r.Status == planfile.StatusUnknown {
					h.Decide(decided[r.Identity], r.Seq, r.Step, r.Contact)
				}
			}
		}
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

// addPlanned shows a row of a plan. One that this run has no record of, or that
// the plan found unknown, may be known better by now.
func addPlanned(ctx context.Context, store ledger.Store, run ledger.Run, r planfile.Send, known map[int64]ledger.Record, h *ui.HistoryDocument, most int) error {
	row, shown := rowOf(r, known, run)
	_, own := known[r.Seq]
	id, err := ledger.ParseIdentity(r.Identity)
	if err != nil || own || row.Status != planfile.StatusUnknown && row.Status != planfile.StatusSkipped {
		add(h, row, shown, most)
		return nil
	}
	rec, ok, err := store.Find(ctx, id)
	if err != nil {
		return err
	}
	switch {
	case ok && rec.State == ledger.Sent:
		h.Settled++
		return nil
	case ok && rec.State == ledger.NotSent:
		row.Status, row.Reason = planfile.StatusSkipped, "not sent; the next run sends it"
	}
	add(h, row, shown, most)
	return nil
}

// addRecords shows a run by the ledger alone: one whose plan is gone, or one
// that was diverted.
func addRecords(known map[int64]ledger.Record, h *ui.HistoryDocument, most int) {
	for _, seq := range slices.Sorted(maps.Keys(known)) {
		rec := known[seq]
		planned := planfile.Send{Seq: seq, Step: rec.Step, Contact: rec.Contact, Status: planfile.StatusPlanned}
		row, ok := rowOf(planned, known, ledger.Run{})
		add(h, row, ok, most)
	}
}

// add counts a row, and keeps it while there are not too many.
func add(h *ui.HistoryDocument, row ui.RowDocument, shown bool, most int) {
	if row.Status == planfile.StatusUnknown {
		h.Unknown++
	}
	switch {
	case row.Status == planfile.StatusSent:
		h.Sent++
	case !shown:
	case most >= 0 && len(h.Rows) == most:
		h.NotShown++
	default:
		h.Rows = append(h.Rows, row)
	}
}

// rowOf says what became of a row; ok is false for one that needs no line of
// its own: sent, sent before, or left out for a reason that is counted.
func rowOf(r planfile.Send, known map[int64]ledger.Record, run ledger.Run) (ui.RowDocument, bool) {
	row := ui.RowDocument{Seq: r.Seq, Step: r.Step, Contact: r.Contact, Key: r.Key, Status: r.Status, Reason: r.Reason}
	switch r.Status {
	case planfile.StatusUnknown, planfile.StatusRefused:
		return row, true
	case planfile.StatusPlanned:
	default:
		return row, false
	}
	rec, ok := known[r.Seq]
	row.Reason = rec.Reason
	switch {
	case ok && rec.State == ledger.Sent:
		row.Status = planfile.StatusSent
		return row, false
	case ok && rec.State == ledger.Refused:
		row.Status = planfile.StatusFailed
	case ok && rec.State == ledger.Unknown:
		row.Status = planfile.StatusUnknown
	case ok && rec.State == ledger.Intent:
		row.Status, row.Reason = planfile.StatusUnknown, "it was being sent when the run was last heard of"
	default:
		row.Status = planfile.StatusSkipped
		if row.Reason == "" {
			row.Reason = "not tried"
			if run.Reason != "" {
				row.Reason += ": " + run.Reason
			}
		}
	}
	return row, true
}
