package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/planfile"
	"github.com/flowrunner/flowrunner/internal/ui"
)

func newWhy(a *app) *cobra.Command {
	var o stateFlags
	var flow string
	cmd := &cobra.Command{
		Use:   "why CONTACT",
		Short: "Tell what one contact was sent, and why not more",
		Long: "why shows everything that the ledger knows about one contact, newest first,\n" +
			"with what people decided; and what the plan of each flow's last run said\n" +
			"about this contact. Nothing is called.",
		Example: "  flowrunner why 70012\n  flowrunner why 70012 --flow winback -o json",
		Args:    exactly(1, "the id of one CONTACT"),
		RunE: func(_ *cobra.Command, args []string) error {
			contact, err := strconv.Atoi(args[0])
			if err != nil || contact < 1 {
				return &usageError{fmt.Sprintf("%q is no contact's id", args[0]), "give the number that stands in the address of the chat, such as flowrunner why 70012"}
			}
			return why(a, o, contact, flow)
		},
	}
	f := cmd.Flags()
	o.register(f)
	outputFlag(a, f)
	f.StringVar(&flow, "flow", "", "only what this flow did")
	return cmd
}

func why(a *app, o stateFlags, contact int, flow string) error {
	ctx := a.signals.drain
	st, err := stateHere(o)
	if err != nil {
		return err
	}
	store, err := st.read(ctx)
	if err != nil {
		return err
	}
	defer store.Close()
	d := &ui.WhyDocument{Contact: contact, Sends: []ui.SendDocument{}, Plans: []ui.StandingDocument{}}
	decided, err := decisionsOf(ctx, store)
	if err != nil {
		return err
	}
	for rec, err := range store.Records(ctx, ledger.Filter{Contact: contact, Flow: flow}) {
		if err != nil {
			return err
		}
		d.Sends = append(d.Sends, ui.SendOf(rec, decided[rec.Identity.String()]))
	}
	slices.SortStableFunc(d.Sends, func(x, y ui.SendDocument) int {
		return cmp.Or(y.At.Compare(x.At), cmp.Compare(y.Seq, x.Seq))
	})
	seen := map[string]bool{}
	for run, err := range store.Runs(ctx) {
		if err != nil {
			return err
		}
		plans := planFiles(st, run.ID)
		if seen[run.Flow] || len(plans) == 0 || flow != "" && run.Flow != flow {
			continue
		}
		seen[run.Flow] = true
		standing, err := standingIn(ctx, run, plans, contact)
		if err != nil {
			return err
		}
		d.Plans = append(d.Plans, standing)
	}
	a.doc.Why = d
	if !a.json {
		a.outStyle().Why(a.stdout, d)
	}
	return nil
}

// standingIn reads what a run's plans say about a contact. A row that was left
// out names nobody, so it counts as the contact's when its iteration writes to
// the contact elsewhere; of a contact without any row it is known only whom the
// steps left out, and why.
func standingIn(ctx context.Context, run ledger.Run, plans []string, contact int) (ui.StandingDocument, error) {
	d := ui.StandingDocument{Run: run.ID, Flow: run.Flow, Campaign: run.Campaign, Started: run.Started, Rows: []ui.RowDocument{}}
	units := map[int64]bool{}
	each := func(see func(any)) error {
		for _, path := range plans {
			for rec, err := range planfile.Records(path) {
				if err == nil {
					err = ctx.Err()
				}
				if err != nil {
					return err
				}
				see(rec)
			}
		}
		return nil
	}
	var leftOut []ui.ReasonDocument
	err := each(func(rec any) {
		switch r := rec.(type) {
		case planfile.Send:
			if r.Contact == contact {
				units[r.Unit] = true
			}
		case planfile.LeftOut:
			leftOut = append(leftOut, ui.ReasonDocument{Step: r.Step, Reason: r.Reason, Count: r.Count})
		}
	})
	if err != nil || len(units) == 0 {
		d.LeftOut = leftOut
		return d, err
	}
	err = each(func(rec any) {
		r, ok := rec.(planfile.Send)
		if ok && (r.Contact == contact || r.Status == planfile.StatusLeftOut && units[r.Unit]) {
			d.Rows = append(d.Rows, ui.RowDocument{Seq: r.Seq, Step: r.Step, Contact: r.Contact, Key: r.Key, Status: r.Status, Reason: r.Reason})
		}
	})
	return d, err
}
