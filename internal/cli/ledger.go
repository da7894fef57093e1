package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/flowrunner/flowrunner/engine/ledger"
	"github.com/flowrunner/flowrunner/engine/ledger/sqlite"
	"github.com/flowrunner/flowrunner/internal/ui"
)

// standardStream is the file name that means standard input or output.
const standardStream = "-"

func newLedger(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "ledger",
		Short: "Show the memory of who was sent what, export and import it",
		Args:  cobra.ArbitraryArgs,
		RunE:  needsCommand,
	}
	var shown, exported stateFlags
	show := &cobra.Command{
		Use:   "show",
		Short: "Show which ledger is here, and how much it knows",
		Args:  atMost(0, "no arguments"),
		RunE:  func(*cobra.Command, []string) error { return showLedger(a, shown) },
	}
	shown.register(show.Flags())
	outputFlag(a, show.Flags())
	export := &cobra.Command{
		Use:   "export [FILE|-]",
		Short: "Write everything that the ledger knows into a file",
		Long: "export writes every run, send and decision as lines of JSON, as they are at\n" +
			"one moment; a run may go on meanwhile. The file ends with its own hash, and\n" +
			"holds no message texts. Without FILE it goes to standard output.",
		Args: atMost(1, "at most one FILE"),
		RunE: func(_ *cobra.Command, args []string) error {
			return exportLedger(a, exported, append(args, standardStream)[0])
		},
	}
	exported.register(export.Flags())
	cmd.AddCommand(show, export, newImport(a), newRecover(a))
	return cmd
}

func showLedger(a *app, o stateFlags) error {
	ctx := a.signals.drain
	st, store, err := readHere(ctx, o)
	if err != nil {
		return err
	}
	defer store.Close()
	d, err := ledgerDocument(ctx, st, store)
	if err != nil {
		return err
	}
	a.doc.Ledger = d
	if !a.json {
		a.outStyle().Ledger(a.stdout, d)
	}
	return nil
}

func ledgerDocument(ctx context.Context, st state, store *sqlite.Store) (*ui.LedgerDocument, error) {
	d := &ui.LedgerDocument{Path: shorten(st.ledger()), Lineage: store.Lineage(), Sends: map[string]int{}, Scopes: []ledger.ScopeSerial{}}
	if p := st.project; p != nil && !st.sandbox {
		d.Pinned = p.ledger
	}
	var err error
	if d.Merged, err = store.Merged(ctx); err != nil {
		return nil, err
	}
	if d.Serial, err = store.Changes(ctx); err != nil {
		return nil, err
	}
	type scope struct{ flow, campaign string }
	seen := map[scope]bool{}
	for run, err := range store.Runs(ctx) {
		if err != nil {
			return nil, err
		}
		d.Runs++
		if key := (scope{run.Flow, run.Campaign}); !seen[key] {
			seen[key] = true
			serial, err := store.Serial(ctx, run.Flow, run.Campaign)
			if err != nil {
				return nil, err
			}
			d.Scopes = append(d.Scopes, ledger.ScopeSerial{Flow: run.Flow, Campaign: run.Campaign, Serial: serial})
		}
	}
	for rec, err := range store.Records(ctx, ledger.Filter{}) {
		if err != nil {
			return nil, err
		}
		d.Sends[rec.State.String()]++
	}
	for _, err := range store.Decisions(ctx, ledger.Identity{}) {
		if err != nil {
			return nil, err
		}
		d.Decisions++
	}
	return d, nil
}

func exportLedger(a *app, o stateFlags, file string) (err error) {
	ctx := a.signals.drain
	_, store, err := readHere(ctx, o)
	if err != nil {
		return err
	}
	defer store.Close()
	if file == standardStream {
		return store.Export(ctx, a.stdout)
	}
	if err := writeWhole(file, func(w io.Writer) error { return store.Export(ctx, w) }); err != nil {
		return err
	}
	fmt.Fprintf(a.stderr, "Wrote the ledger %s to %s.\n", store.Lineage(), ui.Safe(file))
	return nil
}
