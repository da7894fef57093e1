package cli

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine/history"
	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/internal/ui"
)

func newWhy(a *app) *cobra.Command {
	var o stateFlags
	var flow string
	var form *string
	cmd := &cobra.Command{
		Use:   "why CONTACT",
		Short: "Tell what one contact was sent, and why not more",
		Long: "why shows everything that the ledger knows about one contact, newest first,\n" +
			"with what people decided; and how the plan of each run stood to this contact:\n" +
			"included by which step, or excluded by which condition. Nothing is called.",
		Example: "  flowrunner why 70012\n  flowrunner why 70012 --flow winback -o json",
		Args:    exactly(1, "the id of one CONTACT"),
		RunE: func(_ *cobra.Command, args []string) error {
			contact, err := strconv.Atoi(args[0])
			if err != nil || contact < 1 {
				return &usageError{fmt.Sprintf("%q is no contact's id", args[0]), "give the number that stands in the address of the chat, such as flowrunner why 70012"}
			}
			return why(a, o, contact, flow, *form)
		},
	}
	f := cmd.Flags()
	o.register(f)
	form = outputFlag(a, f, "csv")
	f.StringVar(&flow, "flow", "", "only what this flow did, by its `name`")
	return cmd
}

func why(a *app, o stateFlags, contact int, flow, form string) error {
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
	for o, err := range store.OptOuts(ctx, &ledger.Whom{Contact: contact}) {
		if err != nil {
			return err
		}
		d.OptOuts = append(d.OptOuts, ui.OptOutDocument{Word: o.Word, MessageID: o.MessageID, At: o.At})
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
		if len(plans) == 0 || flow != "" && run.Flow != flow {
			continue
		}
		rows, leftOut, err := history.Of(ctx, store, run, plans, contact)
		if err != nil {
			return err
		}
		if len(rows) > 0 || !seen[run.Flow] {
			d.Plans = append(d.Plans, ui.StandingOf(run, rows, leftOut))
		}
		seen[run.Flow] = true
	}
	a.doc.Why = d
	switch {
	case a.json:
	case form == "csv":
		return d.WriteCSV(a.stdout)
	default:
		a.outStyle().Why(a.stdout, d)
	}
	return nil
}
